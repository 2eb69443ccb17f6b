//! Tests of the public API, in one binary.

mod handler;
mod registry;

#[cfg(feature = "runtime")]
mod machine;
