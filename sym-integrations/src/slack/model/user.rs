//! A user of a workspace.

use serde::Deserialize;

use crate::ToFieldOption;
use crate::kit::null_as_default;

/// A user, as returned by [`users.info`](https://docs.slack.dev/reference/methods/users.info). It may be deactivated, a bot or a
/// member of another workspace.
///
/// ```
/// use sym_integrations::kit::Resource;
/// use sym_integrations::slack::UserInfo;
///
/// let ana: Resource<UserInfo> =
///     serde_json::from_str(r#"{"id":"U012AB3CD","tz":"Europe/Paris","profile":{"real_name":"Ana Ruiz"}}"#)?;
/// assert_eq!(ana.label(), "Ana Ruiz");
/// assert_eq!(ana.raw()["tz"], "Europe/Paris");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
pub struct UserInfo {
    id: String,
    team_id: Option<String>,
    name: Option<String>,
    real_name: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    profile: Profile,
    #[serde(default, deserialize_with = "null_as_default")]
    deleted: bool,
    #[serde(default, deserialize_with = "null_as_default")]
    is_bot: bool,
    #[serde(default, deserialize_with = "null_as_default")]
    is_restricted: bool,
    #[serde(default, deserialize_with = "null_as_default")]
    is_stranger: bool,
    is_email_confirmed: Option<bool>,
    enterprise_user: Option<EnterpriseUser>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Profile {
    email: Option<String>,
    display_name: Option<String>,
    real_name: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct EnterpriseUser {
    #[serde(default, deserialize_with = "null_as_default")]
    teams: Vec<String>,
}

/// The id of Slackbot, which Slack does not mark as a bot.
const SLACKBOT: &str = "USLACKBOT";

fn non_empty(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

impl UserInfo {
    /// Returns the user id, such as `U012AB3CD`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the legacy user name, which display names have replaced.
    pub fn name(&self) -> Option<&str> {
        non_empty(&self.name)
    }

    /// Returns the display name that the user chose.
    pub fn display_name(&self) -> Option<&str> {
        non_empty(&self.profile.display_name)
    }

    /// Returns the full name.
    pub fn real_name(&self) -> Option<&str> {
        non_empty(&self.profile.real_name).or_else(|| non_empty(&self.real_name))
    }

    /// Returns the e-mail address. It is only available with the scope `users:read.email`; bots have none.
    pub fn email(&self) -> Option<&str> {
        non_empty(&self.profile.email)
    }

    /// Returns the e-mail address, unless Slack reports it as unconfirmed.
    pub(in crate::slack) fn verified_email(&self) -> Option<&str> {
        self.email().filter(|_| self.is_email_confirmed != Some(false))
    }

    /// Returns the id of the user's own workspace.
    pub fn team_id(&self) -> Option<&str> {
        non_empty(&self.team_id)
    }

    /// Returns whether the account is deactivated.
    pub fn is_deactivated(&self) -> bool {
        self.deleted
    }

    /// Returns whether the user is a bot.
    pub fn is_bot(&self) -> bool {
        self.is_bot || self.id() == SLACKBOT
    }

    /// Returns whether the user is a guest of the workspace.
    pub fn is_guest(&self) -> bool {
        self.is_restricted
    }

    /// Returns whether the user belongs to another workspace and is visible through a shared channel. A member of the same
    /// Enterprise organization who also belongs to this workspace is not an outsider.
    pub fn is_outsider(&self, workspace: &str) -> bool {
        let belongs = match self.team_id() {
            Some(team) => team == workspace,
            None => !self.is_stranger,
        };
        let in_organization =
            self.enterprise_user.as_ref().is_some_and(|user| user.teams.iter().any(|team| team == workspace));
        !belongs && !in_organization
    }

    /// Returns the name to show: the display name, or else the full name, the legacy user name or the id.
    pub fn label(&self) -> &str {
        self.display_name().or(self.real_name()).or(self.name()).unwrap_or(self.id())
    }
}

impl ToFieldOption for UserInfo {
    fn option_value(&self) -> String {
        self.id().to_owned()
    }

    fn option_label(&self) -> String {
        self.label().to_owned()
    }
}
