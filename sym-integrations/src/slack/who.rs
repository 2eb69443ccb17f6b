use std::fmt;
use std::sync::Arc;

use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::forms::SlackUserSelection;
use sym_sdk::model::User;
use sym_sdk::routing::SlackUser;

/// What [`user`](super::user), [`group`](super::group) and [`mention`](super::mention) take for a person in Slack: an id, a
/// mention, a [`User`] whose Slack account is known, or what was picked in a form.
#[derive(Clone, Debug)]
pub struct Who<'a>(Kind<'a>);

#[derive(Clone, Debug)]
enum Kind<'a> {
    Text(&'a str),
    User(&'a User),
    Picked(&'a SlackUserSelection),
    Resolved(&'a SlackUser),
}

/// A person, as far as they are known without asking Slack.
pub(super) enum Known<'a> {
    Slack(SlackUser),
    User(&'a User),
    Email(&'a str),
    /// What may be a name, without `@`.
    Name(&'a str),
}

impl<'a> Who<'a> {
    pub(super) fn known(&self) -> Result<Known<'a>> {
        match self.0 {
            Kind::Text(text) => from_text(text),
            Kind::User(user) => Ok(Known::User(user)),
            Kind::Picked(picked) => SlackUser::new(picked.user_id()).map(Known::Slack),
            Kind::Resolved(user) => Ok(Known::Slack(user.clone())),
        }
    }

    pub(super) fn resolve(&self) -> Result<SlackUser> {
        const EXPECTED: &str = "a Slack user id begins with U or W, as in `U012AB3CD`; a mention is `<@U012AB3CD>`";

        match self.known()? {
            Known::Slack(user) => Ok(user),
            Known::User(user) => from_user(user),
            Known::Email(_) => {
                let hint = "only Slack knows which account has an address: pass the `User`, their Slack user id, or what \
                            `Slack::resolve` finds";
                Err(invalid(format!("`{}` is an e-mail address, not a Slack user", self.trimmed()), hint))
            }
            Known::Name(_) => Err(invalid(format!("`{}` is not a Slack user", self.trimmed()), EXPECTED)),
        }
    }

    /// What was given, without the spaces around it.
    pub(super) fn trimmed(&self) -> String {
        self.to_string().trim().to_owned()
    }
}

fn invalid(message: String, hint: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, codes::INVALID_DESTINATION, message).with_hint(hint)
}

fn from_text(text: &str) -> Result<Known<'_>> {
    let text = text.trim();
    let id = match text.strip_prefix("<@").and_then(|rest| rest.strip_suffix('>')) {
        // Slack adds the name behind a bar: `<@U012AB3CD|ana>`.
        Some(mention) => mention.split_once('|').map_or(mention, |(id, _)| id),
        None => text.strip_prefix('@').unwrap_or(text),
    };
    if id.contains('@') {
        return Ok(Known::Email(id));
    }
    let well_formed =
        id.starts_with(['U', 'W']) && id.len() > 1 && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if well_formed { SlackUser::new(id).map(Known::Slack) } else { Ok(Known::Name(id)) }
}

fn from_user(user: &User) -> Result<SlackUser> {
    match user.identity("slack", None) {
        Some(identity) => SlackUser::new(identity.user_id()),
        None => {
            let message = format!("the Slack account of `{}` is not known", user.username());
            let error = Error::new(ErrorKind::Identity, codes::IDENTITY_NOT_FOUND, message);
            Err(error.with_hint("`Notification::to(user)` reaches a user by the front end that knows them"))
        }
    }
}

impl<'a> From<&'a str> for Who<'a> {
    fn from(text: &'a str) -> Self {
        Self(Kind::Text(text))
    }
}

impl<'a> From<&'a String> for Who<'a> {
    fn from(text: &'a String) -> Self {
        Self(Kind::Text(text))
    }
}

impl<'a> From<&'a User> for Who<'a> {
    fn from(user: &'a User) -> Self {
        Self(Kind::User(user))
    }
}

impl<'a> From<&'a Arc<User>> for Who<'a> {
    fn from(user: &'a Arc<User>) -> Self {
        Self(Kind::User(user))
    }
}

impl<'a> From<&'a SlackUserSelection> for Who<'a> {
    fn from(picked: &'a SlackUserSelection) -> Self {
        Self(Kind::Picked(picked))
    }
}

impl<'a> From<&'a SlackUser> for Who<'a> {
    fn from(user: &'a SlackUser) -> Self {
        Self(Kind::Resolved(user))
    }
}

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Text(text) => f.write_str(text),
            Kind::User(user) => f.write_str(user.username()),
            Kind::Picked(picked) => picked.fmt(f),
            Kind::Resolved(user) => user.fmt(f),
        }
    }
}
