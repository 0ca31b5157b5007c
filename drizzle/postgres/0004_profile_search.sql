DROP INDEX "api_key_profiles_all_of_user";--> statement-breakpoint
CREATE INDEX "api_key_profiles_all_of_user" ON "api_key_profiles" USING btree ("user_id" text_pattern_ops);