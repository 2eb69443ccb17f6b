//! OneLogin's failures, which have [three forms](https://developers.onelogin.com/api-docs/2/getting-started/working-with-api-error-codes).

use sym_sdk::error::ErrorKind;

use super::client::ONELOGIN;
use crate::http::{Failure, Response, error_names};
use crate::kit::{ErrorBody, ErrorRule, ErrorTable};

const UNAUTHORIZED_HINT: &str = "check the client id and the secret, and that they belong to this domain: OneLogin's admin \
    portal lists them at Developers, API Credentials";

const ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::new(&["400", "422"], ErrorKind::InvalidInput, error_names::INVALID_REQUEST),
    ErrorRule::new(&["401"], ErrorKind::Unauthorized, error_names::AUTH_FAILED).hint(UNAUTHORIZED_HINT),
    ErrorRule::new(&["403"], ErrorKind::Forbidden, error_names::FORBIDDEN)
        .hint("reading needs API credentials with the scope `Read All`, and changing roles those with `Manage All`"),
    ErrorRule::new(&["404"], ErrorKind::NotFound, error_names::NOT_FOUND),
    ErrorRule::new(&["409"], ErrorKind::Conflict, error_names::CONFLICT),
    ErrorRule::new(&["429"], ErrorKind::RateLimited, error_names::RATE_LIMITED),
    ErrorRule::new(&["500", "502", "503"], ErrorKind::Unavailable, error_names::UNAVAILABLE),
]);

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    let reported = ErrorBody::of(response).and_then(|body| Reported::of(&body));
    if response.is_success() && reported.is_none() {
        return Ok(());
    }
    let failure = Failure::of(response).with_retry_after(match response.status() {
        // The seconds that are left, unlike elsewhere.
        429 => response.retry_delay_seconds("x-ratelimit-reset"),
        _ => None,
    });
    Err(match reported {
        Some(reported) => ERRORS.apply(failure.with_message(reported.message), &reported.status),
        None if failure.kind() == ErrorKind::NotFound => ONELOGIN.foreign_not_found(failure),
        // The text of another form is quoted as it is.
        None => ERRORS.apply(failure, &response.status().to_string()),
    })
}

/// A failure that OneLogin reports in the body.
struct Reported {
    status: String,
    message: String,
}

impl Reported {
    /// Reads `{"status": {"code", "type", "message"}}`, `{"statusCode", "name", "message"}` and
    /// `{"status", "error", "description"}`. A user has a `status` too, which alone reports nothing.
    fn of(body: &ErrorBody) -> Option<Self> {
        let (status, name, message) = match body.object("status") {
            Some(status) => (status.text("code"), status.text("type"), status.text("message")),
            None if body.get("statusCode").is_some() => {
                (body.text("statusCode"), body.text("name"), body.text("message"))
            }
            None if body.get("error").is_some() => {
                let description = body.text("description").or_else(|| body.text("error_description"));
                (body.text("status"), body.text("error"), description)
            }
            None => (body.text("code"), None, body.text("message")),
        };
        let status = status?;
        // A success has the first form as well.
        if status.parse::<u16>().is_ok_and(|status| status < 400) {
            return None;
        }
        let message = match (message, name) {
            (Some(message), Some(name)) => format!("{} ({name})", message.trim_end_matches('.')),
            (Some(message), None) => message.trim_end_matches('.').to_owned(),
            (None, name) => name?,
        };
        Some(Self { status, message: with_fields(message, body) })
    }
}

/// Adds the invalid members that a failure names, such as `{"errors": [{"field", "message": []}]}`.
fn with_fields(message: String, body: &ErrorBody) -> String {
    let fields = body.list("errors").iter().filter_map(|error| {
        let field = error.get("field")?.as_str()?;
        let problem = match error.get("message")? {
            serde_json::Value::Array(texts) => texts.first()?.as_str()?,
            text => text.as_str()?,
        };
        Some(format!("`{field}`: {}", problem.trim_end_matches('.')))
    });
    let fields: Vec<_> = fields.collect();
    if fields.is_empty() { message } else { format!("{message}: {}", fields.join(", ")) }
}
