//! The query for groups.

use sym_sdk::BoxFuture;
use sym_sdk::error::{ErrorKind, Result};

use super::groups::PAGE;
use super::{GroupType, OktaGroup};
use crate::http::Paginator;
use crate::kit::{Resource, ServiceClient};

/// A query for groups, which is awaited, or read page by page through its [`paginator`](Self::paginator). See
/// [`Okta::list_groups`](super::Okta::list_groups).
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is awaited"]
pub struct ListGroups {
    client: ServiceClient,
    prefix: Option<String>,
    filter: Option<String>,
    expand: Vec<GroupExpand>,
    only_native: bool,
}

/// Additional information about each group, under `_embedded` in its [`raw`](Resource::raw) form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupExpand {
    /// The number of its users and apps.
    Stats,
    /// The app that it is imported from.
    App,
}

impl GroupExpand {
    /// Returns the name in Okta's API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stats => "stats",
            Self::App => "app",
        }
    }
}

impl ListGroups {
    pub(super) fn new(client: ServiceClient) -> Self {
        Self { client, prefix: None, filter: None, expand: Vec::new(), only_native: true }
    }

    /// Only groups whose name begins with a prefix, regardless of case.
    ///
    /// Without a [`filter`](Self::filter), Okta searches in data that may lag by some seconds. Unlike Okta's quick lookup, which returns
    /// at most 300 groups, the search has no limit.
    pub fn name_filter(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into()).filter(|prefix| !prefix.is_empty());
        self
    }

    /// Only groups that match an expression on `id`, `type`, `lastUpdated` or `lastMembershipUpdated`, such as
    /// `lastUpdated gt "2026-01-01T00:00:00.000Z"`. Values are in double quotes.
    pub fn filter(mut self, expression: impl Into<String>) -> Self {
        self.filter = Some(expression.into()).filter(|expression| !expression.trim().is_empty());
        self
    }

    /// Requests additional information about each group.
    pub fn expand(mut self, more: impl IntoIterator<Item = GroupExpand>) -> Self {
        self.expand.extend(more);
        self
    }

    /// Sets whether to omit groups whose members are managed by an app or by Okta, which no strategy can change. The default is to omit
    /// them.
    pub fn only_native_groups(mut self, only: bool) -> Self {
        self.only_native = only;
        self
    }

    /// Returns the groups page by page.
    pub fn paginator(self) -> Paginator<Resource<OktaGroup>> {
        let expand: Vec<_> = self.expand.iter().map(|more| more.as_str()).collect();
        let (param, expression) = self.expression();
        let call = self
            .client
            .get("groups", &[])
            .query("limit", PAGE)
            .query_opt(param, expression)
            .query_opt("expand", (!expand.is_empty()).then(|| expand.join(",")))
            .hint(
                &[ErrorKind::InvalidInput],
                "a filter may use `id`, `type`, `lastUpdated` and `lastMembershipUpdated`, with values in double quotes",
            );
        let prefix = self.prefix.map(|prefix| prefix.to_lowercase());
        let only_native = self.only_native;
        // Okta filters too, as far as it can: not every combination is possible, and not everything that speaks its API filters.
        let matches = move |group: &Resource<OktaGroup>| {
            (!only_native || group.kind == Some(GroupType::OktaGroup))
                && prefix.as_ref().is_none_or(|prefix| group.name().to_lowercase().starts_with(prefix.as_str()))
        };
        call.pages::<Vec<Resource<OktaGroup>>>().filter_items(matches)
    }

    /// Returns the query parameter and its expression: only `search` supports names, and it cannot be combined with `filter`.
    fn expression(&self) -> (&'static str, Option<String>) {
        let native = self.only_native.then(|| format!("type eq \"{}\"", GroupType::OktaGroup));
        let (param, wanted) = match (&self.filter, &self.prefix) {
            (Some(filter), _) if filter.split_whitespace().any(|word| word.eq_ignore_ascii_case("or")) => {
                ("filter", Some(format!("({filter})")))
            }
            (Some(filter), _) => ("filter", Some(filter.clone())),
            (None, Some(prefix)) => ("search", Some(format!("profile.name sw {}", quoted(prefix)))),
            (None, None) => ("filter", None),
        };
        let parts: Vec<_> = native.into_iter().chain(wanted).collect();
        (param, (!parts.is_empty()).then(|| parts.join(" and ")))
    }
}

/// Quotes a value for an expression.
pub(super) fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

impl IntoFuture for ListGroups {
    type Output = Result<Vec<Resource<OktaGroup>>>;
    type IntoFuture = BoxFuture<'static, Result<Vec<Resource<OktaGroup>>>>;

    fn into_future(self) -> Self::IntoFuture {
        self.paginator().into_future()
    }
}
