//! The verifier: the signature of a token, by the keys of its issuer.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Validation, decode, decode_header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::runtime::WorkloadTokenVerifier;

use super::keys::IssuerKeys;
use crate::http::Connection;

/// A [`WorkloadTokenVerifier`] that reads the keys of issuers over HTTPS, and remembers them.
///
/// ```
/// use sym_integrations::oidc::OidcVerifier;
/// use sym_sdk::config::Config;
/// use sym_sdk::runtime::Runtime;
///
/// let builder = Runtime::builder(Config::default()).workload_verifier(OidcVerifier::default());
/// # let _ = builder;
/// ```
#[derive(Debug, Default)]
pub struct OidcVerifier {
    connection: Connection,
    /// By issuer. They are those of trusts, so there are few.
    issuers: Mutex<BTreeMap<String, Arc<IssuerKeys>>>,
}

impl OidcVerifier {
    /// Creates a verifier that reads keys over a connection, such as that of a fake service.
    pub fn new(connection: Connection) -> Self {
        Self { connection, issuers: Mutex::default() }
    }

    fn keys_of(&self, issuer: &str) -> Result<Arc<IssuerKeys>> {
        let mut issuers = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = issuers.get(issuer) {
            return Ok(known.clone());
        }
        let keys = Arc::new(IssuerKeys::new(issuer, &self.connection)?);
        issuers.insert(issuer.to_owned(), keys.clone());
        Ok(keys)
    }
}

impl WorkloadTokenVerifier for OidcVerifier {
    fn unverified_claims(&self, token: &SecretString) -> Result<Map<String, Value>> {
        let mut parts = token.expose_secret().split('.');
        let claims = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(_), Some(claims), Some(_), None) => URL_SAFE_NO_PAD.decode(claims).ok(),
            _ => None,
        };
        claims.and_then(|claims| serde_json::from_slice(&claims).ok()).ok_or_else(|| {
            let error = refused("`subject_token` is no JSON Web Token with claims");
            error.with_hint("send the token as the CI service has made it")
        })
    }

    fn verify<'a>(&'a self, issuer: &'a str, token: &'a SecretString) -> BoxFuture<'a, Result<Map<String, Value>>> {
        Box::pin(async move {
            let keys = self.keys_of(issuer)?;
            verify_signature(&keys, issuer, token).await
        })
    }
}

/// Returns the claims of a token that is signed with one of the keys.
pub(super) async fn verify_signature(
    keys: &IssuerKeys,
    issuer: &str,
    token: &SecretString,
) -> Result<Map<String, Value>> {
    let token = token.expose_secret();
    // An algorithm that is not known, such as `none`, is an error here.
    let header = decode_header(token)
        .map_err(|_| refused("the header of the token names no algorithm that is trusted, or is malformed"))?;
    let key = keys.find(header.kid.as_deref()).await?;
    if !key.algorithms.contains(&header.alg) {
        let message = format!("the token is signed by `{:?}`, which is not what its key is for", header.alg);
        return Err(refused(message));
    }
    decode::<Map<String, Value>>(token, &key.key, &signature_only(header.alg))
        .map(|verified| verified.claims)
        .map_err(|_| refused(format!("the signature of the token is not that of `{issuer}`")))
}

/// Checks the signature alone. The claims are for the runtime to check, by its own clock.
fn signature_only(algorithm: jsonwebtoken::Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    validation.required_spec_claims = HashSet::new();
    validation
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_INVALID_JWT, message)
}
