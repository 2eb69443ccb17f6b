//! Repeated calls: the header `Idempotency-Key`.
//!
//! A key belongs to its caller and its route, so nobody can take the receipt of somebody else. It is kept with the Run that the call was
//! about, and as long. Of a call that changed nothing, nothing is kept: a mended body may use its key again.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;
use utoipa::IntoParams;

use super::NAME;
use crate::engine::InputKey;
use crate::error::{Error, codes};
use crate::server::caller::Caller;
use crate::server::problem::Problem;

const HEADER: &str = "idempotency-key";

/// The maximum length of a key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// The header of the key, as the document describes it.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only the document reads it")]
pub(super) struct IdempotencyHeader {
    /// Repeated with the same key, the call has no effect and the same answer.
    #[param(rename = "Idempotency-Key")]
    idempotency_key: Option<String>,
}

/// The key of a call, if it has one.
pub(super) struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// Returns the key of the input that a call with this content becomes. A key that is used again for other content is refused.
    pub(super) fn input_key(&self, caller: &Caller, route: &str, content: &impl Serialize) -> Option<InputKey> {
        let key = self.0.as_ref()?;
        // The members of a value are sorted, so it does not matter how a client orders them.
        let content = serde_json::to_value(content).unwrap_or_default().to_string();
        Some(InputKey::new(format!("{NAME}:{}:{route}:{key}", caller.key())).with_content(content))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let invalid = |what: &str| {
            let message = format!("the header `Idempotency-Key` {what}");
            let error = Error::invalid(codes::INVALID_PARAMETER, message);
            Err(error
                .with_hint(format!("send one of at most {MAX_KEY_BYTES} visible ASCII characters, such as a UUID"))
                .into())
        };
        if values.next().is_some() {
            return invalid("is there twice");
        }
        let bytes = value.as_bytes();
        if bytes.is_empty() || bytes.len() > MAX_KEY_BYTES {
            return invalid(&format!("has {} bytes", bytes.len()));
        }
        match std::str::from_utf8(bytes) {
            Ok(key) if key.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Self(Some(key.to_owned()))),
            _ => invalid("has characters other than visible ASCII"),
        }
    }
}
