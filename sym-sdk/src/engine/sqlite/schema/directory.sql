-- A user as JSON, accounts included; `identities` is the index of accounts. Like the directory in memory, NOCASE ignores the case of
-- ASCII letters, and of no others.
CREATE TABLE users (
    id       BLOB PRIMARY KEY,
    username TEXT NOT NULL COLLATE NOCASE UNIQUE,
    user     TEXT NOT NULL
) STRICT;

CREATE TABLE identities (
    service    TEXT NOT NULL COLLATE NOCASE,
    service_id TEXT NOT NULL COLLATE NOCASE,
    user_id    TEXT NOT NULL,
    user       BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (service, service_id, user_id, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX identities_of_user ON identities (user);

-- `hash` is the SHA-256 of the token, which is not stored. Tokens outlive their bot, so that the error for one can say why it is refused.
CREATE TABLE tokens (
    id         BLOB PRIMARY KEY,
    bot        BLOB NOT NULL,
    label      TEXT NOT NULL,
    hash       BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE INDEX tokens_of_bot ON tokens (bot);

CREATE TABLE key_value (
    path  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Event counts, derived from audit entries. Like those, they are not pruned with a Run.
CREATE TABLE requests (
    run       BLOB PRIMARY KEY,
    requester BLOB NOT NULL,
    flow      TEXT NOT NULL,
    target    BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX requests_of_user ON requests (requester, flow);

CREATE TABLE events (
    run     BLOB NOT NULL,
    event   BLOB NOT NULL,
    name    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    errored INTEGER NOT NULL,
    PRIMARY KEY (run, event)
) STRICT, WITHOUT ROWID;
