//! The destinations of a request in Slack: a user, a channel, a group of users.
//!
//! These functions never call Slack. They reject arguments that cannot be a destination when the reducer runs, not when the
//! message is sent.

use sym_sdk::error::Result;
use sym_sdk::routing::{Fallback, RequestDestination, SlackUser, SlackUserGroup};

use super::UserArg;
use super::args::parse_channel;

/// Creates a direct message to a user: a Slack user id, a mention, a [`User`](sym_sdk::model::User) or the user selected in a
/// form.
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
///
/// # Errors
/// `SymSDK:INVALID_DESTINATION` if the text is neither an id nor a mention; `Identity:NOT_FOUND` for a user without a Slack
/// identity.
pub fn user<'a>(user: impl Into<UserArg<'a>>) -> Result<SlackUser> {
    user.into().resolve_locally()
}

/// Creates a message to a channel, given by its name, with or without `#`, or by its id.
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
///
/// # Errors
/// `SymSDK:INVALID_DESTINATION` if the text cannot be the name or id of a channel.
pub fn channel(name_or_id: &str) -> Result<RequestDestination> {
    parse_channel(name_or_id)
}

/// Creates a direct message to a group of 1 to 7 users.
///
/// ```
/// use sym_integrations::slack;
///
/// let group = slack::group(["U012AB3CD", "U045EF6GH"])?;
/// assert_eq!(group.users().len(), 2);
/// # Ok::<(), sym_sdk::Error>(())
/// ```
///
/// # Errors
/// `SymSDK:INVALID_DESTINATION` if there are no users or more than 7, and the errors of [`user`].
pub fn group<'a, U: Into<UserArg<'a>>>(users: impl IntoIterator<Item = U>) -> Result<SlackUserGroup> {
    SlackUserGroup::new(users.into_iter().map(user).collect::<Result<Vec<_>>>()?)
}

/// Creates a list of at least 2 destinations that are tried in order. Only the deprecated `get_approvers` returns one; with
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
///
/// # Errors
/// `SymSDK:INVALID_DESTINATION` if there are fewer than 2 destinations.
pub fn fallback<D: Into<RequestDestination>>(destinations: impl IntoIterator<Item = D>) -> Result<Fallback> {
    Fallback::new(destinations)
}

/// Returns the markup that mentions a user in the text of a Slack message.
///
/// ```
/// use sym_integrations::slack;
/// use sym_sdk::model::{User, UserIdentity};
///
/// let ana = User::from_email("ana@example.com")?;
/// let ana = ana.with_identity(UserIdentity::new("slack", "T012AB3CD", "U012AB3CD"));
/// assert_eq!(format!("thank you, {}!", slack::mention(&ana)?), "thank you, <@U012AB3CD>!");
/// # Ok::<(), sym_sdk::Error>(())
/// ```
///
/// # Errors
/// Those of [`user`].
pub fn mention<'a>(user: impl Into<UserArg<'a>>) -> Result<String> {
    self::user(user).map(|user| user.mention())
}

#[cfg(test)]
mod tests {
    use sym_sdk::error::codes::{IDENTITY_NOT_FOUND, INVALID_DESTINATION};
    use sym_sdk::forms::SlackUserSelection;
    use sym_sdk::model::User;

    use super::*;

    #[test]
    fn a_user_is_an_id_a_mention_or_an_account() {
        for text in ["U012AB3CD", " W012AB3CD ", "@U012AB3CD", "<@U012AB3CD>", "<@U012AB3CD|ana>"] {
            assert!(user(text).is_ok(), "{text}");
        }
        let selected = SlackUserSelection::new("U012AB3CD", None);
        assert_eq!(user(&selected).unwrap().user_id(), "U012AB3CD");
        assert_eq!(user(&user("U1").unwrap()).unwrap().user_id(), "U1");
    }

    #[test]
    fn rejects_invalid_users_with_a_hint() {
        for text in ["", "U", "ana", "@ana", "u012ab3cd", "C012AB3CD", "<@>", "#access"] {
            let error = user(text).unwrap_err();
            assert_eq!(error.message(), format!("`{text}` is not a Slack user"));
            assert!(error.hint().unwrap().contains("begins with U or W"));
        }
        let ana = User::from_email("ana@example.com").unwrap();
        let error = mention(&ana).unwrap_err();
        assert_eq!(error.code(), &IDENTITY_NOT_FOUND);
        assert_eq!(error.message(), "`ana@example.com` has no known Slack account");
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
    fn groups_and_fallbacks_have_size_limits() {
        assert!(group(["U1"; 7]).is_ok());
        assert_eq!(group(["U1"; 8]).unwrap_err().hint(), Some("notify a channel instead"));
        assert_eq!(group(["U1", "ana"]).unwrap_err().message(), "`ana` is not a Slack user");
        assert!(group::<&str>([]).is_err());
        assert!(fallback([channel("#a").unwrap()]).is_err());
    }
}
