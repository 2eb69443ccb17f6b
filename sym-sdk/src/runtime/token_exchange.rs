//! The exchange of tokens: a job of a CI service gets a token of a bot for the token that the service has signed for it.
//!
//! A token is good here if the service has signed it, for our audience, and its job is one that a bot [trusts](WorkloadTrust); and it is
//! good once. All of that is decided in this file but the signature, whose verification needs the keys of the service: see
//! [`WorkloadTokenVerifier`]. Only issuers that a trust names are ever asked for keys.
//!
//! A refusal names the claim that differs. What the trust demands is told only to jobs of the owner that it names: everybody can get a
//! token of a public CI service, for every audience.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Runtime;
use super::account_events::RefusedCaller;
use super::bounded_call::call_bounded;
use super::identity::refuse_locked;
use crate::directory::{ClaimDifference, IssuedToken, WorkloadTrust, claim_text};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;
use crate::machine::{AccountEvent, RecordedToken};
use crate::model::{Channel, ChannelType, User, UserType};
use crate::time::TimestampExt as _;

/// The time for which a token that was exchanged is good.
pub(crate) const EXCHANGED_TOKEN_TTL: Duration = Duration::from_secs(15 * 60);

/// The difference between clocks that is tolerated.
const LEEWAY: Duration = Duration::from_secs(60);

/// The longest time for which a token of a job may be good: its use has to be remembered as long.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Time limit for verifying a token, for which keys may have to be fetched.
const VERIFICATION_TIMEOUT: Duration = Duration::from_secs(15);

/// The maximum size of a token of a job, in bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A verifier of the tokens that CI services sign for their jobs. `sym-integrations` has one, with the feature `oidc`.
///
/// It answers for the signature alone. What a token says, and until when, is for the runtime to check.
pub trait WorkloadTokenVerifier: fmt::Debug + Send + Sync + 'static {
    /// Returns the claims of a token, whoever has made it.
    ///
    /// # Errors
    /// If it is no token at all.
    fn unverified_claims(&self, token: &SecretString) -> Result<Map<String, Value>>;

    /// Returns the claims of a token that the issuer has signed, by the keys that it publishes. The issuer is one that is trusted.
    ///
    /// # Errors
    /// With [`ErrorKind::Unauthorized`] if the issuer has not signed it, or in a way that is not trusted; otherwise if its keys cannot be
    /// read.
    fn verify<'a>(&'a self, issuer: &'a str, token: &'a SecretString) -> BoxFuture<'a, Result<Map<String, Value>>>;
}

/// A token of a bot that was issued for a job.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExchangedToken {
    /// The token.
    pub token: IssuedToken,
    /// The bot.
    pub bot: Arc<User>,
    /// The trust by which it was issued.
    pub trust: WorkloadTrust,
}

impl Runtime {
    /// Issues a token of a bot for the token of a job that the bot trusts. It is good for 15 minutes. `bot` names the bot, by name or id,
    /// if the job is trusted by several.
    ///
    /// # Errors
    /// With [`ErrorKind::Unauthorized`] if the token is not good, was used before, or is of a job that is not trusted; also if the program
    /// has no verifier, or the store or the issuer fails.
    pub async fn exchange_token(&self, token: &SecretString, bot: Option<&str>) -> Result<ExchangedToken> {
        let mut caller = RefusedCaller::Nobody;
        let exchanged = self.try_exchange_token(token, bot, &mut caller).await;
        if let Err(error) = &exchanged {
            self.record_exchange_refused(&caller, error).await;
        }
        exchanged
    }

