//! The kit that the clients of all vendors are made of.
//!
//! A vendor is a folder. It describes itself with a [`Vendor`], whose error codes are an [`ErrorTable`]; its client implements
//! [`VendorClient`] and is built by a [`VendorBuilder`]; the objects it returns are [`Resource`]s with enums made by
//! [`open_enum!`](crate::open_enum); and a strategy that adds users to groups implements [`Membership`]. What one of these does, no
//! vendor does again, so a rule such as "an account that the directory knows counts before an e-mail address" has one place.
//!
//! The kit decides nothing about a vendor's API: routes, filters and paging are the vendor's own.

mod account_resolver;
mod builder;
mod client;
mod error_table;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
mod membership;
mod open_enum;
mod resource;
mod simulated;
mod vendor;

pub use account_resolver::Account;
pub(crate) use account_resolver::AccountResolver;
pub use builder::{BASE_URL, Credentials, VendorBuilder};
pub use client::{ServiceClient, VendorClient};
pub use error_table::{ErrorBody, ErrorRule, ErrorTable};
#[cfg(feature = "runtime")]
pub use membership::{AccountInfo, GroupInfo, GroupRef, Membership, MembershipStrategy};
pub use resource::{Resource, null_as_default};
pub use simulated::{SimulatedRequest, SimulatedService};
pub use vendor::{REVOKE, RateGroup, Vendor, vendor_errors};

/// Paths that macros expand to.
#[doc(hidden)]
pub mod __private {
    pub use serde::{Deserialize, Deserializer, Serialize, Serializer};
}
