//! The arguments that Slack's functions accept for a user, a channel and a recipient.
//!
//! Each accepts the forms in which callers have the value: an id, a mention, a name, a [`User`] or an existing destination.
//! Converting never calls Slack. An argument that only Slack can resolve, such as a display name, stays unresolved until
//! [`Slack::resolve`](super::Slack::resolve) is called.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::forms::SlackUserSelection;
use sym_sdk::model::User;
use sym_sdk::routing::{RequestDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup};

/// Implements `From` for the forms of an argument that it borrows, by the variant of each.
macro_rules! borrowed_forms {
    ($arg:ident<$borrowed:lifetime>: $($form:ty => $kind:path,)+) => {$(
        impl<$borrowed> From<$form> for $arg<$borrowed> {
            fn from(form: $form) -> Self {
                Self($kind(form))
            }
        }
    )+};
}

/// Implements `From` for an argument that is a destination: any one by reference, and the given types.
macro_rules! destinations {
    ($arg:ident, $kind:ident: $($form:ty),+) => {
        impl<'a> From<&'a RequestDestination> for $arg<'a> {
            fn from(destination: &'a RequestDestination) -> Self {
                Self($kind::Destination(Cow::Borrowed(destination)))
            }
        }

        $(impl From<$form> for $arg<'_> {
            fn from(destination: $form) -> Self {
                Self($kind::Destination(Cow::Owned(destination.into())))
            }
        })+
    };
}

/// A Slack user, as accepted by [`user`](super::user), [`group`](super::group) and [`mention`](super::mention): a Slack user
/// id, a mention, a [`User`] or the user selected in a form.
#[derive(Clone, Debug)]
pub struct UserArg<'a>(UserArgKind<'a>);

#[derive(Clone, Debug)]
enum UserArgKind<'a> {
    Text(&'a str),
    User(&'a User),
    Selected(&'a SlackUserSelection),
    Resolved(&'a SlackUser),
}

/// A parsed [`UserArg`], resolved as far as possible without calling Slack.
pub(super) enum ParsedUser<'a> {
    Slack(SlackUser),
    User(&'a User),
    Email(&'a str),
    /// Any other text, without a leading `@`. It may be a name.
    Name(&'a str),
}

impl<'a> UserArg<'a> {
    pub(super) fn parse(&self) -> Result<ParsedUser<'a>> {
        match self.0 {
            UserArgKind::Text(text) => parse_user(text),
            UserArgKind::User(user) => Ok(ParsedUser::User(user)),
            UserArgKind::Selected(selected) => SlackUser::new(selected.user_id()).map(ParsedUser::Slack),
            UserArgKind::Resolved(user) => Ok(ParsedUser::Slack(user.clone())),
        }
    }

    /// Resolves the argument without calling Slack.
    ///
    /// # Errors
    /// For an e-mail address or a name, which only Slack can resolve, and for a [`User`] without a Slack identity.
    pub(super) fn resolve_locally(&self) -> Result<SlackUser> {
        const EXPECTED: &str = "a Slack user id begins with U or W, as in `U012AB3CD`; a mention is `<@U012AB3CD>`";

        match self.parse()? {
            ParsedUser::Slack(user) => Ok(user),
            ParsedUser::User(user) => slack_identity(user),
            ParsedUser::Email(_) => {
                let hint = "finding an account by its e-mail address takes a call to Slack: use `Slack::resolve`, or pass \
                            the `User` or the Slack user id";
                Err(invalid(format!("`{}` is an e-mail address, not a Slack user", self.trimmed()), hint))
            }
            ParsedUser::Name(_) => Err(invalid(format!("`{}` is not a Slack user", self.trimmed()), EXPECTED)),
        }
    }

    /// The argument as text, without surrounding whitespace.
    pub(super) fn trimmed(&self) -> String {
        self.to_string().trim().to_owned()
    }
}

fn parse_user(text: &str) -> Result<ParsedUser<'_>> {
    let text = text.trim();
    let id = match text.strip_prefix("<@").and_then(|rest| rest.strip_suffix('>')) {
        // Slack may append the name after a bar: `<@U012AB3CD|ana>`.
        Some(mention) => mention.split_once('|').map_or(mention, |(id, _)| id),
        None => text.strip_prefix('@').unwrap_or(text),
    };
    if id.contains('@') {
        return Ok(ParsedUser::Email(id));
    }
    let well_formed =
        id.starts_with(['U', 'W']) && id.len() > 1 && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if well_formed { SlackUser::new(id).map(ParsedUser::Slack) } else { Ok(ParsedUser::Name(id)) }
}

fn slack_identity(user: &User) -> Result<SlackUser> {
    match user.identity("slack", None) {
        Some(identity) => SlackUser::new(identity.user_id()),
        None => {
            let message = format!("`{}` has no known Slack account", user.username());
            let error = Error::new(ErrorKind::Identity, codes::IDENTITY_NOT_FOUND, message);
            Err(error.with_hint("use `Notification::to(user)`: the front end then looks the account up"))
        }
    }
}

borrowed_forms!(UserArg<'a>:
    &'a str => UserArgKind::Text,
    &'a String => UserArgKind::Text,
    &'a User => UserArgKind::User,
    &'a Arc<User> => UserArgKind::User,
    &'a SlackUserSelection => UserArgKind::Selected,
    &'a SlackUser => UserArgKind::Resolved,
);

impl fmt::Display for UserArg<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            UserArgKind::Text(text) => f.write_str(text),
            UserArgKind::User(user) => f.write_str(user.username()),
            UserArgKind::Selected(selected) => selected.fmt(f),
            UserArgKind::Resolved(user) => user.fmt(f),
        }
    }
}

