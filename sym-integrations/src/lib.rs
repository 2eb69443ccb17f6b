//! Typed clients and access strategies for the services that [`sym_sdk`] flows talk to.
//!
//! Each service is a feature of its own, and none is on by default.
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `client` | [`http`]: what the clients of all services stand on, for clients of your own |
//! | `http` | [`http::log_destination`]: the audit log, to a URL |
//! | `slack` | [`slack`]: where a request goes |
//! | `runtime` | [`all`]: strategies, front ends and log destinations, to be handed to an `App` |
//! | `testing` | [`testing`]: canned answers instead of a service |
//! | `full` | all of these |
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "runtime")]
mod all;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod http;
#[cfg(feature = "slack")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack")))]
pub mod slack;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use all::{All, all};
