-- The packed forms of texts; see `packed.rs`. The text column of a row that has one is empty, and the state is `null`. Rows of earlier versions
-- have none until they are written again.
ALTER TABLE runs ADD COLUMN packed BLOB;
ALTER TABLE audit ADD COLUMN packed BLOB;
ALTER TABLE audit_texts ADD COLUMN packed BLOB;
