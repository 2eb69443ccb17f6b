-- The entitlement that a Run gives or gave last, and its level: empty if the access ended under a version that did not keep it, so that
-- it may have been any. Other Runs that give the same are found by it.

ALTER TABLE runs ADD COLUMN entitlement TEXT;
ALTER TABLE runs ADD COLUMN level TEXT;

UPDATE runs SET
    entitlement = coalesce(
        state ->> '$.access.granting.entitlement',
        state ->> '$.access.held.entitlement',
        state ->> '$.access.revoking.grant.entitlement',
        state ->> '$.access.written_off.entitlement',
        state ->> '$.former_grant.entitlement',
        CASE state ->> '$.access' WHEN 'ended' THEN '' END),
    level = coalesce(
        state ->> '$.access.granting.level',
        state ->> '$.access.held.level',
        state ->> '$.access.revoking.grant.level',
        state ->> '$.access.written_off.level',
        state ->> '$.former_grant.level');

-- With all that is asked of the Runs of an entitlement, because the new columns come after `state`, from whose end they are read.
CREATE INDEX runs_of_entitlement ON runs (entitlement, may_hold_access, created_at, id, level) WHERE entitlement IS NOT NULL;
