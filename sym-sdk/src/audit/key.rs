//! The key of anchors.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::AuditHash;
use crate::error::{Error, ErrorKind, Result, codes};

/// The minimum length of a key in bytes: that of the hash, below which HMAC is weaker than the hash.
const MIN_KEY_BYTES: usize = 32;

/// A key that authenticates the heads of the audit log with HMAC-SHA256.
///
/// Whoever can write to the store can recompute the hash chain after a change. They cannot recompute the
/// [anchors](super::AuditAnchor), unless they have the key: so it must not be where the store is.
#[derive(Clone)]
pub struct AuditKey(Hmac<Sha256>);

impl AuditKey {
    /// Creates a key from a secret of at least 32 bytes, such as the output of `openssl rand -hex 32`.
    ///
    /// # Errors
    /// If the secret is too short.
    pub fn new(secret: &SecretString) -> Result<Self> {
        let length = secret.expose_secret().len();
        if length < MIN_KEY_BYTES {
            let message = format!("the key of the audit log has {length} bytes, expected at least {MIN_KEY_BYTES}");
            let error = Error::new(ErrorKind::Configuration, codes::AUDIT_LOG, message);
            return Err(error.with_hint("create one with `openssl rand -hex 32`"));
        }
        let keyed = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
        keyed.map(Self).map_err(|error| Error::new(ErrorKind::Configuration, codes::AUDIT_LOG, error.to_string()))
    }

    /// Returns the HMAC of a text.
    pub(super) fn sign(&self, text: &str) -> AuditHash {
        AuditHash::from_bytes(self.mac(text).finalize().into_bytes().into())
    }

    /// Returns whether this is the HMAC of a text, in constant time.
    pub(super) fn is_valid(&self, text: &str, mac: &AuditHash) -> bool {
        self.mac(text).verify_slice(mac.as_bytes()).is_ok()
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        self.0.clone().chain_update(text)
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey(..)")
    }
}
