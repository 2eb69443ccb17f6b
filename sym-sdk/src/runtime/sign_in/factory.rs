//! The seam by which the command line builds what people sign in with, which is in another crate.

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::IdentityProvider;
use crate::error::Result;
use crate::future::BoxFuture;

/// A verifier of the assertions that a proxy signs. `sym-integrations` has one for JSON Web Tokens, with the feature `oidc`.
///
/// It answers for the signature. What the claims say, and until when, is for the runtime to check.
pub trait AssertionVerifier: fmt::Debug + Send + Sync + 'static {
    /// Returns the issuer, exactly as the assertions name it.
    fn issuer(&self) -> &str;

    /// Returns the audience that the assertions have for us.
    fn audience(&self) -> &str;

    /// Returns the claims of an assertion, whose signature is that of the issuer.
    ///
    /// # Errors
    /// If it is not signed in a way that is trusted, or the keys cannot be read.
    fn verify<'a>(&'a self, assertion: &'a SecretString) -> BoxFuture<'a, Result<Map<String, Value>>>;
}

/// The settings of an identity provider.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OidcSettings {
    /// The issuer, exactly as its tokens name it.
    pub issuer: String,
    /// The client id that we have at the provider.
    pub client_id: String,
    /// The client secret.
    pub client_secret: Option<SecretString>,
    /// The scopes beside those that are always asked for.
    pub scopes: Vec<String>,
}

impl OidcSettings {
    /// Creates settings without a client secret and further scopes.
    pub fn new(issuer: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), client_id: client_id.into(), client_secret: None, scopes: Vec::new() }
    }
}

/// The settings of the assertions that a proxy signs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AssertionSettings {
    /// The issuer, exactly as the assertions name it.
    pub issuer: String,
    /// The audience that they have for us.
    pub audience: String,
    /// The address of the issuer's keys. Without it, the issuer says where they are.
    pub keys_url: Option<String>,
}

impl AssertionSettings {
    /// Creates settings without an address of the keys.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), audience: audience.into(), keys_url: None }
    }
}

/// A factory of what people sign in with, from the settings on a command line. `sym_integrations::all` adds one with the feature `oidc`.
pub trait SignInFactory: fmt::Debug + Send + Sync + 'static {
    /// Creates an identity provider.
    ///
    /// # Errors
    /// If the settings are not good.
    fn identity_provider(&self, settings: &OidcSettings) -> Result<Arc<dyn IdentityProvider>>;

    /// Creates a verifier of assertions.
    ///
    /// # Errors
    /// If the settings are not good.
    fn assertion_verifier(&self, settings: &AssertionSettings) -> Result<Box<dyn AssertionVerifier>>;
}
