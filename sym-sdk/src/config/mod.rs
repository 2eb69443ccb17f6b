//! The configuration of an organization: its flows and what they refer to.

mod declare;

pub use declare::*;
