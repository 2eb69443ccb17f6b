-- Columns and indexes by which Runs and audit entries are found. They are projections of the states and entries that there are: see
-- `run_projection.rs`, which fills them here too. The columns come before `state`, because SQLite reads a row from its start.

-- `requester` made the request, `opener` opened a form with which none was made, and `bot` is the username of the bot that began the Run
-- for somebody else. `view_level` is 2 if members may see the Run, 3 if guests may, too, and NULL if a level admits neither;
-- `decide_level` is the same for what waits for a decision, and 0 if a level admits neither. `projection` is a hash of all that is
-- searched, by which a commit sees whether it has changed.
CREATE TABLE runs_with_projection (
    id              BLOB PRIMARY KEY,
    version         INTEGER NOT NULL,
    projection      INTEGER,
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
    requester       BLOB,
    opener          BLOB,
    bot             TEXT,
    target          TEXT,
    source          TEXT,
    is_open         INTEGER NOT NULL DEFAULT 0,
    view_level      INTEGER,
    decide_level    INTEGER,
    self_approval   INTEGER NOT NULL DEFAULT 0,
    state           TEXT NOT NULL
) STRICT;

INSERT INTO runs_with_projection (id, version, flow, status, may_hold_access, stuck, access_until, endless, end_timer, end_effect,
    at_rest, created_at, updated_at, state)
SELECT id, version, flow, status, may_hold_access, stuck, access_until, endless, end_timer, end_effect,
    at_rest, created_at, updated_at, state FROM runs;
DROP TABLE runs;
ALTER TABLE runs_with_projection RENAME TO runs;

CREATE INDEX runs_newest ON runs (created_at, id);
CREATE INDEX runs_changed ON runs (at_rest, updated_at);
-- Covers the counts of access health.
CREATE INDEX runs_with_access
    ON runs (created_at, id, flow, may_hold_access, stuck, access_until, endless, end_timer, end_effect)
    WHERE may_hold_access = 1;
CREATE INDEX runs_stuck ON runs (created_at, id) WHERE stuck = 1;
CREATE INDEX runs_open ON runs (created_at, id) WHERE is_open = 1;
CREATE INDEX runs_of_flow ON runs (flow, created_at, id);
CREATE INDEX runs_by_status ON runs (status, created_at, id);
CREATE INDEX runs_of_requester ON runs (requester, created_at, id) WHERE requester IS NOT NULL;
CREATE INDEX runs_of_opener ON runs (opener, created_at, id) WHERE opener IS NOT NULL;
CREATE INDEX runs_of_bot ON runs (bot, created_at, id) WHERE bot IS NOT NULL;
CREATE INDEX runs_for_target ON runs (target, created_at, id) WHERE target IS NOT NULL;
CREATE INDEX runs_from_source ON runs (source, created_at, id);
CREATE INDEX runs_by_view_level ON runs (view_level, created_at, id) WHERE view_level IS NOT NULL;

-- The users whom permissions name, and those who have decided. `flags` is a sum: 1 if the user may see the Run, 2 if what waits for a
-- decision may be decided by them, 4 if they have approved or denied.
CREATE TABLE run_permissions (
    user       BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    run        BLOB NOT NULL,
    flags      INTEGER NOT NULL,
    PRIMARY KEY (user, created_at, run)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_permissions_of_run ON run_permissions (run);

CREATE INDEX events_by_id ON events (event);

-- The fingerprint of the content that an input with this key had.
ALTER TABLE replies ADD COLUMN fingerprint BLOB;

-- What the log is searched by. `handler` is the name of the handler that an entry names.
ALTER TABLE audit ADD COLUMN at INTEGER;
ALTER TABLE audit ADD COLUMN actor BLOB;
ALTER TABLE audit ADD COLUMN flow TEXT;
ALTER TABLE audit ADD COLUMN kind TEXT;
ALTER TABLE audit ADD COLUMN handler TEXT;

CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_of_actor ON audit (actor);
CREATE INDEX audit_of_kind ON audit (kind);
CREATE INDEX audit_of_handler ON audit (handler) WHERE handler IS NOT NULL;
