//! A simulated Okta organization.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sym_sdk::error::Result;

use super::Okta;
use crate::kit::{SimulatedAccount, SimulatedMembers, SimulatedService, address, impl_fake};

/// A simulated Okta organization: its groups and their members are set here, and every user that is asked for exists unless
/// [`without_user`](Self::without_user) says otherwise.
///
/// Groups that are not set exist too, without members, so that a handler finds what its configuration names. Changes of members are kept
/// in memory.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::okta::SimulatedOkta;
/// use sym_sdk::model::User;
///
/// let okta = SimulatedOkta::new().member("00g1", "ana@example.com").build()?;
/// let ana = User::from_email("ana@example.com")?;
/// assert!(okta.is_user_in_group(&ana, "00g1").await?);
/// assert!(!okta.is_user_in_group(&ana, "00g2").await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedOkta {
    members: BTreeSet<(String, String)>,
    /// The profiles of users, by e-mail address.
    profiles: BTreeMap<String, BTreeMap<String, String>>,
    unknown: BTreeSet<String>,
}

impl SimulatedOkta {
    /// Creates an organization whose groups have no members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the user with this e-mail address to a group, by its id, which is also its name.
    pub fn member(mut self, group_id: impl Into<String>, email: impl Into<String>) -> Self {
        self.members.insert((group_id.into(), address(email.into())));
        self
    }

    /// Sets an attribute in the profile of the user with this e-mail address, such as `department`.
    pub fn attribute(mut self, email: impl Into<String>, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.profiles.entry(address(email.into())).or_default().insert(name.into(), value.into());
        self
    }

    /// Makes the organization one that has no user with this e-mail address.
    pub fn without_user(mut self, email: impl Into<String>) -> Self {
        self.unknown.insert(address(email.into()));
        self
    }

    /// Builds the client of the organization.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn build(self) -> Result<Okta> {
        self.client(&SimulatedAccount::default())
    }

    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<Okta> {
        account.client(Okta::builder("simulated.okta.com").token("simulated"), self.service())
    }

    fn service(&self) -> SimulatedService {
        let members: SimulatedMembers = self.members.iter().cloned().collect();
        let (listed, found) = (self.clone(), self.clone());
        let [all, of_user, of_group, added, removed] = std::array::from_fn(|_| members.clone());
        // Users are named after their e-mail addresses.
        SimulatedService::new("api/v1")
            .not_found(json!({ "errorCode": "E0000007", "errorSummary": "Not found: Resource not found" }))
            .on("GET", "groups", move |_| Some(list(&all.groups(), group)))
            .on("GET", "groups/{group}", |request| Some(group(request.value(0))))
            .on("GET", "groups/{group}/users", move |request| {
                Some(of_group.of_group(request.value(0)).iter().map(|email| listed.user(email)).collect())
            })
            .on("GET", "users", |_| Some(json!([])))
            .on("GET", "users/{user}", move |request| {
                Some(found.user(request.value(0))).filter(|_| !found.unknown.contains(request.value(0)))
            })
            .on("GET", "users/{user}/groups", move |request| Some(list(&of_user.groups_of(request.value(0)), group)))
            .on("PUT", "groups/{group}/users/{user}", move |request| {
                added.add(request.value(0), request.value(1));
                request.record(request.value(0), format!("{} added", request.value(1)));
                Some(Value::Null)
            })
            .on("DELETE", "groups/{group}/users/{user}", move |request| {
                removed.remove(request.value(0), request.value(1));
                request.record(request.value(0), format!("{} removed", request.value(1)));
                Some(Value::Null)
            })
    }
}

impl SimulatedOkta {
    fn user(&self, email: &str) -> Value {
        let mut profile = json!({ "login": email, "email": email });
        for (name, value) in self.profiles.get(email).into_iter().flatten() {
            profile[name] = value.as_str().into();
        }
        json!({ "id": email, "status": "ACTIVE", "profile": profile })
    }
}

impl_fake!(SimulatedOkta => Okta);

fn list(ids: &[String], describe: fn(&str) -> Value) -> Value {
    ids.iter().map(|id| describe(id)).collect()
}

fn group(id: &str) -> Value {
    json!({ "id": id, "type": "OKTA_GROUP", "profile": { "name": id } })
}
