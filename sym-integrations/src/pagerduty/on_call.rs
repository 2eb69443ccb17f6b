//! Who is on call now.

use std::collections::HashSet;
use std::sync::Arc;

use sym_sdk::BoxFuture;
use sym_sdk::error::Result;
use sym_sdk::model::User;

use super::PagerDuty;
use super::client::ApiClient;
use super::model::OnCall;
use super::page::OnCalls;
use super::selector::Selector;
use crate::account_resolver::Account;
use crate::http::{Call, Paginator};

/// Whether a user is on call, to be awaited. See [`PagerDuty::is_on_call`].
#[derive(Clone, Debug)]
#[must_use = "nothing is asked until it is awaited"]
pub struct IsOnCall {
    pagerduty: PagerDuty,
    user: User,
    filter: OnCallFilter,
}

/// The users who are on call, to be awaited: each once, in PagerDuty's order. See [`PagerDuty::users_on_call`].
///
/// Whoever has no e-mail address there and is not known by their account is left out, with a warning in the log.
#[derive(Clone, Debug)]
#[must_use = "nothing is asked until it is awaited"]
pub struct UsersOnCall {
    pagerduty: PagerDuty,
    filter: OnCallFilter,
}

macro_rules! on_call_filter {
    ($($name:ident)*) => {$(
        impl $name {
            /// Counts only who is on call through the schedule with this id. One that does not exist has nobody on call.
            ///
            /// There is one schedule at most, the one that was named last; with an escalation policy too, both count.
            pub fn schedule_id(mut self, id: impl Into<String>) -> Self {
                self.filter.schedule = Some(Selector::Id(id.into()));
                self
            }

            /// Counts only who is on call through the schedule of this name. See [`schedule_id`](Self::schedule_id).
            ///
            /// # Errors
            /// `PagerDuty:SCHEDULE_NOT_FOUND` if there is none, `PagerDuty:AMBIGUOUS_NAME` if there are several. The whole name counts,
            /// and its case.
            pub fn schedule_name(mut self, name: impl Into<String>) -> Self {
                self.filter.schedule = Some(Selector::Name(name.into()));
                self
            }

            /// Counts only who is on call for the escalation policy with this id, at any of its levels. One that does not exist has
            /// nobody on call.
            ///
            /// There is one policy at most, the one that was named last; with a schedule too, both count.
            pub fn escalation_policy_id(mut self, id: impl Into<String>) -> Self {
                self.filter.policy = Some(Selector::Id(id.into()));
                self
            }

            /// Counts only who is on call for the escalation policy of this name. See
            /// [`escalation_policy_id`](Self::escalation_policy_id).
            ///
            /// # Errors
            /// `PagerDuty:ESCALATION_POLICY_NOT_FOUND` if there is none, `PagerDuty:AMBIGUOUS_NAME` if there are several. The
            /// whole name counts, and its case.
            pub fn escalation_policy_name(mut self, name: impl Into<String>) -> Self {
                self.filter.policy = Some(Selector::Name(name.into()));
                self
            }
        }
    )*};
}

on_call_filter!(IsOnCall UsersOnCall);

impl IsOnCall {
    pub(super) fn new(pagerduty: PagerDuty, user: User) -> Self {
        Self { pagerduty, user, filter: OnCallFilter::default() }
    }
}

impl UsersOnCall {
    pub(super) fn new(pagerduty: PagerDuty) -> Self {
        Self { pagerduty, filter: OnCallFilter::default() }
    }
}

impl IntoFuture for IsOnCall {
    type Output = Result<bool>;
    type IntoFuture = BoxFuture<'static, Result<bool>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Some(live) = self.pagerduty.live() else { return Ok(false) };
            let filter = self.filter.resolve(live).await?;
            let account = live.account_of(&self.user).await?;
            let mut entries = live.on_calls(&filter, |call| call.query("user_ids[]", &account));
            while let Some(entry) = entries.next_item().await? {
                let is_own = entry.user.as_ref().is_some_and(|user| user.id == account);
                if is_own && filter.have(&entry) && live.is_under_way(&entry) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }
}

impl IntoFuture for UsersOnCall {
    type Output = Result<Vec<Arc<User>>>;
    type IntoFuture = BoxFuture<'static, Result<Vec<Arc<User>>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Some(live) = self.pagerduty.live() else { return Ok(Vec::new()) };
            let filter = self.filter.resolve(live).await?;
            let mut entries = live.on_calls(&filter, |call| call.query("include[]", "users"));
            let (mut accounts, mut seen) = (Vec::<Account>::new(), HashSet::new());
            while let Some(entry) = entries.next_item().await? {
                if !filter.have(&entry) || !live.is_under_way(&entry) {
                    continue;
                }
                // There is an entry for each policy and level.
                if let Some(user) = entry.user.filter(|user| seen.insert(user.id.clone())) {
                    accounts.push(user.into());
                }
            }
            live.accounts.users(accounts).await
        })
    }
}

/// Where one has to be on call to count.
#[derive(Clone, Debug, Default)]
struct OnCallFilter {
    schedule: Option<Selector>,
    policy: Option<Selector>,
}

impl OnCallFilter {
    async fn resolve(&self, live: &ApiClient) -> Result<ResolvedFilter> {
        let schedule = match &self.schedule {
            Some(which) => Some(which.schedule(live).await?),
            None => None,
        };
        let policy = match &self.policy {
            Some(which) => Some(which.escalation_policy(live).await?),
            None => None,
        };
        Ok(ResolvedFilter { schedule, policy })
    }
}

/// The same by ids.
struct ResolvedFilter {
    schedule: Option<String>,
    policy: Option<String>,
}

impl ResolvedFilter {
    /// Whether an entry is one of these. PagerDuty has been asked for no others; but on this, access is granted.
    fn have(&self, entry: &OnCall) -> bool {
        let is = |wanted: &Option<String>, got: Option<&str>| wanted.is_none() || wanted.as_deref() == got;
        is(&self.schedule, entry.schedule.as_ref().map(|schedule| schedule.id.as_str()))
            && is(&self.policy, entry.escalation_policy.as_ref().map(|policy| policy.id.as_str()))
    }
}

impl ApiClient {
    /// Lists the entries of this moment, which is PagerDuty's own if it is not told of another.
    /// See <https://developer.pagerduty.com/api-reference/3a6b910f11050-list-all-of-the-on-calls>.
    fn on_calls(&self, filter: &ResolvedFilter, with: impl FnOnce(Call) -> Call) -> Paginator<OnCall> {
        self.list::<OnCalls>("oncalls", |call| {
            with(call)
                .query_opt("schedule_ids[]", filter.schedule.as_ref())
                .query_opt("escalation_policy_ids[]", filter.policy.as_ref())
                .query("earliest", true)
        })
    }

    /// Whether an entry is under way. `earliest` may be one that is yet to come.
    fn is_under_way(&self, entry: &OnCall) -> bool {
        entry.is_at(self.client.clock().now())
    }
}
