PRAGMA user_version = 4;
BEGIN TRANSACTION;
CREATE TABLE files (
  ref TEXT NOT NULL, path TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
  saved REAL NOT NULL
);
CREATE TABLE jobs (
  ref TEXT PRIMARY KEY, state TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL,
  host TEXT NOT NULL, action TEXT NOT NULL, body TEXT, body_digest TEXT, schema_digest TEXT,
  family TEXT, media TEXT, task_ids TEXT NOT NULL DEFAULT '[]', said TEXT, cost REAL,
  reply TEXT, error TEXT
, seconds REAL, target TEXT, holder TEXT, sent TEXT);
INSERT INTO "jobs" VALUES('393cab25-a106-4dda-96a4-6ae90a1ba3d1','running',1.79609534891832709315e+09,1.79609534908848285676e+09,'@HOST@','ai.video.generate','{"prompt":"waves at dusk"}','eaf23e7de35b02f21437ee1627905ccca25f06265f09a768c0cbe4c97d674144','7885ec706d2b69694d600c83534f20838cd22aec242fae1f4019bfd6cbe1d8b1','{"create": "ai.video.generate", "wait": "ai.video.generate_and_wait", "query": "ai.video.query", "task_key": "taskId", "timeout_ms": 600000}','["videoUrl", "imageUrl"]','["@TASK@"]','pending',NULL,NULL,NULL,NULL,'@TARGET@','8bd05dc56235afe7.running','[]');
CREATE TABLE origins (origin TEXT PRIMARY KEY, idempotency INTEGER NOT NULL, seen REAL);
CREATE INDEX jobs_by_time ON jobs (created);
CREATE INDEX jobs_by_action ON jobs (action, host, created);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX files_by_ref ON files (ref);
COMMIT;