    /// `caller` gets the job, as far as it is known.
    async fn try_exchange_token(
        &self,
        token: &SecretString,
        bot: Option<&str>,
        caller: &mut RefusedCaller,
    ) -> Result<ExchangedToken> {
        let Some(verifier) = &self.workload_verifier else {
            let error = Error::new(
                ErrorKind::Unavailable,
                codes::AUTHENTICATION_UNTRUSTED_WORKLOAD,
                "this program verifies no tokens of CI jobs",
            );
            return Err(error.with_hint("operators enable the feature `oidc` of `sym-integrations`"));
        };
        if token.expose_secret().len() > MAX_TOKEN_BYTES {
            return Err(invalid_token(format!("the token is larger than {MAX_TOKEN_BYTES} bytes")));
        }
        let unverified = verifier.unverified_claims(token)?;
        if let Some(issuer) = unverified.get("iss").and_then(Value::as_str) {
            *caller = RefusedCaller::Job { issuer: shortened(issuer), subject: None };
        }
        let trusts = self.executor.ask_directory(self.executor.directory.trusts(None)).await?;
        let issuer = issuer_of(&unverified, &trusts)?;
        let limit = VERIFICATION_TIMEOUT;
        let verifying = async { verifier.verify(&issuer, token).await };
        let subject = || format!("verifying a token of `{issuer}`");
        let claims = call_bounded(&*self.executor.clock, limit, subject, verifying).await??;
        // What was verified counts, not what was read before.
        if claim_text(claims.get("iss")).as_ref() != Some(&issuer) {
            return Err(invalid_token("the token names another issuer than the one that has signed it"));
        }
        let subject = claim_text(claims.get("sub")).map(|subject| shortened(&subject));
        *caller = RefusedCaller::Job { issuer: shortened(&issuer), subject };
        let now = self.clock().now();
        let expires_at = check_times(&claims, now)?;
        let audience = audience_of(&claims)?;
        let of_issuer: Vec<_> = trusts.into_iter().filter(|trust| trust.issuer == issuer).collect();
        let trust = find_trust(of_issuer, audience, &claims, bot, self).await?;
        let directory = &self.executor.directory;
        let user = self.executor.ask_directory(directory.user(trust.bot)).await?;
        let Some(user) = user.filter(|user| user.user_type() == UserType::Bot) else {
            return Err(Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_BOT_DELETED, "the bot was deleted"));
        };
        refuse_locked(&user)?;
        let hash = use_hash(&issuer, &claims, token);
        let forgotten_at = expires_at.plus(LEEWAY);
        let used = self.executor.ask_directory(directory.store.use_once(hash, now, forgotten_at)).await?;
        if let Some(used_at) = used {
            let message = format!("this token was used at {used_at:.0}");
            let error = Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_TOKEN_USED, message);
            return Err(error.with_hint("each token is good once: ask the CI service for a new one"));
        }
        let label = label_of(&trust, &claims);
        let issuing = directory.issue_token(user.id(), &label, EXCHANGED_TOKEN_TTL);
        let issued = self.executor.ask_directory(issuing).await?;
        let recorded = AccountEvent::TokenExchanged {
            token: RecordedToken::new(issued.id, label.clone(), issued.expires_at),
            trust: trust.id,
            issuer,
        };
        let recorded = self.record_account_event(&user, &Channel::new(ChannelType::Api), recorded, None).await;
        self.or_revoke(&issued, recorded).await?;
        tracing::info!(bot = user.username(), trust = %trust.id, token = %issued.id, job = label, "a token was exchanged");
        Ok(ExchangedToken { token: issued, bot: user, trust })
    }
}

fn invalid_token(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_INVALID_JWT, message)
}

fn untrusted(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_UNTRUSTED_WORKLOAD, message)
}

/// Returns the issuer of a token, if a trust names it.
fn issuer_of(claims: &Map<String, Value>, trusts: &[WorkloadTrust]) -> Result<String> {
    let Some(issuer) = claims.get("iss").and_then(Value::as_str) else {
        return Err(invalid_token("the token has no issuer (`iss`)"));
    };
    if trusts.iter().any(|trust| trust.issuer == issuer) {
        return Ok(issuer.to_owned());
    }
    let error = untrusted(format!("no bot trusts the issuer (`iss`) `{}` of the token", shortened(issuer)));
    let without_slash = |issuer: &str| issuer.trim_end_matches('/').to_owned();
    let near = trusts.iter().find(|trust| without_slash(&trust.issuer) == without_slash(issuer));
    Err(match near {
        Some(near) => error.with_hint(format!("`{}` is trusted: only the slash at the end differs", near.issuer)),
        None => error.with_hint("an administrator adds a trust with `POST /bots/{bot}/trusts`"),
    })
}

/// Checks that a token is good now, and returns the time from which it is not.
fn check_times(claims: &Map<String, Value>, now: Timestamp) -> Result<Timestamp> {
    let time = |name: &str| -> Result<Option<Timestamp>> {
        let Some(value) = claims.get(name) else { return Ok(None) };
        #[expect(clippy::cast_possible_truncation, reason = "a time beyond all times is refused")]
        let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
        let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        time.map(Some).ok_or_else(|| invalid_token(format!("the claim `{name}` of the token is no time")))
    };
    let Some(expires_at) = time("exp")? else { return Err(invalid_token("the token has no expiry (`exp`)")) };
    if now >= expires_at.plus(LEEWAY) {
        let message = format!("the token expired at {expires_at:.0}");
        let error = Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_TOKEN_EXPIRED, message);
        return Err(error.with_hint("ask the CI service for a new one right before the exchange"));
    }
    if expires_at > now.plus(MAX_LIFETIME) {
        return Err(invalid_token(format!("the token is good until {expires_at:.0}, which is longer than a day")));
    }
    for name in ["nbf", "iat"] {
        if let Some(from) = time(name)?.filter(|from| *from > now.plus(LEEWAY)) {
            let error = invalid_token(format!("the token is good from {from:.0} on (`{name}`), and it is {now:.0}"));
            return Err(error.with_hint("compare the clock of this server with that of the CI service"));
        }
    }
    Ok(expires_at)
}

/// Returns the audience of a token. It has one: a token for several could be used by each of them at the others.
fn audience_of(claims: &Map<String, Value>) -> Result<&str> {
    let audience = match claims.get("aud") {
        Some(Value::String(audience)) => Some(audience.as_str()),
        Some(Value::Array(audiences)) => match audiences.as_slice() {
            [Value::String(audience)] => Some(audience.as_str()),
            _ => return Err(invalid_token("the token must have one audience (`aud`)")),
        },
        _ => None,
    };
    audience.ok_or_else(|| invalid_token("the token has no audience (`aud`)"))
}

