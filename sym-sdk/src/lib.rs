//! Just-in-time access workflows in Rust.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod config;

// The nouns of the platform.
pub mod directory;
pub mod error;
pub mod forms;
pub mod model;
pub mod prelude;
pub mod routing;
pub mod template;

mod suggest;

pub use error::{BoxError, Error, Result};

/// A boxed future that can be sent between threads: what the traits of this crate return.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
