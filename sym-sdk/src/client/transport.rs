//! The way to the API: over HTTP, or within the process.

use std::fmt;
use std::pin::Pin;

use futures_util::Stream;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::call::Call;
use crate::error::Result;
use crate::future::BoxFuture;

/// A body that has not been read yet.
pub(crate) type BodyStream = Pin<Box<dyn Stream<Item = Result<Vec<u8>>> + Send>>;

/// An answer whose body has not been read yet.
pub(crate) struct Incoming {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: BodyStream,
}

/// A way to the API.
pub(crate) trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Makes a call, and returns the answer, whatever its status.
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Incoming>>;
}
