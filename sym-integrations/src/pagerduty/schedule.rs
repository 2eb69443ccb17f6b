//! The query for the users of a schedule.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::integration::look_up_users;
use sym_sdk::model::User;

use super::client::PAGERDUTY;
use super::model::{OnePerson, OneRotatingSchedule, OneSchedule, RotatingSchedule};
use super::page::MAX_PAGE;
use super::selector::Selector;
use super::{PagerDuty, codes};
use crate::kit::{Account, null_as_default};

/// The number of members that are looked up concurrently.
const CONCURRENCY: usize = 8;

/// The header that PagerDuty asks for while schedules with rotations are not generally available.
const EARLY_ACCESS: (&str, &str) = ("x-early-access", "flexible-schedules-early-access");

/// A page of schedules with rotations.
#[derive(Deserialize)]
struct RotatingSchedules {
    schedules: Vec<RotatingSchedule>,
    #[serde(default, deserialize_with = "null_as_default")]
    more: bool,
}

/// A query for the users who are in the layers of a schedule, which is awaited: each once, in PagerDuty's order. See
/// [`PagerDuty::users_for_schedule`].
///
/// A schedule does not contain its members' e-mail addresses, so those whose account the directory does not know are looked up one by
/// one. Members of schedules with rotations are those of all rotations, past and future ones included.
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
            let question = format!("users_for_schedule {schedule}");
            look_up_users(PAGERDUTY.name(), question, pagerduty.users_of(&schedule)).await
        })
    }
}

impl PagerDuty {
    /// Looks up the users in the layers of a schedule.
    async fn users_of(&self, schedule: &Selector) -> Result<Vec<Arc<User>>> {
        let id = schedule.schedule(self).await?;
        let mut members = self.member_ids(&id).await?;
        let mut seen = HashSet::new();
        members.retain(|member| seen.insert(member.clone()));
        let members = stream::iter(members).map(|member| self.member(member)).buffered(CONCURRENCY);
        let accounts: Vec<Option<Account>> = members.try_collect().await?;
        self.0.users(accounts.into_iter().flatten()).await
    }

    /// Looks up the ids of a schedule's members: <https://developer.pagerduty.com/api-reference/3f03afb2c84a4-get-a-schedule>. The list
    /// `schedules/{id}/users` only has the users who are on call in a certain time.
    async fn member_ids(&self, schedule: &str) -> Result<Vec<String>> {
        let call = self.0.get("schedules/{schedule}", &[schedule]).accept(400).accept(404);
        let response = call.await?;
        // A schedule with rotations is refused, or is found without users.
        if response.is_success()
            && let Some(users) = response.json::<OneSchedule>()?.schedule.users
        {
            return Ok(users.into_iter().map(|user| user.id).collect());
        }
        let found = self.rotating_schedule(schedule).await?;
        found.map(RotatingSchedule::into_member_ids).ok_or_else(|| {
            let message = format!("there is no schedule `{schedule}`");
            PAGERDUTY.error(ErrorKind::NotFound, codes::SCHEDULE_NOT_FOUND, message)
        })
    }

    /// Looks up a schedule with rotations, by its id; `None` if there is none, or the account has none of this kind.
    async fn rotating_schedule(&self, id: &str) -> Result<Option<RotatingSchedule>> {
        let call = self.0.get("v3/schedules/{schedule}", &[id]).header(EARLY_ACCESS.0, EARLY_ACCESS.1);
        let response = call.accept(400).accept(403).accept(404).await?;
        match response.is_success() {
            true => response.json::<OneRotatingSchedule>().map(|found| Some(found.schedule)),
            false => Ok(None),
        }
    }

    /// Finds the only schedule with rotations that has this name, and returns its id.
    ///
    /// # Errors
    /// `PagerDuty:AMBIGUOUS_NAME` if there are several.
    pub(super) async fn find_rotating_schedule(&self, name: &str) -> Result<Option<String>> {
        let call = self.0.get("v3/schedules", &[]).query("query", name).query("limit", MAX_PAGE);
        let response = call.header(EARLY_ACCESS.0, EARLY_ACCESS.1).accept(400).accept(403).accept(404).await?;
        if !response.is_success() {
            return Ok(None);
        }
        let page = response.json::<RotatingSchedules>()?;
        if page.more {
            // Only the first page can be had.
            let message = format!("more than {MAX_PAGE} schedules have names like `{name}`");
            return Err(PAGERDUTY
                .error(ErrorKind::InvalidInput, codes::TOO_MANY_RESULTS, message)
                .with_hint("use the id instead"));
        }
        let mut ids = Vec::new();
        for listed in page.schedules {
            // The list may leave out the names.
            let found = match listed.name {
                Some(_) => Some(listed),
                None => self.rotating_schedule(&listed.id).await?,
            };
            ids.extend(found.filter(|found| found.name.as_deref() == Some(name)).map(|found| found.id));
        }
        if ids.len() > 1 {
            let message = format!("there is more than one schedule `{name}`: `{}`", ids.join("`, `"));
            return Err(PAGERDUTY
                .error(ErrorKind::InvalidInput, codes::AMBIGUOUS_NAME, message)
                .with_hint("use the id instead"));
        }
        Ok(ids.pop())
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
