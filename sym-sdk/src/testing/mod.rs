//! Tests of whole flows, and of implementations of this crate's traits.
//!
//! A [`Harness`] runs handlers and a configuration on a virtual clock, so that a day passes in milliseconds. Strategies and deliveries
//! record what they are asked to do; nothing external is touched, and the same test always gives the same result.
//!
//! [`check_store`] and [`check_directory`] hold stores and directories to their contracts.
//!
//! ```
//! use sym_sdk::prelude::*;
//! use sym_sdk::testing::Harness;
//!
//! #[reducer]
//! fn get_permissions() -> RequestPermission {
//!     RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
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
//! In a test, use `#[tokio::test]` instead of `#[tokio::main]`.

mod actions;
mod builder;
#[doc(hidden)]
pub mod conformance;
mod delivery;
mod directory;
mod harness;
mod strategy;

pub use crate::store_conformance;
pub use actions::{Decision, Extend, Request};
pub use builder::HarnessBuilder;
pub use conformance::check_store;
pub use delivery::RecordingDelivery;
pub use directory::{DirectoryStores, check_directory};
pub use harness::Harness;
pub use strategy::{RecordingStrategy, StrategyCall};
