//! How many events there were.

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

/// Which events to count.
///
/// An event counts from when it was admitted, so the one in hand does too; one that was refused never does. Its time is when it
/// was made. A Run belongs to whoever made its request, and its target is the one that was requested.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EventQuery {
    /// Events of Runs that this user requested.
    pub requester: UserId,
    /// Events of this name.
    pub event: Step,
    /// Events at this time or later; none for all.
    pub since: Option<Timestamp>,
    /// Events at this time or earlier; none for all.
    pub until: Option<Timestamp>,
    /// In which Runs.
    pub filter: EventFilter,
    /// Whether events that failed or were ignored count too.
    pub include_errored: bool,
}

impl EventQuery {
    /// Counts events of all times that went well so far.
    pub fn new(requester: UserId, event: Step, filter: EventFilter) -> Self {
        Self { requester, event, since: None, until: None, filter, include_errored: false }
    }

    /// Whether an event at this time counts.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= at) && self.until.is_none_or(|until| at <= until)
    }
}

/// The Runs in which events are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventFilter {
    /// Those of the flow with this name, in all its versions.
    Flow(String),
    /// Those in which this target was requested, in all flows.
    Target(TargetId),
}

/// What knows the events of Runs.
pub trait EventSource: Send + Sync {
    /// How many events there were.
    fn count_events<'a>(&'a self, count: &'a EventQuery) -> BoxFuture<'a, Result<u64>>;
}

/// Counts events: see [`Directory::event_count`]. Nothing happens until it is awaited.
#[derive(Clone)]
#[must_use = "nothing is counted until this is awaited"]
pub struct CountEvents {
    source: Option<Arc<dyn EventSource>>,
    count: EventQuery,
    now: Timestamp,
    target: Option<TargetId>,
    is_on_target: bool,
}

impl Directory {
    /// Counts events of one name on the Runs that the requester of `event` has requested in its flow, at all times. The
    /// event in hand counts as well, and so do others that are not finished; those that failed or were ignored do not.
    ///
    /// ```
    /// use sym_sdk::prelude::*;
    ///
    /// /// Three requests a day for one target are enough.
    /// #[hook]
    /// async fn on_request(event: &Event, directory: &Directory) -> Result<Option<NextEvent>> {
    ///     let day = Duration::from_secs(24 * 60 * 60);
    ///     let requests = directory.event_count(event, Step::Request).on_target().within(day).await?;
    ///     Ok((requests > 3).then(|| ApprovalTemplate::deny().reason("that was enough for a day")))
    /// }
    /// ```
    pub fn event_count(&self, event: &Event, name: Step) -> CountEvents {
        let requester = event.requester().unwrap_or_else(|| event.user());
        CountEvents {
            source: self.events.clone(),
            count: EventQuery::new(requester.id(), name, EventFilter::Flow(event.flow().srn().slug().to_owned())),
            now: event.timestamp(),
            target: event.target().map(|target| target.id()),
            is_on_target: false,
        }
    }
}

impl CountEvents {
    /// On the Runs that this user has requested.
    pub fn of(mut self, user: &User) -> Self {
        self.count.requester = user.id();
        self
    }

    /// In Runs with the target of this one, of whatever flow. That this one has none is an error once it is awaited.
    pub fn on_target(mut self) -> Self {
        self.is_on_target = true;
        self
    }

    /// At this time or later.
    pub fn since(mut self, since: Timestamp) -> Self {
        self.count.since = Some(since);
        self
    }

    /// At this time or earlier.
    pub fn until(mut self, until: Timestamp) -> Self {
        self.count.until = Some(until);
        self
    }

    /// In the time before this event, so long and no longer.
    pub fn within(self, time: Duration) -> Self {
        let since = self.now.minus(time);
        self.since(since)
    }

    /// Also those that failed or were ignored.
    pub fn include_errored(mut self) -> Self {
        self.count.include_errored = true;
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
                    let message = "the event has no target, so none on the same target can be counted";
                    Error::new(ErrorKind::InvalidInput, codes::UNKNOWN_TARGET, message)
                })?;
                self.count.filter = EventFilter::Target(target);
            }
            let Some(source) = self.source else {
                let message = "events cannot be counted: this directory belongs to no runtime";
                return Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
                    .with_hint("give it events of your own with `Directory::with_events`"));
            };
            source.count_events(&self.count).await
        })
    }
}

impl fmt::Debug for CountEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountEvents").field("count", &self.count).finish_non_exhaustive()
    }
}
