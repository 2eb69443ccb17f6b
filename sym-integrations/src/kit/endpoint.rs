//! Endpoints of a vendor beside its main one.

use crate::http::{Auth, BaseUrl};

/// A second host of a vendor, or the same host with another credential.
///
/// Its calls share the connection of the client, and have no client-side rate limits. A credential is only sent to the endpoint that it
/// belongs to. See [`VendorClient::endpoints`](super::VendorClient::endpoints).
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub(super) name: &'static str,
    pub(super) base_url: BaseUrl,
    pub(super) auth: Auth,
}

impl Endpoint {
    /// Creates an endpoint, by a name that errors call it.
    pub fn new(name: &'static str, base_url: BaseUrl, auth: Auth) -> Self {
        Self { name, base_url, auth }
    }
}
