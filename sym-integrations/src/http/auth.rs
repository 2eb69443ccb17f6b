//! Authentication of calls: tokens, basic credentials, and signers.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use url::Url;

use super::redact::Redactor;
use super::url_encoding::encode_pairs;

/// The authentication method of a client.
///
/// ```
/// use sym_integrations::http::{Auth, SecretString};
///
/// let okta = Auth::token("SSWS ", SecretString::from("00xyz"));
/// assert!(!format!("{okta:?}").contains("00xyz"));
/// ```
#[derive(Clone)]
pub struct Auth(Scheme);

#[derive(Clone)]
enum Scheme {
    None,
    Header { name: &'static str, prefix: &'static str, secret: SecretString },
    Basic { user: String, password: SecretString },
    Signer(Arc<dyn Signer>),
}

impl Auth {
    /// No authentication.
    pub fn none() -> Self {
        Self(Scheme::None)
    }

    /// `Authorization: Bearer <token>`.
    pub fn bearer(token: SecretString) -> Self {
        Self::token("Bearer ", token)
    }

    /// `Authorization` with the token after a prefix, such as `SSWS ` or `Token token=`.
    pub fn token(prefix: &'static str, token: SecretString) -> Self {
        Self(Scheme::Header { name: "authorization", prefix, secret: token })
    }

    /// A header of the service, such as `x-api-key`.
    pub fn header(name: &'static str, key: SecretString) -> Self {
        Self(Scheme::Header { name, prefix: "", secret: key })
    }

    /// `Authorization: Basic` with a user name and a password or token.
    pub fn basic(user: impl Into<String>, password: SecretString) -> Self {
        Self(Scheme::Basic { user: user.into(), password })
    }

    /// Authentication by a [`Signer`], which signs each request.
    pub fn signer(signer: impl Signer) -> Self {
        Self(Scheme::Signer(Arc::new(signer)))
    }

    /// Validates the credentials and encodes the header, once for all calls.
    pub(super) fn prepare(self, redactor: &mut Redactor) -> Result<Credentials> {
        match self.0 {
            Scheme::None => Ok(Credentials::None),
            Scheme::Header { name, prefix, secret } => {
                redactor.hide(&secret);
                Ok(Credentials::Header(header_name(name)?, secret_value(prefix, &secret)?))
            }
            Scheme::Basic { user, password } => {
                if password.expose_secret().is_empty() {
                    return Err(configuration_error("the password is empty".to_owned()));
                }
                if user.contains(':') {
                    return Err(configuration_error(
                        "the user name contains a colon, which basic authentication does not allow".to_owned(),
                    ));
                }
                let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
                let pair = SecretString::from(pair);
                redactor.hide(&password);
                redactor.hide(&pair);
                Ok(Credentials::Header(AUTHORIZATION, secret_value("Basic ", &pair)?))
            }
            Scheme::Signer(signer) => Ok(Credentials::Signer(signer)),
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Scheme::None => f.write_str("Auth::none"),
            Scheme::Header { name, prefix, .. } => write!(f, "Auth({name}: {prefix}[redacted])"),
            Scheme::Basic { .. } => f.write_str("Auth(authorization: Basic [redacted])"),
            Scheme::Signer(_) => f.write_str("Auth(signer)"),
        }
    }
}

pub(super) fn header_name(name: &str) -> Result<HeaderName> {
    HeaderName::try_from(name).map_err(|_| configuration_error(format!("`{name}` is not a valid header name")))
}

