use serde_json::{Value, json};

/// Somebody in a workspace, or one from outside whom it knows.
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
    /// A person of the workspace. An id begins with U or W and is in upper case.
    pub fn new(id: impl Into<String>) -> Self {
        let (name, email, team) = Default::default();
        Self { id: id.into(), name, email, team, is_deactivated: false, is_bot: false, is_unconfirmed: false }
    }

    /// Sets the display name. Without one, it is the beginning of the e-mail address, or the id.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the e-mail address.
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Has Slack say that they have not confirmed that the e-mail address is theirs.
    pub fn unconfirmed(mut self) -> Self {
        self.is_unconfirmed = true;
        self
    }

    /// Makes it somebody of another workspace, by its id.
    pub fn of_team(mut self, team: impl Into<String>) -> Self {
        self.team = Some(team.into());
        self
    }

    /// Makes it an account that is switched off.
    pub fn deactivated(mut self) -> Self {
        self.is_deactivated = true;
        self
    }

    /// Makes it a bot.
    pub fn bot(mut self) -> Self {
        self.is_bot = true;
        self
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name that others see.
    pub fn display_name(&self) -> &str {
        let of_email = || self.email.as_deref().and_then(|email| email.split('@').next());
        self.name.as_deref().or_else(of_email).unwrap_or(&self.id)
    }

    pub(super) fn has_email(&self, email: &str) -> bool {
        !self.is_deactivated && self.email.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(email))
    }

    /// Whether this is somebody who can do something in the workspace.
    pub(super) fn is_active(&self) -> bool {
        !self.is_deactivated && !self.is_bot
    }

    /// As Slack describes them.
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
