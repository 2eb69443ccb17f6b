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
use super::failure::names;
use super::page::{Listing, Next, Page};
use super::plan::Plan;
use super::{Client, Failure, Response, send};

/// One call of a service, to be awaited.
///
/// ```no_run
/// # async fn show(client: sym_integrations::http::Client, group: &str) -> sym_sdk::error::Result<()> {
/// use std::time::Duration;
/// use sym_sdk::error::codes::OKTA_GROUP_NOT_FOUND;
///
/// let group: serde_json::Value = client
///     .get("groups/{group}", &[group])
///     .query("expand", "stats")
///     .not_found(OKTA_GROUP_NOT_FOUND, format!("there is no group `{group}`"))
///     .within(Duration::from_secs(5))
///     .await?
///     .json()?;
/// # let _ = group;
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Call {
    client: Client,
    plan: Result<Plan>,
}

impl Call {
    pub(super) fn new(client: &Client, method: Method, route: &'static str, values: &[&str]) -> Self {
        Self { plan: Plan::new(client, method, route, values), client: client.clone() }
    }

    /// Adds a pair to the query, after those of the same name.
    pub fn query(self, name: &str, value: impl ToString) -> Self {
        self.with(|plan| {
            plan.query.push((name.to_owned(), value.to_string()));
            Ok(())
        })
    }

