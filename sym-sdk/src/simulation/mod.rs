//! Runs flows on a virtual clock: the same requests always give the same history, at once, however long it spans.

mod idle;
mod timeline;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

#[cfg(all(feature = "cli", feature = "sqlite"))]
pub(crate) use timeline::Table;
pub use timeline::{EntryDetails, Timeline, TimelineEntry};

use crate::clock::{Clock, VirtualClock};
use crate::config::Diagnostics;
use crate::engine::MemoryStore;
use crate::error::Result;
use crate::integration::Outbox;
use crate::model::UserId;
use crate::runtime::{Builder, Receipt, Runtime, Submission};
use crate::time::TimestampExt;

/// How long a call may keep still, in real time, before the virtual clock moves on to its time limit.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// After this time it is looked again for work that is due and could not be had.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A [`Runtime`] on a virtual clock and a store in memory, which does one thing at a time.
///
/// The clock stands still while handlers and services work: whatever they take in real time, no time passes. It moves when it
/// is told to, from one thing that falls due to the next.
///
/// Time limits hold all the same. When a call keeps still for a grace period of *real* time, one second if not said
/// otherwise, the clock moves on to the moment at which the call overruns its limit. A handler that talks to a server of a
/// test is not cut off by this as long as something arrives now and then. Waiting takes a tokio runtime with its timer; flows
/// whose handlers never wait run on any executor.
///
/// ```
/// # use sym_sdk::config::{Config, Environment, Flow, Organization};
/// # use sym_sdk::integration::Outbox;
/// # use sym_sdk::prelude::*;
/// # use sym_sdk::runtime::{Runtime, Submission};
/// # use sym_sdk::simulation::Simulation;
/// #[reducer]
/// fn get_permissions() -> RequestPermission {
///     RequestPermission::new(PermissionLevel::Member, PermissionLevel::Member)
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
    /// Builds the runtime and sets its clock to `at`. Clock and store of the builder are replaced, also the file that it
    /// may have been given; `outbox` is what its fakes
    /// record in.
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

    /// Sets for how long, in real time, a call may keep still before its time limit strikes.
    #[must_use]
    pub fn with_idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.idle_timeout = idle_timeout;
        self
    }

    /// The runtime.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<VirtualClock> {
        &self.clock
    }

    /// The time on the clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What fakes have sent.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// What has happened.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Takes a submission and does all that follows from it now. A submission without a key gets one that is the same in
    /// each simulation, so that ids are as well.
    ///
    /// # Errors
    /// Those of [`Runtime::submit`].
    pub async fn submit(&mut self, submission: Submission) -> Result<Receipt> {
        self.submitted += 1;
        let submission = submission.key_or(|| format!("simulation:{}", self.submitted));
        let taken = idle::drive(&self.clock, self.idle_timeout, self.runtime.submit(submission)).await;
        self.collect().await?;
        let receipt = taken?;
        self.settle().await?;
        Ok(receipt)
    }

    /// Does all that is due now.
    ///
    /// # Errors
    /// If a Run's flow is not configured.
    pub async fn settle(&mut self) -> Result<()> {
        while idle::drive(&self.clock, self.idle_timeout, self.runtime.run_one()).await? {
            self.collect().await?;
        }
        Ok(())
    }

    /// Moves the clock on by `time`, and stops on the way for all that falls due. The clock ends later than that only if a call
    /// overran its time limit on the way.
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

    /// Moves the clock to the next thing that falls due, and does it. Says when that was; `None` if nothing is left to do.
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

    /// Moves the clock on until nothing is left to do, but not by more than `limit`. Says whether nothing is left.
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

    /// When the next thing falls due, later than now. What is due now and has not been done is leased by a call that was
    /// cut off.
    async fn next_due(&self) -> Result<Option<Timestamp>> {
        let now = self.now();
        let due = self.runtime.next_due().await?;
        Ok(due.map(|due| if due > now { due } else { self.after(LOOK_AGAIN) }))
    }

    /// Takes what has happened since the last time into the timeline.
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
