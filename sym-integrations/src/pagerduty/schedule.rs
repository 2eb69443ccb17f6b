//! The query for the users of a schedule.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, Result};
use sym_sdk::model::User;

use super::model::{Members, OnePerson, OneSchedule};
use super::selector::Selector;
use super::{PagerDuty, codes};
use crate::kit::Account;

/// The number of members that are looked up concurrently.
const CONCURRENCY: usize = 8;

/// A query for the users who are in the layers of a schedule, which is awaited: each once, in PagerDuty's order. See
/// [`PagerDuty::users_for_schedule`].
///
/// A schedule does not contain its members' e-mail addresses, so those whose account the directory does not know are looked up one by
/// one. Schedules of PagerDuty's new kind, which have rotations instead of layers, may not be found.
///
/// # Errors
/// `SymSDK:MISSING_ARGUMENT` if no schedule is set.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is awaited"]
pub struct UsersForSchedule {
    pagerduty: PagerDuty,
    schedule: Option<Selector>,
}

impl UsersForSchedule {
    pub(super) fn new(pagerduty: PagerDuty) -> Self {
        Self { pagerduty, schedule: None }
    }

    /// Sets the schedule by its id. The last schedule set counts.
    ///
    /// # Errors
    /// `PagerDuty:SCHEDULE_NOT_FOUND` if there is none.
    pub fn schedule_id(mut self, id: impl Into<String>) -> Self {
        self.schedule = Some(Selector::Id(id.into()));
        self
    }

    /// Sets the schedule by its name. The last schedule set counts.
    ///
    /// # Errors
    /// `PagerDuty:SCHEDULE_NOT_FOUND` if there is none, `PagerDuty:AMBIGUOUS_NAME` if there are several. The name must match in full,
    /// including its case.
    pub fn schedule_name(mut self, name: impl Into<String>) -> Self {
        self.schedule = Some(Selector::Name(name.into()));
        self
    }
}

impl IntoFuture for UsersForSchedule {
    type Output = Result<Vec<Arc<User>>>;
    type IntoFuture = BoxFuture<'static, Result<Vec<Arc<User>>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { pagerduty, schedule } = self;
            let Some(schedule) = schedule else {
                return Err(Error::missing_argument("schedule_name", "users_for_schedule"));
            };
            let id = schedule.schedule(&pagerduty).await?;
            let mut members = pagerduty.members(&id).await?.users;
            let mut seen = HashSet::new();
            members.retain(|member| seen.insert(member.id.clone()));
            let members = stream::iter(members).map(|member| pagerduty.member(member.id)).buffered(CONCURRENCY);
            let accounts: Vec<Option<Account>> = members.try_collect().await?;
            pagerduty.0.users(accounts.into_iter().flatten()).await
        })
    }
}

impl PagerDuty {
    /// Looks up a schedule: <https://developer.pagerduty.com/api-reference/3f03afb2c84a4-get-a-schedule>. The list
    /// `schedules/{id}/users` only has the users who are on call in a certain time.
    async fn members(&self, schedule: &str) -> Result<Members> {
        let call = self.0.get("schedules/{schedule}", &[schedule]);
        let call = call.not_found(codes::SCHEDULE_NOT_FOUND, format!("there is no schedule `{schedule}`"));
        Ok(call.await?.json::<OneSchedule>()?.schedule)
    }

    /// Looks up the account of a member, with its e-mail address if that is needed; `None` if it has been deleted.
    /// See <https://developer.pagerduty.com/api-reference/2395ca1feb25e-get-a-user>.
    async fn member(&self, id: String) -> Result<Option<Account>> {
        if self.0.is_known_account(&id).await? {
            return Ok(Some(Account::new(id, None)));
        }
        let response = self.0.get("users/{user}", &[&id]).accept(404).await?;
        match response.status() {
            404 => Ok(None),
            _ => response.json::<OnePerson>().map(|found| Some(found.user.into())),
        }
    }
}
