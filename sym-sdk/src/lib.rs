#![doc = include_str!("docs/crate.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod config;

#[cfg(all(doc, any(not(doctest), all(feature = "testing", feature = "server", feature = "sqlite", feature = "cli"))))]
pub mod guide;

// The types that handlers use.
pub mod directory;
pub mod error;
pub mod forms;
pub mod handler;
pub mod integration;
pub mod model;
pub mod prelude;
pub mod routing;
pub mod template;

// The runtime.
#[cfg(feature = "runtime")]
pub mod audit;
#[cfg(feature = "clock")]
pub mod clock;
#[cfg(feature = "runtime")]
pub mod delivery;
#[cfg(feature = "runtime")]
pub mod engine;
#[cfg(feature = "runtime")]
pub mod machine;
#[cfg(feature = "runtime")]
pub mod runtime;
#[cfg(feature = "runtime")]
pub mod simulation;
#[cfg(feature = "runtime")]
pub mod strategy;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub mod server;

#[cfg(feature = "api")]
#[cfg_attr(docsrs, doc(cfg(feature = "api")))]
pub mod api;

#[cfg(feature = "remote")]
#[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
pub mod client;
#[cfg(feature = "console")]
#[cfg_attr(docsrs, doc(cfg(feature = "console")))]
pub mod console;
#[cfg(feature = "mcp")]
#[cfg_attr(docsrs, doc(cfg(feature = "mcp")))]
pub mod mcp;

// Programs.
#[cfg(feature = "cli")]
#[cfg_attr(docsrs, doc(cfg(feature = "cli")))]
pub mod app;
#[cfg(feature = "cli")]
mod cli;

#[doc(hidden)]
pub mod __private;
#[cfg(feature = "runtime")]
mod bounded_map;
mod future;
mod macros;
mod normalize;
mod suggest;
mod sync;
mod time;

#[cfg(feature = "cli")]
pub use app::App;
pub use error::{BoxError, Error, Result};
pub use future::BoxFuture;
pub use macros::{hook, on_change, prefetch, reducer};
