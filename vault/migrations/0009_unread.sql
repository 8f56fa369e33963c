-- +goose Up
-- An opening that gave its member nothing to read doesn't count: what was unread
-- before is unread again.
ALTER TABLE wraps ADD COLUMN read_before INTEGER NOT NULL DEFAULT 0;  -- what read was before the last opening
