//! Writes commits: the rows of everything that one input changes.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::audit::{self, AuditRow};
use super::events::Changes;
use super::leases;
use super::packed;
use super::rows::{self, Id, id, nanoseconds, timer_kind, to_json};
use super::run_projection::Projection;
use crate::engine::{Claim, Commit, InputFingerprint, StoreError, TimerKey};
use crate::machine::{Effect, EffectKey, EntitlementChange, Lane, PendingExpiry, RunState, TimerChange};

/// The result of a commit. A duplicate carries the recorded reply as JSON.
pub(super) enum CommitResult {
    Written { leased: Vec<EffectKey> },
    Duplicate(String),
    Conflict,
}

/// A commit as rows. It is encoded by the caller, because there is only one thread that writes.
pub(super) struct CommitRows {
    run: Id,
    expected_version: u64,
    input: String,
    fingerprint: Option<InputFingerprint>,
    reply_owner: Option<Id>,
    at: i64,
    /// `None` if it is not recorded.
    reply: Option<String>,
    state: Option<RunRow>,
    effects: Vec<EffectRow>,
    claims: Vec<Claim>,
    timers: Vec<TimerChange>,
    holds: Vec<EntitlementChange>,
    audit: Vec<AuditRow>,
    events: Changes,
    settles: Option<EffectKey>,
    fired: Option<(TimerKey, u64)>,
}

struct RunRow {
    projection: Projection,
    may_hold_access: bool,
    stuck: bool,
    access_until: Option<i64>,
    end: Option<PendingExpiry>,
    at_rest: bool,
    updated_at: i64,
    state: String,
    /// The state of a Run at rest, which is kept for long and hardly read.
    packed: Option<Vec<u8>>,
}

/// The state in the text column of a Run whose state is packed.
const NO_STATE: &str = "null";

pub(super) struct EffectRow {
    key: EffectKey,
    pub(super) lane: Lane,
    pub(super) due: i64,
    pub(super) exclusive: Option<String>,
    pub(super) bulkhead: String,
    effect: String,
}

impl RunRow {
    fn of(state: &RunState) -> Result<Self, StoreError> {
        let at_rest = state.is_prunable();
        let text = to_json(state)?;
        let packed = at_rest.then(|| packed::pack(&text, &[&state.run.id().to_string()])).flatten();
        Ok(Self {
            projection: Projection::of(state),
            may_hold_access: state.may_hold_access(),
            stuck: state.is_stuck(),
            access_until: state.access_until().map(nanoseconds),
            end: state.pending_expiry(),
            at_rest,
            updated_at: nanoseconds(state.updated_at),
            state: if packed.is_some() { NO_STATE.to_owned() } else { text },
            packed,
        })
    }
}

impl EffectRow {
    fn of(effect: &Effect) -> Result<Self, StoreError> {
        Ok(Self {
            key: effect.key,
            lane: effect.lane(),
            due: effect.not_before.map_or(i64::MIN, nanoseconds),
            exclusive: effect.exclusive.as_ref().map(|key| key.as_str().to_owned()),
            bulkhead: effect.bulkhead.as_str().to_owned(),
            effect: to_json(effect)?,
        })
    }
}

impl CommitRows {
    pub(super) fn new(commit: Commit) -> Result<Self, StoreError> {
        Ok(Self {
            run: id(commit.run),
            expected_version: commit.expected_version,
            input: commit.input.as_str().to_owned(),
            fingerprint: commit.input.fingerprint(),
            reply_owner: commit.reply_owner().map(id),
            at: nanoseconds(commit.at().unwrap_or(Timestamp::MIN)),
            reply: commit.records_reply().then(|| to_json(&commit.reply)).transpose()?,
            state: commit.state.as_deref().map(RunRow::of).transpose()?,
            effects: commit.effects.iter().map(EffectRow::of).collect::<Result<_, _>>()?,
            claims: commit.claims,
            timers: commit.timers,
            holds: commit.holds,
            audit: audit::rows(&commit.audit)?,
            events: Changes::of(&commit.audit),
            settles: commit.settles,
            fired: commit.fired,
        })
    }

