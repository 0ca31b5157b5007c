DROP TRIGGER api_keys_changed;
--> statement-breakpoint
CREATE TRIGGER api_keys_changed AFTER UPDATE OF id, profile_id, name, digest, nonce, revoked_at, scopes, expires_at, enabled, previous_digest, previous_until, allowed_ips, rate_max, rate_window, quota_max, quota_every ON api_keys BEGIN UPDATE api_key_generation SET value = value + 1; END;
--> statement-breakpoint
DROP TRIGGER api_keys_replaced;
--> statement-breakpoint
CREATE TRIGGER api_keys_replaced BEFORE INSERT ON api_keys WHEN EXISTS (SELECT 1 FROM api_keys WHERE id = NEW.id OR digest = NEW.digest OR nonce = NEW.nonce OR previous_digest = NEW.previous_digest) BEGIN UPDATE api_key_generation SET value = value + 1; END;
--> statement-breakpoint
DROP TRIGGER api_key_profiles_changed;
--> statement-breakpoint
CREATE TRIGGER api_key_profiles_changed AFTER UPDATE OF id, user_id, can_use_api, deleted_at, group_name, scopes, rate_max, rate_window, quota_max, quota_every ON api_key_profiles BEGIN UPDATE api_key_generation SET value = value + 1; END;
