-- +goose Up
-- Which record says that the log was restored, or when the last backup was made,
-- is found without reading all records.
CREATE INDEX records_own ON records (action, seq) WHERE action IN ('backup', 'restore');
