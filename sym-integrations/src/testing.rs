//! Test support for clients: [`Replay`] is a fake service with canned responses.

pub use crate::http::replay::{ReceivedCall, Replay, Reply, RuleBuilder};
