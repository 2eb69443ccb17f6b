//! Signatures as [Standard Webhooks](https://www.standardwebhooks.com) defines them, by which a receiver knows who sent a request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use sym_sdk::error::Result;

use super::poster::configuration;

/// The prefix of a secret, as receivers' libraries show it.
const PREFIX: &str = "whsec_";

/// The lengths that a secret may have, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// A key that signs requests.
pub(super) struct SigningKey(Zeroizing<Vec<u8>>);

impl SigningKey {
    /// Reads a secret: `whsec_` and 24 to 64 bytes in Base64.
    ///
    /// # Errors
    /// If it is anything else. The error does not contain it.
    pub(super) fn parse(secret: &SecretString) -> Result<Self> {
        let text = secret.expose_secret();
        let key = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).ok().map(Zeroizing::new);
        match key {
            Some(key) if LENGTHS.contains(&key.len()) => Ok(Self(key)),
            other => {
                let got =
                    other.map_or_else(|| "text that is not Base64".to_owned(), |key| format!("{} bytes", key.len()));
                let message = format!("the signing secret must be `{PREFIX}` and 24 to 64 bytes in Base64, got {got}");
                Err(configuration(message).with_hint("create one with `echo whsec_$(openssl rand -base64 32)`"))
            }
        }
    }

    /// Returns the signature of a body, with its id and the time.
    fn sign(&self, id: &str, seconds: i64, body: &str) -> Option<String> {
        // A key of any length is valid.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body.as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// Returns the headers that sign a body: its id, the time in seconds since 1970, and the signatures of both with the body, one by each key.
/// A receiver accepts the request if any of them is by the key that it has.
pub(super) fn signature_headers(
    keys: &[SigningKey],
    id: &str,
    at: Timestamp,
    body: &str,
) -> Vec<(HeaderName, HeaderValue)> {
    let seconds = at.as_second();
    let signatures: Vec<_> = keys.iter().filter_map(|key| key.sign(id, seconds, body)).collect();
    if signatures.is_empty() {
        return Vec::new();
    }
    let headers = [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ];
    let valid = headers
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?)));
    valid.collect()
}
