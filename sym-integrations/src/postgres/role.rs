//! Temporary roles: their names, comments and passwords.
//!
//! The name is derived from the Run, so that a repeated grant finds what an earlier attempt has made. The comment says who the role is
//! for. The password is derived from the Run and a key that only the program has, so that it need not be stored anywhere: not in the
//! Run, not in the audit log, and not in a statement, which contains a verifier from which the password cannot be computed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use postgres_protocol::password::scram_sha_256;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use sym_sdk::error::{ErrorKind, Result, codes};
use sym_sdk::model::RunId;

use super::errors::POSTGRES;

/// The prefix of the names of temporary roles.
pub(super) const PREFIX: &str = "sym_";

/// The purpose of the keyed hash, so that the same key gives other values elsewhere.
const PURPOSE: &[u8] = b"sym-sdk: password of a temporary PostgreSQL login, version 1";

/// The minimum length of the key in bytes. Whoever gets a password could otherwise find the key by trying.
const MIN_KEY_BYTES: usize = 32;

/// Returns the name of a Run's temporary role: ASCII, and 36 of at most 63 bytes long, since the server cuts longer names silently.
pub(super) fn name(run: RunId) -> String {
    let id: String = run.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{PREFIX}{}", id.to_ascii_lowercase())
}

/// The comment on a temporary role.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Comment {
    /// The Run.
    pub(super) sym_run: String,
    /// The identity that has the access.
    pub(super) identity: String,
    /// The role that it is a member of.
    pub(super) role: String,
    /// The user's name, for whoever reads the comment.
    pub(super) user: String,
}

impl Comment {
    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// The key that passwords are derived from.
#[derive(Clone)]
pub(super) struct LoginKey(SecretString);

impl LoginKey {
    /// # Errors
    /// `SymSDK:CONFIGURATION` if the key is too short.
    pub(super) fn new(key: SecretString) -> Result<Self> {
        if key.expose_secret().len() < MIN_KEY_BYTES {
            let message = format!("the secret of `login_key_secret` is shorter than {MIN_KEY_BYTES} characters");
            return Err(POSTGRES
                .error(ErrorKind::Configuration, codes::CONFIGURATION, message)
                .with_hint("create it with `openssl rand -base64 48`"));
        }
        Ok(Self(key))
    }

    /// Returns the password of a Run's temporary role: 256 bits, in letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// None that a caller can cause: a key of any length is accepted.
    pub(super) fn password(&self, server: &str, run: RunId) -> Result<SecretString> {
        let mut hash = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()).map_err(|_| {
            POSTGRES.error(
                ErrorKind::Internal,
                codes::CONFIGURATION,
                "a password could not be derived from the login key",
            )
        })?;
        for part in [PURPOSE, server.as_bytes(), run.to_string().as_bytes()] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Ok(URL_SAFE_NO_PAD.encode(hash.finalize().into_bytes()).into())
    }

    /// Returns the SCRAM verifier of a Run's password, for `PASSWORD` in a statement.
    pub(super) fn verifier(&self, server: &str, run: RunId) -> Result<String> {
        Ok(scram_sha_256(self.password(server, run)?.expose_secret().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "0190a0a0-0000-7000-8000-000000000001";

    /// PG07: the server cuts names at 63 bytes without an error.
    #[test]
    fn names_are_ascii_and_short_and_keep_all_of_the_run() {
        assert_eq!(name(RUN.parse().unwrap()), "sym_0190a0a0000070008000000000000001");
    }

    #[test]
    fn passwords_differ_by_run_server_and_key() {
        let key = |text: &str| LoginKey::new(text.repeat(16).into()).unwrap();
        let other: RunId = "0190a0a0-0000-7000-8000-000000000002".parse().unwrap();
        let run = RUN.parse().unwrap();
        let password = |key: LoginKey, server, run| key.password(server, run).unwrap().expose_secret().to_owned();
        let first = password(key("ab"), "db", run);
        assert_eq!(first.len(), 43);
        assert_eq!(first, password(key("ab"), "db", run));
        for another in
            [password(key("ac"), "db", run), password(key("ab"), "dc", run), password(key("ab"), "db", other)]
        {
            assert_ne!(first, another);
        }
        assert!(LoginKey::new("short".into()).is_err());
    }
}
