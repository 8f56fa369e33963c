-- +goose Up
-- What a reporter may have destroyed, and the key that says who the reporter
-- is. Cases that came before have none.

ALTER TABLE cases ADD COLUMN reporter BLOB;                       -- Ed25519 public key, derived from the code
ALTER TABLE deposits ADD COLUMN logged TEXT NOT NULL DEFAULT '';  -- day of the batch that has it, if known

CREATE TABLE destroyed (
	digest    BLOB NOT NULL PRIMARY KEY,   -- of an answer, whose row in objects stays without its data
	case_id   TEXT NOT NULL,
	day       TEXT NOT NULL,
	signature BLOB NOT NULL,               -- the reporter's
	seq       INTEGER NOT NULL DEFAULT -1, -- record, once it is in the log
	settled   INTEGER NOT NULL DEFAULT 0   -- 1 once the row was written anew after its day
) STRICT, WITHOUT ROWID;
