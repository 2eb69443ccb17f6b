//! Parsers of argument values. Their errors say what was expected, with an example.

#[cfg(feature = "sqlite")]
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
#[cfg(feature = "sqlite")]
use jiff::tz::TimeZone;

#[cfg(feature = "sqlite")]
use crate::audit::AuditHead;
#[cfg(feature = "sqlite")]
use crate::cli::parse_time::parse_time;
#[cfg(feature = "sqlite")]
use crate::clock::{Clock as _, SystemClock};
#[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
use crate::directory::WorkloadProvider;
use crate::forms::parse_duration;
use crate::model::Source;
#[cfg(feature = "sqlite")]
use crate::model::{RunStatus, UserRole};
#[cfg(all(feature = "server", feature = "sqlite"))]
use crate::runtime::PublicUrl;
use crate::strategy::{Failures, GrantOutcome};

#[cfg(feature = "server")]
pub(super) fn app_name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("expected a name, such as `Sym`".to_owned()),
        name => Ok(name.to_owned()),
    }
}

/// Parses an HTTPS address, and removes the slash at its end.
#[cfg(feature = "server")]
pub(super) fn public_url(text: &str) -> Result<String, String> {
    let url: Option<axum::http::Uri> = text.parse().ok();
    let fits =
        |url: &axum::http::Uri| url.scheme_str() == Some("https") && url.host().is_some() && url.query().is_none();
    match url.filter(fits) {
        Some(_) => Ok(text.trim_end_matches('/').to_owned()),
        None => Err("expected an address such as `https://sym.example.com`".to_owned()),
    }
}

#[cfg(all(feature = "server", feature = "sqlite"))]
pub(super) fn server_url(text: &str) -> Result<PublicUrl, String> {
    text.parse::<PublicUrl>().map_err(|error| error.message().to_owned())
}

pub(super) fn source() -> impl TypedValueParser<Value = Source> {
    PossibleValuesParser::new(Source::ALL.map(Source::as_str)).try_map(|name| name.parse::<Source>())
}

#[cfg(feature = "sqlite")]
pub(super) fn status() -> impl TypedValueParser<Value = RunStatus> {
    PossibleValuesParser::new(RunStatus::ALL.map(RunStatus::as_str)).try_map(|name| name.parse::<RunStatus>())
}

#[cfg(feature = "sqlite")]
pub(super) fn role() -> impl TypedValueParser<Value = UserRole> {
    PossibleValuesParser::new(UserRole::ALL.map(UserRole::as_str)).try_map(|name| name.parse::<UserRole>())
}

/// Parses a role and a group whose members have it.
#[cfg(all(feature = "console", feature = "sqlite"))]
pub(super) fn role_group(text: &str) -> Result<(UserRole, String), String> {
    let expected = || "expected a role and a group, such as `admin=sym-admins`".to_owned();
    let (role, group) = text.split_once('=').ok_or_else(expected)?;
    if group.trim().is_empty() {
        return Err(expected());
    }
    let role = role.trim().parse::<UserRole>().map_err(|error| error.message().to_owned())?;
    Ok((role, group.to_owned()))
}

#[cfg(feature = "sqlite")]
pub(super) fn positive<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a positive whole number".to_owned())
}

#[cfg(feature = "sqlite")]
pub(super) fn audit_head(text: &str) -> Result<AuditHead, String> {
    let parsed =
        text.split_once(':').and_then(|(seq, hash)| Some(AuditHead::new(seq.parse().ok()?, hash.parse().ok()?)));
    parsed.ok_or_else(|| "expected the number of an entry and its hash, as printed by `audit verify`".to_owned())
}

pub(super) fn grant_outcome(text: &str) -> Result<GrantOutcome, String> {
    text.parse()
}

pub(super) fn failures(text: &str) -> Result<Failures, String> {
    text.parse()
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.message().to_owned())
}

pub(super) fn timestamp(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error| format!("{error}; expected a time such as `2024-02-29T09:00:00Z`"))
}

/// Parses the beginning of a period. Days begin in UTC.
#[cfg(feature = "sqlite")]
pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    parse_time(text, &TimeZone::UTC, SystemClock.now())
        .map_err(|error| format!("{}; {}", error.message(), error.hint().unwrap_or_default()))
}

pub(super) fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected a name and a value, such as `environment=prod`".to_owned()),
    }
}

/// Parses the value of a form's field.
#[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
pub(super) fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected a field and its value, such as `reason=INC-42`".to_owned()),
    }
}

#[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
pub(super) fn workload_provider() -> impl TypedValueParser<Value = WorkloadProvider> {
    PossibleValuesParser::new(WorkloadProvider::ALL.map(WorkloadProvider::as_str)).map(|name| {
        // The names are those of the services.
        let named = WorkloadProvider::ALL.into_iter().find(|provider| provider.as_str() == name);
        named.unwrap_or(WorkloadProvider::GithubActions)
    })
}

/// Parses a claim of a token.
#[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
pub(super) fn claim(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected a claim and its value, such as `environment=production`".to_owned()),
    }
}

/// Parses a member of a body: JSON, or else a text.
#[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
pub(super) fn member(text: &str) -> Result<(String, serde_json::Value), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("expected `NAME=VALUE`")?;
    Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| value.into())))
}
