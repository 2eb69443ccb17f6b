//! A cache for temporary credentials.
//!
//! Requests sign often and credentials change rarely, so they are fetched once for all concurrent requests, and early enough that a
//! failure to fetch them does not matter for some minutes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};
use sym_sdk::BoxFuture;
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, Result};

use super::credentials::DynCredentialsSource;
use super::{Credentials, CredentialsSource};

/// The time before their expiry at which credentials are fetched again.
const EXPIRY_MARGIN: Duration = Duration::from_secs(5 * 60);

/// A cache of the credentials of another source, until five minutes before they expire.
///
/// Concurrent callers share one fetch. If it fails, all of them get the error, and the next caller fetches again; credentials that are
/// valid for some more minutes are used in the meantime. Clones share the cache.
#[derive(Clone)]
pub struct CachedCredentials(Arc<Cache>);

struct Cache {
    source: Box<dyn DynCredentialsSource>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cached: Option<Credentials>,
    /// Dropped with its last waiter, so that no caller finds a fetch that nobody polls.
    in_flight: Option<WeakShared<Fetch>>,
}

type Fetch = BoxFuture<'static, Result<Credentials, Arc<Error>>>;

impl CachedCredentials {
    /// Creates a cache for a source, with a clock for the expiry.
    pub fn new(source: impl CredentialsSource, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Cache { source: Box::new(source), clock, state: Mutex::default() }))
    }

    async fn get(&self) -> Result<Credentials> {
        let in_flight = match self.cached_or_in_flight() {
            Ok(cached) => return Ok(cached),
            Err(in_flight) => in_flight,
        };
        in_flight.await.map_err(to_owned_error)
    }

    fn cached_or_in_flight(&self) -> Result<Credentials, Shared<Fetch>> {
        let mut state = self.0.lock();
        if let Some(cached) = &state.cached
            && self.0.is_valid(cached, EXPIRY_MARGIN)
        {
            return Ok(cached.clone());
        }
        if let Some(fetch) = state.in_flight.as_ref().and_then(WeakShared::upgrade) {
            return Err(fetch);
        }
        let fetch: Fetch = Box::pin(fetch(Arc::clone(&self.0)));
        let fetch = fetch.shared();
        state.in_flight = fetch.downgrade();
        Err(fetch)
    }
}

async fn fetch(cache: Arc<Cache>) -> Result<Credentials, Arc<Error>> {
    let fetched = cache.source.current().await;
    let mut state = cache.lock();
    state.in_flight = None;
    match fetched {
        Ok(credentials) => {
            state.cached = Some(credentials.clone());
            Ok(credentials)
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

impl Cache {
    fn is_valid(&self, credentials: &Credentials, margin: Duration) -> bool {
        credentials.expires_at().is_none_or(|end| self.clock.now() + margin < end)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CredentialsSource for CachedCredentials {
    async fn credentials(&self) -> Result<Credentials> {
        self.get().await
    }

    fn rejected(&self, access_key_id: &str) -> bool {
        // A request signed with older credentials than the cached ones gets these when it is retried.
        self.0.lock().cached.take_if(|cached| cached.access_key_id() == access_key_id);
        true
    }
}

impl fmt::Debug for CachedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedCredentials").field("cached", &self.0.lock().cached).finish_non_exhaustive()
    }
}

/// Copies an error that several waiters share.
fn to_owned_error(error: Arc<Error>) -> Error {
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
