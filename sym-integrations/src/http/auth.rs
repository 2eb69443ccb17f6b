use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use url::Url;

use super::redact::Redactor;

/// How a client shows who it is.
///
/// ```
/// use sym_integrations::http::{Auth, SecretString};
///
/// let okta = Auth::token("SSWS ", SecretString::from("00xyz"));
/// assert!(!format!("{okta:?}").contains("00xyz"));
/// ```
#[derive(Clone)]
pub struct Auth(Kind);

#[derive(Clone)]
enum Kind {
    None,
    Header { name: &'static str, prefix: &'static str, secret: SecretString },
    Basic { user: String, password: SecretString },
    Signer(Arc<dyn Signer>),
}

impl Auth {
    /// Not at all.
    pub fn none() -> Self {
        Self(Kind::None)
    }

    /// `Authorization: Bearer <token>`.
    pub fn bearer(token: SecretString) -> Self {
        Self::token("Bearer ", token)
    }

    /// `Authorization` with the token after a prefix, such as `SSWS ` or `Token token=`.
    pub fn token(prefix: &'static str, token: SecretString) -> Self {
        Self(Kind::Header { name: "authorization", prefix, secret: token })
    }

    /// A header of the service's own, such as `x-api-key`.
    pub fn header(name: &'static str, key: SecretString) -> Self {
        Self(Kind::Header { name, prefix: "", secret: key })
    }

    /// `Authorization: Basic`, with a user name, and a password or token.
    pub fn basic(user: impl Into<String>, password: SecretString) -> Self {
        Self(Kind::Basic { user: user.into(), password })
    }

    /// What a signer adds to each request.
    pub fn signer(signer: impl Signer) -> Self {
        Self(Kind::Signer(Arc::new(signer)))
    }

    /// Makes ready what does not change from call to call.
    pub(super) fn prepare(self, redactor: &mut Redactor) -> Result<Credentials> {
        match self.0 {
            Kind::None => Ok(Credentials::None),
            Kind::Header { name, prefix, secret } => {
                redactor.hide(&secret);
                Ok(Credentials::Header(header_name(name)?, secret_value(prefix, &secret)?))
            }
            Kind::Basic { user, password } => {
                if password.expose_secret().is_empty() {
                    return Err(unfit("the password of a service is empty".to_owned()));
                }
                if user.contains(':') {
                    return Err(unfit("the user name of a service contains a colon".to_owned()));
                }
                let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
                let pair = SecretString::from(pair);
                redactor.hide(&password);
                redactor.hide(&pair);
                Ok(Credentials::Header(AUTHORIZATION, secret_value("Basic ", &pair)?))
            }
            Kind::Signer(signer) => Ok(Credentials::Signer(signer)),
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::None => f.write_str("Auth::none"),
            Kind::Header { name, prefix, .. } => write!(f, "Auth({name}: {prefix}[redacted])"),
            Kind::Basic { .. } => f.write_str("Auth(authorization: Basic [redacted])"),
            Kind::Signer(_) => f.write_str("Auth(signer)"),
        }
    }
}

pub(super) fn header_name(name: &str) -> Result<HeaderName> {
    HeaderName::try_from(name).map_err(|_| unfit(format!("`{name}` is not the name of a header")))
}

/// A header's value that no log shows.
pub(super) fn secret_value(prefix: &str, secret: &SecretString) -> Result<HeaderValue> {
    let text = secret.expose_secret();
    if text.is_empty() {
        return Err(unfit("the token of a service is empty".to_owned()));
    }
    let mut value = HeaderValue::try_from(format!("{prefix}{text}")).map_err(|_| {
        unfit("the token of a service contains what a header cannot hold, such as a line break".to_owned())
            .with_hint("look whether its secret ends in an empty line")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn unfit(message: String) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
}

/// Which of its credentials a [`Signer`] used, by a number of its own.
pub type CredentialsEdition = u64;

/// Adds to a request what proves who sends it: for signatures, and for tokens that run out.
pub trait Signer: Send + Sync + 'static {
    /// Signs a request, which is complete. It is called again for every try. The number given back says which credentials were
    /// used, where they change.
    fn sign<'a>(&'a self, request: UnsignedRequest<'a>) -> BoxFuture<'a, Result<CredentialsEdition>>;

    /// The service answered 401 to a request signed with these credentials. Says whether the next will be signed with others:
    /// then the call is tried once more.
    fn renew(&self, refused: CredentialsEdition) -> bool {
        let _ = refused;
        false
    }
}

/// A request before it is signed. See [`Signer`].
pub struct UnsignedRequest<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    pub(super) headers: &'a mut HeaderMap,
    pub(super) body: &'a Bytes,
    pub(super) redactor: &'a mut Redactor,
}

impl UnsignedRequest<'_> {
    /// The method, such as `POST`.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The URL, encoded as it is sent.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The headers so far.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    /// The body as it is sent.
    pub fn body(&self) -> &[u8] {
        self.body
    }

    /// Sets a header that is no secret, such as a date.
    pub fn set_header(&mut self, name: &'static str, value: &str) -> Result<()> {
        let value =
            HeaderValue::from_str(value).map_err(|_| unfit(format!("the value of header `{name}` is not one line")))?;
        self.headers.insert(header_name(name)?, value);
        Ok(())
    }

    /// Sets a header that is a secret, such as a signature or a token. No error or log of the call will show it.
    pub fn set_secret_header(&mut self, name: &'static str, prefix: &str, secret: &SecretString) -> Result<()> {
        self.redactor.hide(secret);
        self.headers.insert(header_name(name)?, secret_value(prefix, secret)?);
        Ok(())
    }
}

impl fmt::Debug for UnsignedRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnsignedRequest({} to {})", self.method, self.url.host_str().unwrap_or_default())
    }
}

/// [`Auth`], ready to be used.
#[derive(Clone)]
pub(super) enum Credentials {
    None,
    Header(HeaderName, HeaderValue),
    Signer(Arc<dyn Signer>),
}

impl Credentials {
    pub(super) async fn sign(&self, request: UnsignedRequest<'_>) -> Result<CredentialsEdition> {
        match self {
            Self::None => Ok(0),
            Self::Header(name, value) => {
                request.headers.insert(name.clone(), value.clone());
                Ok(0)
            }
            Self::Signer(signer) => signer.sign(request).await,
        }
    }

    pub(super) fn renew(&self, refused: CredentialsEdition) -> bool {
        match self {
            Self::Signer(signer) => signer.renew(refused),
            Self::None | Self::Header(..) => false,
        }
    }
}
