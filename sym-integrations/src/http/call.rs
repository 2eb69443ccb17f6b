//! A single call of a service, as a builder that is awaited.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};

use super::auth::{header_name, secret_value};
use super::body::Body;
use super::failure::error_names;
use super::paginator::{Next, Page, Paginator};
use super::request_spec::RequestSpec;
use super::{Client, Failure, Response, retry};

/// A call of a service. It is sent when it is awaited.
///
/// ```no_run
/// # async fn show(client: sym_integrations::http::Client, group: &str) -> sym_sdk::error::Result<()> {
/// use std::time::Duration;
/// use sym_sdk::error::codes::OKTA_GROUP_NOT_FOUND;
///
/// let group: serde_json::Value = client
///     .get("groups/{group}", &[group])
///     .query("expand", "stats")
///     .not_found(OKTA_GROUP_NOT_FOUND, format!("group `{group}` does not exist"))
///     .timeout(Duration::from_secs(5))
///     .await?
///     .json()?;
/// # let _ = group;
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Call {
    client: Client,
    spec: Result<RequestSpec>,
}

impl Call {
    pub(super) fn new(client: &Client, method: Method, route: &'static str, values: &[&str]) -> Self {
        Self { spec: RequestSpec::new(client, method, route, values), client: client.clone() }
    }

    /// Appends a pair to the query. Pairs of the same name are kept.
    pub fn query(self, name: &str, value: impl ToString) -> Self {
        self.set(|spec| spec.query.push((name.to_owned(), value.to_string())))
    }

