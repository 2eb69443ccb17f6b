//! Notifications: the destinations that a request is delivered to at once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Destination, RequestDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup};
use crate::error::{Error, Result, codes};
use crate::forms::duration_seconds;
use crate::model::User;

/// The minimum interval between two reminders.
const MIN_REMINDER_INTERVAL: Duration = Duration::from_secs(60);

/// The destinations that a request is delivered to at once, and the time to wait for a decision.
///
/// The reducer `get_request_notifications` returns a list of notifications, which are delivered one after the other until
/// somebody acts.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// let channel = SlackChannelName::new("#access-requests")?;
/// let notification = Notification::to(channel).timeout(Duration::from_secs(600));
/// assert_eq!(notification.destinations().len(), 1);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawNotification")]
pub struct Notification {
    destinations: Vec<Destination>,
    #[serde(with = "duration_seconds::option")]
    timeout: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reminders: Option<Reminders>,
}

/// The reminders of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Reminders {
    #[serde(with = "duration_seconds")]
    interval: Duration,
    count: u32,
}

#[derive(Deserialize)]
struct RawNotification {
    destinations: Vec<Destination>,
    #[serde(default, with = "duration_seconds::option")]
    timeout: Option<Duration>,
    #[serde(default)]
    reminders: Option<Reminders>,
}

impl Notification {
    /// Creates a notification to one destination.
    pub fn to(destination: impl Into<Destination>) -> Self {
        Self { destinations: vec![destination.into()], timeout: None, reminders: None }
    }

    /// Creates a notification to several destinations, of which at most one is in Slack.
    ///
    /// # Errors
    /// If there is no destination, or more than one in Slack.
    pub fn new<D: Into<Destination>>(destinations: impl IntoIterator<Item = D>) -> Result<Self> {
        let destinations: Vec<Destination> = destinations.into_iter().map(Into::into).collect();
        let invalid = |message: String| Error::invalid(codes::INVALID_DESTINATION, message);
        if destinations.is_empty() {
            return Err(invalid("a notification must have at least one destination".to_owned()));
        }
        let slack = destinations.iter().filter(|destination| matches!(destination, Destination::Slack(_))).count();
        if slack > 1 {
            return Err(invalid(format!("a notification must have at most one Slack destination, got {slack}"))
                .with_hint("use a Slack group, or a list of several notifications"));
        }
        Ok(Self { destinations, timeout: None, reminders: None })
    }

    /// Adds a destination.
    ///
    /// # Errors
    /// If it would be the second one in Slack.
    pub fn and(self, destination: impl Into<Destination>) -> Result<Self> {
        let (timeout, reminders) = (self.timeout, self.reminders);
        let destinations = self.destinations.into_iter().chain([destination.into()]);
        Ok(Self { timeout, reminders, ..Self::new(destinations)? })
    }

    /// Reminds whoever is notified, up to `count` times at this interval, while nobody has decided and no other notification is delivered.
    /// Default: no reminders. The interval is at least a minute.
    ///
    /// ```
    /// use sym_sdk::prelude::*;
    ///
    /// let channel = SlackChannelName::new("#access-requests")?;
    /// let notification = Notification::to(channel).remind(Duration::from_secs(3600), 3);
    /// assert_eq!(notification.reminders(), Some((Duration::from_secs(3600), 3)));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn remind(mut self, interval: Duration, count: u32) -> Self {
        let interval = interval.max(MIN_REMINDER_INTERVAL);
        self.reminders = (count > 0).then_some(Reminders { interval, count });
        self
    }

    /// Returns the interval of the reminders, and their maximum number.
    pub fn reminders(&self) -> Option<(Duration, u32)> {
        self.reminders.map(|reminders| (reminders.interval, reminders.count))
    }

    /// Sets the time to wait for a decision before the next notification is delivered. Default: no limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Returns the destinations.
    pub fn destinations(&self) -> &[Destination] {
        &self.destinations
    }

    /// Returns the time to wait for a decision before the next notification is delivered.
    pub fn timeout_after(&self) -> Option<Duration> {
        self.timeout
    }

    /// Returns the destinations for people.
    pub fn label(&self) -> String {
        self.destinations.iter().map(Destination::label).collect::<Vec<_>>().join(" and ")
    }

    /// Returns the destination in Slack.
    pub fn slack(&self) -> Option<&RequestDestination> {
        self.destinations.iter().find_map(|destination| match destination {
            Destination::Slack(destination) => Some(destination),
            Destination::User(_) => None,
        })
    }
}

/// Converts a destination into the notification to it, as [`Notification::to`] does. If a handler returns a destination in place of a
/// notification, the compiler suggests the conversion.
macro_rules! from_destination {
    ($($destination:ty),*) => {$(
        impl From<$destination> for Notification {
            fn from(destination: $destination) -> Self {
                Self::to(destination)
            }
        }
    )*};
}

from_destination!(Destination, RequestDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup, &User);

impl TryFrom<RawNotification> for Notification {
    type Error = Error;

    fn try_from(raw: RawNotification) -> Result<Self> {
        Ok(Self { timeout: raw.timeout, reminders: raw.reminders, ..Self::new(raw.destinations)? })
    }
}
