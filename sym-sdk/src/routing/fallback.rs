use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Notification, PermissionLevel, RequestDestination, RequestPermission, SlackChannelId, SlackChannelName, SlackUser,
    SlackUserGroup,
};
use crate::error::{Error, Result, codes};

/// Destinations that are tried one after the other. Only `get_approvers` returns one.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// let on_call = SlackUser::new("U12345")?.timeout(Duration::from_secs(600));
/// let team = SlackUser::new("U67890")?;
/// let fallback = Fallback::new([on_call, team])?.continue_on_timeout(true);
/// assert_eq!(fallback.destinations().len(), 2);
/// assert!(Fallback::new([SlackUser::new("U12345")?]).is_err());
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawFallback")]
pub struct Fallback {
    destinations: Vec<RequestDestination>,
    continue_on_delivery_failure: bool,
    continue_on_timeout: bool,
}

#[derive(Deserialize)]
struct RawFallback {
    destinations: Vec<RequestDestination>,
    continue_on_delivery_failure: Option<bool>,
    continue_on_timeout: Option<bool>,
}

impl Fallback {
    /// At least two destinations. The next one is tried after a failed delivery, and not after a timeout.
    pub fn new<D: Into<RequestDestination>>(destinations: impl IntoIterator<Item = D>) -> Result<Self> {
        let destinations: Vec<RequestDestination> = destinations.into_iter().map(Into::into).collect();
        if destinations.len() < 2 {
            let message = format!("a fallback must have at least 2 destinations, got {}", destinations.len());
            return Err(Error::invalid(codes::INVALID_DESTINATION, message));
        }
        Ok(Self { destinations, continue_on_delivery_failure: true, continue_on_timeout: false })
    }

    /// Whether the next destination is tried when nothing could be delivered to one.
    pub fn continue_on_delivery_failure(mut self, go_on: bool) -> Self {
        self.continue_on_delivery_failure = go_on;
        self
    }

    /// Whether the next destination is tried when the timeout of one has passed.
    pub fn continue_on_timeout(mut self, go_on: bool) -> Self {
        self.continue_on_timeout = go_on;
        self
    }

    /// The destinations, in order.
    pub fn destinations(&self) -> &[RequestDestination] {
        &self.destinations
    }

    /// Whether the next destination is tried when nothing could be delivered to one.
    pub fn continues_on_delivery_failure(&self) -> bool {
        self.continue_on_delivery_failure
    }

    /// Whether the next destination is tried when the timeout of one has passed.
    pub fn continues_on_timeout(&self) -> bool {
        self.continue_on_timeout
    }
}

impl TryFrom<RawFallback> for Fallback {
    type Error = Error;

    fn try_from(raw: RawFallback) -> Result<Self> {
        Ok(Self::new(raw.destinations)?
            .continue_on_delivery_failure(raw.continue_on_delivery_failure.unwrap_or(true))
            .continue_on_timeout(raw.continue_on_timeout.unwrap_or(false)))
    }
}

/// What the deprecated `get_approvers` returns: where a request goes, and by that who may decide.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged, try_from = "Value")]
#[non_exhaustive]
pub enum Approvers {
    /// One destination.
    Destination(RequestDestination),
    /// Several, tried one after the other.
    Fallback(Fallback),
    /// A list, as very old handlers return it.
    List(Vec<RequestDestination>),
}

impl Approvers {
    /// The destinations, in order.
    pub fn destinations(&self) -> &[RequestDestination] {
        match self {
            Self::Destination(destination) => std::slice::from_ref(destination),
            Self::Fallback(fallback) => fallback.destinations(),
            Self::List(destinations) => destinations,
        }
    }

    /// One notification for each destination, with its timeout.
    pub fn notifications(&self) -> Vec<Notification> {
        self.destinations()
            .iter()
            .map(|destination| {
                let notification = Notification::to(destination.clone());
                match destination.timeout_after() {
                    Some(timeout) => notification.timeout(timeout),
                    None => notification,
                }
            })
            .collect()
    }

    /// The permission that this amounts to: admins see the request in the web app, members decide, and the requester may
    /// approve if every destination allows it.
    pub fn permission(&self) -> RequestPermission {
        let destinations = self.destinations();
        let allow_self = !destinations.is_empty() && destinations.iter().all(RequestDestination::self_allowed);
        RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member).allow_self_approval(allow_self)
    }
}

impl TryFrom<Value> for Approvers {
    type Error = Error;

    fn try_from(json: Value) -> Result<Self> {
        let fallback = json.get("destinations").is_some();
        let read = match json {
            Value::Array(_) => serde_json::from_value(json).map(Self::List),
            _ if fallback => serde_json::from_value(json).map(Self::Fallback),
            _ => serde_json::from_value(json).map(Self::Destination),
        };
        read.map_err(|error| Error::invalid(codes::INVALID_DESTINATION, error.to_string()))
    }
}

macro_rules! from {
    ($($destination:ty),*) => {$(
        impl From<$destination> for Approvers {
            fn from(destination: $destination) -> Self {
                Self::Destination(destination.into())
            }
        }
    )*};
}

from!(RequestDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup);

impl From<Fallback> for Approvers {
    fn from(fallback: Fallback) -> Self {
        Self::Fallback(fallback)
    }
}

impl<D: Into<RequestDestination>> From<Vec<D>> for Approvers {
    fn from(destinations: Vec<D>) -> Self {
        Self::List(destinations.into_iter().map(Into::into).collect())
    }
}
