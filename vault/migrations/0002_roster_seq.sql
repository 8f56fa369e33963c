-- +goose Up
-- Which record of the log says that a roster holds, so that it can be proven.
ALTER TABLE rosters ADD COLUMN seq INTEGER NOT NULL DEFAULT -1;
UPDATE rosters SET seq = coalesce((
	SELECT r.seq FROM records r
	WHERE r.case_id = '' AND r.member = '' AND r.action = ''
		AND instr(CAST(r.leaf AS TEXT), char(10) || 'kind roster' || char(10) || 'roster ' || version || ' ' || lower(hex(digest)) || ' ') > 0
), -1);
