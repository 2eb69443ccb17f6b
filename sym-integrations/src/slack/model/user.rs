use serde::{Deserialize, Serialize};
use serde_json::Value;
use sym_sdk::error::{Error, Result};
use sym_sdk::forms::FieldOption;

use super::kept::Kept;
use crate::ToFieldOption;

/// Somebody in a workspace, as [`users.info`](https://docs.slack.dev/reference/methods/users.info) describes them. They may be
/// deactivated, a bot, or from outside.
///
/// ```
/// use sym_integrations::slack::UserInfo;
///
/// let ana: UserInfo = serde_json::from_str(r#"{"id":"U012AB3CD","tz":"Europe/Paris","profile":{"real_name":"Ana Ruiz"}}"#)?;
/// assert_eq!(ana.label(), "Ana Ruiz");
/// assert_eq!(ana.raw()["tz"], "Europe/Paris");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserInfo(Kept<Known>);

#[derive(Clone, Debug, Deserialize)]
struct Known {
    id: String,
    team_id: Option<String>,
    name: Option<String>,
    real_name: Option<String>,
    #[serde(default)]
    profile: Profile,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    is_bot: bool,
    #[serde(default)]
    is_restricted: bool,
    #[serde(default)]
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
    #[serde(default)]
    teams: Vec<String>,
}

/// Slack's own bot, which is not marked as one.
const SLACKBOT: &str = "USLACKBOT";

fn filled(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

impl UserInfo {
    /// The id, such as `U012AB3CD`.
    pub fn id(&self) -> &str {
        &self.0.known.id
    }

    /// The name that mentions had before there were display names.
    pub fn name(&self) -> Option<&str> {
        filled(&self.0.known.name)
    }

    /// The name that people chose to be shown by.
    pub fn display_name(&self) -> Option<&str> {
        filled(&self.0.known.profile.display_name)
    }

    /// The full name.
    pub fn real_name(&self) -> Option<&str> {
        filled(&self.0.known.profile.real_name).or_else(|| filled(&self.0.known.real_name))
    }

    /// The e-mail address. It is there with the scope `users:read.email` only, and bots have none.
    pub fn email(&self) -> Option<&str> {
        filled(&self.0.known.profile.email)
    }

    /// The same, unless Slack says that they have not confirmed that it is theirs.
    pub(in crate::slack) fn verified_email(&self) -> Option<&str> {
        self.email().filter(|_| self.0.known.is_email_confirmed != Some(false))
    }

    /// The workspace they belong to.
    pub fn team_id(&self) -> Option<&str> {
        filled(&self.0.known.team_id)
    }

    /// Whether the account is deactivated.
    pub fn is_deactivated(&self) -> bool {
        self.0.known.deleted
    }

    /// Whether it is a bot.
    pub fn is_bot(&self) -> bool {
        self.0.known.is_bot || self.id() == SLACKBOT
    }

    /// Whether it is a guest of the workspace.
    pub fn is_guest(&self) -> bool {
        self.0.known.is_restricted
    }

    /// Whether they are from another workspace than this one, met in a shared channel. Members of the same Enterprise organization
    /// who belong to this workspace too are not.
    pub fn is_outsider(&self, workspace: &str) -> bool {
        let known = &self.0.known;
        let belongs = match self.team_id() {
            Some(team) => team == workspace,
            None => !known.is_stranger,
        };
        let in_organization =
            known.enterprise_user.as_ref().is_some_and(|user| user.teams.iter().any(|team| team == workspace));
        !belongs && !in_organization
    }

    /// What people know them by: the display name, else the full name, else the old name or the id.
    pub fn label(&self) -> &str {
        self.display_name().or(self.real_name()).or(self.name()).unwrap_or(self.id())
    }

    /// All that Slack sent.
    pub fn raw(&self) -> &Value {
        self.0.raw()
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

impl TryFrom<&UserInfo> for FieldOption {
    type Error = Error;

    fn try_from(user: &UserInfo) -> Result<Self> {
        user.to_field_option()
    }
}
