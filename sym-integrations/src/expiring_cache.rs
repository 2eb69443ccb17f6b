//! A cache of one value that expires, such as credentials or an access token.
//!
//! Calls need it often and it changes rarely, so it is fetched once for all concurrent callers, and before it expires.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};
use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, Result};

/// A value that expires.
pub(crate) trait Expires: Clone + fmt::Debug + Send + Sync + 'static {
    /// Returns when it expires; `None` if it does not.
    fn expires_at(&self) -> Option<Timestamp>;
}

/// A cache of one value, which is fetched again some time before it expires.
///
/// Concurrent callers share one fetch. If it fails, all of them get the error, and the next caller fetches again; a value that has not
/// expired yet is used in the meantime. Clones share the cache.
#[derive(Clone)]
pub(crate) struct ExpiringCache<T>(Arc<Inner<T>>);

struct Inner<T> {
    fetch: Box<dyn Fn() -> BoxFuture<'static, Result<T>> + Send + Sync>,
    clock: Arc<dyn Clock>,
    margin: Duration,
    state: Mutex<State<T>>,
}

struct State<T> {
    cached: Option<T>,
    /// Dropped with its last waiter, so that no caller finds a fetch that nobody polls.
    in_flight: Option<WeakShared<Fetch<T>>>,
}

type Fetch<T> = BoxFuture<'static, Result<T, Arc<Error>>>;

impl<T: Expires> ExpiringCache<T> {
    /// Creates an empty cache. A value is fetched again when it expires within `margin`.
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        margin: Duration,
        fetch: impl Fn() -> BoxFuture<'static, Result<T>> + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(State { cached: None, in_flight: None });
        Self(Arc::new(Inner { fetch: Box::new(fetch), clock, margin, state }))
    }

    /// Returns the value, which is fetched if there is none that is valid for long enough.
    pub(crate) async fn get(&self) -> Result<T> {
        let in_flight = match self.cached_or_in_flight() {
            Ok(cached) => return Ok(cached),
            Err(in_flight) => in_flight,
        };
        in_flight.await.map_err(to_owned_error)
    }

    /// Forgets the value if `is_rejected` says so.
    pub(crate) fn discard_if(&self, is_rejected: impl FnOnce(&T) -> bool) {
        self.0.lock().cached.take_if(|cached| is_rejected(cached));
    }

    fn cached_or_in_flight(&self) -> Result<T, Shared<Fetch<T>>> {
        let mut state = self.0.lock();
        if let Some(cached) = &state.cached
            && self.0.is_valid(cached, self.0.margin)
        {
            return Ok(cached.clone());
        }
        if let Some(fetch) = state.in_flight.as_ref().and_then(WeakShared::upgrade) {
            return Err(fetch);
        }
        let fetch: Fetch<T> = Box::pin(fetch(Arc::clone(&self.0)));
        let fetch = fetch.shared();
        state.in_flight = fetch.downgrade();
        Err(fetch)
    }
}

async fn fetch<T: Expires>(cache: Arc<Inner<T>>) -> Result<T, Arc<Error>> {
    let fetched = (cache.fetch)().await;
    let mut state = cache.lock();
    state.in_flight = None;
    match fetched {
        Ok(value) => {
            state.cached = Some(value.clone());
            Ok(value)
        }
        Err(error) => match &state.cached {
            Some(cached) if cache.is_valid(cached, Duration::ZERO) => {
                tracing::warn!(%error, "could not fetch new credentials; using those that expire soon");
                Ok(cached.clone())
            }
            _ => Err(Arc::new(error)),
        },
    }
}

impl<T: Expires> Inner<T> {
    fn is_valid(&self, value: &T, margin: Duration) -> bool {
        value.expires_at().is_none_or(|end| self.clock.now() + margin < end)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Expires> fmt::Debug for ExpiringCache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpiringCache").field("cached", &self.0.lock().cached).finish_non_exhaustive()
    }
}

/// Copies an error that several waiters share.
pub(crate) fn to_owned_error(error: Arc<Error>) -> Error {
    let mut copy = Error::new(error.kind(), error.code().clone(), error.message());
    if let Some(hint) = error.hint() {
        copy = copy.with_hint(hint);
    }
    if let Some(url) = error.doc_url() {
        copy = copy.with_doc_url(url);
    }
    if let Some(service) = error.service() {
        copy = copy.with_service(service);
    }
    if let Some(status) = error.status() {
        copy = copy.with_status(status);
    }
    if let Some(id) = error.request_id() {
        copy = copy.with_request_id(id);
    }
    if std::error::Error::source(&*error).is_some() { copy.with_source(SharedSource(error)) } else { copy }
}

/// The source of a shared error.
#[derive(Debug)]
struct SharedSource(Arc<Error>);

impl fmt::Display for SharedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::error::Error::source(&*self.0) {
            Some(source) => fmt::Display::fmt(source, f),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl std::error::Error for SharedSource {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0)?.source()
    }
}
