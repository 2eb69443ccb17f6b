//! Slack: where a request goes, messages, people and channels.
//!
//! The functions say who or what is meant. They call nobody, and find at once what cannot be meant:
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
//!
//! [`Slack`] is the client, which handlers take as `&Slack`:
//!
//! ```
//! use sym_integrations::slack::{self, Slack};
//! use sym_sdk::prelude::*;
//!
//! #[hook]
//! async fn after_approve(event: &Event, slack: &Slack) -> Result<()> {
//!     let text = format!("approved by {}", event.user().username());
//!     slack.send_message(slack::channel("#access-audit")?, text).await?;
//!     Ok(())
//! }
//!
//! #[reducer]
//! async fn get_permissions(slack: &Slack) -> Result<RequestPermission> {
//!     let approvers = slack.users_in_channel("#approvers").await?;
//!     Ok(RequestPermission::new(PermissionLevel::AllUsers, user_ids(&approvers).or(PermissionLevel::Admin)))
//! }
//! ```
//!
//! The integration's `external_id` is the id of the workspace. Its settings are
//!
//! | setting | |
//! | --- | --- |
//! | `bot_token_secret` | the app's bot token, `xoxb-…` |
//! | `app_token_secret` | an app-level token, `xapp-…`, if Slack is listened to on a socket |
//! | `base_url` | another address of the API than `https://slack.com/api` |
//!
//! In a simulation, without a fake of your own, messages stand in the timeline, and nobody is in channels or groups.
//!
//! What Slack refuses is an error with Slack's own name for it as its code, such as `Slack:NOT_IN_CHANNEL` or
//! `Slack:MISSING_SCOPE`; the hint then names the scope.

mod api;
#[cfg(feature = "slack-app")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack-app")))]
pub mod app;
#[cfg(feature = "slack-app")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack-app")))]
pub mod blocks;
mod client;
pub mod codes;
#[cfg(feature = "runtime")]
mod dry;
#[cfg(feature = "slack-fake")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack-fake")))]
pub mod fake;
mod model;
mod people;
mod place;
mod recipient;
mod roster;
mod send;
mod service;
#[cfg(feature = "slack-app")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack-app")))]
pub mod signature;
mod who;

use sym_sdk::error::codes::INVALID_DESTINATION;
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::routing::{Fallback, RequestDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup};

pub use api::{Api, PostEphemeral, PostMessage, PublishView, Respond, TokenOwner, UpdateMessage, UpdateView, ViewInfo};
pub use client::{Slack, SlackBuilder};
pub use model::{ChannelInfo, MessageRef, UserInfo};
pub use people::ListUsers;
pub use place::Place;
pub use recipient::Recipient;
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
/// let ana = User::person(UserId::from_email("ana@example.com"), "ana@example.com")?;
/// let ana = ana.with_identity(UserIdentity::new("slack", "T012AB3CD", "U012AB3CD"));
/// assert_eq!(format!("thank you, {}!", slack::mention(&ana)?), "thank you, <@U012AB3CD>!");
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub fn mention<'a>(who: impl Into<Who<'a>>) -> Result<String> {
    user(who).map(|user| user.mention())
}

/// A text as it stands, without the markup that it would be to Slack: in what others wrote, `<!channel>` calls nobody.
///
/// ```
/// use sym_integrations::slack;
///
/// assert_eq!(slack::escape("R&D <!channel>"), "R&amp;D &lt;!channel&gt;");
/// ```
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Names of channels are in lower case, so nothing that looks like an id can be one.
fn is_channel_id(text: &str) -> bool {
    text.len() >= 9
        && text.starts_with(['C', 'D', 'G'])
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn not_a_channel(text: &str, hint: &str) -> Error {
    let message = format!("`{text}` is not a Slack channel");
    Error::new(ErrorKind::InvalidInput, INVALID_DESTINATION, message).with_hint(hint)
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
        let ana = User::person(UserId::from_email("ana@example.com"), "ana@example.com").unwrap();
        let error = mention(&ana).unwrap_err();
        assert_eq!(error.code(), &sym_sdk::error::codes::IDENTITY_NOT_FOUND);
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
            assert_eq!(channel(text).unwrap_err().code(), &INVALID_DESTINATION, "{text}");
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
