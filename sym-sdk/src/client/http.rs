//! The transport over HTTP.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::stream;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, RequestBuilder, Url};
use secrecy::{ExposeSecret as _, SecretString};

use super::call::Call;
use super::transport::{Incoming, Transport};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest time without a byte. Long polls take less.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A server, called over HTTP.
pub(super) struct HttpTransport {
    client: Client,
    server: Url,
    /// `None` if nobody is authenticated, or not yet.
    token: Option<SecretString>,
}

impl HttpTransport {
    /// Creates a transport without a token. With `authorities`, in PEM format, no others are trusted.
    pub(super) fn open(server: &str, authorities: Option<&[u8]>) -> Result<Self> {
        let server = parse_server(server)?;
        let is_loopback = is_loopback(&server);
        let builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .https_only(!is_loopback)
            // It would send the token along.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
        // A proxy would receive the token of a server on this machine unencrypted.
        let builder = if is_loopback { builder.no_proxy() } else { builder };
        let builder = match authorities {
            Some(pem) => builder.tls_certs_only(parse_authorities(pem)?),
            None => builder,
        };
        let client = builder.build().map_err(|error| {
            Error::new(ErrorKind::Configuration, codes::CONFIGURATION, "the HTTP client could not be created")
                .with_source(error.without_url())
        })?;
        Ok(Self { client, server, token: None })
    }

    pub(super) fn with_token(mut self, token: SecretString) -> Self {
        self.token = Some(token);
        self
    }

    /// Exchanges the token of a CI job for one of a bot. No other token is sent.
    pub(super) async fn exchange(&self, token: &SecretString, bot: Option<&str>) -> Result<Incoming> {
        let call = Call::post(["tokens", "exchange"]);
        let mut url = self.server.clone();
        call.append_to(&mut url);
        // The query string of an address has the format of a form.
        let mut form = self.server.clone();
        form.query_pairs_mut()
            .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")
            .append_pair("subject_token_type", "urn:ietf:params:oauth:token-type:jwt")
            .append_pair("subject_token", token.expose_secret().trim())
            .extend_pairs(bot.map(|bot| ("bot", bot)));
        let body = form.query().unwrap_or_default().to_owned();
        let request = self.client.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        self.send_request(request, call.timeout()).await
    }

    async fn execute(&self, call: &Call) -> Result<Incoming> {
        let mut url = self.server.clone();
        call.append_to(&mut url);
        let mut request = self.client.request(call.method().clone(), url);
        if let Some(token) = &self.token {
            let mut token = HeaderValue::try_from(format!("Bearer {}", token.expose_secret())).map_err(|_| {
                let message = "the token has characters that no token has";
                let error = Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_MISSING, message);
                error.with_hint("pass it as it was issued, without quotes or line breaks")
            })?;
            token.set_sensitive(true);
            request = request.header(AUTHORIZATION, token);
        }
        if let Some(key) = call.idempotency_key() {
            let key = HeaderValue::try_from(key).map_err(|_| {
                let message = "the idempotency key has characters that no key has";
                let error = Error::invalid(codes::INVALID_PARAMETER, message);
                error.with_hint("use visible ASCII characters, such as `build-4711`")
            })?;
            request = request.header(HeaderName::from_static("idempotency-key"), key);
        }
        if let Some(body) = call.body_text() {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        self.send_request(request, call.timeout()).await
    }

