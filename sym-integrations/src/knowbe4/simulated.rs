//! A simulated KnowBe4 account.

use serde_json::{Value, json};
use sym_sdk::error::Result;

use super::{KnowBe4, Region};
use crate::kit::{SimulatedAccount, SimulatedRequest, SimulatedService, address, impl_fake};

/// A simulated KnowBe4 account, whose users are those that are set here.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::knowbe4::SimulatedKnowBe4;
/// use sym_sdk::model::User;
///
/// let knowbe4 = SimulatedKnowBe4::new().member(17, "ana@example.com").build()?;
/// let ana = User::from_email("ana@example.com")?;
/// assert!(knowbe4.is_user_in_group(&ana, 17).await?);
/// assert!(!knowbe4.is_user_in_group(&ana, 18).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedKnowBe4 {
    users: Vec<SimulatedUser>,
}

#[derive(Clone, Debug)]
struct SimulatedUser {
    email: String,
    groups: Vec<u64>,
    enrollments: Vec<Value>,
}

impl SimulatedKnowBe4 {
    /// Creates an account without users.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user, by e-mail address.
    pub fn user(mut self, email: impl Into<String>) -> Self {
        self.entry(email.into());
        self
    }

    /// Adds a user to a group.
    pub fn member(mut self, group_id: u64, email: impl Into<String>) -> Self {
        self.entry(email.into()).groups.push(group_id);
        self
    }

    /// Adds an enrollment of a user, as KnowBe4 describes it in JSON. It needs an `enrollment_id`.
    pub fn enrollment(mut self, email: impl Into<String>, enrollment: Value) -> Self {
        self.entry(email.into()).enrollments.push(enrollment);
        self
    }

    fn entry(&mut self, email: String) -> &mut SimulatedUser {
        let email = address(email);
        let index = self.users.iter().position(|user| user.email == email).unwrap_or_else(|| {
            self.users.push(SimulatedUser { email, groups: Vec::new(), enrollments: Vec::new() });
            self.users.len() - 1
        });
        &mut self.users[index]
    }

    /// Builds the client of the account.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn build(self) -> Result<KnowBe4> {
        self.client(&SimulatedAccount::default())
    }

    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<KnowBe4> {
        account.client(KnowBe4::builder("simulated", Region::Us)?.token("simulated"), self.service())
    }

    fn service(&self) -> SimulatedService {
        let users: Vec<Value> = self.users.iter().enumerate().map(|(index, user)| describe(index, user)).collect();
        let found = users.clone();
        let enrollments = self.users.clone();
        SimulatedService::new("v1")
            .not_found(json!({ "message": "Not Found" }))
            .on("GET", "account", |_| Some(json!({})))
            .on("GET", "users", move |request| Some(only_page(request, users.clone())))
            .on("GET", "users/{user}", move |request| found.get(index_of(request.value(0))?).cloned())
            .on("GET", "training/enrollments", move |request| {
                let user = request.query("user_id").and_then(index_of).and_then(|index| enrollments.get(index));
                let all = user.map(|user| user.enrollments.clone()).unwrap_or_default();
                let wanted = all.into_iter().filter(|enrollment| {
                    ["campaign_id", "store_purchase_id"]
                        .iter()
                        .all(|name| request.query(name).is_none_or(|id| id.parse().ok() == enrollment[name].as_u64()))
                });
                Some(only_page(request, wanted.collect()))
            })
    }
}

impl_fake!(SimulatedKnowBe4 => KnowBe4);

/// Users are numbered from 1.
fn index_of(id: &str) -> Option<usize> {
    id.parse::<usize>().ok()?.checked_sub(1)
}

fn describe(index: usize, user: &SimulatedUser) -> Value {
    json!({ "id": index + 1, "email": user.email, "status": "active", "groups": user.groups })
}

fn only_page(request: &SimulatedRequest, items: Vec<Value>) -> Value {
    if request.query("page") == Some("1") { items.into() } else { json!([]) }
}
