//! The cookies of people who sign in.
//!
//! With HTTPS their names begin with `__Host-`: no other host, not even a sister of ours, can set them. Without it, on this machine alone, they
//! have names of their own, so that one is never taken for the other. `SameSite=Lax` lets a link from elsewhere open signed in, and keeps
//! forms of other sites out.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use secrecy::{ExposeSecret as _, SecretString};

use crate::directory::SignInSecret;
use crate::runtime::PublicUrl;

/// The maximum number of pending sign-ins of one browser. The oldest give way.
const MAX_PENDING_PER_BROWSER: usize = 5;

/// The maximum number of cookies of one name that are tried.
const MAX_COOKIES_TRIED: usize = 5;

/// The time after which a browser forgets that it has begun to sign in, in seconds.
const PENDING_MAX_AGE_SECONDS: u32 = 600;

/// The number of characters of the state that the name of a cookie has.
const STATE_CHARS: usize = 16;

/// The names of our cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieNames {
    Https,
    Loopback,
}

impl CookieNames {
    /// Returns the names for our own address. `None` if it is one of HTTP and not of this machine.
    pub(crate) fn of(url: &PublicUrl) -> Option<Self> {
        if url.is_https() {
            return Some(Self::Https);
        }
        let authority = url.as_str().strip_prefix("http://")?;
        let host = authority.strip_suffix(|c: char| c.is_ascii_digit()).map_or(authority, |_| {
            let without_port = authority.trim_end_matches(|c: char| c.is_ascii_digit());
            without_port.strip_suffix(':').unwrap_or(authority)
        });
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        let is_loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        is_loopback.then_some(Self::Loopback)
    }

    const fn session(self) -> &'static str {
        match self {
            Self::Https => "__Host-sym",
            Self::Loopback => "sym_dev",
        }
    }

    const fn pending_prefix(self) -> &'static str {
        match self {
            Self::Https => "__Host-sym_in_",
            Self::Loopback => "sym_dev_in_",
        }
    }

    const fn attributes(self) -> &'static str {
        match self {
            Self::Https => "Path=/; HttpOnly; SameSite=Lax; Secure",
            Self::Loopback => "Path=/; HttpOnly; SameSite=Lax",
        }
    }

    /// Returns the secrets that may be that of the session.
    pub(crate) fn session_secrets(self, headers: &HeaderMap) -> Vec<SecretString> {
        let values = pairs(headers).filter(|(name, _)| *name == self.session()).map(|(_, value)| value);
        values.take(MAX_COOKIES_TRIED).map(SecretString::from).collect()
    }

    pub(crate) fn set_session(self, response: &mut Response, secret: &SecretString) {
        set(response, &format!("{}={}; {}", self.session(), secret.expose_secret(), self.attributes()));
    }

    pub(crate) fn clear_session(self, response: &mut Response) {
        self.clear(response, self.session());
    }

    /// Returns the secret of the sign-in with this state, if this browser has begun it.
    pub(super) fn pending_secret(self, headers: &HeaderMap, state: &str) -> Option<SignInSecret> {
        let begun = pairs(headers).filter(|(name, _)| name.starts_with(self.pending_prefix()));
        let mut secrets = begun.filter_map(|(_, value)| SignInSecret::parse(value)).take(4 * MAX_PENDING_PER_BROWSER);
        secrets.find(|secret| secret.has_state(state))
    }

    /// Adds the cookie of a sign-in, and removes the oldest of too many.
    pub(super) fn set_pending(self, response: &mut Response, secret: &SignInSecret, headers: &HeaderMap) {
        // Browsers send the oldest first.
        let names: Vec<_> =
            pairs(headers).map(|(name, _)| name).filter(|n| n.starts_with(self.pending_prefix())).collect();
        let too_many = (names.len() + 1).saturating_sub(MAX_PENDING_PER_BROWSER);
        names.iter().take(too_many).for_each(|name| self.clear(response, name));
        let (name, value) = (self.pending(secret), secret.secret().expose_secret());
        set(response, &format!("{name}={value}; Max-Age={PENDING_MAX_AGE_SECONDS}; {}", self.attributes()));
    }

    pub(super) fn clear_pending(self, response: &mut Response, secret: &SignInSecret) {
        self.clear(response, &self.pending(secret));
    }

    fn pending(self, secret: &SignInSecret) -> String {
        let state: String = secret.state().chars().take(STATE_CHARS).collect();
        format!("{}{state}", self.pending_prefix())
    }

    fn clear(self, response: &mut Response, name: &str) {
        set(response, &format!("{name}=; Max-Age=0; {}", self.attributes()));
    }
}

/// Returns the names and values of all cookies of a request.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim(), value.trim()))
}

fn set(response: &mut Response, cookie: &str) {
    if let Ok(mut value) = HeaderValue::try_from(cookie) {
        value.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for (url, expected) in [
            ("https://sym.example.com", Some(CookieNames::Https)),
            ("http://localhost:3000", Some(CookieNames::Loopback)),
            ("http://localhost", Some(CookieNames::Loopback)),
            ("http://127.0.0.1:80", Some(CookieNames::Loopback)),
            ("http://127.0.0.1", Some(CookieNames::Loopback)),
            ("http://[::1]:3000", Some(CookieNames::Loopback)),
            ("http://sym.example.com", None),
            ("http://localhost.example.com:3000", None),
            ("http://10.0.0.1:3000", None),
        ] {
            assert_eq!(CookieNames::of(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
