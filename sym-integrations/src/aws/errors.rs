//! AWS failures: a code in a header or in the body, which is JSON or XML depending on the age of the service.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::fmt::rfc2822;
use sym_sdk::error::ErrorKind;

use super::xml::Element;
use crate::http::{Failure, Response, Retry};
use crate::kit::{ErrorBody, ErrorRule, ErrorTable, Vendor};

/// The largest clock skew at which AWS accepts signatures.
const MAX_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The codes that services share, without their suffix `Exception`.
const ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::kind(
        &["Throttling", "TooManyRequests", "RequestLimitExceeded", "RequestThrottled", "Throttled", "SlowDown"],
        ErrorKind::RateLimited,
    )
    .retry(Retry::Always),
    ErrorRule::kind(&["ServiceUnavailable", "InternalFailure", "InternalServiceError"], ErrorKind::Unavailable),
    ErrorRule::kind(&["AccessDenied", "UnauthorizedOperation", "NotAuthorized", "OptInRequired"], ErrorKind::Forbidden),
    ErrorRule::kind(&["ResourceNotFound"], ErrorKind::NotFound),
    ErrorRule::kind(&["ExpiredToken"], ErrorKind::Unauthorized).hint("the credentials have expired"),
    ErrorRule::kind(
        &["InvalidClientTokenId", "UnrecognizedClient", "InvalidToken", "MissingAuthenticationToken"],
        ErrorKind::Unauthorized,
    )
    .hint("check the access key id and the session token, and that they belong to this partition"),
    ErrorRule::kind(SIGNATURE_REJECTED, ErrorKind::Unauthorized).hint("check the secret access key"),
]);

/// The codes for a signature that does not match, which a wrong clock causes too.
const SIGNATURE_REJECTED: &[&str] = &[
    "SignatureDoesNotMatch",
    "InvalidSignature",
    "IncompleteSignature",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "AuthFailure",
];

/// AWS itself, in messages.
const AWS: Vendor = Vendor::new("aws", "AWS");

/// Describes an AWS service by its name in errors and the first part of its error codes.
pub(crate) const fn service(name: &'static str, error_type: &'static str) -> Vendor {
    Vendor::new(name, error_type).request_id_headers(&["x-amzn-requestid", "x-amz-request-id"]).classify(classify)
}

/// Classifies a response of any AWS service.
pub(crate) fn classify(response: &Response) -> Result<(), Failure> {
    if response.is_success() {
        return Ok(());
    }
    let AwsError { code, message, retry_after } = AwsError::of(response);
    let mut failure = Failure::of(response).with_retry_after(retry_after);
    if let Some(message) = message {
        failure = failure.with_message(message);
    }
    let Some(code) = code else {
        // AWS gives a code with each of its own.
        return Err(if failure.kind() == ErrorKind::NotFound { AWS.foreign_not_found(failure) } else { failure });
    };
    let name = code.strip_suffix("Exception").unwrap_or(&code);
    let failure = ERRORS.apply(failure.with_name(&snake_case(name)), name);
    // Many services throttle with status 400.
    let failure = match failure.kind() {
        ErrorKind::RateLimited => failure.with_retry_after(response.retry_after()),
        _ => failure,
    };
    let offset = clock_offset(response).filter(|_| SIGNATURE_REJECTED.contains(&name));
    Err(match offset {
        // Also a small one: the present correction may be wrong, since somebody has corrected the clock.
        Some(offset) if offset.unsigned_abs() <= MAX_SKEW.unsigned_abs() => failure.with_clock_offset(offset),
        Some(offset) => failure.with_clock_offset(offset).with_hint(format!(
            "the clock of this machine is {} s off that of AWS: correct it",
            offset.as_secs().unsigned_abs()
        )),
        None => failure,
    })
}

/// The time by which AWS's clock is ahead of this machine's.
fn clock_offset(response: &Response) -> Option<SignedDuration> {
    let theirs = rfc2822::parse(response.header("date")?).ok()?.timestamp();
    Some(theirs.duration_since(response.received()))
}

/// The code, the message and the delay of a failure.
#[derive(Default)]
struct AwsError {
    code: Option<String>,
    message: Option<String>,
    retry_after: Option<Duration>,
}

impl AwsError {
    fn of(response: &Response) -> Self {
        let text = response.text();
        let error = match text.trim_start().starts_with('<') {
            true => Self::of_xml(&text),
            false => ErrorBody::of(response).map_or_else(Self::default, |body| Self::of_json(&body)),
        };
        let header = response.header("x-amzn-errortype").and_then(bare_code);
        Self { code: header.or(error.code.as_deref().and_then(bare_code)).map(str::to_owned), ..error }
    }

    fn of_json(body: &ErrorBody) -> Self {
        let reason = body.text("Reason").map(|reason| format!(" ({reason})")).unwrap_or_default();
        Self {
            code: body.text("__type").or_else(|| body.text("code")),
            message: body.text("message").map(|message| message + &reason),
            retry_after: body
                .text("RetryAfterSeconds")
                .and_then(|seconds| seconds.parse().ok())
                .map(Duration::from_secs),
        }
    }

    /// The envelope of the code differs between services.
    fn of_xml(text: &str) -> Self {
        let (document, _) = Element::read(text);
        let text = |name: &str| document.text_within(name).map(str::to_owned);
        Self { code: text("Code"), message: text("Message"), retry_after: None }
    }
}

/// Reduces a code in its full form, `namespace#Code:address`, to `Code`.
fn bare_code(code: &str) -> Option<&str> {
    let code = code.split(':').next().unwrap_or(code);
    Some(code.rsplit('#').next().unwrap_or(code).trim()).filter(|code| !code.is_empty())
}

/// Converts `ResourceNotFound` to the form of our codes: `RESOURCE_NOT_FOUND`.
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
    fn converts_codes_to_snake_case() {
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
    fn strips_namespace_and_address_of_codes() {
        assert_eq!(bare_code("com.amazonaws.lambda#ResourceNotFoundException"), Some("ResourceNotFoundException"));
        assert_eq!(bare_code("AccessDeniedException:http://internal.amazon.com/coral/"), Some("AccessDeniedException"));
        assert_eq!(bare_code(""), None);
    }
}
