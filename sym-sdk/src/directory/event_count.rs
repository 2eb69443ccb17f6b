//! Counts of past events, for limits such as "three requests a day".

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Directory;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;
use crate::model::{Event, Step, TargetId, User, UserId};
use crate::time::TimestampExt;

/// A selection of events to count.
///
/// An event counts as soon as it is admitted, so the event being handled is included; an event that was refused never counts. Its
/// time is the time it was created. A Run belongs to the user who made the request, and its target is the requested one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EventQuery {
    /// Selects events of Runs that this user requested.
    pub requester: UserId,
    /// Selects events with this name.
    pub event: Step,
    /// Selects events at or after this time.
    pub since: Option<Timestamp>,
    /// Selects events at or before this time.
    pub until: Option<Timestamp>,
    /// Selects the Runs.
    pub filter: EventFilter,
    /// Whether to include events that failed or were ignored.
    pub include_errored: bool,
}

impl EventQuery {
    /// Creates a query for events at any time that have not failed and were not ignored.
    pub fn new(requester: UserId, event: Step, filter: EventFilter) -> Self {
        Self { requester, event, since: None, until: None, filter, include_errored: false }
    }

    /// Whether the query selects events at this time.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= at) && self.until.is_none_or(|until| at <= until)
    }
}

/// A selection of Runs to count events in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventFilter {
    /// Runs of the flow with this name, in any version.
    Flow(String),
    /// Runs that requested this target, in any flow.
    Target(TargetId),
}

/// A source of past events.
pub trait EventSource: Send + Sync {
    /// Counts the events that the query selects.
    fn count_events<'a>(&'a self, query: &'a EventQuery) -> BoxFuture<'a, Result<u64>>;
}

/// A count of events, computed when it is awaited. Created by [`Directory::event_count`].
#[derive(Clone)]
#[must_use = "nothing is counted until this is awaited"]
pub struct CountEvents {
    source: Option<Arc<dyn EventSource>>,
    query: EventQuery,
    now: Timestamp,
    target: Option<TargetId>,
    is_on_target: bool,
}

impl Directory {
    /// Counts the events with a name in the Runs that the requester of `event` requested in the same flow, at any time.
    ///
    /// The event being handled is included, and so are other events that have not finished. Events that failed or were ignored
    /// are not.
    ///
    /// ```
    /// use sym_sdk::prelude::*;
    ///
    /// /// Limits requests for a target to three a day.
    /// #[hook]
    /// async fn on_request(event: &Event, directory: &Directory) -> Result<Option<NextEvent>> {
    ///     let day = Duration::from_secs(24 * 60 * 60);
    ///     let requests = directory.event_count(event, Step::Request).on_target().within(day).await?;
    ///     Ok((requests > 3).then(|| ApprovalTemplate::deny().reason("only three requests a day")))
    /// }
    /// ```
    pub fn event_count(&self, event: &Event, name: Step) -> CountEvents {
        let requester = event.requester().unwrap_or_else(|| event.user());
        CountEvents {
            source: self.events.clone(),
            query: EventQuery::new(requester.id(), name, EventFilter::Flow(event.flow().srn().slug().to_owned())),
            now: event.timestamp(),
            target: event.target().map(|target| target.id()),
            is_on_target: false,
        }
    }
}

impl CountEvents {
    /// Counts events of Runs that this user requested.
    pub fn of(mut self, user: &User) -> Self {
        self.query.requester = user.id();
        self
    }

    /// Counts events of Runs with the same target, in any flow. Awaiting it fails if the event has no target.
    pub fn on_target(mut self) -> Self {
        self.is_on_target = true;
        self
    }

    /// Counts events at or after this time.
    pub fn since(mut self, since: Timestamp) -> Self {
        self.query.since = Some(since);
        self
    }

    /// Counts events at or before this time.
    pub fn until(mut self, until: Timestamp) -> Self {
        self.query.until = Some(until);
        self
    }

    /// Counts events in the given time before the event.
    pub fn within(self, time: Duration) -> Self {
        let since = self.now.minus(time);
        self.since(since)
    }

    /// Includes events that failed or were ignored.
    pub fn include_errored(mut self) -> Self {
        self.query.include_errored = true;
        self
    }
}

impl IntoFuture for CountEvents {
    type Output = Result<u64>;
    type IntoFuture = BoxFuture<'static, Result<u64>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            if self.is_on_target {
                let target = self.target.ok_or_else(|| {
                    let message = "cannot count events on the same target: the event has no target";
                    Error::new(ErrorKind::InvalidInput, codes::UNKNOWN_TARGET, message)
                })?;
                self.query.filter = EventFilter::Target(target);
            }
            let Some(source) = self.source else {
                let message = "cannot count events: the directory does not belong to a runtime";
                return Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
                    .with_hint("set a source of events with `Directory::with_events`"));
            };
            source.count_events(&self.query).await
        })
    }
}

impl fmt::Debug for CountEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountEvents").field("query", &self.query).finish_non_exhaustive()
    }
}
