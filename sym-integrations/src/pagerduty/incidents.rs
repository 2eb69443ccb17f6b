//! Incidents.

use std::fmt;
use std::marker::PhantomData;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};
use sym_sdk::model::User;

use super::PagerDuty;
use super::client::invalid_filter;
use super::error::{ERROR_TYPE, SERVICE};
use super::model::{Incident, IncidentStatus, Urgency};
use super::page::{Incidents, PAGE};
use crate::http::{Paginator, error_names};

/// How far back is looked, unless told.
const BACK_HOURS: i64 = 24;

/// The longest time, in months, that PagerDuty answers for.
const LONGEST_MONTHS: i64 = 6;

/// A question about incidents, to be awaited. See [`PagerDuty::get_incidents`] and [`PagerDuty::has_incident`].
///
/// Filters narrow one another down, each is given as a whole, and one that allows nothing is an error: it would be
/// taken for no filter.
#[must_use = "nothing is asked until it is awaited"]
pub struct IncidentQuery<T> {
    pagerduty: PagerDuty,
    assignees: Option<Vec<User>>,
    service_ids: Option<Vec<String>>,
    statuses: Vec<IncidentStatus>,
    urgencies: Option<Vec<Urgency>>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    answer: PhantomData<fn() -> T>,
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
            answer: PhantomData,
        }
    }

    /// Those that are assigned to one of these users now.
    ///
    /// Nobody is assigned to what is resolved: together with [`IncidentStatus::Resolved`] this is an error, since PagerDuty would leave
    /// the resolved ones out.
    pub fn assignees<'a>(mut self, users: impl IntoIterator<Item = &'a User>) -> Self {
        self.assignees = Some(users.into_iter().cloned().collect());
        self
    }

    /// Those about one of the services with these ids.
    pub fn service_ids<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        self.service_ids = Some(ids.into_iter().map(Into::into).collect());
        self
    }

    /// Those in one of these states. Unless told, triggered and acknowledged ones.
    pub fn statuses(mut self, statuses: impl IntoIterator<Item = IncidentStatus>) -> Self {
        self.statuses = statuses.into_iter().map(|status| String::from(status).into()).collect();
        self
    }

    /// Those of one of these urgencies. Unless told, the high one.
    pub fn urgencies(mut self, urgencies: impl IntoIterator<Item = Urgency>) -> Self {
        self.urgencies = Some(urgencies.into_iter().map(|urgency| String::from(urgency).into()).collect());
        self
    }

    /// Those of any urgency. An account whose plan does not have urgencies can ask for nothing else.
    pub fn any_urgency(mut self) -> Self {
        self.urgencies = None;
        self
    }

    /// Those that began at this time or later. Unless told, in the last 24 hours.
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Those that began before this time: at most 6 months after the first. Unless told, a month after it, by the calendar of UTC.
    pub fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Asks for the incidents, the newest first. Of the stand-in of simulations there are none.
    ///
    /// See <https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents>.
    async fn ask(self, limit: u64) -> Result<Paginator<Incident>> {
        self.check()?;
        let Some(live) = self.pagerduty.live() else { return Ok(Paginator::empty()) };
        let (since, until) = self.time(live.client.clock().now())?;
        let mut accounts = Vec::new();
        for user in self.assignees.iter().flatten() {
            accounts.push(live.account_of(user).await?);
        }
        let call = live.client.get("incidents", &[]);
        let call = call
            .query_all("statuses[]", &self.statuses)
            .query_all("urgencies[]", self.urgencies.iter().flatten())
            .query_all("user_ids[]", &accounts)
            .query_all("service_ids[]", self.service_ids.iter().flatten())
            .query("since", since)
            .query("until", until)
            .query("sort_by", "created_at:desc")
            .query("limit", limit);
        Ok(call.pages::<Incidents>().map_items(move |incident| match self.is_met_by(&incident, &accounts) {
            true => Ok(incident),
            false => Err(not_asked_for(&incident)),
        }))
    }

    /// Whether an incident is one that was asked for. On whether there is one, access may be granted: an id that PagerDuty does not
    /// know must not be taken for no filter.
    fn is_met_by(&self, incident: &Incident, accounts: &[String]) -> bool {
        let is_any = |wanted: Option<&[String]>, got: Option<&str>| {
            wanted.is_none_or(|wanted| wanted.iter().any(|wanted| Some(wanted.as_str()) == got))
        };
        incident.status().is_some_and(|status| self.statuses.contains(status))
            && self.urgencies.as_ref().is_none_or(|wanted| incident.urgency().is_some_and(|got| wanted.contains(got)))
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
            return Err(invalid_filter(format!("`{name}` is given and empty: no incident could be meant")));
        }
        if self.service_ids.iter().flatten().any(|id| id.trim().is_empty()) {
            return Err(invalid_filter("one of the `service_ids` is empty"));
        }
        if self.assignees.is_some() && self.statuses.contains(&IncidentStatus::Resolved) {
            return Err(invalid_filter("resolved incidents are assigned to nobody")
                .with_hint("leave out `assignees`, or `IncidentStatus::Resolved`"));
        }
        Ok(())
    }

    /// From when until when.
    fn time(&self, now: Timestamp) -> Result<(Timestamp, Timestamp)> {
        let out_of_range = |_| invalid_filter("`since` is out of range");
        let since = match self.since {
            Some(since) => since,
            None => now.checked_sub(Span::new().hours(BACK_HOURS)).map_err(out_of_range)?,
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
        if until > after(LONGEST_MONTHS)? {
            let message = format!("from `since` ({since}) to `until` ({until}) are more than {LONGEST_MONTHS} months");
            return Err(invalid_filter(message).with_hint("ask for one part of the time after the other"));
        }
        Ok((since, until))
    }
}

impl IncidentQuery<Vec<Incident>> {
    /// The incidents one by one, for which this finds out the assignees' accounts first.
    pub async fn listing(self) -> Result<Paginator<Incident>> {
        self.ask(PAGE).await
    }
}

impl IntoFuture for IncidentQuery<Vec<Incident>> {
    type Output = Result<Vec<Incident>>;
    type IntoFuture = BoxFuture<'static, Result<Vec<Incident>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.listing().await?.await })
    }
}

impl IntoFuture for IncidentQuery<bool> {
    type Output = Result<bool>;
    type IntoFuture = BoxFuture<'static, Result<bool>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.ask(1).await?.next_item().await?.is_some()) })
    }
}

fn not_asked_for(incident: &Incident) -> Error {
    let code = ErrorCode::new(ERROR_TYPE, error_names::INVALID_RESPONSE);
    let message = format!("PagerDuty answered with incident `{}`, which was not asked for", incident.id());
    Error::new(ErrorKind::Decode, code, message)
        .with_service(SERVICE)
        .with_hint("check the ids of the services: PagerDuty may have left out one that it does not know")
}

impl<T> Clone for IncidentQuery<T> {
    fn clone(&self) -> Self {
        Self {
            pagerduty: self.pagerduty.clone(),
            assignees: self.assignees.clone(),
            service_ids: self.service_ids.clone(),
            statuses: self.statuses.clone(),
            urgencies: self.urgencies.clone(),
            since: self.since,
            until: self.until,
            answer: PhantomData,
        }
    }
}

impl<T> fmt::Debug for IncidentQuery<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncidentQuery")
            .field("pagerduty", &self.pagerduty)
            .field("assignees", &self.assignees)
            .field("service_ids", &self.service_ids)
            .field("statuses", &self.statuses)
            .field("urgencies", &self.urgencies)
            .field("since", &self.since)
            .field("until", &self.until)
            .finish()
    }
}
