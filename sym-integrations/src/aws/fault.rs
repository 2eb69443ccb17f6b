//! How AWS says that a call failed: a code in a header or the body, which is JSON or XML.

use std::time::Duration;

use jiff::fmt::rfc2822;
use serde::Deserialize;
use sym_sdk::error::ErrorKind;

use crate::http::{Failure, Response, Retry};

/// The headers with the id of a request.
pub(crate) const REQUEST_IDS: &[&str] = &["x-amzn-requestid", "x-amz-request-id"];

/// How far the clock here may be off for AWS.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// What AWS said of a failure.
#[derive(Debug, Default, Deserialize)]
struct Fault {
    #[serde(rename = "__type", alias = "code", alias = "Code")]
    code: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
    #[serde(rename = "Reason")]
    reason: Option<String>,
}

/// The form that the older services have.
#[derive(Debug, Deserialize)]
struct XmlFault {
    #[serde(rename = "Error")]
    error: Fault,
}

/// What an answer that reports a failure means.
pub(crate) fn failure(response: &Response) -> Failure {
    let fault = read(response);
    let failure = Failure::of(response);
    let failure = match (fault.message, fault.reason) {
        (Some(message), Some(reason)) => failure.with_message(format!("{message} ({reason})")),
        (Some(message), None) => failure.with_message(message),
        (None, _) => failure,
    };
    match fault.code {
        Some(code) => named(failure, response, &code),
        None => failure,
    }
}

fn named(failure: Failure, response: &Response, code: &str) -> Failure {
    let name = code.strip_suffix("Exception").unwrap_or(code);
    let failure = failure.with_name(&snake_case(name));
    match name {
        "Throttling"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "ThrottledException"
        | "SlowDown" => failure.with_kind(ErrorKind::RateLimited).with_retry(Retry::Always),
        "ServiceUnavailable" | "InternalFailure" | "InternalServiceError" => failure.with_kind(ErrorKind::Unavailable),
        "AccessDenied" | "UnauthorizedOperation" | "NotAuthorized" | "OptInRequired" => {
            failure.with_kind(ErrorKind::Forbidden)
        }
        "ResourceNotFound" => failure.with_kind(ErrorKind::NotFound),
        "ExpiredToken" => failure.with_kind(ErrorKind::Unauthorized).with_hint("the credentials have run out"),
        "InvalidClientTokenId" | "UnrecognizedClient" | "InvalidToken" | "MissingAuthenticationToken" => failure
            .with_kind(ErrorKind::Unauthorized)
            .with_hint("check the access key id and the session token, and that they are of this partition"),
        "SignatureDoesNotMatch"
        | "InvalidSignature"
        | "IncompleteSignature"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "AuthFailure" => failure.with_kind(ErrorKind::Unauthorized).with_hint(match skew(response) {
            Some(off) => format!("the clock of this machine is {} s off that of AWS: have it set", off.as_secs()),
            None => "check the secret access key".to_owned(),
        }),
        _ => failure,
    }
}

/// How far the clock here is from that of AWS, if it is so far that no signature is accepted.
fn skew(response: &Response) -> Option<Duration> {
    let theirs = rfc2822::parse(response.header("date")?).ok()?.timestamp();
    let off = response.received().duration_since(theirs).unsigned_abs();
    (off > SKEW).then_some(off)
}

fn read(response: &Response) -> Fault {
    let text = response.text();
    let mut fault: Fault = match text.trim_start().starts_with('<') {
        true => quick_xml::de::from_str(&text).map(|fault: XmlFault| fault.error).unwrap_or_default(),
        false => serde_json::from_str(&text).unwrap_or_default(),
    };
    if let Some(code) = response.header("x-amzn-errortype") {
        fault.code = Some(code.to_owned());
    }
    // In full it is `namespace#Code:address`.
    fault.code = fault.code.as_deref().map(bare).filter(|code| !code.is_empty()).map(str::to_owned);
    fault
}

fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code).trim()
}

/// `ResourceNotFound` as codes are written: `RESOURCE_NOT_FOUND`.
fn snake_case(name: &str) -> String {
    let mut out = String::new();
    let mut before = None::<char>;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let begins_word = c.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || (before.is_ascii_uppercase() && chars.peek().is_some_and(char::is_ascii_lowercase))
            });
        if begins_word {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
        before = Some(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_as_others_are() {
        for (theirs, ours) in [
            ("ResourceNotFound", "RESOURCE_NOT_FOUND"),
            ("KMSAccessDenied", "KMS_ACCESS_DENIED"),
            ("EC2Throttled", "EC2THROTTLED"),
            ("AccessDenied", "ACCESS_DENIED"),
            ("InvalidClientTokenId", "INVALID_CLIENT_TOKEN_ID"),
            ("", ""),
        ] {
            assert_eq!(snake_case(theirs), ours);
        }
    }

    #[test]
    fn codes_are_bared() {
        assert_eq!(bare("com.amazonaws.lambda#ResourceNotFoundException"), "ResourceNotFoundException");
        assert_eq!(bare("AccessDeniedException:http://internal.amazon.com/coral/"), "AccessDeniedException");
        assert_eq!(bare(""), "");
    }
}
