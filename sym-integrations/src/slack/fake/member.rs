use serde_json::{Value, json};

/// A member of a workspace, or an outsider known to it.
///
/// ```
/// use sym_integrations::slack::fake::Member;
///
/// let eve = Member::new("U0EVE").name("Eve").email("eve@partner.example").of_team("T0PARTNER");
/// assert_eq!((eve.id(), eve.display_name()), ("U0EVE", "Eve"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    id: String,
    name: Option<String>,
    email: Option<String>,
    team: Option<String>,
    is_deactivated: bool,
    is_bot: bool,
    is_unconfirmed: bool,
}

impl Member {
    /// Creates a member of the workspace. The id starts with U or W and is in upper case.
    pub fn new(id: impl Into<String>) -> Self {
        let (name, email, team) = Default::default();
        Self { id: id.into(), name, email, team, is_deactivated: false, is_bot: false, is_unconfirmed: false }
    }

    /// Sets the display name. The default is the local part of the e-mail address, or the id.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the e-mail address.
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Marks the e-mail address as unconfirmed.
    pub fn unconfirmed(mut self) -> Self {
        self.is_unconfirmed = true;
        self
    }

    /// Makes this a member of another workspace, given by its id.
    pub fn of_team(mut self, team: impl Into<String>) -> Self {
        self.team = Some(team.into());
        self
    }

    /// Deactivates the account.
    pub fn deactivated(mut self) -> Self {
        self.is_deactivated = true;
        self
    }

    /// Makes this a bot.
    pub fn bot(mut self) -> Self {
        self.is_bot = true;
        self
    }

    /// Returns the user id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the display name.
    pub fn display_name(&self) -> &str {
        let of_email = || self.email.as_deref().and_then(|email| email.split('@').next());
        self.name.as_deref().or_else(of_email).unwrap_or(&self.id)
    }

    pub(super) fn email_address(&self) -> Option<&str> {
        self.email.as_deref()
    }

    pub(super) fn is_bot(&self) -> bool {
        self.is_bot
    }

    pub(super) fn has_email(&self, email: &str) -> bool {
        !self.is_deactivated && self.email.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(email))
    }

    /// Whether this is a person with an active account.
    pub(super) fn is_active(&self) -> bool {
        !self.is_deactivated && !self.is_bot
    }

    /// Returns the JSON by which Slack describes the member.
    pub(super) fn json(&self, workspace: &str) -> Value {
        let name = self.display_name();
        let mut profile = json!({ "real_name": name, "display_name": name });
        if let Some(email) = &self.email {
            profile["email"] = json!(email);
        }
        json!({
            "id": self.id,
            "team_id": self.team.as_deref().unwrap_or(workspace),
            "name": name.to_lowercase().replace(' ', "."),
            "real_name": name,
            "deleted": self.is_deactivated,
            "is_bot": self.is_bot,
            "is_app_user": false,
            "is_email_confirmed": !self.is_unconfirmed,
            "is_stranger": self.team.as_deref().is_some_and(|team| team != workspace),
            "profile": profile,
        })
    }
}
