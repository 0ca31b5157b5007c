CREATE TABLE `api_key_generation` (
	`id` integer PRIMARY KEY NOT NULL,
	`value` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`profile_id` integer NOT NULL,
	`name` text NOT NULL,
	`start` text NOT NULL,
	`digest` blob NOT NULL,
	`nonce` text,
	`created_at` integer NOT NULL,
	`revoked_at` integer,
	FOREIGN KEY (`profile_id`) REFERENCES `api_key_profiles`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "api_keys_digest_size" CHECK(length(digest) = 32)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_digest` ON `api_keys` (`digest`);--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_nonce` ON `api_keys` (`nonce`) WHERE nonce IS NOT NULL;--> statement-breakpoint
CREATE INDEX `api_keys_profile` ON `api_keys` (`profile_id`);--> statement-breakpoint
CREATE TABLE `api_key_profiles` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` text NOT NULL,
	`max_keys` integer,
	`can_use_api` integer,
	`can_make_keys` integer,
	`last_access_at` integer,
	`created_at` integer NOT NULL,
	`deleted_at` integer,
	CONSTRAINT "api_key_profiles_max_keys" CHECK(max_keys >= -1)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_key_profiles_user` ON `api_key_profiles` (`user_id`) WHERE deleted_at IS NULL;--> statement-breakpoint
CREATE INDEX `api_key_profiles_all_of_user` ON `api_key_profiles` (`user_id`);--> statement-breakpoint
CREATE TABLE `api_key_uses` (
	`key_id` text PRIMARY KEY NOT NULL,
	`last_used_at` integer,
	`logged_ip` text,
	`logged_out_at` integer,
	FOREIGN KEY (`key_id`) REFERENCES `api_keys`(`id`) ON UPDATE cascade ON DELETE cascade
) WITHOUT ROWID;
