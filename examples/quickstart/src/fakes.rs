//! Stand-ins for the services that the handlers use. A client of yours, for a service that nobody else knows, has the same
//! shape: implement [`IntegrationClient`], and handlers take it as `&T`.

use sym_sdk::prelude::*;
use sym_sdk::simulation::Outbox;

/// Ana and Ben, who are on call.
pub(crate) fn people() -> Vec<User> {
    [("ana@example.com", "U012ANA"), ("ben@example.com", "U012BEN")]
        .into_iter()
        .filter_map(|(email, slack_id)| {
            let user = User::person(UserId::of_email(email), email).ok()?;
            Some(user.with_identity(UserIdentity::new("slack", "T012AB3CD", slack_id)))
        })
        .collect()
}

/// GitHub, with a few repositories.
#[derive(Default)]
pub(crate) struct GitHub {
    repos: Vec<String>,
}

impl GitHub {
    pub(crate) fn with_repos<const N: usize>(repos: [&str; N]) -> Self {
        Self { repos: repos.map(str::to_owned).into() }
    }

    pub(crate) async fn list_repos(&self) -> Result<Vec<String>> {
        Ok(self.repos.clone())
    }
}

impl IntegrationClient for GitHub {
    const TYPE: &'static str = "github";

    fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self::default())
    }
}

/// PagerDuty, with the same people on call on every schedule.
#[derive(Default)]
pub(crate) struct PagerDuty {
    on_call: Vec<User>,
}

impl PagerDuty {
    pub(crate) fn with_on_call(on_call: Vec<User>) -> Self {
        Self { on_call }
    }

    pub(crate) async fn users_on_call(&self, _schedule: &str) -> Result<&[User]> {
        Ok(&self.on_call)
    }

    pub(crate) async fn is_on_call(&self, user: &User, schedule: &str) -> Result<bool> {
        Ok(self.users_on_call(schedule).await?.contains(user))
    }
}

impl IntegrationClient for PagerDuty {
    const TYPE: &'static str = "pagerduty";

    /// A real client would keep `config.secret("api_token_secret")?` here, and call nobody yet.
    fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self::default())
    }
}

/// Slack. What it would send stands in the timeline.
#[derive(Default)]
pub(crate) struct Slack {
    outbox: Outbox,
}

impl Slack {
    pub(crate) fn new(outbox: Outbox) -> Self {
        Self { outbox }
    }

    pub(crate) async fn send_message(&self, to: impl Into<RequestDestination>, text: String) -> Result<()> {
        self.outbox.record("slack", to.into().label(), text);
        Ok(())
    }
}

impl IntegrationClient for Slack {
    const TYPE: &'static str = "slack";

    fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self::default())
    }
}
