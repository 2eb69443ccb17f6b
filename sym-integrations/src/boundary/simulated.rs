//! A simulated Boundary cluster.

use serde_json::{Value, json};
use sym_sdk::error::Result;

use super::Boundary;
use crate::http::Auth;
use crate::kit::{SimulatedAccount, SimulatedMembers, SimulatedRequest, SimulatedService, address, impl_fake};

/// A simulated Boundary cluster: its groups and their members are set here, and every user that is asked for by e-mail address exists.
///
/// Groups that are not set exist too, without members, so that a handler finds what its configuration names. Changes of members are kept
/// in memory.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::boundary::SimulatedBoundary;
///
/// let boundary = SimulatedBoundary::new().member("g_1", "ana@example.com").build()?;
/// assert_eq!(boundary.get_group("g_1").await?.member_ids, ["u_ana@example.com"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedBoundary {
    members: SimulatedMembers,
}

impl SimulatedBoundary {
    /// Creates a cluster whose groups have no members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the user with this e-mail address, whose id is `u_` and the address, to a group, by its id, which is also its name.
    pub fn member(self, group_id: impl AsRef<str>, email: impl AsRef<str>) -> Self {
        self.members.add(group_id.as_ref(), &user_id(&address(email)));
        self
    }

    /// Builds the client of the cluster.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn build(self) -> Result<Boundary> {
        self.client(&SimulatedAccount::default())
    }

    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<Boundary> {
        let builder = Boundary::builder("https://simulated.example.com").auth(Auth::bearer("simulated".into()));
        account.client(builder, self.service())
    }

    fn service(&self) -> SimulatedService {
        let [listed, read, changed] = std::array::from_fn(|_| self.members.clone());
        SimulatedService::new("v1")
            .not_found(json!({ "kind": "NotFound", "message": "Resource not found" }))
            .on("GET", "groups", move |_| {
                Some(json!({ "items": listed.groups().iter().map(|id| group(id, &[])).collect::<Vec<_>>() }))
            })
            .on("GET", "groups/{group}", move |request| Some(group(request.value(0), &read.of_group(request.value(0)))))
            .on("POST", "groups/{action}", move |request| change(&changed, request))
            .on("GET", "users", |request| Some(json!({ "items": [user(&user_id(&wanted_address(request)?))] })))
            .on("GET", "users/{user}", |request| Some(user(request.value(0))))
    }
}

impl_fake!(SimulatedBoundary => Boundary);

/// Carries out `g_1:add-members` and its like.
fn change(members: &SimulatedMembers, request: &SimulatedRequest) -> Option<Value> {
    let (id, action) = request.value(0).split_once(':')?;
    for member in request.body().get("member_ids")?.as_array()? {
        let member = member.as_str()?;
        let change = match action {
            "add-members" => {
                members.add(id, member);
                "added"
            }
            "remove-members" => {
                members.remove(id, member);
                "removed"
            }
            _ => return None,
        };
        request.record(id, format!("{} {change}", member.trim_start_matches("u_")));
    }
    Some(group(id, &members.of_group(id)))
}

/// The address that the filter of a list asks for, such as `"/item/email" == "ana@example.com"`.
fn wanted_address(request: &SimulatedRequest) -> Option<String> {
    let filter = request.query("filter")?;
    Some(filter.split('"').nth(3)?.to_owned())
}

fn user_id(email: &str) -> String {
    format!("u_{email}")
}

fn group(id: &str, members: &[String]) -> Value {
    json!({ "id": id, "name": id, "scope_id": "global", "version": 1, "member_ids": members })
}

fn user(id: &str) -> Value {
    json!({ "id": id, "email": id.trim_start_matches("u_"), "scope_id": "global" })
}
