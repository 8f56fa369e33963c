-- +goose Up
-- The newest checkpoint that each witness has cosigned, and under the empty name
-- the newest that has the quorum of the policy then in force.
CREATE TABLE cosigned (
	witness    TEXT NOT NULL PRIMARY KEY,
	size       INTEGER NOT NULL,
	checkpoint TEXT NOT NULL              -- signed note, with the cosignatures
) STRICT, WITHOUT ROWID;