    async fn send_request(&self, request: RequestBuilder, timeout: Duration) -> Result<Incoming> {
        let sending = tokio::time::timeout(timeout, request.send());
        let Ok(sent) = sending.await else {
            let message = format!("{} did not answer within {timeout:?}", self.name());
            return Err(self.unreachable(message));
        };
        let response = sent.map_err(|error| self.failed(error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let name = self.name();
        let chunks = stream::unfold(Some(response), move |response| {
            let name = name.clone();
            async move {
                let mut response = response?;
                match response.chunk().await {
                    Ok(Some(chunk)) => Some((Ok(chunk.to_vec()), Some(response))),
                    Ok(None) => None,
                    Err(error) => {
                        let message = format!("the answer of {name} was cut off");
                        let error = unreachable(message).with_source(error.without_url());
                        Some((Err(error), None))
                    }
                }
            }
        });
        Ok(Incoming { status, headers, body: Box::pin(chunks) })
    }

    /// Returns the server without what may be secret in its address.
    fn name(&self) -> String {
        self.server.origin().ascii_serialization()
    }

    fn failed(&self, error: reqwest::Error) -> Error {
        let name = self.name();
        let mut causes = Vec::new();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            causes.push(inner.to_string());
            cause = inner.source();
        }
        // The innermost cause is the one that says what happened, such as `connection refused`.
        let reason = causes.pop().map_or_else(String::new, |reason| format!(": {reason}"));
        let message = match error.is_timeout() {
            true => format!("{name} did not answer in time{reason}"),
            false if error.is_connect() => format!("cannot connect to {name}{reason}"),
            false => format!("the connection to {name} failed{reason}"),
        };
        self.unreachable(message).with_source(error.without_url())
    }

    fn unreachable(&self, message: String) -> Error {
        unreachable(message)
    }
}

fn unreachable(message: String) -> Error {
    let error = Error::new(ErrorKind::Unavailable, codes::SERVER_UNREACHABLE, message);
    error.with_hint("check the address, and whether the program runs there")
}

impl Transport for HttpTransport {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Incoming>> {
        Box::pin(self.execute(call))
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").field("server", &self.name()).finish_non_exhaustive()
    }
}

/// Parses certificate authorities.
fn parse_authorities(pem: &[u8]) -> Result<Vec<Certificate>> {
    let invalid = |what: &str| {
        let error = Error::invalid(codes::CONFIGURATION, format!("the certificate authorities {what}"));
        error.with_hint("pass their certificates in PEM format: `-----BEGIN CERTIFICATE-----`, and so on")
    };
    let authorities = Certificate::from_pem_bundle(pem)
        .map_err(|error| invalid("cannot be read").with_source(error.without_url()))?;
    if authorities.is_empty() { Err(invalid("are none: there is no certificate")) } else { Ok(authorities) }
}

/// Parses the address of a server.
fn parse_server(text: &str) -> Result<Url> {
    let invalid = |what: &str, hint: &str| {
        // It may have a password.
        let error = Error::invalid(codes::INVALID_PARAMETER, format!("the address of the server {what}"));
        Err(error.with_hint(hint.to_owned()))
    };
    const EXAMPLE: &str = "write it as `https://sym.example.com`";
    let Ok(url) = Url::parse(text.trim()) else { return invalid("is no URL", EXAMPLE) };
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none() {
        return invalid("is not one of HTTP", EXAMPLE);
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return invalid("has more than a host and a path", "pass the token apart from it");
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        let hint = "use `https://…`; only on the loopback interface is `http://` taken";
        return invalid("is unencrypted, and the token would be sent to it", hint);
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    host.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keys_that_no_header_has_are_errors_of_the_caller() {
        let transport = HttpTransport::open("http://127.0.0.1:9", None).unwrap().with_token("symbot_x".into());
        let error = transport.execute(&Call::get(["me"]).key("a\nb")).await.err().unwrap();
        assert_eq!((error.kind(), error.code()), (ErrorKind::InvalidInput, &codes::INVALID_PARAMETER));
    }

    #[test]
    fn addresses_are_encrypted_or_local() {
        for good in [
            "https://sym.example.com",
            "https://x.example/sym/",
            "http://127.0.0.1:3000",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert!(parse_server(good).is_ok(), "{good}");
        }
        let bad = [
            "",
            "sym.example.com",
            "ftp://x",
            "http://sym.example.com",
            "http://127.0.0.1.example.com",
            "https://a:b@sym.example.com",
            "https://sym.example.com?token=x",
            "http://localhost.example.com",
        ];
        for bad in bad {
            let error = parse_server(bad).unwrap_err().to_string();
            assert!(!error.contains("a:b") && !error.contains("token=x"), "{error}");
        }
    }
}
