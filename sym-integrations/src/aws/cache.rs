use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};
use sym_sdk::BoxFuture;
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, Result};

use super::{Credentials, CredentialsSource};

/// Credentials are fetched anew this long before they run out.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// Keeps the credentials of another source until five minutes before they run out.
///
/// However many ask at a time, the source is asked once. If it fails, all who are waiting are told, and who comes later asks
/// again; credentials that are still good for some minutes are used meanwhile. Clones share what is kept.
#[derive(Clone)]
pub struct CachedCredentials(Arc<Cache>);

struct Cache {
    source: Box<dyn CredentialsSource>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Option<Credentials>,
    /// Ends with the last one who waits for it, so that nobody later finds one that nobody drove on.
    flight: Option<WeakShared<Flight>>,
}

type Flight = BoxFuture<'static, Result<Credentials, Arc<Error>>>;

impl CachedCredentials {
    /// Keeps the credentials of this source, by this clock.
    pub fn new(source: impl CredentialsSource, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Cache { source: Box::new(source), clock, state: Mutex::default() }))
    }

    async fn get(&self) -> Result<Credentials> {
        let flight = match self.kept_or_flight() {
            Ok(kept) => return Ok(kept),
            Err(flight) => flight,
        };
        flight.await.map_err(retold)
    }

    fn kept_or_flight(&self) -> Result<Credentials, Shared<Flight>> {
        let mut state = self.0.lock();
        if let Some(kept) = &state.kept
            && self.0.lasts(kept, MARGIN)
        {
            return Ok(kept.clone());
        }
        if let Some(flight) = state.flight.as_ref().and_then(WeakShared::upgrade) {
            return Err(flight);
        }
        let flight: Flight = Box::pin(fetch(Arc::clone(&self.0)));
        let flight = flight.shared();
        state.flight = flight.downgrade();
        Err(flight)
    }
}

async fn fetch(cache: Arc<Cache>) -> Result<Credentials, Arc<Error>> {
    let fetched = cache.source.credentials().await;
    let mut state = cache.lock();
    state.flight = None;
    match fetched {
        Ok(credentials) => {
            state.kept = Some(credentials.clone());
            Ok(credentials)
        }
        Err(error) => match &state.kept {
            Some(kept) if cache.lasts(kept, Duration::ZERO) => {
                tracing::warn!(%error, "no new credentials can be had; those that run out soon are used");
                Ok(kept.clone())
            }
            _ => Err(Arc::new(error)),
        },
    }
}

impl Cache {
    fn lasts(&self, credentials: &Credentials, margin: Duration) -> bool {
        credentials.expires_at().is_none_or(|end| self.clock.now() + margin < end)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CredentialsSource for CachedCredentials {
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials>> {
        Box::pin(self.get())
    }

    fn refused(&self, access_key_id: &str) -> bool {
        // Whoever signed with others than those that are kept gets these the next time.
        self.0.lock().kept.take_if(|kept| kept.access_key_id() == access_key_id);
        true
    }
}

impl fmt::Debug for CachedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedCredentials").field("kept", &self.0.lock().kept).finish_non_exhaustive()
    }
}

/// An error that several are told, for one of them.
fn retold(error: Arc<Error>) -> Error {
    let mut told = Error::new(error.kind(), error.code().clone(), error.message());
    if let Some(hint) = error.hint() {
        told = told.with_hint(hint);
    }
    if let Some(url) = error.doc_url() {
        told = told.with_doc_url(url);
    }
    if let Some(service) = error.service() {
        told = told.with_service(service);
    }
    if let Some(status) = error.status() {
        told = told.with_status(status);
    }
    if let Some(id) = error.request_id() {
        told = told.with_request_id(id);
    }
    if std::error::Error::source(&*error).is_some() { told.with_source(Cause(error)) } else { told }
}

/// The source of an error that several are told.
#[derive(Debug)]
struct Cause(Arc<Error>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::error::Error::source(&*self.0) {
            Some(source) => fmt::Display::fmt(source, f),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0)?.source()
    }
}
