//! Deterministic simulation of flows on a virtual clock.
//!
//! A [`Simulation`] is a runtime on an in-memory store and a clock that only moves when it is told to, executing one unit of work at a
//! time. The same submissions always give the same [`Timeline`], and hours pass in milliseconds. The command `simulate` and
//! [`testing::Harness`](crate::testing) are built on it.
//!
//! Handlers, strategies and front ends run unchanged. A simulation does not replace them: use
//! [`App`](crate::App) or [`Builder`] to pass fakes, so that nothing real is touched.

mod idle;
mod timeline;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

#[cfg(all(feature = "cli", feature = "sqlite"))]
pub(crate) use timeline::Table;
#[cfg(any(feature = "cli", feature = "console"))]
pub(crate) use timeline::describe_scope;
pub use timeline::{EntryDetails, Timeline, TimelineEntry};

use crate::clock::{Clock, VirtualClock};
use crate::config::Diagnostics;
use crate::engine::MemoryStore;
use crate::error::Result;
#[cfg(feature = "cli")]
use crate::forms::PromptForm;
use crate::integration::Outbox;
#[cfg(feature = "cli")]
use crate::model::User;
use crate::model::UserId;
use crate::runtime::{Builder, Receipt, Runtime, Submission};
use crate::time::TimestampExt;

/// The real time for which a call may be idle before the virtual clock advances to the call's time limit.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// Awaits `work` on a virtual clock. When a call in it is idle, the clock advances to the time limit of the call.
#[cfg(all(feature = "cli", feature = "sqlite"))]
pub(crate) async fn drive_calls<T>(clock: &VirtualClock, work: impl Future<Output = T>) -> T {
    idle::drive(clock, IDLE_TIMEOUT, work).await
}

/// The interval, in virtual time, at which to look for due work that is leased by a call that was cut off.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A [`Runtime`] on a virtual clock and an in-memory store, which executes one unit of work at a time.
///
/// The clock stands still while handlers and services run, however long they take in real time. It moves when it is told to, from
/// one due time to the next.
///
/// Time limits apply nevertheless. When a call is idle for one second of *real* time (see
/// [`with_idle_timeout`](Self::with_idle_timeout)), the clock advances to the moment at which the call exceeds its limit. A handler
/// that talks to a test server is not cut off as long as data arrives now and then. Waiting requires a tokio runtime with its timer
/// enabled; flows whose handlers never wait run on any executor.
///
/// ```
/// # use sym_sdk::config::{Config, Environment, Flow, Organization};
/// # use sym_sdk::integration::Outbox;
/// # use sym_sdk::prelude::*;
/// # use sym_sdk::runtime::{Runtime, Submission};
/// # use sym_sdk::simulation::Simulation;
/// #[reducer]
/// fn get_permissions() -> RequestPermission {
///     RequestPermission::decided_by(PermissionLevel::Member)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let config = Config {
/// #     organization: Organization { slug: "acme".into(), domains: vec!["example.com".into()] },
/// #     flows: vec![Flow { name: "prod".into(), environment: "main".into(), ..Flow::default() }],
/// #     environments: vec![Environment { name: "main".into(), ..Environment::default() }],
/// #     ..Config::default()
/// # };
/// let builder = Runtime::builder(config).registry(sym_sdk::handlers![get_permissions]).simulated();
/// let mut simulation = Simulation::start(builder, "2024-02-29T12:00:00Z".parse()?, Outbox::new()).await?;
/// let run = simulation.submit(Submission::request("prod", "ana@example.com")).await?.run;
/// simulation.submit(Submission::approve(run, "ben@example.com")).await?;
/// assert_eq!(simulation.runtime().run(run).await?.state.run.status(), RunStatus::Approved);
/// println!("{}", simulation.timeline());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Simulation {
    runtime: Runtime,
    clock: Arc<VirtualClock>,
    store: Arc<MemoryStore>,
    outbox: Outbox,
    timeline: Timeline,
    idle_timeout: Duration,
    submitted: u64,
    audited: usize,
    sent: usize,
}

impl Simulation {
    /// Builds the runtime and sets its clock to `at`. Replaces the builder's clock and store; `outbox` is where its fakes record
    /// what they would have sent.
    ///
    /// # Errors
    /// Those of [`Builder::build`].
    pub async fn start(builder: Builder, at: Timestamp, outbox: Outbox) -> Result<Self, Diagnostics> {
        let clock = Arc::new(VirtualClock::at(at));
        let store = Arc::new(MemoryStore::new());
        let building = builder.clock(clock.clone()).in_memory(store.clone()).outbox(outbox.clone()).build();
        let runtime = idle::drive(&clock, IDLE_TIMEOUT, building).await?;
        Ok(Self {
            runtime,
            clock,
            store,
            outbox,
            timeline: Timeline::default(),
            idle_timeout: IDLE_TIMEOUT,
            submitted: 0,
            audited: 0,
            sent: 0,
        })
    }

