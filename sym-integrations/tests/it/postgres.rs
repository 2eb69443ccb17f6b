//! PostgreSQL, against a cluster that each test starts.

mod check;
mod cluster;
mod cluster_clock;
mod grants;
mod revocations;
mod runs;
mod servers;
mod versions;
