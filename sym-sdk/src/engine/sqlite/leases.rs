//! Leases of effects: claims, releases and expiries.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::commit::EffectRow;
use super::rows::{self, Id, id, limit, nanoseconds};
use crate::engine::Claim;
use crate::machine::EffectKey;
use crate::time::TimestampExt;

/// A row of a leased effect: its key, the effect as JSON, and the counts of its claims.
pub(super) struct Leased {
    pub(super) run: Id,
    pub(super) seq: i64,
    pub(super) effect: String,
    pub(super) claims: u32,
    pub(super) lost: u32,
}

/// A claim in progress.
struct Claiming {
    lane: i64,
    now: i64,
    until: i64,
    limit: usize,
    per_bulkhead: usize,
}

/// A row that can be leased, and its position in the order.
struct Candidate {
    due: i64,
    ord: i64,
    leased: Leased,
}

pub(super) fn claim(db: &Connection, claim: &Claim) -> rusqlite::Result<Vec<Leased>> {
    let claiming = Claiming {
        lane: rows::lane(claim.lane),
        now: nanoseconds(claim.now),
        until: nanoseconds(claim.now.plus(claim.lease)),
        limit: claim.limit,
        per_bulkhead: claim.per_bulkhead,
    };
    let mut candidates = Vec::new();
    // By bulkhead, because a full one may have any number of due effects, which should not be scanned.
    let mut bulkhead = claiming.bulkhead_after(db, None)?;
    while let Some(name) = bulkhead {
        claiming.candidates(db, &name, &mut candidates)?;
        bulkhead = claiming.bulkhead_after(db, Some(&name))?;
    }
    candidates.sort_by_key(|candidate| (candidate.due, candidate.ord));
    candidates.truncate(claiming.limit);
    let mut lease = db.prepare_cached(
        "UPDATE effects SET due = ?2, claims = claims + 1, lost = lost + leased, leased = 1 WHERE ord = ?1",
    )?;
    for candidate in &candidates {
        lease.execute([candidate.ord, claiming.until])?;
    }
    Ok(candidates.into_iter().map(|candidate| candidate.leased).collect())
}

/// Leases an effect to a claim of the commit that adds it, and returns the end of the lease. `None` if no claim gets it.
pub(super) fn lease_at_once(
    db: &Connection,
    effect: &EffectRow,
    claims: &mut [Claim],
) -> rusqlite::Result<Option<i64>> {
    let EffectRow { lane, due, exclusive, bulkhead, .. } = effect;
    let claim = claims.iter_mut().find(|claim| claim.lane == *lane && claim.limit > 0);
    let Some(claim) = claim.filter(|claim| *due <= nanoseconds(claim.now)) else { return Ok(None) };
    let mut is_free = db.prepare_cached(
        "SELECT NOT EXISTS (SELECT 1 FROM effects WHERE lane = ?1 AND bulkhead = ?2 AND due <= ?3)
            AND (SELECT count(*) FROM (
                SELECT 1 FROM effects WHERE lane = ?1 AND bulkhead = ?2 AND leased = 1 AND due > ?3 LIMIT ?4)) < ?4
            AND NOT EXISTS (SELECT 1 FROM effects WHERE leased = 1 AND exclusive = ?5 AND due > ?3)",
    )?;
    let (now, most) = (nanoseconds(claim.now), limit(claim.per_bulkhead));
    if !is_free.query_row(params![rows::lane(*lane), bulkhead, now, most, exclusive], |row| row.get(0))? {
        return Ok(None);
    }
    claim.limit -= 1;
    Ok(Some(nanoseconds(claim.now.plus(claim.lease))))
}

impl Claiming {
    /// Returns the first bulkhead with effects, or the next one after `last`.
    fn bulkhead_after(&self, db: &Connection, last: Option<&str>) -> rusqlite::Result<Option<String>> {
        // No bulkhead has an empty name.
        db.prepare_cached(
            "SELECT bulkhead FROM effects WHERE lane = ?1 AND bulkhead > ?2 ORDER BY lane, bulkhead LIMIT 1",
        )?
        .query_row(params![self.lane, last.unwrap_or_default()], |row| row.get(0))
        .optional()
    }

    fn candidates(&self, db: &Connection, bulkhead: &str, found: &mut Vec<Candidate>) -> rusqlite::Result<()> {
        let free = self.limit.min(self.per_bulkhead.saturating_sub(self.in_flight(db, bulkhead)?));
        // Effects excluded by one that is leased are left out here; those that exclude each other, below.
        let mut due = db.prepare_cached(
            "SELECT ord, due, run, seq, exclusive, effect, claims + 1 AS claims, lost + leased AS lost
             FROM effects AS due
             WHERE lane = ?1 AND bulkhead = ?2 AND due <= ?3 AND NOT EXISTS (
                SELECT 1 FROM effects AS other
                WHERE other.leased = 1 AND other.exclusive = due.exclusive AND other.due > ?3)
             ORDER BY due, ord",
        )?;
        let mut excluded = HashSet::new();
        let mut rows = due.query(params![self.lane, bulkhead, self.now])?;
        let mut taken = 0;
        while taken < free {
            let Some(row) = rows.next()? else { break };
            if let Some(exclusive) = row.get::<_, Option<String>>("exclusive")?
                && self.until > self.now
                && !excluded.insert(exclusive)
            {
                continue;
            }
            taken += 1;
            let leased = Leased {
                run: row.get("run")?,
                seq: row.get("seq")?,
                effect: row.get("effect")?,
                claims: row.get("claims")?,
                lost: row.get("lost")?,
            };
            found.push(Candidate { due: row.get("due")?, ord: row.get("ord")?, leased });
        }
        Ok(())
    }

    /// Counts the leases of a bulkhead.
    fn in_flight(&self, db: &Connection, bulkhead: &str) -> rusqlite::Result<usize> {
        db.prepare_cached("SELECT count(*) FROM effects WHERE lane = ?1 AND bulkhead = ?2 AND leased = 1 AND due > ?3")?
            .query_row(params![self.lane, bulkhead, self.now], |row| row.get::<_, u32>(0))
            .map(|count| count as usize)
    }
}

pub(super) fn release(db: &Connection, key: EffectKey, claims: u32, not_before: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE effects SET due = ?4, leased = 0 WHERE run = ?1 AND seq = ?2 AND claims = ?3")?
        .execute(params![id(key.run), key.seq.cast_signed(), claims, nanoseconds(not_before)])?;
    Ok(())
}

pub(super) fn clamp_future_due_times(db: &Connection, latest: Timestamp) -> rusqlite::Result<usize> {
    // The lanes are those of `rows::lane`.
    db.prepare_cached("UPDATE effects SET due = ?1 WHERE lane IN (0, 1, 2, 3) AND due > ?1")?
        .execute([nanoseconds(latest)])
}
