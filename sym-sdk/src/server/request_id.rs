//! Request ids: ours, by which the log finds a request, and the client's own, which is kept beside it.

use std::sync::Arc;

#[cfg(any(feature = "api", feature = "mcp"))]
use axum::http::Extensions;
use axum::http::HeaderMap;
use uuid::Uuid;

/// The header with our id, in responses.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// The header with the client's id, a UUID, in requests and in their responses.
pub(super) const CLIENT_REQUEST_ID: &str = "x-sym-request-id";

/// The id of a request, of our own choice: a client could reuse one.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(Arc<str>);

impl RequestId {
    pub(crate) fn random() -> Self {
        // A failing random number generator must not fail the request.
        Self(format!("{:016x}", getrandom::u64().unwrap_or_default()).into())
    }

    /// Returns the id that the server has given a request; a new one if the routes are mounted elsewhere.
    #[cfg(any(feature = "api", feature = "mcp"))]
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(Self::random)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Gives a request an id, for routes that are not mounted on a server.
#[cfg(all(feature = "api", feature = "cli", feature = "remote", feature = "sqlite"))]
pub(crate) async fn with_request_id(
    mut request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    request.extensions_mut().insert(RequestId::random());
    next.run(request).await
}

/// Returns the client's own id. Anything but a UUID is ignored: the log would repeat it.
pub(super) fn client_request_id(headers: &HeaderMap) -> Option<Uuid> {
    headers.get(CLIENT_REQUEST_ID)?.to_str().ok()?.parse().ok()
}
