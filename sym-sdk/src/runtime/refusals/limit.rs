//! The limit of recorded refusals.
//!
//! Of each actor, and of all together, a number of refusals per hour is recorded one by one. Of those that follow, only the ones whose
//! number is a power of two times that limit are: a thousand refusals of one actor leave 25 records. Each record says how many were left out
//! before it, so that the magnitude of a flood is on the record while it lasts.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{ChannelType, UserId};

/// The number of refusals of one actor within the period that are recorded one by one.
const MAX_PER_ACTOR: u64 = 20;

/// The number of refusals of all actors within the period that are recorded one by one.
const MAX_OVERALL: u64 = 1_000;

/// The period to which the limits apply.
const PERIOD: Duration = Duration::from_secs(60 * 60);

/// The maximum number of actors whose refusals are counted.
const ACTORS_CAPACITY: usize = 4_096;

/// An actor, as far as the limit is concerned: who they claim to be, and the kind of channel they come through.
pub(super) type ActorKey = (UserId, ChannelType);

/// The counts of refusals.
#[derive(Debug, Default)]
pub(super) struct RefusalLimit {
    actors: HashMap<ActorKey, Count>,
    overall: Count,
}

/// The refusals within one period.
#[derive(Debug, Default)]
struct Count {
    since: Option<Timestamp>,
    refused: u64,
    /// The number that was left out since the last record.
    omitted: u64,
}

impl RefusalLimit {
    /// Counts a refusal. Returns the number that was left out before it if it is to be recorded, and `None` if it is left out too.
    pub(super) fn admit(&mut self, actor: ActorKey, now: Timestamp) -> Option<u64> {
        if self.actors.len() >= ACTORS_CAPACITY && !self.actors.contains_key(&actor) {
            let omitted = self.actors.drain().map(|(_, count)| count.omitted).fold(0, u64::saturating_add);
            self.put_back(omitted);
        }
        let omitted = self.actors.entry(actor).or_default().admit(MAX_PER_ACTOR, now)?;
        self.overall.omitted = self.overall.omitted.saturating_add(omitted);
        self.overall.admit(MAX_OVERALL, now)
    }

    /// Adds to the number that the next record says was left out.
    pub(super) fn put_back(&mut self, omitted: u64) {
        self.overall.omitted = self.overall.omitted.saturating_add(omitted);
    }
}

impl Count {
    fn admit(&mut self, max: u64, now: Timestamp) -> Option<u64> {
        // If the clock went back, the age of the period is unknown, and another one begins.
        let is_current =
            self.since.is_some_and(|since| Duration::try_from(now.duration_since(since)).is_ok_and(|age| age < PERIOD));
        if !is_current {
            self.since = Some(now);
            self.refused = 0;
        }
        self.refused = self.refused.saturating_add(1);
        let is_recorded =
            self.refused <= max || (self.refused.is_multiple_of(max) && (self.refused / max).is_power_of_two());
        if is_recorded {
            return Some(std::mem::take(&mut self.omitted));
        }
        self.omitted = self.omitted.saturating_add(1);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::TimestampExt;

    fn actor(number: u128) -> ActorKey {
        (UserId::from_uuid(uuid::Uuid::from_u128(number)), ChannelType::Api)
    }

    /// Each refusal is either recorded or counted by a record.
    #[test]
    fn a_flood_of_one_actor_leaves_few_records_that_count_the_rest() {
        let (mut limit, now) = (RefusalLimit::default(), Timestamp::UNIX_EPOCH);
        let records: Vec<_> = (0..1_000).filter_map(|_| limit.admit(actor(1), now)).collect();
        assert_eq!(records.len(), 25);
        assert_eq!(records.iter().map(|omitted| omitted + 1).sum::<u64>(), 640, "the last record is the 640th");

        let later = now.plus(PERIOD);
        assert_eq!(limit.admit(actor(1), later), Some(360));
        assert_eq!(limit.admit(actor(1), later), Some(0));
    }

    #[test]
    fn a_flood_of_many_actors_is_limited_too() {
        let (mut limit, now) = (RefusalLimit::default(), Timestamp::UNIX_EPOCH);
        let records: Vec<_> = (0..100_000).filter_map(|number| limit.admit(actor(number), now)).collect();
        assert!(records.len() < 1_010, "{}", records.len());
        assert!(limit.actors.len() <= ACTORS_CAPACITY);
        assert_eq!(records.iter().map(|omitted| omitted + 1).sum::<u64>(), 64_000);
        assert_eq!(limit.admit(actor(0), now.plus(PERIOD)), Some(36_000));
    }

    #[test]
    fn an_actor_is_recorded_while_another_one_floods() {
        let (mut limit, now) = (RefusalLimit::default(), Timestamp::UNIX_EPOCH);
        for _ in 0..500 {
            limit.admit(actor(1), now);
        }
        assert!(limit.admit(actor(2), now).is_some());
    }

    #[test]
    fn what_could_not_be_written_is_counted_by_the_next_record() {
        let (mut limit, now) = (RefusalLimit::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(limit.admit(actor(1), now), Some(0));
        limit.put_back(1);
        assert_eq!(limit.admit(actor(1), now), Some(1));
    }
}
