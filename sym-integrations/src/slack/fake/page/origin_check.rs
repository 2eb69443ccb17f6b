//! Protection of the loopback server against pages of other origins.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Rejects requests that a page of another origin may have sent: by DNS rebinding, recognised by the `Host` header, or by a cross-site form,
/// recognised by the `Origin` header.
pub(in super::super) async fn guard(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let Some(host) = header(headers, &HOST).filter(|host| is_loopback(host)) else {
        return (StatusCode::FORBIDDEN, "The fake Slack is available on the loopback interface only: use 127.0.0.1.\n")
            .into_response();
    };
    let is_own = |origin: &str| origin.strip_prefix("http://") == Some(host);
    let is_foreign = headers.contains_key(ORIGIN) && !header(headers, &ORIGIN).is_some_and(is_own);
    if is_foreign && *request.method() != Method::GET {
        return (StatusCode::FORBIDDEN, "Requests of other origins are rejected.\n").into_response();
    }
    next.run(request).await
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn names_of_others_are_not_this_machine() {
        for host in ["127.0.0.1", "127.0.0.1:3001", "127.8.9.1:1", "localhost:3001", "LOCALHOST", "[::1]:3001", "[::1]"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:3001",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "[::2]:1",
            "0.0.0.0",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
