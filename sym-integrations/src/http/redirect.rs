//! Redirects: followed within the service's own origin, refused otherwise, because a token is sent with every request.

use http::header::LOCATION;
use http::{Method, StatusCode};
use sym_sdk::error::{Error, ErrorKind};
use url::Url;

use super::base_url::BaseUrl;
use super::call_info::CallInfo;
use super::failure::error_names;
use super::request_spec::RequestSpec;
use super::transport::Incoming;

/// Number of redirects that one attempt follows.
pub(super) const MAX_REDIRECTS: usize = 3;

/// Returns the URL that a response redirects to, or `None` if it is not a redirect.
pub(super) fn target(
    base: &BaseUrl,
    spec: &RequestSpec,
    info: &CallInfo,
    from: &Url,
    incoming: &Incoming,
) -> Result<Option<Url>, Error> {
    let status = incoming.status;
    if spec.accepted.contains(&status.as_u16()) {
        return Ok(None);
    }
    let is_followed = match status {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        // Clients disagree on the method of the next request for these; GET and HEAD stay what they are.
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => {
            matches!(spec.method, Method::GET | Method::HEAD)
        }
        _ => return Ok(None),
    };
    let location = incoming.headers.get(LOCATION).and_then(|location| location.to_str().ok());
    match location.and_then(|location| from.join(location).ok()) {
        Some(target) if is_followed && base.is_origin_of(&target) => Ok(Some(target)),
        target => {
            let (to, hint) = match &target {
                // Something of the service has moved. The query may hold a secret.
                Some(url) if base.is_origin_of(url) => {
                    (format!("to `{}`", info.clean(url.path())), "use the present name of what was called")
                }
                Some(url) => (
                    format!("to host `{}`", info.clean(url.host_str().unwrap_or_default())),
                    "check the base URL of the service",
                ),
                None => ("without a target".to_owned(), "check the base URL of the service"),
            };
            let message = format!("the service redirected the call {to}; such redirects are not followed");
            let error = info.error(ErrorKind::Configuration, info.code(error_names::REDIRECTED), message);
            let error = error.with_status(status.as_u16()).with_hint(hint);
            // A service may answer so when it has made a change.
            Err(if is_followed { error } else { error.with_unknown_outcome() })
        }
    }
}

/// The error of an attempt that was redirected more than [`MAX_REDIRECTS`] times.
pub(super) fn too_many(info: &CallInfo) -> Error {
    let message = format!("the service redirected the call more than {MAX_REDIRECTS} times");
    info.error(ErrorKind::Configuration, info.code(error_names::REDIRECTED), message)
}
