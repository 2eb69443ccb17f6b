//! Pagination: lists that a service returns in pages, read as a stream of items.
//!
//! A list is complete or an error, never truncated. Links to other hosts, loops and endless lists are errors, because a token is
//! sent with every page and a service can be wrong.

use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::vec;

use futures_util::stream::{BoxStream, Stream, StreamExt, TryStreamExt, try_unfold};
use serde::de::DeserializeOwned;
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result};

use super::failure::error_names;
use super::request_spec::RequestSpec;
use super::{Client, Response, link_header, retry};

/// A page of a list, decoded from JSON: its items, and the reference to the next page.
///
/// A `Vec` is a page whose successor is named by the `Link` header. Other types name it themselves:
///
/// ```
/// use serde::Deserialize;
/// use sym_integrations::http::{Next, Page, Response};
/// use sym_sdk::error::Result;
///
/// #[derive(Deserialize)]
/// struct Incidents {
///     incidents: Vec<serde_json::Value>,
///     more: bool,
///     offset: u64,
///     limit: u64,
/// }
///
/// impl Page for Incidents {
///     type Item = serde_json::Value;
///
///     fn next(&self, response: &Response) -> Result<Next> {
///         match self.offset + self.limit {
///             _ if !self.more => Ok(Next::End),
///             next if next + self.limit > 10_000 => Err(response.invalid("there are more than 10,000 incidents")),
///             next => Ok(Next::param("offset", next)),
///         }
///     }
///
///     fn into_items(self) -> Vec<Self::Item> {
///         self.incidents
///     }
/// }
/// ```
pub trait Page: DeserializeOwned + Send + 'static {
    /// The type of the items.
    type Item: Send + 'static;

    /// Returns the reference to the next page.
    fn next(&self, response: &Response) -> Result<Next>;

    /// Returns the items in order. An empty page can still have a successor.
    fn into_items(self) -> Vec<Self::Item>;
}

impl<T: DeserializeOwned + Send + 'static> Page for Vec<T> {
    type Item = T;

    fn next(&self, response: &Response) -> Result<Next> {
        Ok(Next::link(response))
    }

    fn into_items(self) -> Vec<T> {
        self
    }
}

/// Reads the items of a page, and the reference to the next one.
pub(super) trait ReadPage<T>: FnMut(&Response) -> Result<(Vec<T>, Next)> + Send + 'static {}

impl<T, F: FnMut(&Response) -> Result<(Vec<T>, Next)> + Send + 'static> ReadPage<T> for F {}

/// The reference to the page after a [`Page`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// There is no further page.
    End,
    /// The page at this URL, which must have the origin of the base URL.
    Link(String),
    /// The page that the same call returns with this argument, set in its form, its JSON object, or else its query.
    Param {
        /// The name.
        name: &'static str,
        /// The value: a cursor, an offset or a number.
        value: String,
    },
}

impl Next {
    /// The link with relation `next` of the `Link` headers.
    pub fn link(response: &Response) -> Self {
        response.headers("link").find_map(link_header::next).map_or(Self::End, |link| Self::Link(link.to_owned()))
    }

    /// The page at a cursor. A missing or empty cursor means the end.
    pub fn cursor(name: &'static str, cursor: Option<&str>) -> Self {
        match cursor {
            None | Some("") => Self::End,
            Some(cursor) => Self::param(name, cursor),
        }
    }

    /// The page at an offset or a page number.
    pub fn param(name: &'static str, value: impl ToString) -> Self {
        Self::Param { name, value: value.to_string() }
    }
}

/// A paginated list: a [`Stream`] of its items, or, if awaited, a `Vec` of all of them.
///
/// A page is requested when the items of the previous one are consumed. A list that cannot be completed ends in an error; it is never
/// truncated.
///
/// ```no_run
/// # async fn show(client: sym_integrations::http::Client) -> sym_sdk::error::Result<()> {
/// use serde_json::Value;
///
/// let all = client.get("groups", &[]).pages::<Vec<Value>>().await?;
///
/// let mut groups = client.get("groups", &[]).pages::<Vec<Value>>();
/// while let Some(group) = groups.next_item().await? {
///     println!("{group}, one of {}", all.len());
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a paginator does nothing until it is awaited or polled"]
pub struct Paginator<T> {
    pages: BoxStream<'static, Result<Vec<T>>>,
    page: vec::IntoIter<T>,
}

