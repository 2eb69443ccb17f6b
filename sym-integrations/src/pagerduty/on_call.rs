//! Queries about who is on call now.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use sym_sdk::BoxFuture;
use sym_sdk::error::Result;
use sym_sdk::integration::{look_up, look_up_users};
use sym_sdk::model::User;

use super::PagerDuty;
use super::client::PAGERDUTY;
use super::model::{OnCall, Person, ScheduleUsers};
use super::page::OnCalls;
use super::selector::Selector;
use crate::http::{Call, Paginator};
use crate::kit::Account;

/// The length of the time that a schedule is asked about: the shortest that PagerDuty tells apart.
const SHIFT_PROBE: Duration = Duration::from_secs(1);

/// A query about who is on call, which is awaited. See [`PagerDuty::is_on_call`] and [`PagerDuty::users_on_call`].
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is awaited"]
pub struct OnCallQuery<T> {
    pagerduty: PagerDuty,
    user: Option<User>,
    filter: OnCallFilter,
    output: PhantomData<fn() -> T>,
}

impl<T> OnCallQuery<T> {
    /// Counts only those who are on call through the schedule with this id, whether an escalation policy uses it or not. Nobody is on call
    /// through one that does not exist.
    ///
    /// The last schedule set counts. If there is an escalation policy too, both must match.
    pub fn schedule_id(mut self, id: impl Into<String>) -> Self {
        self.filter.schedule = Some(Selector::Id(id.into()));
        self
    }

    /// Counts only those who are on call through the schedule with this name. See [`schedule_id`](Self::schedule_id).
    ///
    /// # Errors
    /// `PagerDuty:SCHEDULE_NOT_FOUND` if there is none, `PagerDuty:AMBIGUOUS_NAME` if there are several. The name must match in full,
    /// including its case.
    pub fn schedule_name(mut self, name: impl Into<String>) -> Self {
        self.filter.schedule = Some(Selector::Name(name.into()));
        self
    }

    /// Counts only those who are on call for the escalation policy with this id, at any of its levels. Nobody is on call for one that
    /// does not exist.
    ///
    /// The last policy set counts. If there is a schedule too, both must match.
    pub fn escalation_policy_id(mut self, id: impl Into<String>) -> Self {
        self.filter.policy = Some(Selector::Id(id.into()));
        self
    }

    /// Counts only those who are on call for the escalation policy with this name. See
    /// [`escalation_policy_id`](Self::escalation_policy_id).
    ///
    /// # Errors
    /// `PagerDuty:ESCALATION_POLICY_NOT_FOUND` if there is none, `PagerDuty:AMBIGUOUS_NAME` if there are several. The name must match in
    /// full, including its case.
    pub fn escalation_policy_name(mut self, name: impl Into<String>) -> Self {
        self.filter.policy = Some(Selector::Name(name.into()));
        self
    }
}

impl OnCallQuery<bool> {
    pub(super) fn of_user(pagerduty: PagerDuty, user: User) -> Self {
        Self { pagerduty, user: Some(user), filter: OnCallFilter::default(), output: PhantomData }
    }

    async fn run(self) -> Result<bool> {
        let Some(user) = self.user.clone() else { return Ok(false) };
        let question = format!("is_on_call {}{}", user.username(), self.filter);
        look_up(PAGERDUTY.name(), question, self.ask(&user)).await
    }

    async fn ask(&self, user: &User) -> Result<bool> {
        let filter = self.filter.resolve(&self.pagerduty).await?;
        let account = self.pagerduty.account_id(user).await?;
        let mut entries = self.pagerduty.on_calls(&filter, |call| call.query("user_ids[]", &account));
        while let Some(entry) = entries.next_item().await? {
            let is_own = entry.user.as_ref().is_some_and(|user| user.id == account);
            if is_own && filter.matches(&entry) && self.pagerduty.is_current(&entry) {
                return Ok(true);
            }
        }
        let Some(schedule) = filter.schedule_alone() else { return Ok(false) };
        Ok(self.pagerduty.users_of_shift(schedule).await?.iter().any(|user| user.id == account))
    }
}

impl OnCallQuery<Vec<Arc<User>>> {
    pub(super) fn of_all(pagerduty: PagerDuty) -> Self {
        Self { pagerduty, user: None, filter: OnCallFilter::default(), output: PhantomData }
    }

    async fn run(self) -> Result<Vec<Arc<User>>> {
        let question = format!("users_on_call{}", self.filter);
        look_up_users(PAGERDUTY.name(), question, self.ask()).await
    }

