//! A simulated Okta organization.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sym_sdk::error::Result;

use super::Okta;
use crate::kit::{SimulatedMembers, SimulatedService};

/// A simulated Okta organization: its groups and their members are set here, and every user that is asked for exists.
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
}

impl SimulatedOkta {
    /// Creates an organization whose groups have no members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the user with this e-mail address to a group, by its id, which is also its name.
    pub fn member(mut self, group_id: impl Into<String>, email: impl Into<String>) -> Self {
        self.members.insert((group_id.into(), email.into()));
        self
    }

    /// Builds the client of the organization.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn build(self) -> Result<Okta> {
        let connection = self.service().connection();
        Okta::builder("simulated.okta.com").token("simulated").connection(connection).without_rate_limits().build()
    }

    fn service(self) -> SimulatedService {
        let members: SimulatedMembers = self.members.into_iter().collect();
        let [all, of_user, of_group, added, removed] = std::array::from_fn(|_| members.clone());
        // Users are named after their e-mail addresses.
        SimulatedService::new("api/v1")
            .on("GET", "groups", move |_| Some(list(&all.groups(), group)))
            .on("GET", "groups/{group}", |request| Some(group(request.value(0))))
            .on("GET", "groups/{group}/users", move |request| Some(list(&of_group.of_group(request.value(0)), user)))
            .on("GET", "users", |_| Some(json!([])))
            .on("GET", "users/{user}", |request| Some(user(request.value(0))))
            .on("GET", "users/{user}/groups", move |request| Some(list(&of_user.groups_of(request.value(0)), group)))
            .on("PUT", "groups/{group}/users/{user}", move |request| {
                added.add(request.value(0), request.value(1));
                Some(Value::Null)
            })
            .on("DELETE", "groups/{group}/users/{user}", move |request| {
                removed.remove(request.value(0), request.value(1));
                Some(Value::Null)
            })
    }
}

fn list(ids: &[String], describe: fn(&str) -> Value) -> Value {
    ids.iter().map(|id| describe(id)).collect()
}

fn group(id: &str) -> Value {
    json!({ "id": id, "type": "OKTA_GROUP", "profile": { "name": id } })
}

fn user(email: &str) -> Value {
    json!({ "id": email, "status": "ACTIVE", "profile": { "login": email, "email": email } })
}
