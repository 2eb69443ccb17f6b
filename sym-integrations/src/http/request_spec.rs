//! The specification of a call: the request to send, and how to treat its response.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use sym_sdk::error::{Error, ErrorKind, Result};
use url::Url;

use super::body::{Body, set_pair};
use super::call_info::CallInfo;
use super::client::Inner;
use super::failure::error_names;
use super::paginator::Next;
use super::redact::Redactor;
use super::url_encoding::{PathError, encode_pairs, fill};
use super::{BaseUrl, Client, Failure, Response, Retry};

/// Makes a failure of one call more specific.
pub(super) type Refine = Arc<dyn Fn(&Response, Failure) -> Failure + Send + Sync>;

/// A call before it is sent.
pub(super) struct RequestSpec {
    pub(super) method: Method,
    pub(super) route: &'static str,
    pub(super) headers: HeaderMap,
    pub(super) redactor: Redactor,
    pub(super) confidential: bool,
    /// Whether the call changes nothing.
    pub(super) reads: bool,
    pub(super) idempotent: bool,
    pub(super) rate_group: &'static str,
    pub(super) key: Option<String>,
    pub(super) accepted: Vec<u16>,
    pub(super) refine: Vec<Refine>,
    pub(super) timeout: Duration,
    pub(super) read_timeout: Duration,
    pub(super) list_timeout: Duration,
    pub(super) max_bytes: usize,
    pub(super) max_pages: usize,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Body,
    url: Url,
}

impl RequestSpec {
    pub(super) fn new(client: &Client, method: Method, route: &'static str, values: &[&str]) -> Result<Self> {
        let inner = client.inner();
        let path = fill(route, values).map_err(|error| match error {
            PathError::InvalidValue { name, value } => {
                let message = format!("{method} {route}: `{value}` is not a valid `{name}`");
                client.error(ErrorKind::InvalidInput, error_names::INVALID_REQUEST, message)
            }
            PathError::Count { placeholders, values } => {
                let message = format!("{method} {route}: expected {placeholders} values for the path, got {values}");
                client.error(ErrorKind::Internal, error_names::INVALID_REQUEST, message)
            }
        })?;
        Ok(Self {
            url: inner.base.join(&path)?,
            idempotent: method.is_idempotent(),
            reads: matches!(method, Method::GET | Method::HEAD),
            method,
            route,
            headers: inner.headers.clone(),
            redactor: inner.redactor.clone(),
            confidential: false,
            rate_group: client.rate_group(),
            key: None,
            accepted: Vec::new(),
            refine: Vec::new(),
            timeout: client.timeout().unwrap_or(inner.limits.call),
            read_timeout: inner.limits.read,
            list_timeout: inner.limits.list,
            max_bytes: inner.limits.body,
            max_pages: inner.limits.pages,
            query: Vec::new(),
            body: Body::Empty,
        })
    }

    /// Returns the URL with the query.
    pub(super) fn url(&self) -> Url {
        let mut url = self.url.clone();
        if !self.query.is_empty() {
            url.set_query(Some(&encode_pairs(&self.query)));
        }
        url
    }

    /// Returns the headers and the encoded body.
    pub(super) fn content(&self) -> (HeaderMap, Bytes) {
        let mut headers = self.headers.clone();
        if let Some(kind) = self.body.content_type()
            && !headers.contains_key(CONTENT_TYPE)
        {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if matches!(self.body, Body::Empty) && matches!(self.method, Method::POST | Method::PUT | Method::PATCH) {
            // Some services reject a request without a body unless it declares a length of zero.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        (headers, self.body.encode())
    }

    /// Returns the description of the call for errors.
    pub(super) fn call_info(&self, client: &Inner) -> CallInfo {
        CallInfo {
            service: client.service.name(),
            error_type: client.service.error_type(),
            request_id_headers: client.service.request_id_headers(),
            method: self.method.clone(),
            route: self.route,
            redactor: self.redactor.clone(),
            confidential: self.confidential,
        }
    }

    /// Turns this into the request for the next page. Returns a string that identifies that page, by which loops are detected.
    pub(super) fn advance_page(&mut self, next: Next, base: &BaseUrl) -> Result<String, &'static str> {
        match next {
            Next::End => Err("there is no next page"),
            Next::Link(link) => {
                let url = self.url().join(&link).map_err(|_| "the link to the next page is not a valid URL")?;
                if !base.is_origin_of(&url) {
                    return Err("the link to the next page points to another host");
                }
                self.query.clear();
                self.url = url;
                Ok(self.url.to_string())
            }
            Next::Param { name, value } => {
                match &mut self.body {
                    Body::Form(pairs) => set_pair(pairs, name, value.clone()),
                    Body::Json(Value::Object(body)) => {
                        body.insert(name.to_owned(), value.clone().into());
                    }
                    _ => set_pair(&mut self.query, name, value.clone()),
                }
                Ok(value)
            }
        }
    }

    /// Whether another attempt of this call is safe.
    pub(super) fn may_retry(&self, retry: Retry) -> bool {
        match retry {
            Retry::Never => false,
            Retry::IfIdempotent => self.idempotent,
            Retry::Always => true,
        }
    }

    /// Adds a hint to an error after which it is unknown whether a call that must not be repeated was carried out.
    pub(super) fn with_repetition_hint(&self, error: Error) -> Error {
        if self.idempotent {
            return error;
        }
        error.with_hint("the service may have carried out the request: check there before sending it again")
    }
}
