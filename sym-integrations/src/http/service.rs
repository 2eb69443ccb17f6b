use sym_sdk::error::Result;

use super::{Failure, Response};

/// What is particular to a service: its names, and how it says that a call failed.
///
/// The rest, from time limits to paging, is the same for all, and the [`Client`](super::Client)'s.
///
/// ```
/// use sym_integrations::http::{Failure, Response, Service};
/// use sym_sdk::error::ErrorKind;
///
/// /// Answers 200 whatever happens, and says in the body how it went.
/// struct Weather;
///
/// impl Service for Weather {
///     fn name(&self) -> &'static str {
///         "weather"
///     }
///
///     fn error_type(&self) -> &'static str {
///         "Weather"
///     }
///
///     fn judge(&self, response: &Response) -> Result<(), Failure> {
///         if !response.is_success() {
///             return Err(Failure::of(response).with_wait(response.wait_seconds("ratelimit-reset")));
///         }
///         match response.header("x-weather-error") {
///             None => Ok(()),
///             Some(name) => Err(Failure::of(response).with_kind(ErrorKind::Conflict).with_name(name)),
///         }
///     }
/// }
/// ```
pub trait Service: Send + Sync + 'static {
    /// The service's name in errors and logs, such as `okta`.
    fn name(&self) -> &'static str;

    /// The first part of its error codes, such as `Okta`.
    fn error_type(&self) -> &'static str;

    /// The headers in which it gives its own id of a request, the first that is there counts.
    fn request_id_headers(&self) -> &'static [&'static str] {
        &["x-request-id"]
    }

    /// Says whether an answer is a success, and if not, what failed and whether to try again. Unless told otherwise, the status
    /// decides, as [`Failure::of`] has it.
    ///
    /// A redirect within the service is followed before this is asked.
    fn judge(&self, response: &Response) -> Result<(), Failure> {
        if response.is_success() { Ok(()) } else { Err(Failure::of(response)) }
    }
}
