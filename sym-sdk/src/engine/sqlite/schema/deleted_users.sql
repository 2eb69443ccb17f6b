-- Users who were deleted, so that none of their ids, names and accounts is used again by accident. `username` is NULL once the name was
-- given to somebody else; `number` is the order of deletion.
CREATE TABLE deleted_users (
    number     INTEGER PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE,
    username   TEXT COLLATE NOCASE UNIQUE,
    deleted_at INTEGER NOT NULL,
    user       TEXT NOT NULL
) STRICT;

CREATE TABLE deleted_identities (
    service    TEXT NOT NULL COLLATE NOCASE,
    service_id TEXT NOT NULL COLLATE NOCASE,
    user_id    TEXT NOT NULL,
    user       BLOB NOT NULL REFERENCES deleted_users (id) ON DELETE CASCADE,
    PRIMARY KEY (service, service_id, user_id, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX deleted_identities_of_user ON deleted_identities (user);
