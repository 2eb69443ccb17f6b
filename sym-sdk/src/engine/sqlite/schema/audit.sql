-- The audit log in commit order. `entry` is canonical JSON; `hash` covers `prev`, `seq` and `entry`.

CREATE TABLE audit (
    seq   INTEGER PRIMARY KEY,
    run   BLOB NOT NULL,
    prev  BLOB NOT NULL,
    hash  BLOB NOT NULL,
    entry TEXT NOT NULL
) STRICT;

CREATE INDEX audit_of_run ON audit (run, seq);

-- The end of the log, in a single row. It is stored apart so that a truncated log is noticed.
CREATE TABLE audit_head (
    seq  INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

INSERT INTO audit_head (seq, hash) VALUES (0, zeroblob(32));

-- The last record that each destination has.
CREATE TABLE audit_cursors (
    destination TEXT PRIMARY KEY,
    seq         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
