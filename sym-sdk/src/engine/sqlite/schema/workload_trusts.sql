-- Trusts of bots in jobs of CI services, as JSON. They end with their bot.
CREATE TABLE trusts (
    id         BLOB PRIMARY KEY,
    bot        BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    trust      TEXT NOT NULL
) STRICT;

CREATE INDEX trusts_of_bot ON trusts (bot);

-- The tokens of jobs that were exchanged, each by a hash of its id, or of itself if it has none. They are forgotten once they have expired.
CREATE TABLE used_workload_tokens (
    hash       BLOB PRIMARY KEY,
    used_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX used_workload_tokens_by_expiry ON used_workload_tokens (expires_at);
