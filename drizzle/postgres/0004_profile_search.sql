ALTER INDEX "api_key_profiles_all_of_user" RENAME TO "api_key_profiles_all_of_user_before";--> statement-breakpoint
CREATE INDEX "api_key_profiles_all_of_user" ON "api_key_profiles" USING btree ("user_id" text_pattern_ops);--> statement-breakpoint
DROP INDEX "api_key_profiles_all_of_user_before";