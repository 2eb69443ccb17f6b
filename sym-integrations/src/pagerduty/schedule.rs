//! Who is in a schedule.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, Result};
use sym_sdk::model::User;

use super::PagerDuty;
use super::client::ApiClient;
use super::error::SCHEDULE_NOT_FOUND;
use super::model::{Members, OnePerson, OneSchedule};
use super::selector::Selector;
use crate::account_resolver::Account;

/// How many members are looked up at once.
const AT_ONCE: usize = 8;

/// The users who are in the layers of a schedule, to be awaited: each once, in PagerDuty's order. See
/// [`PagerDuty::users_for_schedule`].
///
/// A schedule does not tell its members' e-mail addresses: those who are not in the directory by their account are looked up one by one.
/// Schedules of PagerDuty's new kind, which have rotations in place of layers, may not be found.
///
/// # Errors
/// `SymSDK:MISSING_ARGUMENT` if no schedule is named.
#[derive(Clone, Debug)]
#[must_use = "nothing is asked until it is awaited"]
pub struct UsersForSchedule {
    pagerduty: PagerDuty,
    schedule: Option<Selector>,
}

impl UsersForSchedule {
    pub(super) fn new(pagerduty: PagerDuty) -> Self {
        Self { pagerduty, schedule: None }
    }

    /// Names the schedule by its id. The one that was named last counts.
    ///
    /// # Errors
    /// `PagerDuty:SCHEDULE_NOT_FOUND` if there is none.
    pub fn schedule_id(mut self, id: impl Into<String>) -> Self {
        self.schedule = Some(Selector::Id(id.into()));
        self
    }

    /// Names the schedule by its name. The one that was named last counts.
    ///
    /// # Errors
    /// `PagerDuty:SCHEDULE_NOT_FOUND` if there is none, `PagerDuty:AMBIGUOUS_NAME` if there are several. The whole name counts, and
    /// its case.
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
            let Some(schedule) = &self.schedule else {
                return Err(Error::missing_argument("schedule_name", "users_for_schedule"));
            };
            let Some(live) = self.pagerduty.live() else { return Ok(Vec::new()) };
            let id = schedule.schedule(live).await?;
            let mut members = live.members(&id).await?.users;
            let mut seen = HashSet::new();
            members.retain(|member| seen.insert(member.id.clone()));
            let accounts: Vec<Option<Account>> =
                stream::iter(members).map(|member| live.member(member.id)).buffered(AT_ONCE).try_collect().await?;
            live.accounts.users(accounts.into_iter().flatten()).await
        })
    }
}

impl ApiClient {
    /// See <https://developer.pagerduty.com/api-reference/3f03afb2c84a4-get-a-schedule>. The list of `schedules/{id}/users` has only
    /// who is on call in a certain time.
    async fn members(&self, schedule: &str) -> Result<Members> {
        let call = self.client.get("schedules/{schedule}", &[schedule]);
        let answer: OneSchedule =
            call.not_found(SCHEDULE_NOT_FOUND, format!("there is no schedule `{schedule}`")).await?.json()?;
        Ok(answer.schedule)
    }

    /// A member of a schedule, with the e-mail address if it is needed. One who has been deleted meanwhile is none.
    /// See <https://developer.pagerduty.com/api-reference/2395ca1feb25e-get-a-user>.
    async fn member(&self, id: String) -> Result<Option<Account>> {
        if self.accounts.is_known(&id).await? {
            return Ok(Some(Account { id, email: None }));
        }
        let answer = self.client.get("users/{user}", &[&id]).accept(404).await?;
        match answer.status() {
            404 => Ok(None),
            _ => answer.json().map(|answer: OnePerson| Some(answer.user.into())),
        }
    }
}
