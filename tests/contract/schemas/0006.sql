BEGIN TRANSACTION;
CREATE TABLE account_quotas (
	account_id INTEGER NOT NULL, 
	pool VARCHAR(32) NOT NULL, 
	tier VARCHAR(8) NOT NULL, 
	state INTEGER NOT NULL, 
	returns_at DOUBLE, 
	in_flight INTEGER NOT NULL, 
	quota_order INTEGER NOT NULL, 
	used_at DOUBLE NOT NULL, 
	remaining INTEGER, 
	window_ends_at DOUBLE, 
	cooldown_until DOUBLE, 
	rest_until_request BIGINT, 
	rest_until_at DOUBLE, held INTEGER DEFAULT '0' NOT NULL, taken BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_account_quotas PRIMARY KEY (account_id, pool), 
	CONSTRAINT fk_account_quotas_account_id_accounts FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);
INSERT INTO "account_quotas" VALUES(1,'default','basic',0,NULL,1,-7,1700000000.0,7,NULL,NULL,NULL,NULL,1,3);
INSERT INTO "account_quotas" VALUES(1,'heavy','basic',0,NULL,1,-1000000000,1700000000.0,NULL,NULL,NULL,NULL,NULL,0,0);
INSERT INTO "account_quotas" VALUES(2,'default','super',2,1700003600.0,0,-1000000000,1700000000.0,NULL,NULL,1700003600.0,NULL,NULL,0,1);
INSERT INTO "account_quotas" VALUES(2,'heavy','super',0,NULL,0,-1000000000,1700000000.0,NULL,NULL,NULL,NULL,NULL,0,0);
CREATE TABLE account_tags (
	account_id INTEGER NOT NULL, 
	tag VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_account_tags PRIMARY KEY (account_id, tag), 
	CONSTRAINT fk_account_tags_account_id_accounts FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);
INSERT INTO "account_tags" VALUES(1,'may');
CREATE TABLE accounts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	digest VARCHAR(64) NOT NULL, 
	secret TEXT NOT NULL, 
	tier VARCHAR(8) NOT NULL, 
	created_at DOUBLE NOT NULL, 
	disabled BOOLEAN NOT NULL, 
	expired_reason VARCHAR(64), 
	strikes INTEGER NOT NULL, 
	failed_count INTEGER NOT NULL, 
	last_failure_at DOUBLE, 
	last_failure_reason VARCHAR(255), 
	note TEXT NOT NULL, 
	last_used_at DOUBLE, 
	request_count BIGINT NOT NULL, hint VARCHAR(32) DEFAULT '' NOT NULL, checked_at DOUBLE DEFAULT '0' NOT NULL, 
	CONSTRAINT uq_accounts_digest UNIQUE (digest)
);
INSERT INTO "accounts" VALUES(1,'72a8d9d4b960b2eca387a3c881d5c08bf112ec68ff252748e18e7c1473294f96','basic-000000','basic',1700000000.0,0,NULL,0,0,NULL,NULL,'bought in May',1700000000.0,2,'basi…0000',1700000000.0);
INSERT INTO "accounts" VALUES(2,'bae8d20a9fde30f43980ed445c28d6e21096aa636e11f5547a932f9f4d94ed57','super-000000','super',1700000000.0,0,NULL,0,1,1700000000.0,'rate_limited','',1700000000.0,1,'supe…0000',0.0);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0006');
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at DOUBLE NOT NULL, 
	username VARCHAR(255) NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	action VARCHAR(64) NOT NULL, 
	detail TEXT NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (id)
);
CREATE TABLE counters (
	name VARCHAR(64) NOT NULL, 
	value BIGINT NOT NULL, 
	CONSTRAINT pk_counters PRIMARY KEY (name)
);
INSERT INTO "counters" VALUES('settings_version',1);
CREATE TABLE good_addresses (
	address VARCHAR(64) NOT NULL, 
	good_at DOUBLE NOT NULL, 
	CONSTRAINT pk_good_addresses PRIMARY KEY (address)
);
CREATE TABLE jobs (
	name VARCHAR(64) NOT NULL, 
	owner VARCHAR(64) NOT NULL, 
	started_at DOUBLE NOT NULL, 
	beat_at DOUBLE NOT NULL, 
	ended_at DOUBLE, 
	total INTEGER NOT NULL, 
	success INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	CONSTRAINT pk_jobs PRIMARY KEY (name)
);
CREATE TABLE kept_values (
	name VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_kept_values PRIMARY KEY (name)
);
INSERT INTO "kept_values" VALUES('session_key','kept');
CREATE TABLE leases (
	id VARCHAR(32) NOT NULL, 
	account_id INTEGER NOT NULL, 
	expires_at DOUBLE NOT NULL, pool VARCHAR(32) DEFAULT 'default' NOT NULL, cost INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_leases PRIMARY KEY (id), 
	CONSTRAINT fk_leases_account_id_accounts FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);
