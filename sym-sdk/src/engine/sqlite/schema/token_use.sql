-- The time of the last use of a token, to the day: that of the first use on that day. NULL if it was never used, or only before this column
-- was there.
ALTER TABLE tokens ADD COLUMN last_used_at INTEGER;