    /// Appends a pair to the query if there is a value.
    pub fn query_opt(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Appends one pair per value, such as `user_ids[]`, to the query.
    pub fn query_all<V: ToString>(self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        self.set(|spec| spec.query.extend(values.into_iter().map(|value| (name.to_owned(), value.to_string()))))
    }

    /// Sets a header.
    pub fn header(self, name: &'static str, value: &str) -> Self {
        self.try_set(|spec| {
            let value = HeaderValue::from_str(value).map_err(|_| {
                let message = format!("the value of header `{name}` must be a single line");
                Error::new(ErrorKind::InvalidInput, ErrorCode::new("HTTP", error_names::INVALID_REQUEST), message)
            })?;
            spec.headers.insert(header_name(name)?, value);
            Ok(())
        })
    }

    /// Sets a header whose value is a secret. Errors and logs of the call never show it.
    pub fn secret_header(self, name: &'static str, secret: &SecretString) -> Self {
        self.try_set(|spec| {
            spec.redactor.hide(secret);
            spec.headers.insert(header_name(name)?, secret_value("", secret)?);
            Ok(())
        })
    }

    /// Sets a JSON body.
    pub fn json(self, body: &impl Serialize) -> Self {
        let body = serde_json::to_value(body);
        self.try_set(|spec| {
            spec.body = Body::Json(body?);
            Ok(())
        })
    }

    /// Appends a pair to a form body.
    pub fn form(self, name: &str, value: impl ToString) -> Self {
        self.set(|spec| {
            let pair = (name.to_owned(), value.to_string());
            match &mut spec.body {
                Body::Form(pairs) => pairs.push(pair),
                other => *other = Body::Form(vec![pair]),
            }
        })
    }

    /// Appends a pair whose value is a secret to a form body. Errors and logs of the call never show it.
    pub fn secret_form(self, name: &str, secret: &SecretString) -> Self {
        self.redact(secret).form(name, secret.expose_secret())
    }

    /// Sets a body of bytes.
    pub fn body(self, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        self.set(|spec| spec.body = Body::Bytes { content_type, bytes: bytes.into() })
    }

    /// Redacts a secret, such as one in the body, in errors that quote the response.
    pub fn redact(self, secret: &SecretString) -> Self {
        self.set(|spec| spec.redactor.hide(secret))
    }

    /// Keeps the response out of errors, for calls whose response is a secret.
    pub fn confidential(self) -> Self {
        self.set(|spec| spec.confidential = true)
    }

    /// Sets whether the call is idempotent, and may thus be retried when it is unknown whether it was carried out: a POST with an
    /// idempotency key, for example. GET, HEAD, PUT and DELETE are by default; POST and PATCH are not.
    pub fn idempotent(self, idempotent: bool) -> Self {
        self.set(|spec| spec.idempotent = idempotent)
    }

    /// Sets whether the call changes nothing, so that a [replay](sym_sdk::integration::check_unrecorded) of a request has no answer to it unless
    /// one is on record. GET and HEAD do not by default.
    pub fn reads(self, reads: bool) -> Self {
        self.set(|spec| spec.reads = reads)
    }

    /// Assigns the call to a group of the client's [rate limits](super::ClientBuilder::rate_limit). Calls of one group and
    /// [key](Self::key) also wait together when the service throttles one of them.
    pub fn rate_group(self, group: &'static str) -> Self {
        self.set(|spec| spec.rate_group = group)
    }

    /// Sets the key within the group, such as a channel or a function: for [rate limits per key](super::ClientBuilder::keyed_rate_limit),
    /// and so that a service that throttles one key does not delay the others.
    pub fn key(self, key: impl Into<String>) -> Self {
        self.set(|spec| spec.key = Some(key.into()))
    }

    /// Treats a status as success without classifying the response.
    pub fn accept(self, status: u16) -> Self {
        self.set(|spec| spec.accepted.push(status))
    }

    /// Makes failures of this call more specific. `refine` runs after [`Service::classify`](super::Service::classify).
    pub fn explain(self, refine: impl Fn(&Response, Failure) -> Failure + Send + Sync + 'static) -> Self {
        self.set(|spec| spec.refine.push(Arc::new(refine)))
    }

    /// Sets the code and the message of the error if the service responds that something was not found.
    pub fn not_found(self, code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        self.explain(move |_, failure| match failure.kind() {
            ErrorKind::NotFound => failure.with_code(code.clone()).with_message(message.clone()),
            _ => failure,
        })
    }

    /// Adds a hint to failures of some kinds.
    pub fn hint(self, kinds: &'static [ErrorKind], hint: &'static str) -> Self {
        self.explain(move |_, failure| match kinds.contains(&failure.kind()) {
            true => failure.with_hint(hint),
            false => failure,
        })
    }

    /// Sets the timeout of the call, or of all calls of a paginated list, including attempts and delays. It should not exceed the
    /// time that the caller itself has left.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.set(|spec| {
            spec.timeout = timeout;
            spec.list_timeout = timeout;
        })
    }

    /// Sets the read timeout, for services that respond only when long work is done. The [`timeout`](Self::timeout) must allow for
    /// it.
    pub fn read_timeout(self, timeout: Duration) -> Self {
        self.set(|spec| spec.read_timeout = timeout)
    }

    /// Sets the maximum size of the response in bytes, after decompression.
    pub fn max_bytes(self, bytes: usize) -> Self {
        self.set(|spec| spec.max_bytes = bytes)
    }

    /// Sets the maximum number of pages of a list. A longer list is an error; it is never truncated.
    pub fn max_pages(self, pages: usize) -> Self {
        self.set(|spec| spec.max_pages = pages)
    }

    /// Lists the items of this page and all that follow it. See [`Page`].
    pub fn pages<P: Page>(self) -> Paginator<P::Item> {
        self.pages_by(|response| {
            let page: P = response.json()?;
            let next = page.next(response)?;
            Ok((page.into_items(), next))
        })
    }

    /// Lists the items of pages that are not JSON or do not name their successor: `read` receives the pages in order.
    pub fn pages_by<T, F>(self, read: F) -> Paginator<T>
    where
        T: Send + 'static,
        F: FnMut(&Response) -> Result<(Vec<T>, Next)> + Send + 'static,
    {
        Paginator::new(self.client, self.spec, read)
    }

    fn set(mut self, change: impl FnOnce(&mut RequestSpec)) -> Self {
        if let Ok(spec) = &mut self.spec {
            change(spec);
        }
        self
    }

    /// Applies a change that can fail. The first error is reported when the call is awaited.
    fn try_set(mut self, change: impl FnOnce(&mut RequestSpec) -> Result<()>) -> Self {
        self.spec = self.spec.and_then(|mut spec| change(&mut spec).map(|()| spec));
        self
    }
}

impl IntoFuture for Call {
    type Output = Result<Response>;
    type IntoFuture = BoxFuture<'static, Result<Response>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let spec = self.spec?;
            retry::send(self.client.inner(), &spec, spec.timeout).await
        })
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Call");
        match &self.spec {
            Ok(spec) => out.field("method", &spec.method).field("route", &spec.route),
            Err(error) => out.field("error", error),
        };
        out.finish_non_exhaustive()
    }
}