impl<T: Send + 'static> Paginator<T> {
    pub(super) fn new(client: Client, spec: Result<RequestSpec>, read: impl ReadPage<T>) -> Self {
        let first = spec.map(|spec| (PageState::first(client, spec), read));
        let pages = try_unfold(Some(first), async |state| match state {
            None => Ok(None),
            Some(state) => {
                let (state, mut read) = state?;
                let (page, next) = state.fetch(&mut read).await?;
                Ok(Some((page, next.map(|state| Ok((state, read))))))
            }
        });
        Self { pages: pages.boxed(), page: Vec::new().into_iter() }
    }

    /// An empty list that makes no call, for simulated clients.
    pub fn empty() -> Self {
        Self { pages: futures_util::stream::empty().boxed(), page: Vec::new().into_iter() }
    }

    /// A list that fails, for a query that is known to be wrong.
    pub fn failed(error: Error) -> Self {
        Self { pages: futures_util::stream::once(std::future::ready(Err(error))).boxed(), page: Vec::new().into_iter() }
    }

    /// A list whose first call needs something that has to be looked up before.
    pub fn deferred(list: impl Future<Output = Result<Self>> + Send + 'static) -> Self {
        let pages = futures_util::stream::once(list).map_ok(|list| {
            let buffered: Vec<T> = list.page.collect();
            let buffered = (!buffered.is_empty()).then_some(Ok(buffered));
            futures_util::stream::iter(buffered).chain(list.pages)
        });
        Self { pages: pages.try_flatten().boxed(), page: Vec::new().into_iter() }
    }

    /// Returns the next item, or `None` after the last.
    pub async fn next_item(&mut self) -> Result<Option<T>> {
        self.try_next().await
    }

    /// Returns the next item that matches, without reading pages after it.
    pub async fn find(&mut self, mut matches: impl FnMut(&T) -> bool) -> Result<Option<T>> {
        while let Some(item) = self.next_item().await? {
            if matches(&item) {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// Omits the items that do not match, where the service does not filter or may not.
    pub fn filter_items(self, mut keep: impl FnMut(&T) -> bool + Send + 'static) -> Self {
        let mut page: Vec<T> = self.page.collect();
        page.retain(&mut keep);
        let pages = self.pages.map_ok(move |mut page| {
            page.retain(&mut keep);
            page
        });
        Self { pages: pages.boxed(), page: page.into_iter() }
    }

    /// Converts each item.
    pub fn map_items<U: Send + 'static>(
        self,
        mut convert: impl FnMut(T) -> Result<U> + Send + 'static,
    ) -> Paginator<U> {
        let rest: Vec<T> = self.page.collect();
        let first = (!rest.is_empty()).then_some(Ok(rest));
        let pages = futures_util::stream::iter(first).chain(self.pages);
        let pages = pages.map(move |page| page?.into_iter().map(&mut convert).collect());
        Paginator { pages: pages.boxed(), page: Vec::new().into_iter() }
    }
}

// The items are never pinned.
impl<T> Unpin for Paginator<T> {}

impl<T> Stream for Paginator<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.page.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(self.pages.poll_next_unpin(cx)) {
                Some(Ok(page)) => self.page = page.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<T: Send + 'static> IntoFuture for Paginator<T> {
    type Output = Result<Vec<T>>;
    type IntoFuture = BoxFuture<'static, Result<Vec<T>>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut items = self.page.collect::<Vec<_>>();
            while let Some(mut page) = self.pages.try_next().await? {
                items.append(&mut page);
            }
            Ok(items)
        })
    }
}

impl<T> fmt::Debug for Paginator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paginator").field("buffered", &self.page.len()).finish_non_exhaustive()
    }
}

/// The position in a list: the next page to request.
struct PageState {
    client: Client,
    spec: RequestSpec,
    /// Identifiers of the pages requested so far, by which loops are detected.
    seen: HashSet<String>,
    pages: usize,
    left: Duration,
}

impl PageState {
    fn first(client: Client, spec: RequestSpec) -> Self {
        let seen = HashSet::from([spec.url().to_string()]);
        Self { left: spec.list_timeout, client, spec, seen, pages: 0 }
    }

    async fn fetch<T>(mut self, read: &mut impl ReadPage<T>) -> Result<(Vec<T>, Option<Self>)> {
        let inner = self.client.inner();
        let begun = inner.clock.now();
        let response = retry::send(inner, &self.spec, self.spec.timeout.min(self.left)).await?;
        let passed = Duration::try_from(inner.clock.now().duration_since(begun)).unwrap_or_default();
        self.left = self.left.saturating_sub(passed);
        self.pages += 1;

        let (items, next) = read(&response)?;
        let more = self.advance_page(next, &response)?;
        Ok((items, more.then_some(self)))
    }

    /// Advances to the next page. Returns `false` at the end of the list.
    fn advance_page(&mut self, next: Next, response: &Response) -> Result<bool> {
        if next == Next::End {
            return Ok(false);
        }
        if self.pages >= self.spec.max_pages {
            let message = format!("the list has more than {} pages", self.pages);
            return Err(
                bad_paging(response, &message).with_hint("narrow the list, or raise the limit with `max_pages`")
            );
        }
        if self.left.is_zero() {
            let message = format!("the list is incomplete after {:?} and {} pages", self.spec.list_timeout, self.pages);
            let call_info = response.call_info();
            return Err(call_info.error(ErrorKind::Timeout, call_info.code(error_names::TIMED_OUT), message));
        }
        let page =
            self.spec.advance_page(next, &self.client.inner().base).map_err(|problem| bad_paging(response, problem))?;
        if !self.seen.insert(page) {
            return Err(bad_paging(response, &format!("page {} leads back to an earlier page", self.pages)));
        }
        Ok(true)
    }
}

fn bad_paging(response: &Response, message: &str) -> Error {
    let call_info = response.call_info();
    let error = call_info.error(ErrorKind::Decode, call_info.code(error_names::BAD_PAGING), message);
    match response.request_id() {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}
