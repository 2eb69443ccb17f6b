//! Assertions: what a client states about itself, signed anew for each attempt.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::fill;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sym_sdk::BoxFuture;
use sym_sdk::clock::Clock;
use sym_sdk::error::Result;

use super::signing_key::{SigningKey, unsigned};
use crate::clock_offset::ClockOffset;
use crate::http::{CredentialsVersion, Signer, UnsignedRequest};

/// Time by which an assertion is backdated, for a server whose clock is behind.
const BACKDATED_BY: Duration = Duration::from_secs(30);

/// Lifetime of an assertion. An hour is the most that servers accept, and clocks differ.
const LIFETIME: Duration = Duration::from_secs(3_000);

/// The purpose of an assertion.
#[derive(Clone, Debug)]
pub(super) enum Grant {
    /// It is the grant itself.
    JwtBearer { issuer: String, subject: Option<String>, client_id: Option<String> },
    /// It authenticates the client.
    ClientCredentials { client_id: String },
}

impl Grant {
    /// The form that the assertion is added to.
    pub(super) fn form(&self, scopes: &str) -> Vec<(&'static str, String)> {
        match self {
            Self::JwtBearer { .. } => {
                vec![("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned())]
            }
            Self::ClientCredentials { .. } => vec![
                ("grant_type", "client_credentials".to_owned()),
                ("scope", scopes.to_owned()),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
            ],
        }
    }

    /// Describes who asks for which token, for errors.
    pub(super) fn describe(&self, scopes: &str) -> String {
        let who = match self {
            Self::JwtBearer { issuer, subject, client_id } => {
                let client = client_id.as_ref().map(|id| format!(" (client id {id})")).unwrap_or_default();
                match subject {
                    Some(subject) => format!("`{issuer}`{client} as `{subject}`"),
                    None => format!("`{issuer}`{client} without a subject"),
                }
            }
            Self::ClientCredentials { client_id } => format!("client `{client_id}`"),
        };
        // Scopes may be URLs with a common beginning, and an error has not much space.
        let scopes: Vec<_> = scopes.split(' ').map(|scope| scope.rsplit('/').next().unwrap_or(scope)).collect();
        format!("it was asked for by {who}, with the scopes `{}`", scopes.join(" "))
    }

    fn field(&self) -> &'static str {
        match self {
            Self::JwtBearer { .. } => "assertion",
            Self::ClientCredentials { .. } => "client_assertion",
        }
    }

    fn claims(&self, scopes: &str) -> Result<Value> {
        Ok(match self {
            Self::JwtBearer { issuer, subject: None, .. } => json!({ "iss": issuer, "scope": scopes }),
            Self::JwtBearer { issuer, subject, .. } => json!({ "iss": issuer, "sub": subject, "scope": scopes }),
            Self::ClientCredentials { client_id } => json!({ "iss": client_id, "sub": client_id, "jti": unique_id()? }),
        })
    }
}

/// Adds an assertion to each request of the token endpoint.
pub(super) struct AssertionSigner {
    pub(super) key: SigningKey,
    pub(super) grant: Grant,
    pub(super) audience: String,
    pub(super) scopes: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) clock_offset: Arc<ClockOffset>,
}

impl AssertionSigner {
    fn add_assertion(&self, request: &mut UnsignedRequest<'_>) -> Result<()> {
        let mut claims = self.grant.claims(&self.scopes)?;
        let issued = self.clock_offset.correct(self.clock.now()) - BACKDATED_BY;
        claims["aud"] = self.audience.as_str().into();
        claims["iat"] = issued.as_second().into();
        claims["exp"] = (issued + LIFETIME).as_second().into();
        request.append_secret_form(self.grant.field(), &self.key.sign(&claims)?);
        Ok(())
    }
}

impl Signer for AssertionSigner {
    fn sign<'a>(&'a self, mut request: UnsignedRequest<'a>) -> BoxFuture<'a, Result<CredentialsVersion>> {
        // Read before the time, so that a correction in between counts as one that this assertion does not have.
        let version = self.clock_offset.corrections();
        let signed = self.add_assertion(&mut request);
        Box::pin(std::future::ready(signed.map(|()| version)))
    }

    fn correct_clock(&self, rejected: CredentialsVersion, offset: SignedDuration) -> bool {
        // Another exchange may have corrected the clock since this assertion was made.
        rejected != self.clock_offset.corrections() || self.clock_offset.set(offset)
    }
}

fn unique_id() -> Result<String> {
    let mut id = [0; 16];
    fill(&mut id).map_err(|_| unsigned("the system has no random numbers"))?;
    Ok(URL_SAFE_NO_PAD.encode(id))
}
