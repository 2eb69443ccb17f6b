//! Tests of the public API, in one binary.

#[cfg(feature = "runtime")]
mod machine;
