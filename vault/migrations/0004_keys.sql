-- +goose Up
-- A table without row numbers repeats a part of each row's bytes on the way to
-- it, four rows a page: with sealed objects in the rows, most pages that a
-- deposit changed were of that way. Numbers in its place are random, and say
-- which case a row belongs to and no more: neither an order nor a time.

CREATE TABLE new_objects (
	id      INTEGER NOT NULL PRIMARY KEY,
	digest  BLOB NOT NULL UNIQUE,
	case_id TEXT NOT NULL,
	deposit BLOB,                          -- digest of the deposit it came with
	role    TEXT NOT NULL,
	size    INTEGER NOT NULL,
	day     TEXT NOT NULL,
	member  TEXT NOT NULL DEFAULT '',      -- who handed it in
	seq     INTEGER NOT NULL DEFAULT 0,    -- record of that
	data    BLOB                           -- NULL: a file in blobs/
) STRICT;
INSERT INTO new_objects SELECT random(), digest, case_id, deposit, role, size, day, member, seq, data FROM objects;
DROP TABLE objects;
ALTER TABLE new_objects RENAME TO objects;
-- All but the data, so that lists don't touch the pages that hold it.
CREATE INDEX objects_of_case ON objects (case_id, digest, role, day, seq, size, member);

CREATE TABLE new_wraps (
	id        INTEGER NOT NULL PRIMARY KEY,
	case_id   TEXT NOT NULL,
	member    TEXT NOT NULL,
	digest    BLOB NOT NULL,
	salt      BLOB,                        -- of the leaf, if wrapped at the deposit
	grant_seq INTEGER NOT NULL DEFAULT 0,  -- record of the grant, if not
	read      INTEGER NOT NULL DEFAULT 0,  -- letters, answers and notes at the last opening
	data      BLOB NOT NULL,
	UNIQUE (member, case_id)
) STRICT;
INSERT INTO new_wraps SELECT random(), case_id, member, digest, salt, grant_seq, read, data FROM wraps;
DROP TABLE wraps;
ALTER TABLE new_wraps RENAME TO wraps;
CREATE INDEX wraps_of_case ON wraps (case_id, member);
