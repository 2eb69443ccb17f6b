//! Queries about incidents.

use std::marker::PhantomData;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::integration::look_up;
use sym_sdk::model::User;

use super::PagerDuty;
use super::client::{PAGERDUTY, invalid_filter};
use super::model::{Incident, IncidentStatus, Urgency};
use super::page::{Incidents, MAX_PAGE};
use crate::http::{Paginator, error_names};
use crate::kit::Resource;

/// The default period, in hours before now.
const DEFAULT_PERIOD_HOURS: i64 = 24;

/// The longest period, in months, that PagerDuty accepts.
const MAX_PERIOD_MONTHS: i64 = 6;

/// A query about incidents, which is awaited. See [`PagerDuty::get_incidents`] and [`PagerDuty::has_incident`].
///
/// An incident has to match all filters. Setting a filter replaces its previous value, and one that admits nothing is an error, since
/// PagerDuty would treat it as no filter.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is awaited"]
pub struct IncidentQuery<T> {
    pagerduty: PagerDuty,
    assignees: Option<Vec<User>>,
    service_ids: Option<Vec<String>>,
    statuses: Vec<IncidentStatus>,
    urgencies: Option<Vec<Urgency>>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    output: PhantomData<fn() -> T>,
}

impl<T: 'static> IncidentQuery<T> {
    pub(super) fn new(pagerduty: PagerDuty) -> Self {
        Self {
            pagerduty,
            assignees: None,
            service_ids: None,
            statuses: vec![IncidentStatus::Triggered, IncidentStatus::Acknowledged],
            urgencies: Some(vec![Urgency::High]),
            since: None,
            until: None,
            output: PhantomData,
        }
    }

    /// Only incidents that are assigned to one of these users now.
    ///
    /// Resolved incidents are assigned to nobody: together with [`IncidentStatus::Resolved`] this is an error, since PagerDuty would
    /// omit them.
    pub fn assignees<'a>(mut self, users: impl IntoIterator<Item = &'a User>) -> Self {
        self.assignees = Some(users.into_iter().cloned().collect());
        self
    }

    /// Only incidents of one of the services with these ids.
    pub fn service_ids<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        self.service_ids = Some(ids.into_iter().map(Into::into).collect());
        self
    }

    /// Only incidents in one of these states. The default is triggered and acknowledged.
    pub fn statuses(mut self, statuses: impl IntoIterator<Item = IncidentStatus>) -> Self {
        self.statuses = statuses.into_iter().map(|status| String::from(status).into()).collect();
        self
    }

    /// Only incidents of one of these urgencies. The default is high.
    pub fn urgencies(mut self, urgencies: impl IntoIterator<Item = Urgency>) -> Self {
        self.urgencies = Some(urgencies.into_iter().map(|urgency| String::from(urgency).into()).collect());
        self
    }

    /// Incidents of any urgency. This is the only choice for an account whose plan lacks urgencies.
    pub fn any_urgency(mut self) -> Self {
        self.urgencies = None;
        self
    }

    /// Only incidents created at this time or later. The default is 24 hours before now.
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Only incidents created before this time, which is at most 6 months after `since`. The default is a calendar month after it, in UTC.
    pub fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Lists the incidents, newest first: <https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents>.
    async fn list(self, page_size: u64) -> Result<Paginator<Resource<Incident>>> {
        self.check()?;
        let (since, until) = self.period(self.pagerduty.0.clock().now())?;
        let mut accounts = Vec::new();
        for user in self.assignees.iter().flatten() {
            accounts.push(self.pagerduty.account_id(user).await?);
        }
        let call = self.pagerduty.0.get("incidents", &[]);
        let call = call
            .query_all("statuses[]", &self.statuses)
            .query_all("urgencies[]", self.urgencies.iter().flatten())
            .query_all("user_ids[]", &accounts)
            .query_all("service_ids[]", self.service_ids.iter().flatten())
            .query("since", since)
            .query("until", until)
            .query("sort_by", "created_at:desc")
            .query("limit", page_size);
        Ok(call.pages::<Incidents>().map_items(move |incident| match self.matches(&incident, &accounts) {
            true => Ok(incident),
            false => Err(not_matching(&incident)),
        }))
    }

    /// Whether an incident matches the filters. Access may be granted because there is one, so an id that PagerDuty does not know and
    /// ignores must not count as no filter.
    fn matches(&self, incident: &Incident, accounts: &[String]) -> bool {
        let is_any = |wanted: Option<&[String]>, got: Option<&str>| {
            wanted.is_none_or(|wanted| wanted.iter().any(|wanted| Some(wanted.as_str()) == got))
        };
        incident.status.as_ref().is_some_and(|status| self.statuses.contains(status))
            && self
                .urgencies
                .as_ref()
                .is_none_or(|wanted| incident.urgency.as_ref().is_some_and(|got| wanted.contains(got)))
            && is_any(self.service_ids.as_deref(), incident.service_id())
            && (self.assignees.is_none() || incident.assignee_ids().any(|id| is_any(Some(accounts), Some(id))))
    }

    fn check(&self) -> Result<()> {
        let empty = [
            ("assignees", self.assignees.as_ref().is_some_and(Vec::is_empty)),
            ("service_ids", self.service_ids.as_ref().is_some_and(Vec::is_empty)),
            ("statuses", self.statuses.is_empty()),
            ("urgencies", self.urgencies.as_ref().is_some_and(Vec::is_empty)),
        ];
        if let Some((name, _)) = empty.iter().find(|(_, is_empty)| *is_empty) {
            return Err(invalid_filter(format!("`{name}` is empty, so no incident can match")));
        }
        if self.service_ids.iter().flatten().any(|id| id.trim().is_empty()) {
            return Err(invalid_filter("one of the `service_ids` is empty"));
        }
        if self.assignees.is_some() && self.statuses.contains(&IncidentStatus::Resolved) {
            return Err(invalid_filter("resolved incidents have no assignees")
                .with_hint("omit `assignees` or `IncidentStatus::Resolved`"));
        }
        Ok(())
    }

    /// Returns the period, from `since` to `until`.
    fn period(&self, now: Timestamp) -> Result<(Timestamp, Timestamp)> {
        let out_of_range = |_| invalid_filter("`since` is out of range");
        let since = match self.since {
            Some(since) => since,
            None => now.checked_sub(Span::new().hours(DEFAULT_PERIOD_HOURS)).map_err(out_of_range)?,
        };
        let after = |months: i64| {
            let day = since.to_zoned(TimeZone::UTC).checked_add(Span::new().months(months));
            day.map(|day| day.timestamp()).map_err(out_of_range)
        };
        let until = match self.until {
            Some(until) => until,
            None => after(1)?,
        };
        if until < since {
            return Err(invalid_filter(format!("`until` ({until}) is before `since` ({since})")));
        }
        if until > after(MAX_PERIOD_MONTHS)? {
            let message = format!(
                "the period from `since` ({since}) to `until` ({until}) is longer than {MAX_PERIOD_MONTHS} months"
            );
            return Err(invalid_filter(message).with_hint("split the period into several queries"));
        }
        Ok((since, until))
    }
}

