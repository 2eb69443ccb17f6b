//! The result of the deprecated reducer `get_approvers`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Fallback, Notification, PermissionLevel, RequestDestination, RequestPermission, SlackChannelId, SlackChannelName,
    SlackUser, SlackUserGroup,
};
use crate::error::{Error, codes};

/// The result of the deprecated reducer `get_approvers`: the destinations of a request, which also determine who may decide it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged, try_from = "Value")]
#[non_exhaustive]
pub enum Approvers {
    /// One destination.
    Destination(RequestDestination),
    /// Several destinations, tried one after the other.
    Fallback(Fallback),
    /// A list, in the format of very old handlers.
    List(Vec<RequestDestination>),
}

impl Approvers {
    /// Returns the destinations, in order.
    pub fn destinations(&self) -> &[RequestDestination] {
        match self {
            Self::Destination(destination) => std::slice::from_ref(destination),
            Self::Fallback(fallback) => fallback.destinations(),
            Self::List(destinations) => destinations,
        }
    }

    /// Returns one notification for each destination, with its timeout.
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

    /// Returns the equivalent permission: administrators see the request in the web app, members decide it, and the requester may
    /// approve it if every destination allows that.
    pub fn permission(&self) -> RequestPermission {
        let destinations = self.destinations();
        let allow_self = !destinations.is_empty() && destinations.iter().all(RequestDestination::self_allowed);
        RequestPermission::decided_by(PermissionLevel::Member)
            .seen_by(PermissionLevel::Admin)
            .allow_self_approval(allow_self)
    }
}

impl TryFrom<Value> for Approvers {
    type Error = Error;

    fn try_from(json: Value) -> Result<Self, Error> {
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
