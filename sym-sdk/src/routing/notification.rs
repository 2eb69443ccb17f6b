use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{RequestDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup};
use crate::error::{Error, Result, codes};
use crate::forms::duration_seconds;
use crate::model::{User, UserId};

/// A user who is notified by the platform itself, by e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserRef {
    id: UserId,
    username: String,
}

impl UserRef {
    /// The id.
    pub fn id(&self) -> UserId {
        self.id
    }

    /// The username, which is the e-mail address of a person.
    pub fn username(&self) -> &str {
        &self.username
    }
}

impl From<&User> for UserRef {
    fn from(user: &User) -> Self {
        Self { id: user.id(), username: user.username().to_owned() }
    }
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User({:?})", self.username)
    }
}

/// Who is told of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged, try_from = "serde_json::Map<String, serde_json::Value>")]
#[non_exhaustive]
pub enum Destination {
    /// Somebody in Slack.
    Slack(RequestDestination),
    /// A user, by e-mail.
    User(UserRef),
}

impl Destination {
    /// The destination as people know it: `#access-requests`, or a user's name.
    pub fn label(&self) -> String {
        match self {
            Self::Slack(destination) => destination.label(),
            Self::User(user) => user.username().to_owned(),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slack(destination) => destination.fmt(f),
            Self::User(user) => user.fmt(f),
        }
    }
}

impl TryFrom<serde_json::Map<String, serde_json::Value>> for Destination {
    type Error = Error;

    fn try_from(json: serde_json::Map<String, serde_json::Value>) -> Result<Self> {
        if !json.contains_key("username") {
            return RequestDestination::try_from(json).map(Self::Slack);
        }
        serde_json::from_value(json.into()).map(Self::User).map_err(|error| {
            Error::invalid(codes::INVALID_DESTINATION, format!("expected a user with `id` and `username`: {error}"))
        })
    }
}

macro_rules! from {
    ($($slack:ty),*) => {$(
        impl From<$slack> for Destination {
            fn from(destination: $slack) -> Self {
                Self::Slack(destination.into())
            }
        }
    )*};
}

from!(RequestDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup);

impl From<&User> for Destination {
    fn from(user: &User) -> Self {
        Self::User(user.into())
    }
}

impl From<User> for Destination {
    fn from(user: User) -> Self {
        Self::from(&user)
    }
}

impl From<Arc<User>> for Destination {
    fn from(user: Arc<User>) -> Self {
        Self::from(&*user)
    }
}

/// Who is told of a request at once, and how long to wait for a decision. `get_request_notifications` returns a list of
/// them, which is gone through in order.
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
}

#[derive(Deserialize)]
struct RawNotification {
    destinations: Vec<Destination>,
    #[serde(default, with = "duration_seconds::option")]
    timeout: Option<Duration>,
}

impl Notification {
    /// A notification to one destination.
    pub fn to(destination: impl Into<Destination>) -> Self {
        Self { destinations: vec![destination.into()], timeout: None }
    }

    /// A notification to several destinations: at least one, and at most one of them in Slack.
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
        Ok(Self { destinations, timeout: None })
    }

    /// Adds a destination.
    pub fn and(self, destination: impl Into<Destination>) -> Result<Self> {
        let timeout = self.timeout;
        let destinations = self.destinations.into_iter().chain([destination.into()]);
        Ok(Self { timeout, ..Self::new(destinations)? })
    }

    /// How long to wait for a decision before the next notification; without it, for ever.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Who is told.
    pub fn destinations(&self) -> &[Destination] {
        &self.destinations
    }

    /// How long to wait for a decision before the next notification.
    pub fn timeout_after(&self) -> Option<Duration> {
        self.timeout
    }

    /// The destinations as people know them.
    pub fn label(&self) -> String {
        self.destinations.iter().map(Destination::label).collect::<Vec<_>>().join(" and ")
    }

    /// The destination in Slack.
    pub fn slack(&self) -> Option<&RequestDestination> {
        self.destinations.iter().find_map(|destination| match destination {
            Destination::Slack(destination) => Some(destination),
            Destination::User(_) => None,
        })
    }
}

impl TryFrom<RawNotification> for Notification {
    type Error = Error;

    fn try_from(raw: RawNotification) -> Result<Self> {
        Ok(Self { timeout: raw.timeout, ..Self::new(raw.destinations)? })
    }
}
