//! Failures of Slack itself: it is down or silent, refuses calls, or limits their rate.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::FakeSlack;

/// The rate limits of methods.
#[derive(Default)]
pub(super) struct Throttles {
    limits: HashMap<String, Limit>,
    /// The number of calls of each method that were refused.
    refused: HashMap<String, usize>,
}

/// A time in which calls are refused.
enum Limit {
    /// It begins with the next call.
    Set(Duration),
    Until(Timestamp),
}

impl Throttles {
    /// Returns the number of seconds after which a call may be repeated, if it is refused now.
    pub(super) fn refuse(&mut self, method: &str, now: Timestamp) -> Option<u64> {
        let until = match self.limits.get(method)? {
            Limit::Set(time) => now.checked_add(*time).unwrap_or(Timestamp::MAX),
            Limit::Until(until) => *until,
        };
        self.limits.insert(method.to_owned(), Limit::Until(until));
        let left = Duration::try_from(until.duration_since(now)).ok().filter(|left| !left.is_zero())?;
        let refused = self.refused.entry(method.to_owned()).or_default();
        *refused = refused.saturating_add(1);
        Some(left.as_secs().saturating_add(u64::from(left.subsec_nanos() > 0)))
    }
}

impl FakeSlack {
    /// Has the next call of a method refused with this error, such as `is_archived`. Said several times, they come in turn.
    pub fn refuse(&self, method: &str, error: &str) {
        self.shared().change(|workspace, _| {
            workspace.refusals.entry(method.to_owned()).or_default().push_back(error.to_owned());
        });
    }

    /// Has all calls answered by a page that says that Slack is down.
    pub fn set_down(&self, is_down: bool) {
        self.shared().change(|workspace, _| workspace.is_down = is_down);
    }

    /// Has no call answered until this is taken back.
    pub fn hang(&self, hangs: bool) {
        self.shared().change(|workspace, _| workspace.hangs = hangs);
    }

    /// Has the next call of a method answered with status 429, and all that follow within this time by the workspace's clock. `Retry-After`
    /// says how long that is. Responses to clicks are calls of `response_url`.
    pub fn throttle(&self, method: &str, time: Duration) {
        self.shared().change(|workspace, _| workspace.throttles.limits.insert(method.to_owned(), Limit::Set(time)));
    }

    /// Returns the number of calls of a method that were answered with status 429.
    pub fn throttled(&self, method: &str) -> usize {
        self.shared().look(|workspace| workspace.throttles.refused.get(method).copied().unwrap_or_default())
    }

    /// Has the next answer of a method lack members, given as JSON pointers such as `/ts`.
    pub fn omit<S: Into<String>>(&self, method: &str, members: impl IntoIterator<Item = S>) {
        let members = members.into_iter().map(Into::into).collect();
        self.shared().change(|workspace, _| {
            workspace.omissions.entry(method.to_owned()).or_default().push_back(members);
        });
    }
}
