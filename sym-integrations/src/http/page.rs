//! Lists that a service gives page by page.

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

use super::failure::names;
use super::plan::Plan;
use super::{Client, Response, link, send};

/// A page of a listing, as it is read from JSON: it has items, and says what follows.
///
/// A `Vec` is one whose next page stands in the `Link` header. The others say it themselves:
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
    /// What is listed.
    type Item: Send + 'static;

    /// What follows this page.
    fn next(&self, response: &Response) -> Result<Next>;

    /// The items, in their order. A page may have none, and yet another follow.
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

/// Reads the items of a page, and what follows it.
pub(super) trait ReadPage<T>: FnMut(&Response) -> Result<(Vec<T>, Next)> + Send + 'static {}

impl<T, F: FnMut(&Response) -> Result<(Vec<T>, Next)> + Send + 'static> ReadPage<T> for F {}

/// What follows a [`Page`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// Nothing.
    End,
    /// The page at this URL, which must be on the same host.
    Link(String),
    /// The page that the same call is answered with if this is set where its arguments are: in its form, its JSON object, or
    /// else its query.
    Param {
        /// The name.
        name: &'static str,
        /// The value: a cursor, an offset or a number.
        value: String,
    },
}

impl Next {
    /// What the `Link` headers call `next`.
    pub fn link(response: &Response) -> Self {
        response.headers("link").find_map(link::next).map_or(Self::End, |link| Self::Link(link.to_owned()))
    }

    /// The page at a cursor. One that is missing or empty means the end.
    pub fn cursor(name: &'static str, cursor: Option<&str>) -> Self {
        match cursor {
            None | Some("") => Self::End,
            Some(cursor) => Self::param(name, cursor),
        }
    }

    /// The page that an argument of this value leads to: an offset or a number.
    pub fn param(name: &'static str, value: impl ToString) -> Self {
        Self::Param { name, value: value.to_string() }
    }
}

/// A list that a service gives page by page: a stream of its items, or, awaited, a `Vec` of all of them.
///
/// A page is asked for when the items of the one before are used up. A listing that cannot be completed ends in an error: it is
/// never cut.
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
#[must_use = "a listing asks for nothing until it is awaited or polled"]
pub struct Listing<T> {
    pages: BoxStream<'static, Result<Vec<T>>>,
    page: vec::IntoIter<T>,
}

impl<T: Send + 'static> Listing<T> {
    pub(super) fn new(client: Client, plan: Result<Plan>, read: impl ReadPage<T>) -> Self {
        let first = plan.map(|plan| (Turn::first(client, plan), read));
        let pages = try_unfold(Some(first), async |turn| match turn {
            None => Ok(None),
            Some(turn) => {
                let (turn, mut read) = turn?;
                let (page, next) = turn.take(&mut read).await?;
                Ok(Some((page, next.map(|turn| Ok((turn, read))))))
            }
        });
        Self { pages: pages.boxed(), page: Vec::new().into_iter() }
    }

    /// A listing of nothing, which asks nobody: for clients that stand in for others in simulations.
    pub fn empty() -> Self {
        Self { pages: futures_util::stream::empty().boxed(), page: Vec::new().into_iter() }
    }

    /// The next item, or `None` after the last.
    pub async fn next_item(&mut self) -> Result<Option<T>> {
        self.try_next().await
    }

    /// A listing of what the items are turned into.
    pub fn map_items<U: Send + 'static>(self, mut turn: impl FnMut(T) -> Result<U> + Send + 'static) -> Listing<U> {
        let rest: Vec<T> = self.page.collect();
        let first = (!rest.is_empty()).then_some(Ok(rest));
        let pages = futures_util::stream::iter(first).chain(self.pages);
        let pages = pages.map(move |page| page?.into_iter().map(&mut turn).collect());
        Listing { pages: pages.boxed(), page: Vec::new().into_iter() }
    }
}

// The items are never pinned.
impl<T> Unpin for Listing<T> {}

impl<T> Stream for Listing<T> {
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

impl<T: Send + 'static> IntoFuture for Listing<T> {
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

impl<T> fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").field("ready", &self.page.len()).finish_non_exhaustive()
    }
}

/// The page that is next to be asked for.
struct Turn {
    client: Client,
    plan: Plan,
    /// What led to the pages so far: a service that leads back to one of them would never come to an end.
    seen: HashSet<String>,
    pages: usize,
    left: Duration,
}

impl Turn {
    fn first(client: Client, plan: Plan) -> Self {
        let seen = HashSet::from([plan.url().to_string()]);
        Self { left: plan.listing_limit, client, plan, seen, pages: 0 }
    }

    async fn take<T>(mut self, read: &mut impl ReadPage<T>) -> Result<(Vec<T>, Option<Self>)> {
        let inner = self.client.inner();
        let begun = inner.clock.now();
        let response = send::send(inner, &self.plan, self.plan.limit.min(self.left)).await?;
        let passed = Duration::try_from(inner.clock.now().duration_since(begun)).unwrap_or_default();
        self.left = self.left.saturating_sub(passed);
        self.pages += 1;

        let (items, next) = read(&response)?;
        let more = self.turn(next, &response)?;
        Ok((items, more.then_some(self)))
    }

    /// Turns to the next page, if there is one.
    fn turn(&mut self, next: Next, response: &Response) -> Result<bool> {
        if next == Next::End {
            return Ok(false);
        }
        if self.pages >= self.plan.most_pages {
            let message = format!("the list has more than {} pages", self.pages);
            return Err(bad_paging(response, &message).with_hint("narrow it down, or raise the limit of pages"));
        }
        if self.left.is_zero() {
            let message =
                format!("the list is not complete after {:?} and {} pages", self.plan.listing_limit, self.pages);
            let origin = response.origin();
            return Err(origin.error(ErrorKind::Timeout, origin.code(names::TIMED_OUT), message));
        }
        let place = self.plan.turn(next, &self.client.inner().base).map_err(|problem| bad_paging(response, problem))?;
        if !self.seen.insert(place) {
            return Err(bad_paging(response, &format!("page {} leads back to one that was there before", self.pages)));
        }
        Ok(true)
    }
}

fn bad_paging(response: &Response, message: &str) -> Error {
    let origin = response.origin();
    let error = origin.error(ErrorKind::Decode, origin.code(names::BAD_PAGING), message);
    match response.request_id() {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}
