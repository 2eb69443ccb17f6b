//! Whole flows in a unit test.
//!
//! A [`Harness`] has handlers, a configuration and everything that runs them. The clock is virtual, so that a day passes at
//! once; strategies and front ends are recorded; nothing outside is touched.
//!
//! ```
//! use sym_sdk::prelude::*;
//! use sym_sdk::testing::Harness;
//!
//! #[reducer]
//! fn get_permissions() -> RequestPermission {
//!     RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member)
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut harness = Harness::builder()
//!         .access_flow("prod", ["admins"])
//!         .handlers(sym_sdk::handlers![get_permissions])
//!         .build()
//!         .await?;
//!
//!     let run = harness.request("prod").by("ana@example.com").duration("1h").await?;
//!     assert_eq!(harness.status(run).await?, RunStatus::Requested);
//!
//!     harness.approve_as(run, "ben@example.com").await?;
//!     assert_eq!(harness.granted(), ["admins: ana@example.com"]);
//!
//!     harness.advance(Duration::from_secs(3600)).await?;
//!     assert_eq!(harness.status(run).await?, RunStatus::Deescalated);
//!     assert!(harness.granted().is_empty());
//!
//!     println!("{}", harness.timeline());
//!     Ok(())
//! }
//! ```
//!
//! In a test of your own, `#[tokio::test]` takes the place of `#[tokio::main]`.

mod actions;
mod builder;
#[doc(hidden)]
pub mod conformance;
mod delivery;
mod directory;
mod harness;
mod strategy;

pub use crate::store_conformance;
pub use actions::{Decision, Request};
pub use builder::HarnessBuilder;
pub use conformance::check_store;
pub use delivery::RecordingDelivery;
pub use directory::{DirectoryStores, check_directory};
pub use harness::Harness;
pub use strategy::{RecordingStrategy, StrategyCall};