/// A channel, as accepted by [`users_in_channel`](super::Slack::users_in_channel): a name or an id as text, or the result of
/// [`channel`](super::channel).
#[derive(Clone, Debug)]
pub struct ChannelArg<'a>(ChannelArgKind<'a>);

#[derive(Clone, Debug)]
enum ChannelArgKind<'a> {
    Text(&'a str),
    Destination(Cow<'a, RequestDestination>),
}

/// A parsed [`ChannelArg`].
pub(super) enum ParsedChannel {
    Id(String),
    /// The name, without `#`.
    Name(String),
}

impl ChannelArg<'_> {
    pub(super) fn parse(&self) -> Result<ParsedChannel> {
        let destination = match &self.0 {
            ChannelArgKind::Text(text) => Cow::Owned(parse_channel(text)?),
            ChannelArgKind::Destination(destination) => Cow::Borrowed(&**destination),
        };
        match &*destination {
            RequestDestination::ChannelId(channel) => Ok(ParsedChannel::Id(channel.channel_id().to_owned())),
            RequestDestination::ChannelName(channel) => {
                Ok(ParsedChannel::Name(channel.channel_name().trim_start_matches('#').to_owned()))
            }
            other => Err(not_a_channel(&other.label(), "pass a channel, as in `#access-requests`")),
        }
    }
}

/// Parses the name, id or link of a channel.
pub(super) fn parse_channel(name_or_id: &str) -> Result<RequestDestination> {
    let text = name_or_id.trim();
    let linked = text.strip_prefix("<#").and_then(|rest| rest.strip_suffix('>'));
    if let Some(link) = linked {
        // Slack may append the name after a bar: `<#C012AB3CD|access-requests>`.
        let id = link.split_once('|').map_or(link, |(id, _)| id);
        return SlackChannelId::new(id).map(Into::into);
    }
    if is_channel_id(text) {
        return SlackChannelId::new(text).map(Into::into);
    }
    if text.starts_with('@') {
        return Err(not_a_channel(text, "use `slack::user(…)` for a person"));
    }
    if text.contains(|c: char| c.is_whitespace() || c == ',') {
        return Err(not_a_channel(text, "a channel name has no spaces or commas, as in `#access-requests`"));
    }
    SlackChannelName::new(text).map(Into::into)
}

/// Returns whether a text is a channel id. It cannot be a name: channel names are lower case.
fn is_channel_id(text: &str) -> bool {
    text.len() >= 9
        && text.starts_with(['C', 'D', 'G'])
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn not_a_channel(text: &str, hint: &str) -> Error {
    invalid(format!("`{text}` is not a Slack channel"), hint)
}

fn invalid(message: String, hint: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, codes::INVALID_DESTINATION, message).with_hint(hint)
}

borrowed_forms!(ChannelArg<'a>:
    &'a str => ChannelArgKind::Text,
    &'a String => ChannelArgKind::Text,
);

destinations!(ChannelArg, ChannelArgKind: RequestDestination, SlackChannelId, SlackChannelName);

/// The recipient of a message, as accepted by [`send_message`](super::Slack::send_message): a [`User`] or any destination.
#[derive(Clone, Debug)]
pub struct Recipient<'a>(pub(super) RecipientKind<'a>);

#[derive(Clone, Debug)]
pub(super) enum RecipientKind<'a> {
    User(&'a User),
    Destination(Cow<'a, RequestDestination>),
}

borrowed_forms!(Recipient<'a>:
    &'a User => RecipientKind::User,
    &'a Arc<User> => RecipientKind::User,
);

destinations!(
    Recipient, RecipientKind: RequestDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup
);
