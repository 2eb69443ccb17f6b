//! How the Runs with access stand.

use std::collections::BTreeMap;

/// How the Runs stand that hold access, or may. All counts but those of [`AccessHealth::holding`] should be 0.
///
/// ```
/// # async fn watch(runtime: &sym_sdk::runtime::Runtime) -> sym_sdk::Result<()> {
/// let health = runtime.health().await?;
/// if health.missing_expiry > 0 {
///     eprintln!("{} Runs hold access that nothing ends; restart to have that repaired", health.missing_expiry);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessHealth {
    /// Runs that hold access, or may, by the name of their flow.
    pub holding: BTreeMap<String, u64>,
    /// Those whose time is over.
    pub late: u64,
    /// Those whose revocation has failed and is not confirmed yet.
    pub stuck: u64,
    /// Those whose access nothing would end, though it has a time.
    pub missing_expiry: u64,
}

impl AccessHealth {
    /// Runs that hold access, or may.
    pub fn total(&self) -> u64 {
        self.holding.values().sum()
    }
}
