//! The key that encrypts secrets in outputs.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::error::{Error, ErrorKind, Result, codes};

/// The minimum length of a key in bytes.
const MIN_KEY_BYTES: usize = 32;

const NONCE_BYTES: usize = 24;

/// The purpose of the derived key: the same secret may authenticate the audit log, too.
const PURPOSE: &[u8] = b"sym-sdk step outputs 1";

/// A key that encrypts the [secrets](crate::model::SecretOutput) in outputs of steps, with XChaCha20-Poly1305.
///
/// It protects copies of the store, such as backups. So it must not be where they are.
#[derive(Clone)]
pub struct OutputKey(XChaCha20Poly1305);

impl OutputKey {
    /// Creates a key from a secret of at least 32 bytes, such as the output of `openssl rand -hex 32`.
    ///
    /// # Errors
    /// If the secret is too short.
    pub fn new(secret: &SecretString) -> Result<Self> {
        let length = secret.expose_secret().len();
        if length < MIN_KEY_BYTES {
            let message = format!("the key of step outputs has {length} bytes, expected at least {MIN_KEY_BYTES}");
            let error = Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message);
            return Err(error.with_hint("create one with `openssl rand -hex 32`"));
        }
        let derived = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
        let derived = derived.map_err(|error| unusable(&error))?.chain_update(PURPOSE).finalize();
        XChaCha20Poly1305::new_from_slice(&derived.into_bytes()).map(Self).map_err(|error| unusable(&error))
    }

    /// Encrypts a text. It can only be decrypted with the same `place`. `None` if that is not possible.
    pub(super) fn seal(&self, text: &SecretString, place: &str) -> Option<String> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).ok()?;
        let payload = Payload { msg: text.expose_secret().as_bytes(), aad: place.as_bytes() };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some(nonce.iter().chain(&sealed).map(|byte| format!("{byte:02x}")).collect())
    }

    /// Decrypts a text. `None` if it was encrypted with another key or for another place, or is damaged.
    pub(super) fn open(&self, sealed: &str, place: &str) -> Option<SecretString> {
        let bytes = from_hex(sealed)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        let text = self.0.decrypt(&XNonce::from(*nonce), payload).ok()?;
        String::from_utf8(text).ok().map(SecretString::from)
    }
}

fn unusable(error: &dyn fmt::Display) -> Error {
    let message = format!("the key of step outputs cannot be used: {error}");
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

impl fmt::Debug for OutputKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OutputKey(..)")
    }
}
