//! KnowBe4: training enrollments and groups, read from its reporting API, for decisions such as "only those who passed the training".
//!
//! ```hcl
//! resource "sym_integration" "knowbe4" {
//!   type        = "knowbe4"
//!   name        = "main"
//!   external_id = "example.com"
//!   settings = {
//!     api_token_secret = sym_secret.knowbe4_token.id
//!     region           = "us"
//!   }
//! }
//! ```
//!
//! | of the integration | meaning |
//! | --- | --- |
//! | `external_id` | the primary domain of the account |
//! | `api_token_secret` | a token of the reporting API, which needs no further permission; the API is part of the levels Platinum and Diamond |
//! | `region` | `us`, `eu`, `ca`, `uk` or `de`, as in the address of the console |
//! | `base_url` | optional: the URL of the API, instead of `https://<region>.api.knowbe4.com/v1` |
//!
//! Handlers take the client as `&KnowBe4`:
//!
//! ```
//! use sym_integrations::knowbe4::KnowBe4;
//! use sym_sdk::prelude::*;
//!
//! #[hook]
//! async fn on_request(event: &Event, knowbe4: &KnowBe4) -> Result<Option<NextEvent>> {
//!     let enrollments = knowbe4.get_training_enrollments_for_user(event.user()).campaign_id(4711).await?;
//!     if !enrollments.is_empty() && enrollments.iter().all(|enrollment| enrollment.is_complete()) {
//!         return Ok(Some(ApprovalTemplate::approve().reason("the requester has passed the training")));
//!     }
//!     Ok(None)
//! }
//! ```
//!
//! In a test of a handler, a [`SimulatedKnowBe4`] takes KnowBe4's place.
//!
//! # Limits
//! KnowBe4 finds no user by address, so the first question about a user reads the list of all; the directory keeps what was found. The client
//! makes at most 4 calls a second and 50 a minute; there is also a daily limit, of which KnowBe4 only says that it is fair. What the API reports
//! can be some minutes old. Archived users are left out.

mod client;
pub mod codes;
mod enrollments;
mod errors;
mod model;
mod pages;
mod simulated;
mod users;

pub use client::{KnowBe4, KnowBe4Builder, Region};
pub use enrollments::TrainingEnrollments;
pub use model::{EnrollmentStatus, KnowBe4User, TrainingEnrollment, UserStatus};
pub use simulated::SimulatedKnowBe4;

#[cfg(feature = "runtime")]
inventory::submit! { crate::plugins::Registration::Other(|builder| builder.integration_type::<KnowBe4>()) }

#[cfg(feature = "runtime")]
inventory::submit! {
    crate::kit::IntegrationInfo::new("knowbe4", "KnowBe4", "knowbe4")
        .with_client("KnowBe4", &[
            "account_id",
            "find_user_by_email",
            "get_training_enrollments_for_user",
            "get_user",
            "get_user_info",
            "is_user_in_group",
            "list_users",
        ])
        .with_permissions(&["a token of the reporting API"])
}
