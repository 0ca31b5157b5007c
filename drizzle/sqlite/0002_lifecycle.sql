CREATE TABLE `api_key_history` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`key_id` text,
	`profile_id` integer NOT NULL,
	`user_id` text NOT NULL,
	`actor` text,
	`ip` text,
	`action` text NOT NULL,
	`changes` text
);
--> statement-breakpoint
CREATE INDEX `api_key_history_key` ON `api_key_history` (`key_id`,`id`) WHERE key_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `api_key_history_user` ON `api_key_history` (`user_id`,`id`);--> statement-breakpoint
CREATE TABLE `api_key_usage` (
	`key_id` text NOT NULL,
	`day` integer NOT NULL,
	`outcome` text NOT NULL,
	`count` integer NOT NULL,
	PRIMARY KEY(`key_id`, `day`, `outcome`),
	FOREIGN KEY (`key_id`) REFERENCES `api_keys`(`id`) ON UPDATE cascade ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `api_keys` ADD `revoked_reason` text;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `scopes` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `expires_at` integer;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `enabled` integer;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `previous_digest` blob;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `previous_until` integer;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `rotated_at` integer;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `allowed_ips` text;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `rate_max` integer;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `rate_window` integer;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `quota_max` integer;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `quota_every` integer;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `quota_used` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `quota_since` integer;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `metadata` text;--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_previous_digest` ON `api_keys` (`previous_digest`) WHERE previous_digest IS NOT NULL;--> statement-breakpoint
CREATE INDEX `api_keys_expires` ON `api_keys` (`expires_at`) WHERE expires_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `api_keys_revoked` ON `api_keys` (`revoked_at`) WHERE revoked_at IS NOT NULL;--> statement-breakpoint
ALTER TABLE `api_key_profiles` ADD `group_name` text;--> statement-breakpoint
ALTER TABLE `api_key_profiles` ADD `scopes` text;--> statement-breakpoint
ALTER TABLE `api_key_profiles` ADD `expiry_default` integer;--> statement-breakpoint
ALTER TABLE `api_key_profiles` ADD `expiry_max` integer;--> statement-breakpoint
ALTER TABLE `api_key_profiles` ADD `rate_max` integer;--> statement-breakpoint
ALTER TABLE `api_key_profiles` ADD `rate_window` integer;--> statement-breakpoint
ALTER TABLE `api_key_profiles` ADD `quota_max` integer;--> statement-breakpoint
ALTER TABLE `api_key_profiles` ADD `quota_every` integer;--> statement-breakpoint
ALTER TABLE `api_key_uses` ADD `previous_used_at` integer;