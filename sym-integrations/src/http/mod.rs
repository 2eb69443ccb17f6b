//! What the clients of all services stand on, for clients of your own.
//!
//! A [`Client`] is built from what is particular to a [`Service`], a [`BaseUrl`] and [`Auth`]. Its calls are values that are
//! awaited; each is tried within a time limit, and ends in a complete [`Response`] or in an [`Error`](sym_sdk::Error) that has a
//! kind, a code such as `Okta:NOT_FOUND`, the status and the service's own id of the request.
//!
//! - *Time.* Limits for connecting, for silence, and for the whole of a call with all its tries and waits: see [`Limits`].
//! - *Tries.* A call is tried again if the service did not carry it out, or if it may be repeated, and if that can help. The service's
//!   own wait is kept, and if it is longer than what is left of the time, the call fails at once. See [`Failure::of`].
//! - *Lists.* [`Call::pages`] follows links, cursors and offsets, and neither to another host nor in circles.
//! - *Secrets.* They are in no error, log or `Debug`, also if the service echoes them. Credentials go to the host of the base URL, by
//!   https, and no redirect or link takes them elsewhere.
//! - *Size.* An answer is read up to a limit, counted after decompression.
//! - *Logs.* A span `call` with `service`, `method`, `route`, `status`, `tries`, `request` and `error`; a warning for each try that
//!   is followed by another. Routes have places such as `{group}`, never values.
//!
//! With feature `testing`, `testing::Replay` stands in for a service.

mod attempt;
mod auth;
mod base_url;
mod body;
mod call;
mod certificate;
mod client;
mod encode;
mod failure;
mod limits;
mod link;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub mod log_destination;
mod origin;
mod page;
mod plan;
mod rate;
mod redact;
#[cfg(feature = "testing")]
pub(crate) mod replay;
mod response;
mod send;
mod service;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub mod strategy;
mod transport;
mod wait;

pub use auth::{Auth, CredentialsEdition, Signer, UnsignedRequest};
pub use base_url::BaseUrl;
pub use call::Call;
pub use client::{Client, ClientBuilder, Connection};
pub use failure::{Failure, Retry, names};
pub use limits::Limits;
pub use page::{Listing, Next, Page};
pub use rate::RateLimit;
pub use response::Response;
pub use secrecy::SecretString;
pub use service::Service;