    /// Adds a pair to the query if there is a value.
    pub fn query_opt(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a pair of this name, such as `user_ids[]`, to the query for each value.
    pub fn query_all<V: ToString>(self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        self.with(|plan| {
            plan.query.extend(values.into_iter().map(|value| (name.to_owned(), value.to_string())));
            Ok(())
        })
    }

    /// Sets a header.
    pub fn header(self, name: &'static str, value: &str) -> Self {
        self.with(|plan| {
            let value = HeaderValue::from_str(value).map_err(|_| {
                let message = format!("the value of header `{name}` is not one line");
                Error::new(ErrorKind::InvalidInput, ErrorCode::new("HTTP", names::INVALID_REQUEST), message)
            })?;
            plan.headers.insert(header_name(name)?, value);
            Ok(())
        })
    }

    /// Sets a header that is a secret. No error or log of the call will show it.
    pub fn secret_header(self, name: &'static str, secret: &SecretString) -> Self {
        self.with(|plan| {
            plan.redactor.hide(secret);
            plan.headers.insert(header_name(name)?, secret_value("", secret)?);
            Ok(())
        })
    }

    /// Sends JSON.
    pub fn json(self, body: &impl Serialize) -> Self {
        let body = serde_json::to_value(body);
        self.with(|plan| {
            plan.body = Body::Json(body?);
            Ok(())
        })
    }

    /// Sends a form, and adds to one that is there.
    pub fn form(self, name: &str, value: impl ToString) -> Self {
        self.with(|plan| {
            let pair = (name.to_owned(), value.to_string());
            match &mut plan.body {
                Body::Form(pairs) => pairs.push(pair),
                other => *other = Body::Form(vec![pair]),
            }
            Ok(())
        })
    }

    /// Sends a form with a secret in it. No error or log of the call will show it.
    pub fn secret_form(self, name: &str, secret: &SecretString) -> Self {
        self.redact(secret).form(name, secret.expose_secret())
    }

    /// Sends bytes.
    pub fn body(self, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        self.with(|plan| {
            plan.body = Body::Bytes { content_type, bytes: bytes.into() };
            Ok(())
        })
    }

    /// Takes a secret that is part of the body out of what the service says in errors.
    pub fn redact(self, secret: &SecretString) -> Self {
        self.with(|plan| {
            plan.redactor.hide(secret);
            Ok(())
        })
    }

    /// Quotes nothing of the answer in errors: for calls that are answered with a secret.
    pub fn confidential(self) -> Self {
        self.with(|plan| {
            plan.confidential = true;
            Ok(())
        })
    }

    /// Says whether the call may be carried out twice, and so be tried again when nobody knows whether it was: a POST with a key by
    /// which the service knows it again may. Unless told, GET, HEAD, PUT and DELETE may, and POST and PATCH may not.
    pub fn idempotent(self, idempotent: bool) -> Self {
        self.with(|plan| {
            plan.idempotent = idempotent;
            Ok(())
        })
    }

    /// Counts the call to a class of the client's [rate limits](super::ClientBuilder::rate_limit). Calls of a class also wait
    /// together if the service asks one of them to.
    pub fn class(self, class: &'static str) -> Self {
        self.with(|plan| {
            plan.class = class;
            Ok(())
        })
    }

    /// Takes this status for a success: the service is not asked what it thinks of the answer.
    pub fn accept(self, status: u16) -> Self {
        self.with(|plan| {
            plan.accepted.push(status);
            Ok(())
        })
    }

    /// Says more exactly what a failure of this call means. It is asked after the [`Service`](super::Service).
    pub fn explain(self, refine: impl Fn(&Response, Failure) -> Failure + Send + Sync + 'static) -> Self {
        self.with(|plan| {
            plan.refine.push(Arc::new(refine));
            Ok(())
        })
    }

    /// Says what it means that the service did not find something: the error that is to be given then.
    pub fn not_found(self, code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        self.explain(move |_, failure| match failure.kind() {
            ErrorKind::NotFound => failure.with_code(code.clone()).with_message(message.clone()),
            _ => failure,
        })
    }

    /// Limits the time for the call, or for all calls of a listing, with all tries and waits. It can be at most what is left of
    /// the time that the caller has.
    pub fn within(self, limit: Duration) -> Self {
        self.with(|plan| {
            plan.limit = limit;
            plan.listing_limit = limit;
            Ok(())
        })
    }

    /// Limits for how long the service may be silent, where it answers only when long work is done. The call as a whole must be given
    /// that time too.
    pub fn max_silence(self, limit: Duration) -> Self {
        self.with(|plan| {
            plan.silence = limit;
            Ok(())
        })
    }

    /// Limits the bytes of the answer, once decompressed.
    pub fn max_bytes(self, bytes: usize) -> Self {
        self.with(|plan| {
            plan.most_bytes = bytes;
            Ok(())
        })
    }

    /// Limits the pages of a listing. One that has more fails: it is never cut.
    pub fn max_pages(self, pages: usize) -> Self {
        self.with(|plan| {
            plan.most_pages = pages;
            Ok(())
        })
    }

    /// Lists what this call and those for the further pages answer with. See [`Page`].
    pub fn pages<P: Page>(self) -> Listing<P::Item> {
        self.pages_by(|response| {
            let page: P = response.json()?;
            let next = page.next(response)?;
            Ok((page.into_items(), next))
        })
    }

    /// Lists pages that are not JSON, or that do not tell what follows them: `read` is given one after the other.
    pub fn pages_by<T, F>(self, read: F) -> Listing<T>
    where
        T: Send + 'static,
        F: FnMut(&Response) -> Result<(Vec<T>, Next)> + Send + 'static,
    {
        Listing::new(self.client, self.plan, read)
    }

    fn with(mut self, change: impl FnOnce(&mut Plan) -> Result<()>) -> Self {
        self.plan = self.plan.and_then(|mut plan| change(&mut plan).map(|()| plan));
        self
    }
}

impl IntoFuture for Call {
    type Output = Result<Response>;
    type IntoFuture = BoxFuture<'static, Result<Response>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let plan = self.plan?;
            send::send(self.client.inner(), &plan, plan.limit).await
        })
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Call");
        match &self.plan {
            Ok(plan) => out.field("method", &plan.method).field("route", &plan.route),
            Err(error) => out.field("error", error),
        };
        out.finish_non_exhaustive()
    }
}
