//! Health of an engine's work: counts of Runs that hold access, and of work that is due.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Counts of the Runs that hold access, or may. All but [`AccessHealth::holding`] should be 0.
///
/// ```
/// # async fn watch(runtime: &sym_sdk::runtime::Runtime) -> sym_sdk::Result<()> {
/// let health = runtime.health().await?;
/// if health.missing_expiry > 0 {
///     eprintln!("{} Runs hold access that nothing would end; restart to repair them", health.missing_expiry);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessHealth {
    /// Runs that hold access, or may, by the name of their flow.
    pub holding: BTreeMap<String, u64>,
    /// Runs whose access should have ended.
    pub late: u64,
    /// Runs whose revocation has failed and is not confirmed yet.
    pub stuck: u64,
    /// Runs whose access would never end, although it has an expiry.
    pub missing_expiry: u64,
}

impl AccessHealth {
    /// Returns the number of Runs that hold access, or may.
    pub fn total(&self) -> u64 {
        self.holding.values().sum()
    }
}

/// Counts of work that is due and not in progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backlog {
    /// Due effects and timers.
    pub due: usize,
    /// Those of them that have been due for long.
    pub late: usize,
    /// The time since which the oldest of them has been due.
    pub oldest: Option<Timestamp>,
    /// Runs whose revocation has failed and is not confirmed yet.
    pub stuck: usize,
}

impl Backlog {
    /// Counts one more effect or timer, due since `since`. It is late if that is before `late`.
    pub fn count(&mut self, since: Timestamp, late: Timestamp) {
        self.due += 1;
        self.late += usize::from(since < late);
        self.oldest = Some(self.oldest.map_or(since, |oldest| oldest.min(since)));
    }
}
