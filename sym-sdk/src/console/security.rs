//! The protection of the pages against other sites, and of the browser against what is on them.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;

use super::SignIn;
use super::refusal::Refusal;
use super::state::ConsoleState;
use crate::error::{Error, ErrorKind, codes};
use crate::server::sign_in::is_same_origin;

/// The content that pages may load: nothing but what this server serves.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Refuses requests that another site has caused, and tells the browser what the pages may do.
pub(super) async fn secure(State(state): State<ConsoleState>, request: Request, next: Next) -> Response {
    let checked = check_host(&state, request.headers()).and_then(|()| check_origin(&state, &request));
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(error) => Refusal::from(error).into_plain_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("x-content-type-options", "nosniff"),
        // With `no-referrer`, browsers would send `Origin: null` with forms.
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whoever reaches the chooser can be anybody, so it is there for this machine alone: a name of another site that resolves to it is
/// refused.
fn check_host(state: &ConsoleState, headers: &HeaderMap) -> Result<(), Error> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if state.sign_in != SignIn::Chooser || host.is_some_and(is_loopback) {
        return Ok(());
    }
    let message = "this console lets everybody choose who they are, so it is served to this machine alone";
    Err(Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message).with_hint("open it at 127.0.0.1"))
}

/// Returns whether the host of a request is one of the loopback interface.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A request that changes something has to come from a page of this server. Browsers say where it comes from; one that does not is
/// refused too, because a cookie is sent along.
fn check_origin(state: &ConsoleState, request: &Request) -> Result<(), Error> {
    if [Method::GET, Method::HEAD].contains(request.method()) {
        return Ok(());
    }
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_own = match &state.public_url {
        Some(url) if state.sign_in == SignIn::Provider => is_same_origin(request.headers(), url),
        // The loopback interface has several names.
        _ => match (text("sec-fetch-site"), text("origin")) {
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => origin.strip_prefix("http://").is_some_and(|host| text("host") == Some(host)),
            (None, None) => false,
        },
    };
    if is_own {
        return Ok(());
    }
    let message = "the request does not come from a page of this console";
    let error = Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message);
    Err(error.with_hint("open the page anew, and send the form there"))
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn names_of_other_sites_are_not_this_machine() {
        for host in ["127.0.0.1", "127.0.0.1:3000", "localhost:3000", "LOCALHOST", "[::1]:3000", "127.1.2.3"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "example.com", "127.0.0.1.example.com", "localhost.example.com:3000", "0.0.0.0", "10.0.0.1", "[::2]"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
