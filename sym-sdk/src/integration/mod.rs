//! Clients of outside services: the trait they implement, the configuration they are built from, the fakes that take their place, the
//! record of what simulated ones would have sent, and the record of the answers that handlers got.
//!
//! Handlers, strategies, front ends and audit destinations all build clients from the same [`IntegrationConfig`]; this module
//! is what they share, so it depends on none of them.

mod client;
mod config;
mod fake;
mod look_up;
mod outbox;

pub use client::IntegrationClient;
pub use config::IntegrationConfig;
#[cfg(feature = "runtime")]
pub(crate) use fake::BuildFake;
pub use fake::{Fake, FakeClient};
#[cfg(feature = "runtime")]
pub(crate) use look_up::LookUps;
pub use look_up::{check_unrecorded, look_up, look_up_users};
pub use outbox::{Outbox, Sent};
