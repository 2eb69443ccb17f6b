//! Trusts: jobs of a CI service get a token of a bot for the token that the service has signed for them, so that no secret has to be kept
//! there.
//!
//! A trust says which jobs those are, by claims of their tokens. Names of owners and repositories are given up and taken by others, and
//! strangers make some jobs of a trusted repository run, so a trust pins the ids of both and says for which environment or ref a job runs.
//! What a token says is compared here; that it says so is for a [`WorkloadTokenVerifier`](crate::runtime::WorkloadTokenVerifier) to verify.

mod managing;
mod provider;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::provider::WorkloadProvider;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{TrustId, UserId};
use crate::normalize::normalize_identifier;

/// The maximum number of claims that a trust names.
const MAX_CLAIMS: usize = 20;

/// The maximum length of an issuer, an audience, and the name or value of a claim, in bytes.
const MAX_VALUE_BYTES: usize = 500;

/// The trust of a bot in certain jobs of a CI service: whoever has the token of such a job gets a token of the bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WorkloadTrust {
    /// The id.
    pub id: TrustId,
    /// The bot.
    pub bot: UserId,
    /// The service that runs the jobs.
    pub provider: WorkloadProvider,
    /// The issuer of their tokens, exactly as the claim `iss` has it.
    pub issuer: String,
    /// The audience that their tokens must have.
    pub audience: String,
    /// The claims that their tokens must have, with the values.
    pub claims: BTreeMap<String, String>,
    /// The time at which it was added.
    pub created_at: Timestamp,
}

/// A trust to add, which is checked when it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewTrust {
    /// The service that runs the jobs.
    pub provider: WorkloadProvider,
    /// The issuer of their tokens. `None` for that of the service itself.
    pub issuer: Option<String>,
    /// The audience that their tokens must have.
    pub audience: String,
    /// The claims that their tokens must have, with the values.
    pub claims: BTreeMap<String, String>,
}

impl NewTrust {
    /// Creates a trust in jobs of a service, for tokens with this audience, to which claims are added.
    pub fn new(provider: WorkloadProvider, audience: impl Into<String>) -> Self {
        Self { provider, issuer: None, audience: audience.into(), claims: BTreeMap::new() }
    }

    /// Sets the issuer, for a service that the organization runs itself.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Adds a claim that tokens must have, with its value.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Checks the trust.
    ///
    /// # Errors
    /// If it lacks an id that must be pinned, or an environment or ref; if the issuer is no HTTPS address; or if a value could not be that
    /// of a claim.
    pub(super) fn check(self, id: TrustId, bot: UserId, created_at: Timestamp) -> Result<WorkloadTrust> {
        let Self { provider, issuer, audience, claims } = self;
        let issuer = issuer.unwrap_or_else(|| provider.issuer().to_owned());
        check_issuer(&issuer)?;
        let audience = checked("audience", &audience)?;
        if claims.len() > MAX_CLAIMS {
            return Err(invalid(format!("a trust has at most {MAX_CLAIMS} claims, got {}", claims.len())));
        }
        let mut checked_claims = BTreeMap::new();
        for (name, value) in claims {
            let name = checked("name of a claim", &name)?;
            if RESERVED_CLAIMS.contains(&name.as_str()) {
                let error =
                    invalid(format!("the claim `{name}` is checked for every token, and cannot be part of a trust"));
                return Err(error.with_hint("`issuer` and `audience` are members of the trust"));
            }
            let value = checked(&format!("claim `{name}`"), &value)?;
            checked_claims.insert(name, value);
        }
        provider.check_claims(&checked_claims)?;
        Ok(WorkloadTrust { id, bot, provider, issuer, audience, claims: checked_claims, created_at })
    }
}

/// The claims that are checked for every token.
const RESERVED_CLAIMS: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

/// A claim of a token that differs from what a trust demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimDifference {
    /// The name of the claim.
    pub(crate) claim: String,
    /// The value in the token. `None` if it has no such claim.
    pub(crate) found: Option<String>,
    /// The demanded value. `None` if any value but the one found is.
    pub(crate) expected: Option<String>,
}

impl WorkloadTrust {
    /// Returns how the claims of a token differ from the trust: first those that are pinned by id.
    pub(crate) fn differences(&self, token: &Map<String, Value>) -> Vec<ClaimDifference> {
        let pinned = self.provider.pinned_claims();
        let first = pinned.iter().filter_map(|name| self.claims.get_key_value(*name));
        let others = self.claims.iter().filter(|(name, _)| !pinned.contains(&name.as_str()));
        let differs = |(name, expected): (&String, &String)| {
            let found = claim_text(token.get(name));
            let is_equal = found.as_ref().is_some_and(|found| self.provider.is_equal(name, expected, found));
            (!is_equal).then(|| ClaimDifference { claim: name.clone(), found, expected: Some(expected.clone()) })
        };
        let risk = self.provider.untrusted_trigger(token, &self.claims);
        first.chain(others).filter_map(differs).chain(risk).collect()
    }

    /// Returns whether a token is of the owner that the trust names: somebody who may know what it demands.
    pub(crate) fn is_of_owner(&self, token: &Map<String, Value>) -> bool {
        let owner = self.provider.owner_claim();
        self.claims.get(owner).is_some_and(|expected| claim_text(token.get(owner)).as_ref() == Some(expected))
    }
}

/// Returns the value of a claim as text. Services write ids as texts or as numbers.
pub(crate) fn claim_text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn checked(what: &str, value: &str) -> Result<String> {
    let normalized = normalize_identifier(value).map_err(|character| {
        let error = invalid(format!("the {what} contains the invisible character U+{:04X}", u32::from(character)));
        error.with_hint("enter it again, rather than copying it")
    })?;
    match normalized.len() {
        0 => Err(invalid(format!("the {what} is empty"))),
        1..=MAX_VALUE_BYTES => Ok(normalized),
        length => Err(invalid(format!("the {what} has {length} bytes; at most {MAX_VALUE_BYTES} are taken"))),
    }
}

/// Checks that an issuer is an address whose keys can be fetched. It is compared exactly, so it is not changed in any way.
fn check_issuer(issuer: &str) -> Result<()> {
    let rest = issuer.strip_prefix("https://");
    let host = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    let is_address = host.is_some_and(|host| !host.is_empty() && !host.contains('@'))
        && issuer.len() <= MAX_VALUE_BYTES
        && issuer.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#{}<>\"\\".contains(&byte));
    if is_address {
        return Ok(());
    }
    let error = invalid(format!("the issuer must be an address such as `https://gitlab.example.com`, got `{issuer}`"));
    Err(error.with_hint("take the `issuer` of the service's `/.well-known/openid-configuration`"))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, codes::INVALID_TRUST, message)
}

/// Returns the error for an id that no trust has.
fn unknown_trust(id: TrustId) -> Error {
    Error::new(ErrorKind::NotFound, codes::UNKNOWN_TRUST, format!("no trust has the id `{id}`"))
}
