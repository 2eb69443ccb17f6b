//! Signing in through a proxy in front of the server, which has authenticated the person and says in a header of each request who they are.
//!
//! - **The header is read from listed peers alone.** The server removes it from all other requests before anything else sees them, so nobody
//!   who reaches the server past the proxy can be somebody else.
//! - **The proxy is asked at each request**, also within a session: whoever it no longer lets through, or who is somebody else there, has no
//!   session here. The session adds what the record, the command line and the rules for roles need.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use super::claims::{Subject, check_claims};
use super::{ACCOUNT_SERVICE, AssertionVerifier, PROVIDER_TIMEOUT, SignIn, SignInMethod, SignInRules};
use crate::directory::{Session, SessionKind};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::SignInPlace;
#[cfg(feature = "console")]
use crate::model::User;
use crate::model::UserIdentity;
use crate::runtime::Runtime;
use crate::runtime::account_events::RefusedCaller;
use crate::runtime::bounded_call::call_bounded;
use crate::runtime::ip_range::IpRange;

/// The instance of the accounts of people whom a proxy names by address, which has no issuer.
const PLAIN_ISSUER: &str = "proxy";

/// The headers that mean something else.
const RESERVED_HEADERS: [&str; 8] =
    ["authorization", "cookie", "forwarded", "host", "origin", "referer", "x-forwarded-for", "x-real-ip"];

/// The maximum length of an address in a header, in bytes.
const MAX_ADDRESS_BYTES: usize = 320;

/// A proxy that signs people in, and names them in a header of each request.
///
/// ```
/// use sym_sdk::config::Config;
/// use sym_sdk::runtime::{Runtime, SignInProxy};
///
/// let proxy = SignInProxy::plain("X-Forwarded-Email", ["10.0.0.7".parse()?])?;
/// let builder = Runtime::builder(Config::default()).sign_in_proxy(proxy);
/// # let _ = builder;
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Debug)]
pub struct SignInProxy {
    peers: Vec<IpRange>,
    header: HeaderName,
    /// `None` if the header has an e-mail address.
    verifier: Option<Box<dyn AssertionVerifier>>,
    pub(super) rules: SignInRules,
    sign_out_path: Option<String>,
}

impl SignInProxy {
    /// Creates a proxy at these addresses whose header has the e-mail address of the person, which counts as verified. Everybody keeps the
    /// role that they have.
    ///
    /// # Errors
    /// If the header is no name of one or means something else, or no addresses are named or all are.
    pub fn plain(header: &str, peers: impl IntoIterator<Item = IpRange>) -> Result<Self> {
        let rules = SignInRules::new().email_is_verified(true);
        Self::new(header, peers.into_iter().collect(), None, rules)
    }

    /// Creates a proxy at these addresses whose header has an assertion that it signs.
    ///
    /// # Errors
    /// As for [`plain`](Self::plain).
    pub fn signed(
        header: &str,
        peers: impl IntoIterator<Item = IpRange>,
        verifier: impl AssertionVerifier,
        rules: SignInRules,
    ) -> Result<Self> {
        Self::new(header, peers.into_iter().collect(), Some(Box::new(verifier)), rules)
    }

