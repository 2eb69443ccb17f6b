//! Pending sign-ins: somebody has been sent to the identity provider and has not come back yet.
//!
//! All that must be kept between the two requests is derived from one random secret, which the browser holds in a cookie: the state that
//! comes back in the address, the nonce of the ID token and the verifier of the code. The store knows the hash of the secret, so that
//! nobody finishes a sign-in twice, or one that another browser has begun, and a copy of the store finishes none.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{CommandLineAnswer, SIGN_IN_TIMEOUT, WaitingCommandLine};
use crate::directory::Directory;
use crate::directory::tokens::{hex, random};
use crate::error::{Error, Result, codes};
use crate::time::TimestampExt as _;

/// The maximum length of a return path, in bytes.
const MAX_RETURN_PATH_BYTES: usize = 2_000;

/// A path on this server that somebody is sent to after they have signed in. It never leads to another server.
///
/// ```
/// use sym_sdk::directory::ReturnPath;
///
/// assert_eq!("/console/inbox?flow=prod".parse::<ReturnPath>()?.as_str(), "/console/inbox?flow=prod");
/// for elsewhere in ["https://evil.example", "//evil.example", "/\\evil.example", "console"] {
///     assert!(elsewhere.parse::<ReturnPath>().is_err());
/// }
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReturnPath(String);

impl ReturnPath {
    /// The path, with its query if it has one.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReturnPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // Browsers take a backslash for a slash, skip tabs and line breaks, and read two slashes as the beginning of another server's name.
        let is_path = text.starts_with('/')
            && !text.starts_with("//")
            && text.len() <= MAX_RETURN_PATH_BYTES
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if is_path {
            return Ok(Self(text.to_owned()));
        }
        let error = Error::invalid(codes::INVALID_PARAMETER, "the address to return to is not a path of this server");
        Err(error.with_hint("it begins with one `/`, such as `/console`"))
    }
}

impl TryFrom<String> for ReturnPath {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ReturnPath> for String {
    fn from(path: ReturnPath) -> Self {
        path.0
    }
}

/// A pending sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PendingSignIn {
    /// A person is at the identity provider, and returns to this path.
    Browser {
        /// The path.
        return_path: ReturnPath,
    },
    /// A command line waits to be let in. The store knows it by the hash of its code.
    CommandLine(WaitingCommandLine),
    /// The answer to a command line. The store knows it by the hash of the secret with which it is fetched.
    CommandLineAnswer(CommandLineAnswer),
}

/// The secret of a pending sign-in: 256 random bits, which the browser keeps in a cookie, or a command line in its memory.
#[derive(Clone, Debug)]
pub struct SignInSecret(SecretString);

impl SignInSecret {
    /// Creates a random secret.
    ///
    /// # Errors
    /// If the operating system provides no random numbers.
    pub fn random() -> Result<Self> {
        Ok(Self(SecretString::from(hex(&random()?))))
    }

    /// Reads a secret that came back. `None` if it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_secret = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_secret.then(|| Self(SecretString::from(text)))
    }

    /// Returns the secret, for the cookie or the command line.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }

    /// Returns the state, which the identity provider sends back in the address. Nothing else can be found out from it.
    pub fn state(&self) -> String {
        hex(&self.derive("state"))
    }

    /// Returns whether this is the state of the secret. Runs in constant time.
    pub fn has_state(&self, state: &str) -> bool {
        self.state().as_bytes().ct_eq(state.as_bytes()).into()
    }

    /// Returns the nonce, which comes back in the ID token.
    pub fn nonce(&self) -> String {
        hex(&self.derive("nonce"))
    }

    /// Returns the verifier of the code (RFC 7636): 64 characters.
    pub fn verifier(&self) -> SecretString {
        SecretString::from(hex(&self.derive("verifier")))
    }

    fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"sign-in ");
        hash.update(purpose.as_bytes());
        hash.update(b"\n");
        hash.update(self.0.expose_secret().as_bytes());
        hash.finalize().into()
    }

    /// Returns the hash that the store knows the sign-in by.
    pub(super) fn hash(&self) -> [u8; 32] {
        self.derive("store")
    }
}

impl fmt::Display for ReturnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Directory {
    /// Begins a sign-in, which can be finished once, within ten minutes.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn begin_sign_in(&self, pending: PendingSignIn) -> Result<SignInSecret> {
        let (secret, now) = (SignInSecret::random()?, self.clock.now());
        self.store.insert_pending_sign_in(secret.hash(), pending, now, now.plus(SIGN_IN_TIMEOUT)).await?;
        Ok(secret)
    }

    /// Takes the sign-in with this secret, which is gone then. `None` if there is none, it was taken before, or it took too long.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn take_sign_in(&self, secret: &SignInSecret) -> Result<Option<PendingSignIn>> {
        self.store.take_pending_sign_in(secret.hash(), self.clock.now()).await
    }
}
