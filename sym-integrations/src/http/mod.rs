//! The HTTP core shared by all clients, usable for clients of your own.
//!
//! A typed client describes what is particular to its [`Service`] (its names, and how it reports failures), its [`BaseUrl`] and its
//! [`Auth`], and gets a [`Client`]. The client's calls are values that are awaited. Each ends in a complete [`Response`] or in an
//! [`Error`](sym_sdk::Error) that carries a kind, a code such as `Okta:NOT_FOUND`, the status, and the service's id of the request.
//!
//! Access to production systems depends on these calls: a grant that is repeated by mistake, a revocation that waits behind a listing
//! or a token in a log file does real harm. The core therefore decides the following once, for every service.
//!
//! - *Timeouts* (`limits.rs`). Connecting, each read, and the call as a whole with its attempts and delays have limits of their own.
//!   The caller's deadline always wins: a delay that does not fit into the time left fails the call immediately.
//! - *Retries* (`retry.rs`, `failure.rs`). An attempt is repeated only if the service did not carry out the request, or if the call is
//!   idempotent, and if another attempt can succeed. If the outcome of a call that must not be repeated is unknown, the error says so
//!   instead of hiding it. The service's own delay takes precedence over the exponential backoff.
//! - *Rate limits* (`rate_limit.rs`). Calls belong to groups, and may have a key within the group, such as a function. A service that
//!   throttles one call pauses its group and key, for a minute at most, and no other: revocations do not wait behind listings.
//! - *Pagination* (`paginator.rs`). Lists follow links, cursors and offsets. They are complete or an error, never truncated; pages on
//!   another host, loops and endless lists are errors.
//! - *Redirects* (`redirect.rs`). They are followed within the service's own origin only, as are links to pages, because a token is
//!   sent with every request.
//! - *Redaction* (`redact.rs`). Secrets appear in no error, log or `Debug` output, not even if the service echoes them. Text of a
//!   service is quoted on one line and truncated.
//! - *Blemishes* (`repaired_json.rs`). A character that cannot be decoded does not make a JSON response unreadable: it is read as U+FFFD.
//! - *Size* (`attempt.rs`). A response is read up to a limit, counted after decompression.
//! - *Tracing* (`retry.rs`). A span `call` has the fields `service`, `method`, `route`, `status`, `attempts`, `request` and `error`; each
//!   retry logs a warning. Routes contain placeholders such as `{group}`, never values.
//!
//! The trade-off: a call is described by value and boxed when it is awaited, and transports are dynamic. That costs an allocation or two
//! beside a network round trip, and in return the same client runs over the network, on a test's canned responses (feature `testing`:
//! `testing::Replay`) and in simulations, with no branch in its code.
//!
//! Left to the typed clients: the paths and models of a service, the meaning of its error codes, which calls are idempotent, and the rate
//! groups with their limits. Not provided: circuit breakers and caches.

mod attempt;
mod auth;
mod base_url;
mod body;
mod call;
mod call_info;
pub(crate) mod certificate;
mod client;
mod connection;
mod failure;
mod limits;
mod link_header;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub mod log_destination;
pub(crate) mod lost_attempts;
mod paginator;
mod rate_limit;
mod redact;
mod redirect;
pub(crate) mod repaired_json;
#[cfg(feature = "testing")]
pub(crate) mod replay;
mod request_spec;
mod response;
mod retry;
mod retry_after;
mod service;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub mod strategy;
pub(crate) mod transport;
mod url_encoding;

pub use auth::{Auth, CredentialsVersion, Signer, UnsignedRequest};
pub use base_url::BaseUrl;
pub use call::Call;
pub use client::{Client, ClientBuilder};
pub use connection::Connection;
pub use failure::{Failure, Retry, error_names};
pub use limits::Limits;
#[cfg(any(feature = "aws-config", feature = "aws-sso", feature = "slack-app"))]
pub(crate) use limits::with_timeout;
pub use paginator::{Next, Page, Paginator};
pub use rate_limit::RateLimit;
pub use response::Response;
pub use secrecy::SecretString;
pub use service::Service;
