//! PostgreSQL, against a cluster that each test starts.

mod check;
pub(crate) mod cluster;
pub(crate) mod cluster_clock;
mod grants;
pub(crate) mod proxy;
mod revocations;
mod runs;
mod servers;
mod versions;
