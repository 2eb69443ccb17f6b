//! Verification of Slack's request signatures.
//!
//! A signature covers the raw body and a timestamp, so a request is verified before anything parses it, and an old request
//! cannot be replayed after `MAX_CLOCK_SKEW`. Within that window, repeated requests are left to the caller: the front end
//! deduplicates them by input key.

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use sha2::Sha256;
use sym_sdk::error::{Error, ErrorKind, Result, codes as sdk_codes};

use super::codes;
use crate::http::SecretString;

/// The header with the time at which Slack sent a request, in Unix seconds.
pub const TIMESTAMP_HEADER: &str = "x-slack-request-timestamp";

/// The header with the signature of a request.
pub const SIGNATURE_HEADER: &str = "x-slack-signature";

/// The largest accepted difference between the time of a request and the local clock, in either direction.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(300);

/// The version prefix of a signature. There is one version.
const VERSION_PREFIX: &str = "v0=";

/// The secret with which Slack [signs its requests](https://docs.slack.dev/authentication/verifying-requests-from-slack) to an app.
///
/// ```
/// use sym_integrations::slack::signature::SigningSecret;
///
/// let secret = SigningSecret::new("8f742231b10e8888abcd99yyyzzz85a5".into())?;
/// let now = "2018-07-13T01:30:20Z".parse()?;
/// let signature = "v0=7b5c4c6e04f8cbfd4b0a3a4c0ee0f3d4a3a4cbf0f3f8b7ae5ed6e25a4e1b8a10";
/// let error = secret.verify(Some("1531445418"), Some(signature), b"payload={}", now).unwrap_err();
/// assert_eq!(error.code().to_string(), "Slack:WRONG_SIGNATURE");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SigningSecret(SecretString);

impl SigningSecret {
    /// Creates a signing secret from the value shown among the app's credentials. Blanks around it, such as the line break at the end of a
    /// file, are not part of it.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if it is empty, since anyone could sign with it, or contains what no signing secret does: a blank, or a
    /// character other than ASCII.
    pub fn new(secret: SecretString) -> Result<Self> {
        let invalid = |problem: &str| {
            let message = format!("Slack's signing secret {problem}");
            Error::new(ErrorKind::Configuration, sdk_codes::CONFIGURATION, message).with_service("slack")
        };
        let value = secret.expose_secret().trim();
        if value.is_empty() {
            return Err(invalid("is empty"));
        }
        if !value.chars().all(|c| c.is_ascii_graphic()) {
            let error = invalid("contains a blank or a character that is not ASCII");
            return Err(error.with_hint("copy it again from the app's settings, under Basic Information"));
        }
        Ok(Self(SecretString::from(value)))
    }

    /// Verifies that Slack signed a request within five minutes of `now`. `body` is the unmodified body of the request; the
    /// headers are [`TIMESTAMP_HEADER`] and [`SIGNATURE_HEADER`].
    ///
    /// A request that is replayed within these five minutes passes again.
    ///
    /// # Errors
    /// All of kind [`ErrorKind::Unauthorized`]: `Slack:NOT_SIGNED` if a header is missing, `Slack:INVALID_TIMESTAMP` and
    /// `Slack:INVALID_SIGNATURE` if one is malformed, `Slack:STALE_REQUEST` if the time differs by more than five minutes, and
    /// `Slack:WRONG_SIGNATURE`.
    pub fn verify(&self, timestamp: Option<&str>, signature: Option<&str>, body: &[u8], now: Timestamp) -> Result<()> {
        let (Some(timestamp), Some(signature)) = (timestamp, signature) else {
            return Err(rejected(codes::NOT_SIGNED, "the request is not signed"));
        };
        let sent = parse_timestamp(timestamp)
            .ok_or_else(|| rejected(codes::INVALID_TIMESTAMP, "the timestamp of the request is malformed"))?;
        if sent.duration_since(now).unsigned_abs() > MAX_CLOCK_SKEW {
            return Err(rejected(codes::STALE_REQUEST, "the timestamp of the request is more than five minutes off")
                .with_hint("check the clock of this machine"));
        }
        let tag = signature.strip_prefix(VERSION_PREFIX).and_then(decode_tag);
        let tag = tag.ok_or_else(|| rejected(codes::INVALID_SIGNATURE, "the signature of the request is malformed"))?;
        // `verify_slice` compares in constant time.
        self.mac(timestamp, body)?.verify_slice(&tag).map_err(|_| {
            rejected(codes::WRONG_SIGNATURE, "the signature of the request is wrong")
                .with_hint("check that the signing secret belongs to this app")
        })
    }

    /// Signs a request as Slack does.
    #[cfg(feature = "slack-fake")]
    pub(super) fn sign(&self, timestamp: &str, body: &[u8]) -> Result<String> {
        let tag = self.mac(timestamp, body)?.finalize().into_bytes();
        Ok(tag.iter().fold(VERSION_PREFIX.to_owned(), |signature, byte| format!("{signature}{byte:02x}")))
    }

    fn mac(&self, timestamp: &str, body: &[u8]) -> Result<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()).map_err(|_| {
            Error::new(ErrorKind::Configuration, sdk_codes::CONFIGURATION, "Slack's signing secret is not a valid key")
        })?;
        for part in [b"v0:", timestamp.as_bytes(), b":", body] {
            mac.update(part);
        }
        Ok(mac)
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret([redacted])")
    }
}

/// Parses a timestamp. Only digits are accepted, because the text itself is signed.
fn parse_timestamp(text: &str) -> Option<Timestamp> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Timestamp::from_second(text.parse().ok()?).ok()
}

/// Decodes a signature: 64 lower-case hexadecimal digits.
fn decode_tag(hex: &str) -> Option<[u8; 32]> {
    let mut tag = [0; 32];
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if pairs.len() != tag.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in tag.iter_mut().zip(pairs) {
        *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
    }
    Some(tag)
}

fn hex_digit(hex: u8) -> Option<u8> {
    match hex {
        b'0'..=b'9' => Some(hex - b'0'),
        b'a'..=b'f' => Some(hex - b'a' + 10),
        _ => None,
    }
}

fn rejected(code: sym_sdk::error::ErrorCode, message: &str) -> Error {
    Error::new(ErrorKind::Unauthorized, code, message).with_service("slack")
}
