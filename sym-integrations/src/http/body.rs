//! Request bodies.

use bytes::Bytes;
use serde_json::Value;

use super::url_encoding::encode_pairs;

/// The body of a request.
#[derive(Clone)]
pub(super) enum Body {
    Empty,
    Form(Vec<(String, String)>),
    Json(Value),
    Bytes { content_type: &'static str, bytes: Bytes },
}

impl Body {
    pub(super) fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::Empty => None,
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
            Self::Json(_) => Some("application/json; charset=utf-8"),
            Self::Bytes { content_type, .. } => Some(content_type),
        }
    }

    pub(super) fn encode(&self) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::Form(pairs) => encode_pairs(pairs).into(),
            Self::Json(value) => value.to_string().into(),
            Self::Bytes { bytes, .. } => bytes.clone(),
        }
    }
}

/// Sets a pair, replacing all pairs of the same name.
pub(super) fn set_pair(pairs: &mut Vec<(String, String)>, name: &str, value: String) {
    pairs.retain(|(other, _)| other != name);
    pairs.push((name.to_owned(), value));
}
