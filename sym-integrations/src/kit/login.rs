//! Tokens that a login returns, for services that issue them for client credentials or a password.
//!
//! A login is not like other calls: attempts that a service refuses may lock the account that all revocations go through. So one login serves
//! all calls until its token expires, a rejected token leads to one more login, and after a refusal nobody signs in again for some
//! minutes. That a login failed is no answer to the call that needed it: its error never says that what the call is about does not
//! exist.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, ErrorKind, Result};

use crate::expiring_cache::{Expires, ExpiringCache, to_owned_error};
use crate::http::{Auth, CredentialsVersion, SecretString, Signer, UnsignedRequest, error_names};

/// The time before its expiry at which a token is replaced.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);

/// A token that a login has returned.
#[derive(Clone)]
pub struct LoginToken {
    secret: SecretString,
    expires_at: Option<Timestamp>,
}

impl LoginToken {
    /// A token, and when it expires; `None` if the service does not say.
    pub fn new(secret: impl Into<SecretString>, expires_at: Option<Timestamp>) -> Self {
        Self { secret: secret.into(), expires_at }
    }
}

impl fmt::Debug for LoginToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// A login: the call that exchanges credentials for a token.
///
/// It has an HTTP client of its own, which does not send the token. Its call should be
/// [confidential](crate::http::Call::confidential), because the response is a secret.
pub trait Login: Send + Sync + 'static {
    /// The prefix of the token in the header `Authorization`.
    const PREFIX: &'static str = "Bearer ";

    /// The time after a refused login for which no other is attempted. The default of five minutes is for passwords, which lock an account
    /// when they are wrong too often.
    const REFUSAL_TTL: Duration = Duration::from_secs(5 * 60);

    /// Signs in.
    ///
    /// # Errors
    /// If the service does not return a token. After one by which the service may have judged the credentials, no other login is attempted
    /// for [some time](Self::REFUSAL_TTL).
    fn log_in(&self) -> impl Future<Output = Result<LoginToken>> + Send;
}

/// Authenticates calls with the token of a login, until shortly before it expires.
///
/// Concurrent calls share one login. When the service rejects the token (401), the call is repeated once with the token of another.
pub fn login_auth<L: Login>(login: L, clock: &Arc<dyn Clock>) -> Auth {
    let (login, refusal, versions) = (Arc::new(login), Arc::new(Refusal::default()), Arc::new(AtomicU64::default()));
    let clock_of_refusals = Arc::clone(clock);
    let cache = ExpiringCache::new(Arc::clone(clock), EXPIRY_MARGIN, move || {
        let (login, refusal, versions) = (Arc::clone(&login), Arc::clone(&refusal), Arc::clone(&versions));
        let clock = Arc::clone(&clock_of_refusals);
        Box::pin(async move {
            refusal.check(clock.now())?;
            match login.log_in().await {
                Ok(token) => Ok(Issued { token, version: versions.fetch_add(1, Ordering::Relaxed) }),
                Err(error) if is_refusal(&error) => {
                    Err(refusal.remember(without_verdict(error), clock.now() + L::REFUSAL_TTL))
                }
                Err(error) => Err(without_verdict(error)),
            }
        })
    });
    Auth::signer(TokenSigner { cache, prefix: L::PREFIX })
}

/// A token, with a number that tells it from those before.
#[derive(Clone, Debug)]
struct Issued {
    token: LoginToken,
    version: CredentialsVersion,
}

impl Expires for Issued {
    fn expires_at(&self) -> Option<Timestamp> {
        self.token.expires_at
    }
}

struct TokenSigner {
    cache: ExpiringCache<Issued>,
    prefix: &'static str,
}

impl Signer for TokenSigner {
    fn sign<'a>(&'a self, mut request: UnsignedRequest<'a>) -> BoxFuture<'a, Result<CredentialsVersion>> {
        Box::pin(async move {
            let issued = self.cache.get().await?;
            request.set_secret_header("authorization", self.prefix, &issued.token.secret)?;
            Ok(issued.version)
        })
    }

    fn renew(&self, rejected: CredentialsVersion) -> bool {
        // A call that was signed with an older token gets the present one when it is repeated.
        self.cache.discard_if(|issued| issued.version == rejected);
        true
    }
}

/// The last login that the service refused.
#[derive(Default)]
struct Refusal(Mutex<Option<(Arc<Error>, Timestamp)>>);

impl Refusal {
    fn check(&self, now: Timestamp) -> Result<()> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((error, until)) if now < *until => Err(to_owned_error(Arc::clone(error))),
            _ => Ok(()),
        }
    }

    fn remember(&self, error: Error, until: Timestamp) -> Error {
        let error = Arc::new(error);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(&error), until));
        to_owned_error(error)
    }
}

/// Whether the service may have judged the credentials. What a proxy answers, or a host with another certificate, is no judgement.
fn is_refusal(error: &Error) -> bool {
    const UNJUDGED: &[&str] =
        &[error_names::UNTRUSTED_CERTIFICATE, error_names::REDIRECTED, error_names::INVALID_RESPONSE];
    let kind = error.kind();
    matches!(kind, ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::Configuration | ErrorKind::InvalidInput)
        && !UNJUDGED.contains(&error.code().name())
}

/// Converts an error of a login that would look like a result of the caller's own call.
fn without_verdict(error: Error) -> Error {
    let kind = match error.kind() {
        ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::InvalidInput => ErrorKind::Configuration,
        // It would pass for a permission that the call itself lacks.
        ErrorKind::Forbidden => ErrorKind::Unauthorized,
        _ => return error,
    };
    let message = format!("could not sign in: {}", error.message());
    let hint =
        error.hint().unwrap_or("check the URL of the service, and whether there is a proxy in between").to_owned();
    let converted = Error::new(kind, error.code().clone(), message).with_hint(hint);
    let converted = match error.service() {
        Some(service) => converted.with_service(service.to_owned()),
        None => converted,
    };
    converted.with_source(error)
}