    async fn ask(&self) -> Result<Vec<Arc<User>>> {
        let filter = self.filter.resolve(&self.pagerduty).await?;
        let mut entries = self.pagerduty.on_calls(&filter, |call| call.query("include[]", "users"));
        let (mut accounts, mut seen) = (Vec::<Account>::new(), HashSet::new());
        while let Some(entry) = entries.next_item().await? {
            if !filter.matches(&entry) || !self.pagerduty.is_current(&entry) {
                continue;
            }
            // There is an entry for each policy and level.
            if let Some(user) = entry.user.filter(|user| seen.insert(user.id.clone())) {
                accounts.push(user.into());
            }
        }
        if let Some(schedule) = filter.schedule_alone().filter(|_| accounts.is_empty()) {
            accounts.extend(self.pagerduty.users_of_shift(schedule).await?.into_iter().map(Account::from));
        }
        self.pagerduty.0.users(accounts).await
    }
}

impl IntoFuture for OnCallQuery<bool> {
    type Output = Result<bool>;
    type IntoFuture = BoxFuture<'static, Result<bool>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl IntoFuture for OnCallQuery<Vec<Arc<User>>> {
    type Output = Result<Vec<Arc<User>>>;
    type IntoFuture = BoxFuture<'static, Result<Vec<Arc<User>>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// The schedule and the escalation policy that an on-call entry has to be of.
#[derive(Clone, Debug, Default)]
struct OnCallFilter {
    schedule: Option<Selector>,
    policy: Option<Selector>,
}

/// As part of a question that is recorded.
impl fmt::Display for OnCallFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schedule) = &self.schedule {
            write!(f, " of schedule {schedule}")?;
        }
        if let Some(policy) = &self.policy {
            write!(f, " of policy {policy}")?;
        }
        Ok(())
    }
}

impl OnCallFilter {
    async fn resolve(&self, pagerduty: &PagerDuty) -> Result<ResolvedFilter> {
        let schedule = match &self.schedule {
            Some(selector) => Some(selector.schedule(pagerduty).await?),
            None => None,
        };
        let policy = match &self.policy {
            Some(selector) => Some(selector.escalation_policy(pagerduty).await?),
            None => None,
        };
        Ok(ResolvedFilter { schedule, policy })
    }
}

/// An [`OnCallFilter`] by ids.
struct ResolvedFilter {
    schedule: Option<String>,
    policy: Option<String>,
}

impl ResolvedFilter {
    /// Returns the schedule, if nothing else is asked for.
    fn schedule_alone(&self) -> Option<&str> {
        self.schedule.as_deref().filter(|_| self.policy.is_none())
    }

    /// Whether an entry matches. PagerDuty has been asked for no others, but access is granted on the strength of it.
    fn matches(&self, entry: &OnCall) -> bool {
        let is = |wanted: &Option<String>, id: Option<&str>| wanted.is_none() || wanted.as_deref() == id;
        is(&self.schedule, entry.schedule.as_ref().map(|schedule| schedule.id.as_str()))
            && is(&self.policy, entry.escalation_policy.as_ref().map(|policy| policy.id.as_str()))
    }
}

impl PagerDuty {
    /// Lists the entries of this moment, by PagerDuty's clock.
    /// See <https://developer.pagerduty.com/api-reference/3a6b910f11050-list-all-of-the-on-calls>.
    fn on_calls(&self, filter: &ResolvedFilter, narrow: impl FnOnce(Call) -> Call) -> Paginator<OnCall> {
        self.list::<OnCalls>("oncalls", |call| {
            narrow(call)
                .query_opt("schedule_ids[]", filter.schedule.as_ref())
                .query_opt("escalation_policy_ids[]", filter.policy.as_ref())
                .query("earliest", true)
        })
    }

    /// Whether an entry has begun and not ended. With `earliest`, PagerDuty also returns entries that are yet to begin.
    fn is_current(&self, entry: &OnCall) -> bool {
        entry.is_current(self.0.clock().now())
    }

    /// Lists the users who are on call now by a schedule itself. On-call entries are those of escalation policies, so a schedule that no
    /// policy uses has none.
    /// See [PagerDuty](https://developer.pagerduty.com/api-reference/4a1aa5d2e8f4b-list-users-on-call).
    async fn users_of_shift(&self, schedule: &str) -> Result<Vec<Person>> {
        let now = self.0.clock().now();
        let call = self.0.get("schedules/{schedule}/users", &[schedule]);
        let call = call.query("since", now).query("until", now.checked_add(SHIFT_PROBE).unwrap_or(now));
        // Nobody is on call by a schedule that does not exist. One with rotations instead of layers is refused with 400.
        let response = call.accept(404).accept(400).await?;
        match response.status() {
            400 | 404 => Ok(Vec::new()),
            _ => Ok(response.json::<ScheduleUsers>()?.users),
        }
    }
}
