-- The lists of access by its end, and of what waits for a decision, of which there can be thousands for people who may see few of them: their
-- indexes have all that decides about that, so that no other row is read.

-- The name and the username of the requester in lower case. `run_projection.rs` fills it here too.
ALTER TABLE runs ADD COLUMN requester_names TEXT;

-- By the rank of `RunOrder::SoonestEndFirst`: the end of the access, of that which has not ended when it was to less the greatest number.
CREATE INDEX runs_by_end ON runs (
    (max(coalesce(access_until, 9223372036854775807), 0) - stuck * 9223372036854775807), id,
    may_hold_access, stuck, access_until, created_at, requester, opener, bot, view_level, decide_level, is_open, self_approval, flow, target,
    requester_names)
    WHERE may_hold_access = 1;

DROP INDEX runs_open;
CREATE INDEX runs_open ON runs (
    created_at, id, is_open, decide_level, self_approval, requester, opener, bot, view_level, flow, target, requester_names)
    WHERE is_open = 1;
