CREATE TABLE `api_key_use_log` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`uses` text NOT NULL
);