/// Creates a header value that logs do not show.
pub(super) fn secret_value(prefix: &str, secret: &SecretString) -> Result<HeaderValue> {
    let text = secret.expose_secret();
    if text.is_empty() {
        return Err(configuration_error("the token is empty".to_owned()));
    }
    // Such a token is rejected by every service, and a header could even contain it: text that was copied from a document has en dashes
    // for hyphens.
    if text.trim() != text || text.contains(|c: char| !c.is_ascii()) {
        return Err(configuration_error(
            "the token begins or ends with a blank, or contains a character that is not ASCII".to_owned(),
        )
        .with_hint("copy the token again from where it was issued, without blanks or line breaks around it"));
    }
    let mut value = HeaderValue::try_from(format!("{prefix}{text}")).map_err(|_| {
        configuration_error(
            "the token contains characters that a header cannot contain, such as a line break".to_owned(),
        )
        .with_hint("check whether the secret is one line")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn configuration_error(message: String) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
}

/// The version of the credentials that a [`Signer`] used, as a number that the signer chooses.
pub type CredentialsVersion = u64;

/// Authenticates each request individually: by a signature, or by a token that expires.
pub trait Signer: Send + Sync + 'static {
    /// Signs a complete request. It is called for every attempt. Returns the version of the credentials used, for credentials that
    /// change.
    fn sign<'a>(&'a self, request: UnsignedRequest<'a>) -> BoxFuture<'a, Result<CredentialsVersion>>;

    /// Called when the service rejects a request signed with these credentials (401). Returns whether the next request will be signed
    /// with others; if so, the call is attempted once more.
    fn renew(&self, rejected: CredentialsVersion) -> bool {
        let _ = rejected;
        false
    }

    /// Called when the service rejects a request because of its time, with [what has to be added](super::Failure::with_clock_offset) to the
    /// time of this machine. Returns whether the next request will be signed with another time than the rejected one; if so, the call is
    /// attempted once more.
    fn correct_clock(&self, rejected: CredentialsVersion, offset: SignedDuration) -> bool {
        let _ = (rejected, offset);
        false
    }
}

/// A request that is about to be signed. See [`Signer`].
pub struct UnsignedRequest<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    pub(super) headers: &'a mut HeaderMap,
    pub(super) body: &'a mut Bytes,
    pub(super) redactor: &'a mut Redactor,
}

impl UnsignedRequest<'_> {
    /// Returns the method, such as `POST`.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// Returns the URL, encoded as it is sent.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Returns the headers set so far.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    /// Returns the body as it is sent.
    pub fn body(&self) -> &[u8] {
        self.body
    }

    /// Appends a pair whose value is a secret, such as an assertion that is made anew for each attempt, to the form in the body. Errors
    /// and logs of the call never show it.
    pub fn append_secret_form(&mut self, name: &str, secret: &SecretString) {
        self.redactor.hide(secret);
        let pair = encode_pairs(&[(name.to_owned(), secret.expose_secret().to_owned())]);
        *self.body = match self.body.is_empty() {
            true => pair.into(),
            false => [&self.body[..], b"&", pair.as_bytes()].concat().into(),
        };
    }

    /// Sets a header that is not secret, such as a date.
    pub fn set_header(&mut self, name: &'static str, value: &str) -> Result<()> {
        let value = HeaderValue::from_str(value)
            .map_err(|_| configuration_error(format!("the value of header `{name}` must be a single line")))?;
        self.headers.insert(header_name(name)?, value);
        Ok(())
    }

    /// Sets a header that is a secret, such as a signature or a token. Errors and logs of the call never show it.
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

/// Validated credentials of an [`Auth`].
#[derive(Clone)]
pub(super) enum Credentials {
    None,
    Header(HeaderName, HeaderValue),
    Signer(Arc<dyn Signer>),
}

impl Credentials {
    pub(super) async fn sign(&self, request: UnsignedRequest<'_>) -> Result<CredentialsVersion> {
        match self {
            Self::None => Ok(0),
            Self::Header(name, value) => {
                request.headers.insert(name.clone(), value.clone());
                Ok(0)
            }
            Self::Signer(signer) => signer.sign(request).await,
        }
    }

    pub(super) fn renew(&self, rejected: CredentialsVersion) -> bool {
        match self {
            Self::Signer(signer) => signer.renew(rejected),
            Self::None | Self::Header(..) => false,
        }
    }

    pub(super) fn correct_clock(&self, rejected: CredentialsVersion, offset: SignedDuration) -> bool {
        match self {
            Self::Signer(signer) => signer.correct_clock(rejected, offset),
            Self::None | Self::Header(..) => false,
        }
    }
}
