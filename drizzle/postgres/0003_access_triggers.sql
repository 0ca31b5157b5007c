CREATE OR REPLACE FUNCTION api_keys_announce() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_catalog.pg_notify('api_key_changes', 'key ' || pg_catalog.encode(OLD.digest, 'hex') || ' ' || TG_TABLE_SCHEMA); IF OLD.previous_digest IS NOT NULL THEN PERFORM pg_catalog.pg_notify('api_key_changes', 'key ' || pg_catalog.encode(OLD.previous_digest, 'hex') || ' ' || TG_TABLE_SCHEMA); END IF; IF TG_OP = 'UPDATE' AND NEW.digest <> OLD.digest THEN PERFORM pg_catalog.pg_notify('api_key_changes', 'key ' || pg_catalog.encode(NEW.digest, 'hex') || ' ' || TG_TABLE_SCHEMA); END IF; RETURN NULL; END $$;
--> statement-breakpoint
DROP TRIGGER api_keys_changed ON api_keys;
--> statement-breakpoint
CREATE TRIGGER api_keys_changed AFTER UPDATE ON api_keys FOR EACH ROW WHEN ((OLD.id, OLD.profile_id, OLD.name, OLD.digest, OLD.revoked_at, OLD.scopes, OLD.expires_at, OLD.enabled, OLD.previous_digest, OLD.previous_until, OLD.allowed_ips, OLD.rate_max, OLD.rate_window, OLD.quota_max, OLD.quota_every) IS DISTINCT FROM (NEW.id, NEW.profile_id, NEW.name, NEW.digest, NEW.revoked_at, NEW.scopes, NEW.expires_at, NEW.enabled, NEW.previous_digest, NEW.previous_until, NEW.allowed_ips, NEW.rate_max, NEW.rate_window, NEW.quota_max, NEW.quota_every)) EXECUTE FUNCTION api_keys_announce();
--> statement-breakpoint
ALTER TABLE api_keys ENABLE ALWAYS TRIGGER api_keys_changed;
--> statement-breakpoint
DROP TRIGGER api_key_profiles_changed ON api_key_profiles;
--> statement-breakpoint
CREATE TRIGGER api_key_profiles_changed AFTER UPDATE ON api_key_profiles FOR EACH ROW WHEN ((OLD.id, OLD.user_id, OLD.can_use_api, OLD.deleted_at, OLD.group_name, OLD.scopes, OLD.rate_max, OLD.rate_window, OLD.quota_max, OLD.quota_every) IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.can_use_api, NEW.deleted_at, NEW.group_name, NEW.scopes, NEW.rate_max, NEW.rate_window, NEW.quota_max, NEW.quota_every)) EXECUTE FUNCTION api_key_profiles_announce();
--> statement-breakpoint
ALTER TABLE api_key_profiles ENABLE ALWAYS TRIGGER api_key_profiles_changed;
