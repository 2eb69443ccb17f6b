//! Slack: where a request goes.
//!
//! These functions call nobody: they say who or what is meant, and find at once what cannot be meant.
//!
//! ```
//! use sym_integrations::slack;
//! use sym_sdk::prelude::*;
//!
//! #[reducer]
//! fn get_request_notifications() -> Result<Vec<Notification>> {
//!     let on_call = Notification::to(slack::user("U012AB3CD")?).timeout(Duration::from_secs(600));
//!     let everyone = Notification::to(slack::channel("#access-requests")?);
//!     Ok(vec![on_call, everyone])
//! }
//! # assert_eq!(get_request_notifications().unwrap().len(), 2);
//! ```

#[cfg(feature = "slack-app")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack-app")))]
pub mod blocks;
mod who;

use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::routing::{Fallback, RequestDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup};

pub use who::Who;

/// A direct message to a person: a Slack user id, a mention, a [`User`](sym_sdk::model::User) or what was picked in a form.
///
/// ```
/// use sym_integrations::slack;
///
/// assert_eq!(slack::user("U012AB3CD")?, slack::user("<@U012AB3CD>")?);
///
/// let error = slack::user("ana@example.com").unwrap_err();
/// assert_eq!(error.message(), "`ana@example.com` is an e-mail address, not a Slack user");
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub fn user<'a>(who: impl Into<Who<'a>>) -> Result<SlackUser> {
    who.into().resolve()
}

/// A channel by its name, with or without `#`, or by its id.
///
/// ```
/// use std::time::Duration;
/// use sym_integrations::slack;
/// use sym_sdk::routing::{Notification, RequestDestination};
///
/// let by_name = slack::channel("#access-requests")?.timeout(Duration::from_secs(600));
/// assert!(matches!(by_name, RequestDestination::ChannelName(_)));
///
/// let by_id = slack::channel("C012AB3CD")?;
/// assert!(matches!(by_id, RequestDestination::ChannelId(_)));
///
/// let notification = Notification::to(by_name);
/// assert_eq!(notification.label(), "#access-requests");
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub fn channel(name_or_id: &str) -> Result<RequestDestination> {
    let text = name_or_id.trim();
    let linked = text.strip_prefix("<#").and_then(|rest| rest.strip_suffix('>'));
    if let Some(link) = linked {
        // Slack adds the name behind a bar: `<#C012AB3CD|access-requests>`.
        let id = link.split_once('|').map_or(link, |(id, _)| id);
        return SlackChannelId::new(id).map(Into::into);
    }
    if is_channel_id(text) {
        return SlackChannelId::new(text).map(Into::into);
    }
    if text.starts_with('@') {
        return Err(not_a_channel(text, "for a person, write `slack::user(…)`"));
    }
    if text.contains(|c: char| c.is_whitespace() || c == ',') {
        return Err(not_a_channel(text, "the name of a channel has no spaces and no commas, as in `#access-requests`"));
    }
    SlackChannelName::new(text).map(Into::into)
}

/// A direct message to several people at once, at least 1 and at most 7.
///
/// ```
/// use sym_integrations::slack;
///
/// let group = slack::group(["U012AB3CD", "U045EF6GH"])?;
/// assert_eq!(group.users().len(), 2);
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub fn group<'a, W: Into<Who<'a>>>(people: impl IntoIterator<Item = W>) -> Result<SlackUserGroup> {
    SlackUserGroup::new(people.into_iter().map(user).collect::<Result<Vec<_>>>()?)
}

/// Destinations that are tried one after the other, at least 2. Only the deprecated `get_approvers` returns one; with
/// `get_request_notifications`, return a list of notifications instead.
///
/// ```
/// use sym_integrations::slack;
/// use sym_sdk::prelude::*;
///
/// #[reducer]
/// fn get_approvers() -> Result<Fallback> {
///     let on_call = slack::user("U012AB3CD")?.timeout(Duration::from_secs(600));
///     let everyone = slack::channel("#access-requests")?;
///     Ok(slack::fallback([on_call.into(), everyone])?.continue_on_timeout(true))
/// }
/// # assert_eq!(get_approvers().unwrap().destinations().len(), 2);
/// ```
pub fn fallback<D: Into<RequestDestination>>(destinations: impl IntoIterator<Item = D>) -> Result<Fallback> {
    Fallback::new(destinations)
}

