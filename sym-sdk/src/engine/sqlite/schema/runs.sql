-- Times are nanoseconds since 1970; ids are the 16 bytes of their UUID.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (key, value) VALUES ('clean', 1);

-- `end_timer` (a generation) and `end_effect` (a number) name what ends the access of a Run. `endless` is set if its state names
-- neither, although it should.
CREATE TABLE runs (
    id              BLOB PRIMARY KEY,
    version         INTEGER NOT NULL,
    flow            TEXT NOT NULL,
    status          TEXT NOT NULL,
    may_hold_access INTEGER NOT NULL,
    stuck           INTEGER NOT NULL,
    access_until    INTEGER,
    endless         INTEGER NOT NULL,
    end_timer       INTEGER,
    end_effect      INTEGER,
    at_rest         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    state           TEXT NOT NULL
) STRICT;

CREATE INDEX runs_newest ON runs (created_at, id);
CREATE INDEX runs_changed ON runs (at_rest, updated_at);
-- Covers the counts of access health.
CREATE INDEX runs_with_access
    ON runs (created_at, id, flow, may_hold_access, stuck, access_until, endless, end_timer, end_effect)
    WHERE may_hold_access = 1;
CREATE INDEX runs_stuck ON runs (created_at, id) WHERE stuck = 1;

-- `run` is NULL if the first input was refused, so that there is no Run.
CREATE TABLE replies (
    input_key TEXT PRIMARY KEY,
    run       BLOB,
    at        INTEGER NOT NULL,
    reply     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX replies_of_run ON replies (run) WHERE run IS NOT NULL;
CREATE INDEX replies_of_none ON replies (at) WHERE run IS NULL;

-- `ord` is the commit order. `due` is the time from which an effect can be claimed: for a leased one, the end of its lease.
-- `since` is the time from which it could first have been claimed.
CREATE TABLE effects (
    ord       INTEGER PRIMARY KEY,
    run       BLOB NOT NULL,
    seq       INTEGER NOT NULL,
    lane      INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    since     INTEGER NOT NULL,
    claims    INTEGER NOT NULL,
    lost      INTEGER NOT NULL,
    leased    INTEGER NOT NULL,
    exclusive TEXT,
    bulkhead  TEXT NOT NULL,
    effect    TEXT NOT NULL,
    UNIQUE (run, seq)
) STRICT;

CREATE INDEX effects_due ON effects (lane, due);
CREATE INDEX effects_of_bulkhead ON effects (lane, bulkhead, due);
CREATE INDEX effects_leased ON effects (exclusive, due) WHERE leased = 1;
CREATE INDEX effects_in_flight ON effects (lane, bulkhead, due) WHERE leased = 1;

CREATE TABLE timers (
    run        BLOB NOT NULL,
    kind       INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY (run, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX timers_due ON timers (kind, at, run);

CREATE TABLE holders (
    entitlement TEXT NOT NULL,
    run         BLOB NOT NULL,
    PRIMARY KEY (entitlement, run)
) STRICT, WITHOUT ROWID;