/// Returns the trust that admits a job, out of those in its issuer.
async fn find_trust(
    trusts: Vec<WorkloadTrust>,
    audience: &str,
    claims: &Map<String, Value>,
    bot: Option<&str>,
    runtime: &Runtime,
) -> Result<WorkloadTrust> {
    let mut candidates = trusts;
    candidates.retain(|trust| trust.audience == audience);
    if candidates.is_empty() {
        let error = untrusted(format!("no bot trusts tokens with the audience (`aud`) `{}`", shortened(audience)));
        return Err(error.with_hint("ask the CI service for a token with the audience of the trust"));
    }
    if let Some(bot) = bot {
        let directory = &runtime.executor.directory;
        let bots = runtime.executor.ask_directory(directory.bots()).await?;
        let named = bots.iter().find(|user| user.username().eq_ignore_ascii_case(bot) || user.id().to_string() == bot);
        candidates.retain(|trust| named.is_some_and(|named| named.id() == trust.bot));
        if candidates.is_empty() {
            return Err(untrusted(format!("no bot `{}` trusts tokens of this issuer and audience", shortened(bot))));
        }
    }
    let (mut matching, mut others) = (Vec::new(), Vec::new());
    for trust in candidates {
        let differences = trust.differences(claims);
        if differences.is_empty() { matching.push(trust) } else { others.push((trust, differences)) }
    }
    let bots: BTreeSet<_> = matching.iter().map(|trust| trust.bot).collect();
    if bots.len() > 1 {
        let error = untrusted(format!("{} bots trust this job", bots.len()));
        return Err(error.with_hint("name one of them as `bot`"));
    }
    match matching.into_iter().next() {
        Some(trust) => Ok(trust),
        // The nearest one is what the job was meant for: that of its owner, and of those the one that differs least.
        None => {
            match others.iter().min_by_key(|(trust, differences)| (!trust.is_of_owner(claims), differences.len())) {
                Some((trust, differences)) => Err(differs(trust, differences, claims)),
                None => Err(untrusted("no bot trusts this job")),
            }
        }
    }
}

/// The error for a job that differs from those that are trusted.
fn differs(trust: &WorkloadTrust, differences: &[ClaimDifference], claims: &Map<String, Value>) -> Error {
    let is_of_owner = trust.is_of_owner(claims);
    let mut texts = differences.iter().map(|difference| {
        let ClaimDifference { claim, found, expected } = difference;
        let found = match found {
            Some(found) => format!("`{}`", shortened(found)),
            None => "absent".to_owned(),
        };
        match expected {
            None => format!("`{claim}` is {found}, which strangers can bring about"),
            Some(expected) if is_of_owner => format!("`{claim}` is {found}, and the trust demands `{expected}`"),
            Some(_) => format!("`{claim}` is {found}, which is not what the trust demands"),
        }
    });
    let texts: Vec<_> = if is_of_owner { texts.collect() } else { texts.next().into_iter().collect() };
    let error = untrusted(format!("the job is not trusted: {}", texts.join("; ")));
    if differences.iter().any(|difference| difference.found.is_none()) {
        return error.with_hint("jobs have some claims only if they ask for them, or run in an environment");
    }
    error.with_hint("an administrator compares it with `GET /bots/{bot}/trusts`")
}

/// Returns the hash by which a token is known again: of its id, or of itself if it has none.
fn use_hash(issuer: &str, claims: &Map<String, Value>, token: &SecretString) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(issuer.as_bytes());
    match claims.get("jti").and_then(Value::as_str).filter(|id| !id.is_empty()) {
        // No issuer has a line break in it, nor a token.
        Some(id) => {
            hash.update(b"\njti\n");
            hash.update(id.as_bytes());
        }
        None => {
            hash.update(b"\ntoken\n");
            hash.update(signed_part(token.expose_secret()).as_bytes());
        }
    }
    hash.finalize().into()
}

/// Returns what a signature is of. Some signatures can be changed into others that are good, too.
fn signed_part(token: &str) -> &str {
    token.rsplit_once('.').map_or(token, |(signed, _)| signed)
}

/// Returns the label of a token, by which people know the job that has it.
fn label_of(trust: &WorkloadTrust, claims: &Map<String, Value>) -> String {
    let job = trust.provider.job_claims().map(|claim| claim_text(claims.get(claim)).unwrap_or_default());
    let job: String = job.join(" ").chars().filter(|character| !character.is_control()).take(120).collect();
    let label = format!("{} {}", trust.provider.title(), job.trim());
    // A label has at most 200 bytes.
    let end = (0..=label.len().min(200)).rev().find(|end| label.is_char_boundary(*end)).unwrap_or_default();
    label.get(..end).unwrap_or_default().trim().to_owned()
}

/// Shortens what a token says, for an error.
fn shortened(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}
