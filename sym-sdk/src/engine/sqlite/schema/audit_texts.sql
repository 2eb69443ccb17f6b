-- The events of audit entries and the fields of these events, each under the SHA-256 of its text: `audit.event` names an event, and
-- `fields` the fields of an event whose text does not contain them. Entries of version 1 contain their events.

CREATE TABLE audit_texts (
    hash   BLOB PRIMARY KEY,
    text   TEXT NOT NULL,
    fields BLOB
) STRICT;

ALTER TABLE audit ADD COLUMN event BLOB;
