//! Clients of outside services: the trait they implement, the configuration they are built from, the fakes that take their place, and the
//! record of what simulated ones would have sent.
//!
//! Handlers, strategies, front ends and audit destinations all build clients from the same [`IntegrationConfig`]; this module
//! is what they share, so it depends on none of them.

mod client;
mod config;
mod fake;
mod outbox;

pub use client::IntegrationClient;
pub use config::IntegrationConfig;
#[cfg(feature = "runtime")]
pub(crate) use fake::BuildFake;
pub use fake::{Fake, FakeClient};
pub use outbox::{Outbox, Sent};
