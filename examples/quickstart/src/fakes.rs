//! The fakes of the program: who is on call in PagerDuty, and a code host of its own.

use sym_integrations::pagerduty::SimulatedPagerDuty;
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

/// Returns a fake of PagerDuty, in which Ana and Ben are on call for the schedule `platform`.
///
/// Handlers take the client that `sym-integrations` has. The fake answers it in place of PagerDuty.
pub(crate) fn pagerduty() -> SimulatedPagerDuty {
    SimulatedPagerDuty::new().on_call_for("platform", "ana@example.com").on_call_for("platform", "ben@example.com")
}

/// A client of a code host, with two repositories. A client for a service of your own has the same shape: implement
/// [`IntegrationClient`], and handlers take it as `&T`.
pub(crate) struct CodeHost {
    repos: [&'static str; 2],
}

impl CodeHost {
    pub(crate) async fn list_repos(&self) -> Result<&[&'static str]> {
        Ok(&self.repos)
    }
}

impl IntegrationClient for CodeHost {
    const TYPE: &'static str = "code_host";

    /// A real client would read `config.secret("api_token_secret")?` here, without calling the service yet.
    fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self { repos: ["acme/payments", "acme/website"] })
    }

    /// A real client would return one that calls nothing, or leave that to `App::fake`.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        Self::from_config(config).map(Some)
    }
}