    /// Sets how long a call may be idle, in real time, before the clock advances to the call's time limit. One second by default.
    #[must_use]
    pub fn with_idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.idle_timeout = idle_timeout;
        self
    }

    /// Returns the runtime.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Returns the clock.
    pub fn clock(&self) -> &Arc<VirtualClock> {
        &self.clock
    }

    /// Returns the clock's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the outbox in which fakes record what they would have sent.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Returns what has happened so far.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Submits, and runs all work that follows from it now. A submission without a key gets one that is the same in each
    /// simulation, so that ids are reproducible as well. Whoever decides is [known](Runtime::submit) before: a simulation has no
    /// identity provider that could introduce them.
    ///
    /// # Errors
    /// Those of [`Runtime::submit`].
    pub async fn submit(&mut self, submission: impl Into<Submission>) -> Result<Receipt> {
        self.submitted += 1;
        let submission: Submission = submission.into();
        let submission = submission.key_or(|| format!("simulation:{}", self.submitted));
        let submitted = async {
            self.runtime.introduce(&submission).await?;
            self.runtime.submit(submission).await
        };
        let taken = idle::drive(&self.clock, self.idle_timeout, submitted).await;
        self.collect().await?;
        let receipt = taken?;
        self.settle().await?;
        Ok(receipt)
    }

    /// Builds the form that a user would see, as [`Runtime::preview_form`] does, within the time limits.
    #[cfg(feature = "cli")]
    pub(crate) async fn preview_form(&self, flow: &str, user: &Arc<User>) -> Result<PromptForm> {
        idle::drive(&self.clock, self.idle_timeout, self.runtime.preview_form(flow, user)).await
    }

    /// Runs all work that is due now.
    ///
    /// # Errors
    /// If a Run's flow is not configured.
    pub async fn settle(&mut self) -> Result<()> {
        while idle::drive(&self.clock, self.idle_timeout, self.runtime.run_one()).await? {
            self.collect().await?;
        }
        Ok(())
    }

    /// Advances the clock by `time`, running all work that falls due on the way. The clock ends later than that only if a call
    /// exceeded its time limit on the way.
    ///
    /// # Errors
    /// If a Run's flow is not configured.
    pub async fn advance(&mut self, time: Duration) -> Result<()> {
        let end = self.after(time);
        self.settle().await?;
        while let Some(due) = self.next_due().await?.filter(|due| *due <= end) {
            self.clock.advance_to(due);
            self.settle().await?;
        }
        self.clock.advance_to(end);
        self.settle().await
    }

    /// Advances the clock to the next due time, and runs the work that is due then. Returns that time, or `None` if no work is left.
    ///
    /// # Errors
    /// If a Run's flow is not configured.
    pub async fn advance_to_next(&mut self) -> Result<Option<Timestamp>> {
        self.settle().await?;
        let Some(due) = self.next_due().await? else { return Ok(None) };
        self.clock.advance_to(due);
        self.settle().await?;
        Ok(Some(due))
    }

    /// Advances the clock until no work is left, but by no more than `limit`. Returns whether no work is left.
    ///
    /// # Errors
    /// If a Run's flow is not configured.
    pub async fn run_to_end(&mut self, limit: Duration) -> Result<bool> {
        let end = self.after(limit);
        self.settle().await?;
        while let Some(due) = self.next_due().await? {
            if due > end {
                self.clock.advance_to(end);
                return Ok(false);
            }
            self.clock.advance_to(due);
            self.settle().await?;
        }
        Ok(true)
    }

    fn after(&self, time: Duration) -> Timestamp {
        self.now().plus(time)
    }

    /// Returns the next due time after now. Work that is due now and was not run is leased by a call that was cut off, so it is
    /// looked for again after an interval.
    async fn next_due(&self) -> Result<Option<Timestamp>> {
        let now = self.now();
        let due = self.runtime.next_due().await?;
        Ok(due.map(|due| if due > now { due } else { self.after(POLL_INTERVAL) }))
    }

    /// Appends to the timeline what has happened since the last call.
    async fn collect(&mut self) -> Result<()> {
        let entries = self.store.entries_after(self.audited);
        self.audited += entries.len();
        let sent = self.outbox.sent_after(self.sent);
        self.sent += sent.len();
        if !entries.is_empty() || !sent.is_empty() {
            let names = self.usernames().await?;
            self.timeline.extend(self.clock.now(), &entries, sent, &names);
        }
        Ok(())
    }

    async fn usernames(&self) -> Result<BTreeMap<UserId, String>> {
        let users = self.runtime.directory().users().await?;
        Ok(users.iter().map(|user| (user.id(), user.username().to_owned())).collect())
    }
}
