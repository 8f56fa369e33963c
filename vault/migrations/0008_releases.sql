-- +goose Up
-- So is which release runs.
DROP INDEX records_own;
CREATE INDEX records_own ON records (action, seq) WHERE action IN ('backup', 'restore', 'release');
