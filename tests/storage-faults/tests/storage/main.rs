//! The store on a disk that loses power at any point, and on one that fails at any point: what was acknowledged is there, and access
//! ends in time.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy's exception for tests leaves out their helpers"
)]

mod failures;
mod power;
mod world;
