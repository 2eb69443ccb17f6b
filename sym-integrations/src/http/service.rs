//! The interface of a service to the HTTP core: its names, and how it reports failures.

use sym_sdk::error::Result;

use super::{Failure, Response};

/// A description of a service: its names, and how it reports that a call failed.
///
/// Everything else, from timeouts to paging, is the same for all services and belongs to the [`Client`](super::Client).
///
/// ```
/// use sym_integrations::http::{Failure, Response, Service};
/// use sym_sdk::error::ErrorKind;
///
/// /// A service that responds with status 200 in any case, and reports failures in a header.
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
///     fn classify(&self, response: &Response) -> Result<(), Failure> {
///         if !response.is_success() {
///             let delay = response.retry_delay_seconds("ratelimit-reset");
///             return Err(Failure::of(response).with_retry_after(delay));
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

    /// The first part of the service's error codes, such as `Okta`.
    fn error_type(&self) -> &'static str;

    /// The response headers that can contain the service's id of a request, in order of precedence.
    fn request_id_headers(&self) -> &'static [&'static str] {
        &["x-request-id"]
    }

    /// Decides whether a response is a success, and if not, what failed and whether the call may be retried. By default the status
    /// decides, as described at [`Failure::of`].
    ///
    /// Redirects within the service have been followed before this is called.
    fn classify(&self, response: &Response) -> Result<(), Failure> {
        if response.is_success() { Ok(()) } else { Err(Failure::of(response)) }
    }
}
