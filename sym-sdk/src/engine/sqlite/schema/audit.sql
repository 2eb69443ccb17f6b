-- What happened, in the order of commits. `entry` is canonical JSON, and `hash` that of `prev`, `seq` and `entry`.

CREATE TABLE audit (
    seq   INTEGER PRIMARY KEY,
    run   BLOB NOT NULL,
    prev  BLOB NOT NULL,
    hash  BLOB NOT NULL,
    entry TEXT NOT NULL
) STRICT;

CREATE INDEX audit_of_run ON audit (run, seq);

-- Where the log ends, in the only row. It stands apart so that a tail that was cut off is noticed.
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
