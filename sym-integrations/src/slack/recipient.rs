use std::borrow::Cow;
use std::sync::Arc;

use sym_sdk::model::User;
use sym_sdk::routing::{RequestDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup};

/// Who [`send_message`](super::Slack::send_message) can send to: a [`User`], or any destination.
#[derive(Clone, Debug)]
pub struct Recipient<'a>(pub(super) Kind<'a>);

#[derive(Clone, Debug)]
pub(super) enum Kind<'a> {
    User(&'a User),
    Destination(Cow<'a, RequestDestination>),
}

impl<'a> From<&'a User> for Recipient<'a> {
    fn from(user: &'a User) -> Self {
        Self(Kind::User(user))
    }
}

impl<'a> From<&'a Arc<User>> for Recipient<'a> {
    fn from(user: &'a Arc<User>) -> Self {
        Self(Kind::User(user))
    }
}

impl<'a> From<&'a RequestDestination> for Recipient<'a> {
    fn from(destination: &'a RequestDestination) -> Self {
        Self(Kind::Destination(Cow::Borrowed(destination)))
    }
}

impl From<RequestDestination> for Recipient<'_> {
    fn from(destination: RequestDestination) -> Self {
        Self(Kind::Destination(Cow::Owned(destination)))
    }
}

macro_rules! destination {
    ($($name:ident),*) => {$(
        impl From<$name> for Recipient<'_> {
            fn from(destination: $name) -> Self {
                RequestDestination::from(destination).into()
            }
        }
    )*};
}

destination!(SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup);
