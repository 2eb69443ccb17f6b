//! Tests of the public API, in one binary.
#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy's exception for tests leaves out their helpers")]

mod directory;
mod error;
mod event;
mod field_map;
mod fields;
#[cfg(feature = "testing")]
mod harness;
#[cfg(feature = "runtime")]
mod machine;
mod routing;
mod serde_forms;
mod srn;
mod template;
mod user;
