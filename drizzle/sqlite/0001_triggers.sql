INSERT OR IGNORE INTO api_key_generation (id, value) VALUES (1, 1);
--> statement-breakpoint
CREATE TRIGGER api_keys_changed AFTER UPDATE OF id, profile_id, name, digest, nonce, revoked_at ON api_keys BEGIN UPDATE api_key_generation SET value = value + 1; END;
--> statement-breakpoint
CREATE TRIGGER api_keys_deleted AFTER DELETE ON api_keys BEGIN UPDATE api_key_generation SET value = value + 1; END;
--> statement-breakpoint
CREATE TRIGGER api_keys_replaced BEFORE INSERT ON api_keys WHEN EXISTS (SELECT 1 FROM api_keys WHERE id = NEW.id OR digest = NEW.digest OR nonce = NEW.nonce) BEGIN UPDATE api_key_generation SET value = value + 1; END;
--> statement-breakpoint
CREATE TRIGGER api_key_profiles_changed AFTER UPDATE OF id, user_id, can_use_api, deleted_at ON api_key_profiles BEGIN UPDATE api_key_generation SET value = value + 1; END;
--> statement-breakpoint
CREATE TRIGGER api_key_profiles_deleted AFTER DELETE ON api_key_profiles BEGIN UPDATE api_key_generation SET value = value + 1; END;
--> statement-breakpoint
CREATE TRIGGER api_key_profiles_replaced BEFORE INSERT ON api_key_profiles WHEN EXISTS (SELECT 1 FROM api_key_profiles WHERE id = NEW.id OR (user_id = NEW.user_id AND deleted_at IS NULL)) BEGIN UPDATE api_key_generation SET value = value + 1; END;
