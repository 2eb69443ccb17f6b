//! Tailscale.

pub(crate) mod fake;
mod client;
mod policy;
mod strategy;
