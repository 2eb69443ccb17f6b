-- The sessions of people, each by the SHA-256 of its secret, which is not stored. They end with their user. `expires_at` is the end, or the time
-- at which the session will not have been used for too long.
CREATE TABLE sessions (
    id           BLOB PRIMARY KEY,
    user         BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind         TEXT NOT NULL,
    hash         BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    ends_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of_user ON sessions (user);

CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Pending sign-ins, as JSON, each by a hash of its secret.
CREATE TABLE pending_sign_ins (
    hash       BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    pending    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX pending_sign_ins_by_expiry ON pending_sign_ins (expires_at);
