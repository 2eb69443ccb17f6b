//! Access tokens: how one is fetched, and until when it is used.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use sym_sdk::error::{Error, ErrorKind, Result};

use super::assertion::AssertionSigner;
use super::errors::{DPOP_HINT, DPOP_REQUIRED, TokenEndpoint, explain};
use super::{AccessTokens, Grant};
use crate::clock_offset::ClockOffset;
use crate::expiring_cache::{Expires, ExpiringCache};
use crate::http::{Auth, Client, CredentialsVersion, Response};
use crate::kit::{ErrorTable, Vendor};

/// The time before its expiry at which a token is fetched again.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);

/// Lifetime of a token whose response does not say it.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);

/// Longest lifetime that is believed.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Timeout of an exchange with its retries. It is shorter than that of a call, whose error then says that there was no token.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The smallest correction of the clock. Assertions are backdated by more, and valid for longer.
const MIN_CLOCK_CORRECTION: SignedDuration = SignedDuration::from_secs(15);

/// The number of tokens that the sources of one client have fetched, which tells them apart.
pub(super) type Tokens = Arc<AtomicU64>;

/// An access token.
#[derive(Clone)]
pub(super) struct AccessToken {
    pub(super) secret: SecretString,
    pub(super) version: CredentialsVersion,
    expires_at: Timestamp,
}

impl Expires for AccessToken {
    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The tokens of one set of scopes.
pub(super) struct TokenSource(ExpiringCache<AccessToken>);

impl TokenSource {
    pub(super) fn new(config: &AccessTokens, scopes: &str, tokens: &Tokens) -> Result<Self> {
        let clock_offset = Arc::new(ClockOffset::new(config.vendor.name(), MIN_CLOCK_CORRECTION));
        let signer = AssertionSigner {
            key: config.key.clone(),
            grant: config.grant.clone(),
            audience: config.endpoint.as_str().to_owned(),
            scopes: scopes.to_owned(),
            clock: Arc::clone(config.connection.clock()),
            clock_offset: Arc::clone(&clock_offset),
        };
        let client = Client::builder(TokenEndpoint(config.vendor), config.endpoint.clone())
            .auth(Auth::signer(signer))
            .connection(config.connection.clone())
            .build()?;
        let clock = Arc::clone(client.clock());
        let exchange = Arc::new(Exchange {
            client,
            clock_offset,
            grant: config.grant.clone(),
            scopes: scopes.to_owned(),
            vendor: config.vendor,
            errors: config.errors,
            tokens: Arc::clone(tokens),
        });
        Ok(Self(ExpiringCache::new(clock, EXPIRY_MARGIN, move || Box::pin(Arc::clone(&exchange).fetch()))))
    }

    /// Returns the present token, or a new one if it expires soon.
    pub(super) async fn token(&self) -> Result<AccessToken> {
        self.0.get().await
    }

    /// Forgets a token that the service rejected.
    pub(super) fn discard(&self, version: CredentialsVersion) {
        self.0.discard_if(|token| token.version == version);
    }
}

/// The exchange of assertions for tokens.
struct Exchange {
    client: Client,
    clock_offset: Arc<ClockOffset>,
    grant: Grant,
    scopes: String,
    vendor: Vendor,
    errors: ErrorTable,
    tokens: Tokens,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: Option<String>,
    token_type: Option<String>,
    /// A number, which some servers write as text.
    expires_in: Option<Value>,
}

impl Exchange {
    async fn fetch(self: Arc<Self>) -> Result<AccessToken> {
        let asked = self.grant.describe(&self.scopes);
        let (errors, clock_offset) = (self.errors, Arc::clone(&self.clock_offset));
        let explain = move |response: &Response, failure| {
            let failure = explain(response, failure, &errors, &asked);
            match clock_difference(response).filter(|_| failure.kind() == ErrorKind::Unauthorized) {
                Some(offset) if clock_offset.differs(offset) => {
                    let message = format!("{}; {}", failure.message(), describe(offset));
                    failure
                        .with_message(message)
                        .with_hint("correct the clock of this machine")
                        .with_clock_offset(offset)
                }
                _ => failure,
            }
        };
        let call = self.client.post("", &[]).explain(explain);
        let call = self.grant.form(&self.scopes).into_iter().fold(call, |call, (name, value)| call.form(name, value));
        // An additional token does no harm. The response is a secret, so errors quote only what an error of OAuth says.
        let response = call.idempotent(true).confidential().timeout(TIMEOUT).await?;
        self.read(&response)
    }

    fn read(&self, response: &Response) -> Result<AccessToken> {
        let body: TokenResponse = response.json()?;
        let Some(secret) = body.access_token.filter(|token| !token.is_empty()) else {
            return Err(response.invalid("the response contains no access token"));
        };
        if let Some(kind) = body.token_type.filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(self.unusable(&kind));
        }
        let lifetime = match body.expires_in {
            Some(Value::Number(seconds)) => seconds.as_f64(),
            Some(Value::String(seconds)) => seconds.trim().parse().ok(),
            _ => None,
        };
        let lifetime = lifetime.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let lifetime = lifetime.unwrap_or(DEFAULT_LIFETIME).min(MAX_LIFETIME);
        let expires_at = response.received() + lifetime;
        Ok(AccessToken { secret: secret.into(), version: self.tokens.fetch_add(1, Ordering::Relaxed), expires_at })
    }

    /// The error for a token of another type, which must not be sent as a bearer token.
    fn unusable(&self, kind: &str) -> Error {
        let kind = kind.chars().filter(|c| c.is_ascii_graphic()).take(20).collect::<String>();
        let message = format!("expected a bearer token, got one of type `{kind}`");
        self.vendor.error(ErrorKind::Configuration, self.vendor.code(DPOP_REQUIRED), message).with_hint(DPOP_HINT)
    }
}

/// The time by which the server's clock is ahead of this machine's.
fn clock_difference(response: &Response) -> Option<SignedDuration> {
    Some(response.date()?.duration_since(response.received()))
}

fn describe(clock_offset: SignedDuration) -> String {
    let direction = if clock_offset.is_negative() { "ahead of" } else { "behind" };
    format!("the local clock is {} s {direction} the server's", clock_offset.as_secs().unsigned_abs())
}