    /// Creates a proxy. Without a verifier, its header has an e-mail address.
    pub(crate) fn new(
        header: &str,
        peers: Vec<IpRange>,
        verifier: Option<Box<dyn AssertionVerifier>>,
        rules: SignInRules,
    ) -> Result<Self> {
        let refused = |message: String, hint: &'static str| {
            Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message).with_hint(hint))
        };
        let name: Option<HeaderName> = header.parse().ok();
        let Some(header) = name.filter(|name| !RESERVED_HEADERS.contains(&name.as_str())) else {
            return refused(
                format!("`{header}` is not the name of a header that can say who somebody is"),
                "name the header that only the proxy sets, such as `X-Forwarded-Email`",
            );
        };
        if peers.is_empty() || peers.iter().any(IpRange::is_everything) {
            return refused(
                "the addresses of the proxy that signs people in are not named".to_owned(),
                "name them as narrowly as possible: whoever connects from there can be anybody",
            );
        }
        Ok(Self { peers, header, verifier, rules, sign_out_path: None })
    }

    /// Sets the path at which the proxy signs people out, such as `/oauth2/sign_out`. Browsers are sent there once they have signed out here.
    ///
    /// # Errors
    /// If it is not a path of this server.
    pub fn sign_out_path(mut self, path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        let is_path = path.starts_with('/') && !path.starts_with("//");
        if !is_path
            || path.contains(|c: char| c == '\\' || c.is_ascii_control())
            || HeaderValue::try_from(&path).is_err()
        {
            let message = format!("expected a path such as `/oauth2/sign_out`, got `{path}`");
            return Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message));
        }
        self.sign_out_path = Some(path);
        Ok(self)
    }

    /// Returns the path at which the proxy signs people out.
    pub(crate) fn signed_out_path(&self) -> Option<&str> {
        self.sign_out_path.as_deref()
    }

    /// Returns the issuer of the accounts.
    pub(crate) fn issuer(&self) -> &str {
        self.verifier.as_deref().map_or(PLAIN_ISSUER, |verifier| verifier.issuer())
    }

    /// Removes the header from a request that does not come from the proxy, and from all requests those that some programs take for the same,
    /// which the proxy may pass on.
    pub(crate) fn remove_forged(&self, peer: Option<IpAddr>, headers: &mut HeaderMap) {
        let name = self.header.as_str();
        let is_like = |other: &HeaderName| other != name && other.as_str().replace('_', "-") == name.replace('_', "-");
        let like: Vec<HeaderName> = headers.keys().filter(|other| is_like(other)).cloned().collect();
        for other in like {
            headers.remove(other);
        }
        if !self.is_peer(peer) {
            headers.remove(&self.header);
        }
    }

    fn is_peer(&self, peer: Option<IpAddr>) -> bool {
        peer.is_some_and(|peer| self.peers.iter().any(|range| range.contains(peer)))
    }

    /// Returns what the proxy says about the sender of a request, which comes from this peer.
    ///
    /// # Errors
    /// If it says nothing, or more than one thing.
    pub(crate) fn assertion(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Result<SecretString> {
        let mut values = headers.get_all(&self.header).iter().filter(|_| self.is_peer(peer));
        let Some(value) = values.next() else {
            let message = "the proxy in front of this server has not said who you are";
            let error = Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_MISSING, message);
            return Err(error.with_hint("open this page at the address of the proxy, and sign in there"));
        };
        let value = value.to_str().unwrap_or_default().trim();
        if values.next().is_some() || value.contains(',') {
            let message = format!("the request has more than one header `{}`", self.header);
            let error = Error::new(ErrorKind::InvalidInput, codes::AUTHENTICATION_AMBIGUOUS, message);
            return Err(error.with_hint("administrators have the proxy replace the header, and not add to it"));
        }
        Ok(SecretString::from(value))
    }

    /// Returns the person that an assertion is about, and its claims.
    async fn subject(&self, runtime: &Runtime, assertion: &SecretString) -> Result<(Subject, Map<String, Value>)> {
        let Some(verifier) = &self.verifier else {
            let email = assertion.expose_secret().to_lowercase();
            if email.is_empty() || email.len() > MAX_ADDRESS_BYTES {
                let message = "the proxy in front of this server has not named an e-mail address";
                return Err(Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_MISSING, message));
            }
            let subject = Subject { id: email.clone(), email: Some(email), is_email_verified: Some(true) };
            return Ok((subject, Map::new()));
        };
        let verifying = async { verifier.verify(assertion).await };
        let about = || format!("the issuer `{}` of the proxy's assertions", verifier.issuer());
        let claims = call_bounded(&**runtime.clock(), PROVIDER_TIMEOUT, about, verifying).await??;
        let now = runtime.clock().now();
        let subject = check_claims(&claims, verifier.issuer(), verifier.audience(), None, now)?;
        Ok((subject, claims))
    }

    fn account(&self, subject: &Subject) -> UserIdentity {
        UserIdentity::new(ACCOUNT_SERVICE, self.issuer(), &subject.id)
    }
}

impl Runtime {
    /// Returns the proxy that signs people in, if one does.
    pub(crate) fn sign_in_proxy(&self) -> Option<&SignInProxy> {
        match &self.sign_in.as_deref()?.method {
            SignInMethod::Proxy(proxy) => Some(proxy),
            SignInMethod::Provider(_) => None,
        }
    }

    /// Returns whether the proxy says that this user has sent a request. Without a proxy, nobody else is asked.
    ///
    /// # Errors
    /// If the proxy says nothing that is good, or its keys cannot be read.
    #[cfg(feature = "console")]
    pub(crate) async fn is_named_by_proxy(
        &self,
        user: &User,
        peer: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Result<bool> {
        let Some(proxy) = self.sign_in_proxy() else { return Ok(true) };
        let (subject, _) = proxy.subject(self, &proxy.assertion(peer, headers)?).await?;
        let account = user.identity(ACCOUNT_SERVICE, Some(proxy.issuer()));
        Ok(account.is_some_and(|account| account.user_id() == subject.id))
    }

    /// Begins a session of the person whom an assertion of the proxy names. Returns its secret.
    ///
    /// # Errors
    /// With [`ErrorKind::Unauthorized`] if the assertion is not good; with [`ErrorKind::Forbidden`] if the person cannot sign in; also if the
    /// store fails.
    pub(crate) async fn sign_in_by_proxy(
        &self,
        proxy: &SignInProxy,
        assertion: &SecretString,
    ) -> Result<(Session, SecretString)> {
        let mut caller = RefusedCaller::Nobody;
        let signed_in = self.try_sign_in_by_proxy(proxy, assertion, &mut caller).await;
        if let Err(error) = &signed_in {
            self.record_sign_in_refused(&caller, SignInPlace::Browser, error).await;
        }
        signed_in
    }

    async fn try_sign_in_by_proxy(
        &self,
        proxy: &SignInProxy,
        assertion: &SecretString,
        caller: &mut RefusedCaller,
    ) -> Result<(Session, SecretString)> {
        let (subject, claims) = proxy.subject(self, assertion).await?;
        let user = self.signed_in_person(proxy.account(&subject), &proxy.rules, &subject, &claims, caller).await?;
        self.begin_session_at(&user.id(), SessionKind::Browser, SignInPlace::Browser, Some(proxy.issuer())).await
    }
}

impl From<SignInProxy> for SignIn {
    fn from(proxy: SignInProxy) -> Self {
        Self { rules: proxy.rules.clone(), method: SignInMethod::Proxy(proxy) }
    }
}