    /// Writes the rows. Without `leases`, the claims of the commit get nothing: nobody would know of the leases.
    pub(super) fn write(mut self, db: &Connection, leases: bool) -> rusqlite::Result<CommitResult> {
        if !leases {
            self.claims.clear();
        }
        let mut recorded = db.prepare_cached("SELECT reply FROM replies WHERE input_key = ?1")?;
        if let Some(reply) = recorded.query_row([&self.input], |row| row.get(0)).optional()? {
            self.settle(db)?;
            return Ok(CommitResult::Duplicate(reply));
        }
        let mut stored = db.prepare_cached("SELECT version, projection FROM runs WHERE id = ?1")?;
        let stored = stored.query_row([self.run], |row| row.try_into()).optional()?;
        let (version, projection): (i64, Option<i64>) = stored.unwrap_or_default();
        if version.cast_unsigned() != self.expected_version {
            return Ok(CommitResult::Conflict);
        }
        self.settle(db)?;
        if let Some(state) = &self.state {
            self.write_run(db, version, projection, state)?;
        }
        let leased = self.write_effects(db)?;
        self.write_timers(db)?;
        self.write_holds(db)?;
        self.events.write(db)?;
        audit::append(db, &self.audit)?;
        if let Some(reply) = &self.reply {
            self.write_reply(db, reply)?;
        }
        Ok(CommitResult::Written { leased })
    }

