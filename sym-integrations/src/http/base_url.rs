use sym_sdk::error::{Error, ErrorKind, Result, codes};
use url::{Host, Url};

/// The address that the paths of a client's calls are added to.
///
/// It is `https`, because a token goes with every call; plain `http` is accepted for this machine only, for tests and
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
/// assert_eq!(error.message(), "the base URL of host `example.okta.com` is not https");
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Reads a URL with neither credentials, query nor fragment. Errors quote nothing but the host, in case a secret was given
    /// in the URL or in its place.
    pub fn parse(text: &str) -> Result<Self> {
        let url = Url::parse(text).map_err(|error| {
            invalid(format!("the base URL cannot be read: {error}"))
                .with_hint("write it such as `https://api.example.com/v1`")
        })?;
        let Some(host) = url.host_str() else {
            return Err(invalid("the base URL has no host".to_owned()));
        };
        if !url.username().is_empty() || url.password().is_some() {
            let message = format!("the base URL of host `{host}` contains a user name or a password");
            return Err(invalid(message).with_hint("give the credentials as a secret of the integration"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid(format!("the base URL of host `{host}` ends in a query or a fragment")));
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            _ => {
                let message = format!("the base URL of host `{host}` is not https");
                Err(invalid(message).with_hint("plain http is for `localhost` and 127.0.0.1 only"))
            }
        }
    }

    /// The `https` URL of a host, with a path below it. Refuses what is more than the name of a host and a port.
    pub fn of_host(host: &str, path: &str) -> Result<Self> {
        let stray = |c: char| matches!(c, '/' | '\\' | '?' | '#' | '@') || c.is_whitespace() || c.is_control();
        if host.is_empty() || host.contains(stray) {
            let message = "expected the name of a host, such as `example.okta.com`, got something else";
            return Err(invalid(message.to_owned()).with_hint("leave out `https://` and what follows the host"));
        }
        Self::parse(&format!("https://{host}/{}", path.trim_start_matches('/')))
    }

    /// The URL, without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The name of the host.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// The URL of a path whose parts are encoded already. Without a path it is the base URL as it was given.
    pub(super) fn join(&self, path: &str) -> Result<Url> {
        if path.is_empty() {
            return Ok(self.0.clone());
        }
        Url::parse(&format!("{}/{}", self.as_str(), path.trim_start_matches('/')))
            .map_err(|error| invalid(format!("the path of a call cannot be read: {error}")))
    }

    /// Whether a URL may be given what was meant for this one.
    pub(super) fn is_origin_of(&self, url: &Url) -> bool {
        url.origin() == self.0.origin() && url.username().is_empty() && url.password().is_none()
    }
}

/// Whether a URL stays on this machine.
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
