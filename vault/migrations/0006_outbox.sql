-- +goose Up
-- How far the forwarding of each case to the main queue has come: see
-- crypto/accesslog. Its documents are objects of the case.
CREATE TABLE outbox (
	case_id  TEXT NOT NULL PRIMARY KEY,
	state    TEXT NOT NULL,
	day      TEXT NOT NULL,
	seq      INTEGER NOT NULL,             -- record that brought it to this state
	draft    BLOB NOT NULL,                -- digest
	prepared TEXT NOT NULL,                -- member
	item     BLOB,                         -- digest, once it is approved
	approved TEXT NOT NULL DEFAULT '',     -- member
	approval INTEGER NOT NULL DEFAULT 0,   -- record
	outcome  BLOB                          -- digest of the newest
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_of_state ON outbox (state);
