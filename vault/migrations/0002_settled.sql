-- +goose Up
-- Whether what a deposit brought was written anew after its day: what is in
-- the log and not settled was interrupted, and is written anew at the next start.
ALTER TABLE deposits ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deposits_unsettled ON deposits (day) WHERE settled = 0;
