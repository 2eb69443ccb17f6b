//! For tests of what calls a service: [`Replay`] stands in for it.

pub use crate::http::replay::{ReceivedCall, Replay, Reply, RuleBuilder};
