//! Tests of the public API, in one binary.

mod config;
#[cfg(feature = "runtime")]
mod machine;
#[cfg(feature = "terraform")]
mod terraform;
