//! The rate of requests: how many one user may make in a minute and in an hour.
//!
//! A request costs the store some ten kilobytes, however little it contains, and one that is accepted is never dropped. So a program
//! that asks in a loop would fill the disk. The counts are in memory: a restart forgets them.

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

/// The times of users' requests in the last hour, oldest first.
#[derive(Debug)]
pub(super) struct RequestRate(Mutex<BoundedMap<UserId, VecDeque<Timestamp>>>);

impl Default for RequestRate {
    fn default() -> Self {
        Self(Mutex::new(BoundedMap::new(USERS_CAPACITY)))
    }
}

impl RequestRate {
    /// Counts a request, unless the user has made too many.
    pub(super) fn admit(&self, user: &User, limits: &Limits, now: Timestamp) -> Result<()> {
        let mut users = lock(&self.0);
        if users.get(&user.id()).is_none() {
            users.insert(user.id(), VecDeque::new());
        }
        let Some(times) = users.get_mut(&user.id()) else { return Ok(()) };
        // Times in the future are from before the clock was set back.
        times.retain(|at| *at <= now && *at > now.minus(HOUR));
        let in_minute = times.iter().filter(|at| **at > now.minus(MINUTE)).count();
        let exceeded =
            [(in_minute, limits.requests_per_minute, "minute"), (times.len(), limits.requests_per_hour, "hour")]
                .into_iter()
                .find(|(made, limit, _)| made >= limit);
        if let Some((_, limit, period)) = exceeded {
            let message =
                format!("{} has made {limit} requests within a {period}, which is the limit", user.username());
            let error = Error::new(ErrorKind::RateLimited, codes::TOO_MANY_REQUESTS, message);
            return Err(error.with_hint(format!("try again in a{} {period}", if period == "hour" { "n" } else { "" })));
        }
        times.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> User {
        User::person(UserId::from_email(name), name).unwrap()
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
