//! The kit that the clients of all vendors are made of.
//!
//! A vendor is a folder. It describes itself with a [`Vendor`], whose error codes are an [`ErrorTable`]; its client implements
//! [`VendorClient`] and is built by a [`VendorBuilder`]; the objects it returns are [`Resource`]s with enums made by
//! [`open_enum!`](crate::open_enum); and a strategy that adds users to groups implements [`Membership`]. A second host or credential is
//! an [`Endpoint`], and simulations talk to a [`SimulatedService`], through a client that a [`SimulatedAccount`] builds. Any strategy reads its targets with [`target_flag`] and
//! [`resource_named_by`], and reads until a change shows with a [`RepeatedRead`]. What one of these does, no vendor does again, so a rule
//! such as "an account that the directory knows counts before an e-mail address" has one place. Services that issue tokens for an hour,
//! instead of one for ever, are called with [`AccessTokens`], and those that take a password or client credentials with a [`Login`].
//!
//! The kit knows nothing about a vendor's API: routes, filters and paging are the vendor's own. It prefers traits and generics to macros,
//! so that definitions can be found and errors read. Macros are for what has no generic form: enums, and a trait of another crate for the
//! simulated services.
//!
//! # A new vendor
//!
//! Outside its folder and its tests, a vendor needs its feature in `Cargo.toml` and its module in `lib.rs`. A complete client:
//!
//! ```
//! use serde::Deserialize;
//! use sym_integrations::http::{Auth, BaseUrl, Failure, Paginator, RateLimit, Response, SecretString, error_names};
//! use sym_integrations::kit::{
//!     BASE_URL, Credentials, ErrorBody, ErrorRule, ErrorTable, RateGroup, Resource, ServiceClient, Vendor, VendorBuilder,
//!     VendorClient,
//! };
//! use sym_integrations::{ToFieldOption, open_enum};
//! use sym_sdk::config::{SettingSchema, SettingsSchema};
//! use sym_sdk::error::{ErrorKind, Result};
//! use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
//! use sym_sdk::model::User;
//!
//! const WIKI: Vendor = Vendor::new("wiki", "Wiki")
//!     .rate_limits(&[RateGroup::new("", RateLimit::per_minute(60))])
//!     .settings(SettingsSchema::open(&[SettingSchema::required("token_secret"), SettingSchema::optional(BASE_URL)]))
//!     .classify(classify);
//!
//! const ERRORS: ErrorTable = ErrorTable::new(&[
//!     ErrorRule::new(&["bad_token"], ErrorKind::Unauthorized, error_names::AUTH_FAILED).hint("create a new token"),
//!     ErrorRule::new(&["no_such_space"], ErrorKind::NotFound, "SPACE_NOT_FOUND"),
//! ]);
//!
//! fn classify(response: &Response) -> Result<(), Failure> {
//!     if response.is_success() {
//!         return Ok(());
//!     }
//!     let failure = Failure::of(response);
//!     Err(match ErrorBody::of(response).and_then(|body| body.text("error")) {
//!         Some(code) => ERRORS.apply(failure, &code),
//!         None => failure,
//!     })
//! }
//!
//! open_enum! {
//!     /// The readers of a space.
//!     pub enum Visibility {
//!         /// Everybody.
//!         Public = "public",
//!         /// Its members.
//!         Private = "private",
//!     }
//! }
//!
//! /// A space of the wiki.
//! #[derive(Clone, Debug, Deserialize)]
//! pub struct Space {
//!     pub id: String,
//!     pub name: String,
//!     pub visibility: Option<Visibility>,
//! }
//!
//! impl ToFieldOption for Space {
//!     fn option_value(&self) -> String {
//!         self.id.clone()
//!     }
//!
//!     fn option_label(&self) -> String {
//!         self.name.clone()
//!     }
//! }
//!
//! /// A client of one wiki.
//! #[derive(Clone, Debug)]
//! pub struct Wiki(ServiceClient);
//!
//! impl Wiki {
//!     pub fn builder(host: &str, token: impl Into<SecretString>) -> VendorBuilder<Self> {
//!         Self::builder_for(host).secret("token_secret", token)
//!     }
//!
//!     pub fn spaces(&self) -> Paginator<Resource<Space>> {
//!         self.0.get("spaces", &[]).pages::<Vec<Resource<Space>>>()
//!     }
//!
//!     pub async fn account_id(&self, user: &User) -> Result<String> {
//!         self.0.account_id(user, async |email| Ok(Some(email.to_owned()))).await
//!     }
//! }
//!
//! impl VendorClient for Wiki {
//!     const VENDOR: Vendor = WIKI;
//!
//!     fn base_url(host: &str) -> Result<BaseUrl> {
//!         BaseUrl::of_host(host, "api")
//!     }
//!
//!     fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
//!         Ok(Auth::bearer(credentials.secret("token_secret")?))
//!     }
//!
//!     fn from_service(service: ServiceClient) -> Self {
//!         Self(service)
//!     }
//!
//!     fn service(&self) -> &ServiceClient {
//!         &self.0
//!     }
//! }
//!
//! impl IntegrationClient for Wiki {
//!     const TYPE: &'static str = WIKI.name();
//!     const SETTINGS: SettingsSchema = WIKI.settings_schema();
//!
//!     fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
//!         VendorBuilder::from_config(config)?.build()
//!     }
//! }
//!
//! let wiki = Wiki::builder("wiki.example.com", "t0ken").build()?;
//! assert_eq!(wiki.service().account(), "wiki.example.com");
//! assert!(!format!("{wiki:?}").contains("t0ken"));
//! # let _ = wiki.spaces();
//! # Ok::<(), sym_sdk::Error>(())
//! ```

mod account_resolver;
mod builder;
mod client;
mod endpoint;
mod error_table;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
mod failed_grant;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
mod integration_info;
mod login;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
mod membership;
mod oauth;
mod open_enum;
mod repeated_read;
mod resource;
mod simulated;
mod simulated_account;
mod simulated_members;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
mod target_settings;
mod vendor;

pub use account_resolver::{Account, is_same_address};
pub use builder::{BASE_URL, Credentials, VendorBuilder};
pub use client::{ServiceClient, VendorClient};
pub use endpoint::Endpoint;
pub use error_table::{ErrorBody, ErrorRule, ErrorTable};
#[cfg(feature = "runtime")]
pub use failed_grant::follows_failed_grant;
#[cfg(feature = "runtime")]
pub use integration_info::{IntegrationInfo, StrategyInfo, integrations};
pub use login::{Login, LoginToken, login_auth};
#[cfg(feature = "runtime")]
pub use membership::{GroupInfo, GroupRef, Membership, MembershipStrategy};
pub use oauth::{AccessTokens, SigningKey};
pub use repeated_read::{RepeatedRead, SETTLE_DELAYS};
pub use resource::{Resource, null_as_default};
pub use simulated::{SimulatedReply, SimulatedRequest, SimulatedService};
pub use simulated_account::SimulatedAccount;
#[allow(unused_imports, reason = "which services use it depends on the features")]
pub(crate) use simulated_account::{address, impl_fake};
pub use simulated_members::SimulatedMembers;
#[cfg(feature = "runtime")]
pub(crate) use target_settings::is_picked_by_requester;
#[cfg(feature = "runtime")]
pub use target_settings::{resource_named_by, strategy_flag, target_flag};
pub use vendor::{REVOKE, RateGroup, Vendor, vendor_errors};

/// Paths that macros expand to.
#[doc(hidden)]
pub mod __private {
    pub use serde::{Deserialize, Deserializer, Serialize, Serializer};
}
