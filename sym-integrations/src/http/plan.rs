use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use sym_sdk::error::{ErrorKind, Result};
use url::Url;

use super::body::{Body, set_pair};
use super::client::Inner;
use super::encode::{BadPath, encode_pairs, fill};
use super::failure::names;
use super::origin::Origin;
use super::page::Next;
use super::redact::Redactor;
use super::{BaseUrl, Client, Failure, Response, Retry};

/// Says more exactly what a failure means.
pub(super) type Refine = Arc<dyn Fn(&Response, Failure) -> Failure + Send + Sync>;

/// What is to be sent, and what to make of the answer.
pub(super) struct Plan {
    pub(super) method: Method,
    pub(super) route: &'static str,
    pub(super) headers: HeaderMap,
    pub(super) redactor: Redactor,
    pub(super) confidential: bool,
    pub(super) idempotent: bool,
    pub(super) class: &'static str,
    pub(super) key: Option<String>,
    pub(super) accepted: Vec<u16>,
    pub(super) refine: Vec<Refine>,
    pub(super) limit: Duration,
    pub(super) silence: Duration,
    pub(super) listing_limit: Duration,
    pub(super) most_bytes: usize,
    pub(super) most_pages: usize,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Body,
    url: Url,
}

impl Plan {
    pub(super) fn new(client: &Client, method: Method, route: &'static str, values: &[&str]) -> Result<Self> {
        let inner = client.inner();
        let path = fill(route, values).map_err(|bad| match bad {
            BadPath::Value { name, value } => {
                let message = format!("{method} {route}: `{value}` cannot be a `{name}`");
                client.error(ErrorKind::InvalidInput, names::INVALID_REQUEST, message)
            }
            BadPath::Count { places, values } => {
                let message = format!("{method} {route}: expected {places} values for the path, got {values}");
                client.error(ErrorKind::Internal, names::INVALID_REQUEST, message)
            }
        })?;
        Ok(Self {
            url: inner.base.join(&path)?,
            idempotent: method.is_idempotent(),
            method,
            route,
            headers: inner.headers.clone(),
            redactor: inner.redactor.clone(),
            confidential: false,
            class: "",
            key: None,
            accepted: Vec::new(),
            refine: Vec::new(),
            limit: inner.limits.call,
            silence: inner.limits.silence,
            listing_limit: inner.limits.listing,
            most_bytes: inner.limits.body,
            most_pages: inner.limits.pages,
            query: Vec::new(),
            body: Body::Empty,
        })
    }

    /// The URL with its query.
    pub(super) fn url(&self) -> Url {
        let mut url = self.url.clone();
        if !self.query.is_empty() {
            url.set_query(Some(&encode_pairs(&self.query)));
        }
        url
    }

    /// The headers and the body.
    pub(super) fn content(&self) -> (HeaderMap, Bytes) {
        let mut headers = self.headers.clone();
        if let Some(kind) = self.body.content_type()
            && !headers.contains_key(CONTENT_TYPE)
        {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if matches!(self.body, Body::Empty) && matches!(self.method, Method::POST | Method::PUT | Method::PATCH) {
            // Some services refuse a request that may have a body and does not say that it has none.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        (headers, self.body.encode())
    }

    /// What an error says about the call.
    pub(super) fn origin(&self, client: &Inner) -> Origin {
        Origin {
            service: client.service.name(),
            error_type: client.service.error_type(),
            request_id_headers: client.service.request_id_headers(),
            method: self.method.clone(),
            route: self.route,
            redactor: self.redactor.clone(),
            confidential: self.confidential,
        }
    }

    /// Makes this the plan for the next page. The place of what follows is there to tell pages apart.
    pub(super) fn turn(&mut self, next: Next, base: &BaseUrl) -> Result<String, &'static str> {
        match next {
            Next::End => Err("there is no next page"),
            Next::Link(link) => {
                let url = self.url().join(&link).map_err(|_| "the link to the next page cannot be read")?;
                if !base.is_origin_of(&url) {
                    return Err("the link to the next page leads to another host");
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

    pub(super) fn may_repeat(&self, retry: Retry) -> bool {
        match retry {
            Retry::Never => false,
            Retry::IfIdempotent => self.idempotent,
            Retry::Always => true,
        }
    }
}