/// What names a person in the text of a Slack message.
///
/// ```
/// use sym_integrations::slack;
/// use sym_sdk::model::{User, UserId, UserIdentity};
///
/// let ana = User::person(UserId::of_email("ana@example.com"), "ana@example.com")?;
/// let ana = ana.with_identity(UserIdentity::new("slack", "T012AB3CD", "U012AB3CD"));
/// assert_eq!(format!("thank you, {}!", slack::mention(&ana)?), "thank you, <@U012AB3CD>!");
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub fn mention<'a>(who: impl Into<Who<'a>>) -> Result<String> {
    user(who).map(|user| user.mention())
}

/// Names of channels are in lower case, so nothing that looks like an id can be one.
fn is_channel_id(text: &str) -> bool {
    text.len() >= 9
        && text.starts_with(['C', 'D', 'G'])
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn not_a_channel(text: &str, hint: &str) -> Error {
    let message = format!("`{text}` is not a Slack channel");
    Error::new(ErrorKind::InvalidInput, codes::INVALID_DESTINATION, message).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use sym_sdk::forms::SlackUserSelection;
    use sym_sdk::model::{User, UserId};

    use super::*;

    #[test]
    fn a_user_is_an_id_a_mention_or_an_account() {
        for text in ["U012AB3CD", " W012AB3CD ", "@U012AB3CD", "<@U012AB3CD>", "<@U012AB3CD|ana>"] {
            assert!(user(text).is_ok(), "{text}");
        }
        let picked = SlackUserSelection::new("U012AB3CD", None);
        assert_eq!(user(&picked).unwrap().user_id(), "U012AB3CD");
        assert_eq!(user(&user("U1").unwrap()).unwrap().user_id(), "U1");
    }

    #[test]
    fn what_is_no_user_is_refused_with_advice() {
        for text in ["", "U", "ana", "@ana", "u012ab3cd", "C012AB3CD", "<@>", "#access"] {
            let error = user(text).unwrap_err();
            assert_eq!(error.message(), format!("`{text}` is not a Slack user"));
            assert!(error.hint().unwrap().contains("begins with U or W"));
        }
        let ana = User::person(UserId::of_email("ana@example.com"), "ana@example.com").unwrap();
        let error = mention(&ana).unwrap_err();
        assert_eq!(error.code(), &codes::IDENTITY_NOT_FOUND);
        assert_eq!(error.message(), "the Slack account of `ana@example.com` is not known");
    }

    #[test]
    fn a_channel_is_a_name_or_an_id() {
        for id in ["C012AB3CD", "G012AB3CD", "<#C012AB3CD>", "<#C012AB3CD|access>"] {
            assert!(matches!(channel(id).unwrap(), RequestDestination::ChannelId(_)), "{id}");
        }
        for name in ["#access", "access", "#CAPTAINS", " #zugänge ", "C0"] {
            assert!(matches!(channel(name).unwrap(), RequestDestination::ChannelName(_)), "{name}");
        }
        for text in ["", "#", "@ana", "#access requests", "#a,#b", "<#>", "<#U012AB3CD>"] {
            assert_eq!(channel(text).unwrap_err().code(), &codes::INVALID_DESTINATION, "{text}");
        }
    }

    #[test]
    fn groups_and_fallbacks_have_limits() {
        assert!(group(["U1"; 7]).is_ok());
        assert_eq!(group(["U1"; 8]).unwrap_err().hint(), Some("notify a channel instead"));
        assert_eq!(group(["U1", "ana"]).unwrap_err().message(), "`ana` is not a Slack user");
        assert!(group::<&str>([]).is_err());
        assert!(fallback([channel("#a").unwrap()]).is_err());
    }
}
