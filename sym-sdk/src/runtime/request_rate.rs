//! The rate of requests: how many one user may make in a minute and in an hour, and how many of their actions may be refused.
//!
//! A request costs the store some ten kilobytes, however little it contains, and one that is accepted is never dropped; a refusal
//! is recorded. So a program that asks or approves in a loop would fill the disk. The counts are in memory: a restart forgets them.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

use super::limits::Limits;
use crate::bounded_map::BoundedMap;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{User, UserId};
use crate::sync::lock;
use crate::time::TimestampExt;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The number of users whose requests are counted. The counts of all are forgotten when there are more, which is rare.
const USERS_CAPACITY: usize = 10_000;

/// The times of users' requests in the last hour.
#[derive(Debug, Default)]
pub(super) struct RequestRate(Times);

impl RequestRate {
    /// Counts a request, unless the user has made too many.
    pub(super) fn admit(&self, user: &User, limits: &Limits, now: Timestamp) -> Result<()> {
        if let Some((limit, period)) = self.0.exceeded(user.id(), limits, now) {
            return Err(period.error(format!("{} has made {limit} requests", user.username())));
        }
        self.0.push(user.id(), now);
        Ok(())
    }
}

/// The times at which actions of users on requests, such as approvals, were refused in the last hour. A refused action changes nothing,
/// but it is recorded.
#[derive(Debug, Default)]
pub(super) struct RefusedActionRate(Times);

impl RefusedActionRate {
    /// Checks that not too many actions of the user were refused. The limits are those of requests.
    pub(super) fn check(&self, user: &User, limits: &Limits, now: Timestamp) -> Result<()> {
        match self.0.exceeded(user.id(), limits, now) {
            Some((limit, period)) => Err(period.error(format!("{limit} actions of {} were refused", user.username()))),
            None => Ok(()),
        }
    }

    /// Counts a refused action.
    pub(super) fn count(&self, user: UserId, now: Timestamp) {
        self.0.push(user, now);
    }
}

/// A period with a limit.
#[derive(Clone, Copy, Debug)]
enum Period {
    Minute,
    Hour,
}

impl Period {
    fn error(self, done: String) -> Error {
        let (period, again) = match self {
            Self::Minute => ("a minute", "try again in a minute"),
            Self::Hour => ("an hour", "try again in an hour"),
        };
        let message = format!("{done} within {period}, which is the limit");
        Error::new(ErrorKind::RateLimited, codes::TOO_MANY_REQUESTS, message).with_hint(again)
    }
}

/// The times of what users did in the last hour, oldest first.
#[derive(Debug)]
struct Times(Mutex<BoundedMap<UserId, VecDeque<Timestamp>>>);

impl Default for Times {
    fn default() -> Self {
        Self(Mutex::new(BoundedMap::new(USERS_CAPACITY)))
    }
}

impl Times {
    /// Returns the limit that the user has reached.
    fn exceeded(&self, user: UserId, limits: &Limits, now: Timestamp) -> Option<(usize, Period)> {
        let mut users = lock(&self.0);
        let times = users.get_mut(&user)?;
        // Times in the future are from before the clock was set back.
        times.retain(|at| *at <= now && *at > now.minus(HOUR));
        let in_minute = times.iter().filter(|at| **at > now.minus(MINUTE)).count();
        let counts = [
            (in_minute, limits.requests_per_minute, Period::Minute),
            (times.len(), limits.requests_per_hour, Period::Hour),
        ];
        counts.into_iter().find(|(done, limit, _)| done >= limit).map(|(_, limit, period)| (limit, period))
    }

    fn push(&self, user: UserId, now: Timestamp) {
        let mut users = lock(&self.0);
        if users.get(&user).is_none() {
            users.insert(user, VecDeque::new());
        }
        if let Some(times) = users.get_mut(&user) {
            times.retain(|at| *at > now.minus(HOUR));
            times.push_back(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> User {
        User::from_email(name).unwrap()
    }

    #[test]
    fn counts_requests_of_each_user_by_minute_and_by_hour() {
        let limits = Limits { requests_per_minute: 2, requests_per_hour: 3, ..Limits::default() };
        let (rate, ana, ben) = (RequestRate::default(), user("ana@example.com"), user("ben@example.com"));
        let at = |seconds: i64| Timestamp::from_second(1_709_208_000 + seconds).unwrap();
        let refused = |who: &User, seconds: i64| rate.admit(who, &limits, at(seconds)).unwrap_err();
        rate.admit(&ana, &limits, at(0)).unwrap();
        rate.admit(&ana, &limits, at(1)).unwrap();
        let error = refused(&ana, 59);
        assert_eq!((error.kind(), error.code()), (ErrorKind::RateLimited, &codes::TOO_MANY_REQUESTS));
        assert_eq!(error.message(), "ana@example.com has made 2 requests within a minute, which is the limit");
        assert_eq!(error.hint(), Some("try again in a minute"));
        rate.admit(&ben, &limits, at(59)).unwrap();
        rate.admit(&ana, &limits, at(61)).unwrap();
        assert_eq!(refused(&ana, 200).hint(), Some("try again in an hour"));
        rate.admit(&ana, &limits, at(3_600)).unwrap();
        rate.admit(&ana, &limits, at(-10_000)).unwrap();
    }
}
