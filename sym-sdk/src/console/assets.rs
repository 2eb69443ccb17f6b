//! The stylesheet and the script. Their addresses change with their content, so that browsers keep them.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::state::ConsoleState;

/// A file that pages load.
pub(super) struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
}

pub(super) static STYLES: Asset =
    Asset { name: "console.css", kind: "text/css; charset=utf-8", content: include_str!("assets/console.css") };

pub(super) static SCRIPT: Asset =
    Asset { name: "console.js", kind: "text/javascript; charset=utf-8", content: include_str!("assets/console.js") };

pub(super) static ICON: Asset =
    Asset { name: "icon.svg", kind: "image/svg+xml", content: include_str!("assets/icon.svg") };

impl Asset {
    /// Returns the address, with a checksum of the content.
    pub(super) fn address(&self) -> String {
        format!("/console/assets/{}?v={:08x}", self.name, checksum(self.content))
    }

    fn answer(&'static self) -> Response {
        let mut response = self.content.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
        response
    }
}

/// A checksum that tells one version of a file from the next (FNV-1a).
const fn checksum(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let (mut sum, mut at) = (0x811c_9dc5_u32, 0);
    while at < bytes.len() {
        sum = (sum ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    sum
}

pub(super) fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/assets/console.css", get(async || STYLES.answer()))
        .route("/assets/console.js", get(async || SCRIPT.answer()))
        .route("/assets/icon.svg", get(async || ICON.answer()))
}
