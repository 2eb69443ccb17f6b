//! A cache for temporary credentials.
//!
//! Requests sign often and credentials change rarely, so they are fetched once for all concurrent requests, and early enough that a
//! failure to fetch them does not matter for some minutes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::clock::Clock;
use sym_sdk::error::Result;

use super::credentials::DynCredentialsSource;
use super::{Credentials, CredentialsSource};
use crate::expiring_cache::{Expires, ExpiringCache};

/// The time before their expiry at which credentials are fetched again.
const EXPIRY_MARGIN: Duration = Duration::from_secs(5 * 60);

/// A cache of the credentials of another source, until five minutes before they expire.
///
/// Concurrent callers share one fetch. If it fails, all of them get the error, and the next caller fetches again; credentials that are
/// valid for some more minutes are used in the meantime. Clones share the cache.
#[derive(Clone)]
pub struct CachedCredentials(ExpiringCache<Credentials>);

impl Expires for Credentials {
    fn expires_at(&self) -> Option<Timestamp> {
        Credentials::expires_at(self)
    }
}

impl CachedCredentials {
    /// Creates a cache for a source, with a clock for the expiry.
    pub fn new(source: impl CredentialsSource, clock: Arc<dyn Clock>) -> Self {
        let source: Arc<dyn DynCredentialsSource> = Arc::new(source);
        Self(ExpiringCache::new(clock, EXPIRY_MARGIN, move || {
            let source = Arc::clone(&source);
            Box::pin(async move { source.current().await })
        }))
    }
}

impl CredentialsSource for CachedCredentials {
    async fn credentials(&self) -> Result<Credentials> {
        self.0.get().await
    }

    fn rejected(&self, access_key_id: &str) -> bool {
        // A request signed with older credentials than the cached ones gets these when it is retried.
        self.0.discard_if(|cached| cached.access_key_id() == access_key_id);
        true
    }
}

impl fmt::Debug for CachedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CachedCredentials").field(&self.0).finish()
    }
}
