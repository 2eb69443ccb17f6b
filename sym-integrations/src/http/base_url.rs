//! The base URL of a service: `https`, or the loopback interface.

use sym_sdk::error::{Error, ErrorKind, Result, codes};
use url::{Host, Url};

/// The URL that the paths of a client's calls are relative to.
///
/// It must be `https`, because a token is sent with every call. Plain `http` is accepted for the loopback interface only, for tests and
/// emulators.
///
/// ```
/// use sym_integrations::http::BaseUrl;
///
/// let base = BaseUrl::of_host("example.okta.com", "api/v1")?;
/// assert_eq!(base.as_str(), "https://example.okta.com/api/v1");
/// assert!(BaseUrl::parse("http://127.0.0.1:4600").is_ok());
///
/// let error = BaseUrl::parse("http://example.okta.com").unwrap_err();
/// assert_eq!(error.message(), "the base URL of host `example.okta.com` must use https");
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Parses a URL without credentials, query or fragment. Errors quote only the host, because the URL, or a value given in its place
    /// by mistake, may contain a secret.
    ///
    /// # Errors
    /// If the text is not such a URL.
    pub fn parse(text: &str) -> Result<Self> {
        let url = Url::parse(text).map_err(|error| {
            invalid(format!("the base URL is invalid: {error}"))
                .with_hint("expected a URL such as `https://api.example.com/v1`")
        })?;
        let Some(host) = url.host_str() else {
            return Err(invalid("the base URL has no host".to_owned()));
        };
        if !url.username().is_empty() || url.password().is_some() {
            let message = format!("the base URL of host `{host}` contains a user name or a password");
            return Err(invalid(message).with_hint("pass the credentials as a secret of the integration"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid(format!("the base URL of host `{host}` contains a query or a fragment")));
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            _ => {
                let message = format!("the base URL of host `{host}` must use https");
                Err(invalid(message).with_hint("plain http is accepted for `localhost` and 127.0.0.1 only"))
            }
        }
    }

    /// Builds the `https` URL of a host name, with an optional port, and a path.
    ///
    /// # Errors
    /// If `host` is more than a host name and a port.
    pub fn of_host(host: &str, path: &str) -> Result<Self> {
        let stray = |c: char| matches!(c, '/' | '\\' | '?' | '#' | '@') || c.is_whitespace() || c.is_control();
        if host.is_empty() || host.contains(stray) {
            let message = "expected a host name such as `example.okta.com`";
            return Err(invalid(message.to_owned()).with_hint("omit `https://` and everything after the host name"));
        }
        Self::parse(&format!("https://{host}/{}", path.trim_start_matches('/')))
    }

    /// Returns the URL without a trailing slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// Returns the host name.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Appends a path whose segments are already encoded. An empty path yields the base URL unchanged.
    pub(super) fn join(&self, path: &str) -> Result<Url> {
        if path.is_empty() {
            return Ok(self.0.clone());
        }
        Url::parse(&format!("{}/{}", self.as_str(), path.trim_start_matches('/')))
            .map_err(|error| invalid(format!("the path of the call is invalid: {error}")))
    }

    /// Whether credentials meant for this URL may be sent to the other one.
    pub(super) fn is_origin_of(&self, url: &Url) -> bool {
        url.origin() == self.0.origin() && url.username().is_empty() && url.password().is_none()
    }
}

/// Whether a URL refers to the loopback interface.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
}