INSERT INTO "leases" VALUES('930f9a93bf1849c695668883de57e60f',1,1700000045.0,'default',1);
CREATE TABLE login_failures (
	name VARCHAR(80) NOT NULL, 
	failures INTEGER NOT NULL, 
	started_at DOUBLE NOT NULL, 
	held_until DOUBLE NOT NULL, 
	CONSTRAINT pk_login_failures PRIMARY KEY (name)
);
CREATE TABLE media (
	path VARCHAR(200) NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	account_id INTEGER NOT NULL, 
	created_at DOUBLE NOT NULL, 
	CONSTRAINT pk_media PRIMARY KEY (path)
);
CREATE TABLE responses (
	id VARCHAR(64) NOT NULL, 
	owner VARCHAR(64) NOT NULL, 
	expires_at DOUBLE NOT NULL, 
	body TEXT NOT NULL, 
	CONSTRAINT pk_responses PRIMARY KEY (id)
);
CREATE TABLE sessions (
	digest VARCHAR(64) NOT NULL, 
	username VARCHAR(255) NOT NULL, 
	csrf_token VARCHAR(64) NOT NULL, 
	created_at DOUBLE NOT NULL, 
	seen_at DOUBLE NOT NULL, 
	CONSTRAINT pk_sessions PRIMARY KEY (digest)
);
INSERT INTO "sessions" VALUES('dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','admin','csrf',1700000000.0,1700000000.0);
CREATE TABLE settings (
	name VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_settings PRIMARY KEY (name)
);
INSERT INTO "settings" VALUES('image_mode','"url"');
INSERT INTO "settings" VALUES('stream_chunk_timeout','120');
CREATE TABLE usage_counts (
	span_s INTEGER NOT NULL, 
	start BIGINT NOT NULL, 
	name VARCHAR(32) NOT NULL, 
	count BIGINT NOT NULL, 
	CONSTRAINT pk_usage_counts PRIMARY KEY (span_s, start, name)
);
CREATE TABLE void_leases (
	id VARCHAR(32) NOT NULL, 
	account_id INTEGER NOT NULL, 
	void_at DOUBLE NOT NULL, 
	CONSTRAINT pk_void_leases PRIMARY KEY (id), 
	CONSTRAINT fk_void_leases_account_id_accounts FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);
CREATE INDEX ix_account_tags_tag ON account_tags (tag);
CREATE INDEX ix_account_quotas_choice ON account_quotas (pool, tier, state, in_flight, quota_order, used_at);
CREATE INDEX ix_account_quotas_return ON account_quotas (pool, returns_at);
CREATE INDEX ix_account_quotas_rest ON account_quotas (pool, rest_until_request);
CREATE INDEX ix_leases_expires_at ON leases (expires_at);
CREATE INDEX ix_sessions_seen_at ON sessions (seen_at);
CREATE INDEX ix_accounts_stale ON accounts (disabled, checked_at);
CREATE INDEX ix_void_leases_void_at ON void_leases (void_at);
CREATE INDEX ix_responses_expires_at ON responses (expires_at);
CREATE INDEX ix_media_created ON media (created_at, path, kind, account_id);
CREATE INDEX ix_media_kind ON media (kind, created_at, path, account_id);
CREATE INDEX ix_login_failures_held_until ON login_failures (held_until);
CREATE INDEX ix_good_addresses_good_at ON good_addresses (good_at);
CREATE INDEX ix_audit_at ON audit (at, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('accounts',2);
COMMIT;