impl IncidentQuery<Vec<Resource<Incident>>> {
    /// Resolves the assignees to accounts, and returns the list of incidents.
    pub async fn paginator(self) -> Result<Paginator<Resource<Incident>>> {
        self.list(MAX_PAGE).await
    }
}

impl IntoFuture for IncidentQuery<Vec<Resource<Incident>>> {
    type Output = Result<Vec<Resource<Incident>>>;
    type IntoFuture = BoxFuture<'static, Result<Vec<Resource<Incident>>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.paginator().await?.await })
    }
}

impl IntoFuture for IncidentQuery<bool> {
    type Output = Result<bool>;
    type IntoFuture = BoxFuture<'static, Result<bool>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let question = format!("has_incident{}", self.filters());
            look_up(PAGERDUTY.name(), question, async { Ok(self.list(1).await?.next_item().await?.is_some()) }).await
        })
    }
}

impl IncidentQuery<bool> {
    /// Returns the filters as part of a question that is recorded.
    fn filters(&self) -> String {
        let mut text = format!(" with status {:?}", self.statuses);
        if let Some(urgencies) = &self.urgencies {
            text.push_str(&format!(" and urgency {urgencies:?}"));
        }
        if let Some(services) = &self.service_ids {
            text.push_str(&format!(" of services {services:?}"));
        }
        if let Some(assignees) = &self.assignees {
            let names: Vec<_> = assignees.iter().map(User::username).collect();
            text.push_str(&format!(" assigned to {names:?}"));
        }
        for (word, at) in [("since", self.since), ("until", self.until)] {
            if let Some(at) = at {
                text.push_str(&format!(" {word} {at}"));
            }
        }
        text
    }
}

fn not_matching(incident: &Incident) -> Error {
    let message = format!("PagerDuty returned incident `{}`, which does not match the filters", incident.id);
    PAGERDUTY
        .error(ErrorKind::Decode, PAGERDUTY.code(error_names::INVALID_RESPONSE), message)
        .with_hint("check the ids of the services: PagerDuty ignores those that it does not know")
}
