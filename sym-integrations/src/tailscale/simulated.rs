//! A simulated tailnet.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sym_sdk::error::Result;

use super::Tailscale;
use crate::http::Auth;
use crate::kit::{SimulatedAccount, SimulatedService, impl_fake};

/// A simulated tailnet: the groups of its policy file and their members are set here. The policy file cannot be changed.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::tailscale::SimulatedTailscale;
///
/// let tailscale = SimulatedTailscale::new().member("group:ops", "ana@example.com").build()?;
/// assert_eq!(tailscale.list_groups().await?[0].members, ["ana@example.com"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedTailscale {
    groups: BTreeMap<String, BTreeSet<String>>,
    users: BTreeSet<String>,
}

impl SimulatedTailscale {
    /// Creates a tailnet without groups and users.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a group without members.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.groups.entry(name.into()).or_default();
        self
    }

    /// Adds a member of the tailnet, by their login.
    pub fn user(mut self, login: impl Into<String>) -> Self {
        self.users.insert(login.into());
        self
    }

    /// Adds a member of the tailnet to a group.
    pub fn member(mut self, group: impl Into<String>, login: impl Into<String>) -> Self {
        let login = login.into();
        self.groups.entry(group.into()).or_default().insert(login.clone());
        self.user(login)
    }

    /// Builds the client of the tailnet.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn build(self) -> Result<Tailscale> {
        self.client(&SimulatedAccount::default())
    }

    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<Tailscale> {
        let policy = json!({ "groups": self.groups });
        let user = |login: &String| json!({ "id": login, "loginName": login, "type": "member", "status": "active" });
        let users = json!({ "users": self.users.iter().map(user).collect::<Vec<_>>() });
        let service = SimulatedService::new("api/v2")
            .not_found(json!({ "message": "not found" }))
            .on("GET", "tailnet/{tailnet}/acl", move |_| Some(policy.clone()))
            .on("GET", "tailnet/{tailnet}/users", move |_| Some(users.clone()));
        account.client(Tailscale::builder("simulated").auth(Auth::bearer("simulated".into())), service)
    }
}

impl_fake!(SimulatedTailscale => Tailscale);
