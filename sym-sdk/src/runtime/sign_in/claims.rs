//! The claims of an ID token: whether it is for us, good now, and the answer to what was asked.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use crate::error::{Error, ErrorKind, Result, codes};
use crate::time::TimestampExt as _;

/// The difference between clocks that is tolerated.
const LEEWAY: Duration = Duration::from_secs(60);

/// The maximum length of a subject, in bytes, by OpenID Connect.
const MAX_SUBJECT_BYTES: usize = 255;

/// The person that a token is about.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) id: String,
    pub(super) email: Option<String>,
    /// `None` if the provider does not say.
    pub(super) is_email_verified: Option<bool>,
}

/// Checks all that a token says about itself. `nonce` is that of the sign-in which it answers, if it answers one.
///
/// # Errors
/// With [`ErrorKind::Unauthorized`], naming the claim.
pub(super) fn check_claims(
    claims: &Map<String, Value>,
    issuer: &str,
    client: &str,
    nonce: Option<&str>,
    now: Timestamp,
) -> Result<Subject> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    match text("iss") {
        Some(found) if found == issuer => {}
        found => {
            let found: String = found.unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
            let error = invalid(format!("the token is issued (`iss`) by `{found}`, and `{issuer}` is expected"));
            let differs_by_slash = found.trim_end_matches('/') == issuer.trim_end_matches('/');
            return Err(if differs_by_slash { error.with_hint("only the slash at the end differs") } else { error });
        }
    }
    check_audience(claims, client)?;
    check_times(claims, now)?;
    let is_answer = |nonce: &str| text("nonce").is_some_and(|found| found.as_bytes().ct_eq(nonce.as_bytes()).into());
    if !nonce.is_none_or(is_answer) {
        return Err(invalid("the token does not have the nonce (`nonce`) of this sign-in"));
    }
    let id = text("sub").filter(|id| !id.is_empty() && id.len() <= MAX_SUBJECT_BYTES && !id.contains(char::is_control));
    let id = id.ok_or_else(|| invalid("the token does not name a subject (`sub`)"))?.to_owned();
    // Some providers write it as text. Anything else is no assertion.
    let is_email_verified = claims.get("email_verified").map(|verified| match verified {
        Value::Bool(verified) => *verified,
        other => other.as_str() == Some("true"),
    });
    Ok(Subject { id, email: text("email").map(str::to_owned), is_email_verified })
}

/// A token for several is good only if it was asked for by us (`azp`).
fn check_audience(claims: &Map<String, Value>, client: &str) -> Result<()> {
    let (is_for_us, is_for_others) = match claims.get("aud") {
        Some(Value::String(audience)) => (audience == client, false),
        Some(Value::Array(audiences)) => (audiences.iter().any(|audience| audience == client), audiences.len() > 1),
        _ => (false, false),
    };
    if !is_for_us {
        return Err(invalid("the token is for another audience (`aud`) than our client id"));
    }
    match claims.get("azp") {
        Some(party) if party != client => Err(invalid("the token was asked for by another client (`azp`)")),
        None if is_for_others => {
            Err(invalid("the token has several audiences (`aud`), and does not say who asked for it (`azp`)"))
        }
        _ => Ok(()),
    }
}

fn check_times(claims: &Map<String, Value>, now: Timestamp) -> Result<()> {
    let time = |name: &str| -> Result<Option<Timestamp>> {
        let Some(value) = claims.get(name) else { return Ok(None) };
        #[expect(clippy::cast_possible_truncation, reason = "a time beyond all times is refused")]
        let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
        let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        time.map(Some).ok_or_else(|| invalid(format!("the claim `{name}` of the token is no time")))
    };
    let Some(expires_at) = time("exp")? else { return Err(invalid("the token has no expiry (`exp`)")) };
    if now >= expires_at.plus(LEEWAY) {
        return Err(invalid(format!("the token expired at {expires_at:.0} (`exp`)")));
    }
    for name in ["nbf", "iat"] {
        if let Some(from) = time(name)?.filter(|from| *from > now.plus(LEEWAY)) {
            let error = invalid(format!("the token is good from {from:.0} on (`{name}`), and it is {now:.0}"));
            return Err(error.with_hint("compare the clock of this server with that of the identity provider"));
        }
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_INVALID_JWT, message)
}
