-- What happened, in the order of commits.

CREATE TABLE audit (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    run   BLOB NOT NULL,
    entry TEXT NOT NULL
) STRICT;

CREATE INDEX audit_of_run ON audit (run, seq);
