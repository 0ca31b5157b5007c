CREATE FUNCTION api_keys_announce() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_catalog.pg_notify('api_key_changes', 'key ' || pg_catalog.encode(OLD.digest, 'hex') || ' ' || TG_TABLE_SCHEMA); IF TG_OP = 'UPDATE' AND NEW.digest <> OLD.digest THEN PERFORM pg_catalog.pg_notify('api_key_changes', 'key ' || pg_catalog.encode(NEW.digest, 'hex') || ' ' || TG_TABLE_SCHEMA); END IF; RETURN NULL; END $$;
--> statement-breakpoint
CREATE FUNCTION api_key_profiles_announce() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_catalog.pg_notify('api_key_changes', 'profile ' || OLD.id || ' ' || TG_TABLE_SCHEMA); IF TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN PERFORM pg_catalog.pg_notify('api_key_changes', 'profile ' || NEW.id || ' ' || TG_TABLE_SCHEMA); END IF; RETURN NULL; END $$;
--> statement-breakpoint
CREATE FUNCTION api_key_announce_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_catalog.pg_notify('api_key_changes', 'all *' || ' ' || TG_TABLE_SCHEMA); RETURN NULL; END $$;
--> statement-breakpoint
CREATE TRIGGER api_keys_changed AFTER UPDATE ON api_keys FOR EACH ROW WHEN ((OLD.id, OLD.profile_id, OLD.name, OLD.digest, OLD.revoked_at) IS DISTINCT FROM (NEW.id, NEW.profile_id, NEW.name, NEW.digest, NEW.revoked_at)) EXECUTE FUNCTION api_keys_announce();
--> statement-breakpoint
ALTER TABLE api_keys ENABLE ALWAYS TRIGGER api_keys_changed;
--> statement-breakpoint
CREATE TRIGGER api_keys_deleted AFTER DELETE ON api_keys FOR EACH ROW EXECUTE FUNCTION api_keys_announce();
--> statement-breakpoint
ALTER TABLE api_keys ENABLE ALWAYS TRIGGER api_keys_deleted;
--> statement-breakpoint
CREATE TRIGGER api_keys_truncated AFTER TRUNCATE ON api_keys EXECUTE FUNCTION api_key_announce_all();
--> statement-breakpoint
ALTER TABLE api_keys ENABLE ALWAYS TRIGGER api_keys_truncated;
--> statement-breakpoint
CREATE TRIGGER api_key_profiles_changed AFTER UPDATE ON api_key_profiles FOR EACH ROW WHEN ((OLD.id, OLD.user_id, OLD.can_use_api, OLD.deleted_at) IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.can_use_api, NEW.deleted_at)) EXECUTE FUNCTION api_key_profiles_announce();
--> statement-breakpoint
ALTER TABLE api_key_profiles ENABLE ALWAYS TRIGGER api_key_profiles_changed;
--> statement-breakpoint
CREATE TRIGGER api_key_profiles_deleted AFTER DELETE ON api_key_profiles FOR EACH ROW EXECUTE FUNCTION api_key_profiles_announce();
--> statement-breakpoint
ALTER TABLE api_key_profiles ENABLE ALWAYS TRIGGER api_key_profiles_deleted;
--> statement-breakpoint
CREATE TRIGGER api_key_profiles_truncated AFTER TRUNCATE ON api_key_profiles EXECUTE FUNCTION api_key_announce_all();
--> statement-breakpoint
ALTER TABLE api_key_profiles ENABLE ALWAYS TRIGGER api_key_profiles_truncated;
