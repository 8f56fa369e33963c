-- +goose Up
-- No column of a reporter's is finer than a day, no table has a hidden row
-- number that tells an order, and every key is random or a digest.

CREATE TABLE cases (
	case_id  TEXT NOT NULL PRIMARY KEY,
	lookup   BLOB NOT NULL UNIQUE,      -- hash of the look-up value
	day      TEXT NOT NULL,             -- of the first deposit
	leaves   BLOB NOT NULL,             -- commitment to the readers: the hashes of all leaves, ascending
	assigned TEXT NOT NULL DEFAULT ''   -- member
) STRICT, WITHOUT ROWID;

CREATE TABLE wraps (
	case_id   TEXT NOT NULL,
	member    TEXT NOT NULL,
	digest    BLOB NOT NULL,
	data      BLOB NOT NULL,
	salt      BLOB,                        -- of the leaf, if wrapped at the deposit
	grant_seq INTEGER NOT NULL DEFAULT 0,  -- record of the grant, if not
	read      INTEGER NOT NULL DEFAULT 0,  -- letters, answers and notes at the last opening
	PRIMARY KEY (case_id, member)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX wraps_of_member ON wraps (member, case_id);

CREATE TABLE deposits (
	digest  BLOB NOT NULL PRIMARY KEY,
	case_id TEXT NOT NULL,
	tag     BLOB NOT NULL,                 -- of the form
	salt    BLOB NOT NULL,
	wraps   TEXT NOT NULL,                 -- "N root" of the commitment, or "-"
	day     TEXT NOT NULL,
	receipt TEXT NOT NULL,
	seq     INTEGER NOT NULL DEFAULT -1,   -- record, once it is in the log
	settled INTEGER NOT NULL DEFAULT 0,    -- 1 once what it brought was written anew after its day
	UNIQUE (case_id, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE objects (
	digest  BLOB NOT NULL PRIMARY KEY,
	case_id TEXT NOT NULL,
	deposit BLOB,                          -- digest of the deposit it came with
	role    TEXT NOT NULL,
	size    INTEGER NOT NULL,
	day     TEXT NOT NULL,
	member  TEXT NOT NULL DEFAULT '',      -- who handed it in
	seq     INTEGER NOT NULL DEFAULT 0,    -- record of that
	data    BLOB                           -- NULL: a file in blobs/
) STRICT, WITHOUT ROWID;
-- All but the data, so that lists don't touch the pages that hold it.
CREATE INDEX objects_of_case ON objects (case_id, digest, role, day, seq, size, member);

-- The access log. hashes has what tlog.StoredHashes gives for the record.
CREATE TABLE records (
	seq     INTEGER NOT NULL PRIMARY KEY,
	leaf    BLOB NOT NULL,
	hashes  BLOB NOT NULL,
	case_id TEXT NOT NULL DEFAULT '',
	member  TEXT NOT NULL DEFAULT '',
	action  TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX records_of_case ON records (case_id, seq) WHERE case_id <> '';

CREATE TABLE nonces (
	nonce BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE rosters (
	digest  BLOB NOT NULL PRIMARY KEY,
	version INTEGER NOT NULL UNIQUE,
	signed  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
