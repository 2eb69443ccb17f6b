//! Proof that a request comes from Slack.

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use sha2::Sha256;
use sym_sdk::error::{Error, ErrorKind, Result, codes as sdk_codes};

use super::codes;
use crate::http::SecretString;

/// The header that says when Slack sent a request, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "x-slack-request-timestamp";

/// The header with Slack's signature of a request.
pub const SIGNATURE_HEADER: &str = "x-slack-signature";

/// How far the time of a request may be from ours, either way. What is older may be an old request that somebody sends again.
const WINDOW: Duration = Duration::from_secs(300);

/// Of the only version that there is.
const PREFIX: &str = "v0=";

/// The secret by which Slack [signs its requests](https://docs.slack.dev/authentication/verifying-requests-from-slack) to an app.
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
    /// The secret, as it stands among the app's credentials.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if it is empty: then anybody could sign.
    pub fn new(secret: SecretString) -> Result<Self> {
        if secret.expose_secret().trim().is_empty() {
            let error =
                Error::new(ErrorKind::Configuration, sdk_codes::CONFIGURATION, "Slack's signing secret is empty");
            return Err(error.with_service("slack"));
        }
        Ok(Self(secret))
    }

    /// Verifies that Slack signed a request, at most five minutes from `now`. The body is that of the request, byte by byte, before
    /// anything has read it; the headers are [`TIMESTAMP_HEADER`] and [`SIGNATURE_HEADER`].
    ///
    /// That nobody sends the same request again within these minutes is not ensured.
    ///
    /// # Errors
    /// Of kind [`ErrorKind::Unauthorized`]: `Slack:NOT_SIGNED` without both headers, `Slack:INVALID_TIMESTAMP`,
    /// `Slack:STALE_REQUEST` outside of the five minutes, `Slack:INVALID_SIGNATURE` for one that no version writes, and
    /// `Slack:WRONG_SIGNATURE`.
    pub fn verify(&self, timestamp: Option<&str>, signature: Option<&str>, body: &[u8], now: Timestamp) -> Result<()> {
        let (Some(timestamp), Some(signature)) = (timestamp, signature) else {
            return Err(refused(codes::NOT_SIGNED, "the request is not signed"));
        };
        let sent = sent_at(timestamp)
            .ok_or_else(|| refused(codes::INVALID_TIMESTAMP, "the time of the request is not one"))?;
        if sent.duration_since(now).unsigned_abs() > WINDOW {
            return Err(refused(codes::STALE_REQUEST, "the request is not of the last five minutes")
                .with_hint("if Slack sent it just now, look at this machine's clock"));
        }
        let tag = signature.strip_prefix(PREFIX).and_then(tag);
        let tag = tag.ok_or_else(|| {
            refused(codes::INVALID_SIGNATURE, "the signature of the request is not of the known form")
        })?;
        // In constant time.
        self.mac(timestamp, body)?.verify_slice(&tag).map_err(|_| {
            refused(codes::WRONG_SIGNATURE, "the signature of the request is wrong")
                .with_hint("look whether the signing secret is that of this app")
        })
    }

    /// The signature of a request, as Slack makes it.
    #[cfg(feature = "slack-fake")]
    pub(super) fn sign(&self, timestamp: &str, body: &[u8]) -> Result<String> {
        let tag = self.mac(timestamp, body)?.finalize().into_bytes();
        Ok(tag.iter().fold(PREFIX.to_owned(), |signature, byte| format!("{signature}{byte:02x}")))
    }

    fn mac(&self, timestamp: &str, body: &[u8]) -> Result<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()).map_err(|_| {
            Error::new(ErrorKind::Configuration, sdk_codes::CONFIGURATION, "Slack's signing secret is no key")
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

/// The time, if it is written as Slack writes it: digits alone, for the text itself is signed.
fn sent_at(text: &str) -> Option<Timestamp> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Timestamp::from_second(text.parse().ok()?).ok()
}

/// The bytes of a signature: 64 hexadecimal digits in lower case.
fn tag(hex: &str) -> Option<[u8; 32]> {
    let mut tag = [0; 32];
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if pairs.len() != tag.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in tag.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(tag)
}

fn digit(hex: u8) -> Option<u8> {
    match hex {
        b'0'..=b'9' => Some(hex - b'0'),
        b'a'..=b'f' => Some(hex - b'a' + 10),
        _ => None,
    }
}

fn refused(code: sym_sdk::error::ErrorCode, message: &str) -> Error {
    Error::new(ErrorKind::Unauthorized, code, message).with_service("slack")
}