    fn write_reply(&self, db: &Connection, reply: &str) -> rusqlite::Result<()> {
        db.prepare_cached("INSERT INTO replies (input_key, run, at, reply, fingerprint) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                self.input,
                self.reply_owner,
                self.at,
                reply,
                self.fingerprint.as_ref().map(InputFingerprint::as_bytes)
            ])?;
        Ok(())
    }

    fn settle(&self, db: &Connection) -> rusqlite::Result<()> {
        if let Some(key) = self.settles {
            db.prepare_cached("DELETE FROM effects WHERE run = ?1 AND seq = ?2")?
                .execute(params![id(key.run), key.seq.cast_signed()])?;
        }
        if let Some((key, generation)) = self.fired {
            db.prepare_cached("DELETE FROM timers WHERE run = ?1 AND kind = ?2 AND generation = ?3")?
                .execute(params![id(key.run), timer_kind(key.kind), generation.cast_signed()])?;
        }
        Ok(())
    }

    /// Writes the state, and the projection unless it is the one that is stored.
    fn write_run(
        &self,
        db: &Connection,
        version: i64,
        projection: Option<i64>,
        state: &RunRow,
    ) -> rusqlite::Result<()> {
        let RunRow { projection: new, may_hold_access, stuck, access_until, end, at_rest, updated_at, state, packed } =
            state;
        let (end_timer, end_effect) = (end.and_then(|end| end.timer), end.and_then(|end| end.effect));
        let end_timer = end_timer.map(|timer| timer.generation.cast_signed());
        let end_effect = end_effect.map(u64::cast_signed);
        let hash = new.hash_value();
        if projection == Some(hash) {
            // No index on a column of the projection is touched.
            db.prepare_cached(
                "UPDATE runs SET version = ?2, may_hold_access = ?3, stuck = ?4, access_until = ?5, endless = ?6,
                    end_timer = ?7, end_effect = ?8, at_rest = ?9, updated_at = ?10, state = ?11, packed = ?12
                 WHERE id = ?1",
            )?
            .execute(params![
                self.run,
                version + 1,
                may_hold_access,
                stuck,
                access_until,
                end.is_none(),
                end_timer,
                end_effect,
                at_rest,
                updated_at,
                state,
                packed,
            ])?;
            return Ok(());
        }
        let mut write = db.prepare_cached(
            "INSERT INTO runs (id, version, projection, flow, status, may_hold_access, stuck, access_until, endless,
                end_timer, end_effect, at_rest, created_at, updated_at, requester, opener, bot, target, source, is_open,
                view_level, decide_level, self_approval, entitlement, level, state, packed, requester_names)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                ?23, ?24, ?25, ?26, ?27, ?28)
             ON CONFLICT (id) DO UPDATE SET
                version = excluded.version, projection = excluded.projection, flow = excluded.flow,
                status = excluded.status, may_hold_access = excluded.may_hold_access, stuck = excluded.stuck,
                access_until = excluded.access_until, endless = excluded.endless, end_timer = excluded.end_timer,
                end_effect = excluded.end_effect, at_rest = excluded.at_rest, created_at = excluded.created_at,
                updated_at = excluded.updated_at, requester = excluded.requester, opener = excluded.opener,
                bot = excluded.bot, target = excluded.target, source = excluded.source, is_open = excluded.is_open,
                view_level = excluded.view_level, decide_level = excluded.decide_level,
                self_approval = excluded.self_approval, entitlement = excluded.entitlement, level = excluded.level,
                state = excluded.state, packed = excluded.packed, requester_names = excluded.requester_names",
        )?;
        write.execute(params![
            self.run,
            version + 1,
            hash,
            new.flow,
            new.status,
            may_hold_access,
            stuck,
            access_until,
            end.is_none(),
            end_timer,
            end_effect,
            at_rest,
            new.created_at,
            updated_at,
            new.requester,
            new.opener,
            new.bot,
            new.target,
            new.source,
            new.is_open,
            new.view_level,
            new.decide_level,
            new.self_approval,
            new.entitlement,
            new.level,
            state,
            packed,
            new.requester_names,
        ])?;
        new.write_users(db, self.run)
    }

    /// Writes the effects, and returns those that are leased.
    fn write_effects(&mut self, db: &Connection) -> rusqlite::Result<Vec<EffectKey>> {
        let mut write = db.prepare_cached(
            "INSERT OR REPLACE INTO effects (run, seq, lane, due, since, claims, lost, leased, exclusive, bulkhead, effect)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?6, ?7, ?8, ?9)",
        )?;
        let mut leased = Vec::new();
        for row in &self.effects {
            let until = leases::lease_at_once(db, row, &mut self.claims)?;
            if until.is_some() {
                leased.push(row.key);
            }
            let EffectRow { key, lane, due, exclusive, bulkhead, effect } = row;
            let since = self.at.max(*due);
            write.execute(params![
                id(key.run),
                key.seq.cast_signed(),
                rows::lane(*lane),
                until.unwrap_or(*due),
                since,
                until.is_some(),
                exclusive,
                bulkhead,
                effect
            ])?;
        }
        Ok(leased)
    }

    fn write_timers(&self, db: &Connection) -> rusqlite::Result<()> {
        for change in &self.timers {
            match *change {
                TimerChange::Set { kind, at, generation } => db
                    .prepare_cached(
                        "INSERT OR REPLACE INTO timers (run, kind, at, generation) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![self.run, timer_kind(kind), nanoseconds(at), generation.cast_signed()])?,
                TimerChange::Cancel { kind } => db
                    .prepare_cached("DELETE FROM timers WHERE run = ?1 AND kind = ?2")?
                    .execute(params![self.run, timer_kind(kind)])?,
            };
        }
        Ok(())
    }

    fn write_holds(&self, db: &Connection) -> rusqlite::Result<()> {
        for change in &self.holds {
            let (sql, key) = match change {
                EntitlementChange::Hold(key) => {
                    ("INSERT OR IGNORE INTO holders (entitlement, run) VALUES (?1, ?2)", key)
                }
                EntitlementChange::Release(key) => ("DELETE FROM holders WHERE entitlement = ?1 AND run = ?2", key),
            };
            db.prepare_cached(sql)?.execute(params![key.as_str(), self.run])?;
        }
        Ok(())
    }
}
