//! Fakes of GitHub and PagerDuty. A client for a service of your own has the same shape: implement
//! [`IntegrationClient`], and handlers take it as `&T`.

use sym_sdk::prelude::*;

/// Returns Ana, Ben and Cleo, who have Slack accounts.
pub(crate) fn people() -> Vec<User> {
    [("ana@example.com", "U012ANA"), ("ben@example.com", "U012BEN"), ("cleo@example.com", "U012CLEO")]
        .into_iter()
        .filter_map(|(email, slack_id)| {
            let user = User::from_email(email).ok()?;
            Some(user.with_identity(UserIdentity::new("slack", "T012AB3CD", slack_id)))
        })
        .collect()
}

/// A fake of GitHub, with two repositories.
pub(crate) struct GitHub {
    repos: [&'static str; 2],
}

impl GitHub {
    pub(crate) async fn list_repos(&self) -> Result<&[&'static str]> {
        Ok(&self.repos)
    }
}

impl IntegrationClient for GitHub {
    const TYPE: &'static str = "github";

    /// A real client would read `config.secret("api_token_secret")?` here, without calling the service yet.
    fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self { repos: ["acme/payments", "acme/website"] })
    }

    /// A real client would return a fake for simulations, or leave that to `App::fake`.
    fn simulated(config: &IntegrationConfig<'_>) -> Option<Self> {
        Self::from_config(config).ok()
    }
}

/// A fake of PagerDuty, with Ana and Ben on call on every schedule.
pub(crate) struct PagerDuty {
    on_call: Vec<User>,
}

impl PagerDuty {
    pub(crate) async fn users_on_call(&self, _schedule: &str) -> Result<&[User]> {
        Ok(&self.on_call)
    }

    pub(crate) async fn is_on_call(&self, user: &User, schedule: &str) -> Result<bool> {
        Ok(self.users_on_call(schedule).await?.contains(user))
    }
}

impl IntegrationClient for PagerDuty {
    const TYPE: &'static str = "pagerduty";

    fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self { on_call: people().into_iter().filter(|person| !person.username().starts_with("cleo")).collect() })
    }

    fn simulated(config: &IntegrationConfig<'_>) -> Option<Self> {
        Self::from_config(config).ok()
    }
}
