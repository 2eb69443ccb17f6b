//! AWS failures: a code in a header or in the body, which is JSON or XML depending on the age of the service.

use std::time::Duration;

use jiff::fmt::rfc2822;
use serde::Deserialize;
use sym_sdk::error::ErrorKind;

use crate::http::{Failure, Response, Retry};
use crate::kit::{ErrorBody, ErrorRule, ErrorTable, Vendor};

/// The largest clock skew at which AWS accepts signatures.
const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

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

/// Describes an AWS service by its name in errors and the first part of its error codes.
pub(crate) const fn service(name: &'static str, error_type: &'static str) -> Vendor {
    Vendor::new(name, error_type).request_id_headers(&["x-amzn-requestid", "x-amz-request-id"]).classify(classify)
}

/// Classifies a response of any AWS service.
pub(crate) fn classify(response: &Response) -> Result<(), Failure> {
    if response.is_success() {
        return Ok(());
    }
    let AwsError { code, message } = AwsError::of(response);
    let mut failure = Failure::of(response);
    if let Some(message) = message {
        failure = failure.with_message(message);
    }
    let Some(code) = code else { return Err(failure) };
    let name = code.strip_suffix("Exception").unwrap_or(&code);
    let failure = ERRORS.apply(failure.with_name(&snake_case(name)), name);
    Err(match clock_skew(response).filter(|_| SIGNATURE_REJECTED.contains(&name)) {
        Some(skew) => {
            failure.with_hint(format!("the clock of this machine is {} s off that of AWS: correct it", skew.as_secs()))
        }
        None => failure,
    })
}

/// The skew between this machine's clock and that of AWS, if it is too large for signatures to be accepted.
fn clock_skew(response: &Response) -> Option<Duration> {
    let theirs = rfc2822::parse(response.header("date")?).ok()?.timestamp();
    let skew = response.received().duration_since(theirs).unsigned_abs();
    (skew > MAX_SKEW).then_some(skew)
}

/// The code and the message of a failure.
struct AwsError {
    code: Option<String>,
    message: Option<String>,
}

impl AwsError {
    fn of(response: &Response) -> Self {
        let text = response.text();
        let Self { code, message } = match text.trim_start().starts_with('<') {
            true => Self::of_xml(&text),
            false => ErrorBody::of(response).map_or(Self { code: None, message: None }, |body| Self::of_json(&body)),
        };
        let code = response.header("x-amzn-errortype").map(str::to_owned).or(code);
        Self { code: code.as_deref().map(bare_code).filter(|code| !code.is_empty()).map(str::to_owned), message }
    }

    fn of_json(body: &ErrorBody) -> Self {
        let reason = body.text("Reason").map(|reason| format!(" ({reason})")).unwrap_or_default();
        Self {
            code: body.text("__type").or_else(|| body.text("code")),
            message: body.text("message").map(|message| message + &reason),
        }
    }

    fn of_xml(text: &str) -> Self {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Envelope {
            error: Details,
        }

        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Details {
            code: Option<String>,
            message: Option<String>,
        }

        match quick_xml::de::from_str(text) {
            Ok(Envelope { error: Details { code, message } }) => Self { code, message },
            Err(_) => Self { code: None, message: None },
        }
    }
}

/// Reduces a code in its full form, `namespace#Code:address`, to `Code`.
fn bare_code(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code).trim()
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
        assert_eq!(bare_code("com.amazonaws.lambda#ResourceNotFoundException"), "ResourceNotFoundException");
        assert_eq!(bare_code("AccessDeniedException:http://internal.amazon.com/coral/"), "AccessDeniedException");
        assert_eq!(bare_code(""), "");
    }
}
