use std::fmt;

use sym_sdk::BoxFuture;
use sym_sdk::error::{ErrorKind, Result};

use super::groups::PAGE;
use super::{GroupType, OktaGroup};
use crate::http::{Page, Paginator};
use crate::kit::{Resource, ServiceClient};

/// Lists groups: what [`Okta::list_groups`](super::Okta::list_groups) gives, to be awaited, or turned into a
/// [`listing`](Self::listing) that is read page by page.
#[derive(Clone)]
#[must_use = "a listing asks for nothing until it is awaited or polled"]
pub struct ListGroups {
    client: ServiceClient,
    prefix: Option<String>,
    filter: Option<String>,
    expand: Vec<GroupExpand>,
    only_native: bool,
}

/// More to be told about each group, under `_embedded` of its [`raw`](OktaGroup::raw) form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupExpand {
    /// How many users and apps it has.
    Stats,
    /// The app that it was imported from.
    App,
}

impl GroupExpand {
    /// The name in Okta's API.
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

    /// Only those whose name begins with this, whatever the case.
    ///
    /// Without a [`filter`](Self::filter), Okta searches for them in data that can lag behind by some seconds. The search has no
    /// limit, unlike Okta's quick look-up, which is cut at 300 groups.
    pub fn name_filter(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into()).filter(|prefix| !prefix.is_empty());
        self
    }

    /// Only those that meet an expression about `id`, `type`, `lastUpdated` or `lastMembershipUpdated`, such as
    /// `lastUpdated gt "2026-01-01T00:00:00.000Z"`. Values stand in double quotes.
    pub fn filter(mut self, expression: impl Into<String>) -> Self {
        self.filter = Some(expression.into()).filter(|expression| !expression.trim().is_empty());
        self
    }

    /// Has Okta tell more about each.
    pub fn expand(mut self, more: impl IntoIterator<Item = GroupExpand>) -> Self {
        self.expand.extend(more);
        self
    }

    /// Whether to leave out groups whose members an app or Okta itself decides about, which no strategy can change. Default: yes.
    pub fn only_native_groups(mut self, only: bool) -> Self {
        self.only_native = only;
        self
    }

    /// The groups, page by page.
    pub fn listing(self) -> Paginator<Resource<OktaGroup>> {
        let expand: Vec<_> = self.expand.iter().map(|more| more.as_str()).collect();
        let (param, expression) = self.expression();
        let call = self
            .client
            .get("groups", &[])
            .query("limit", PAGE)
            .query_opt(param, expression)
            .query_opt("expand", (!expand.is_empty()).then(|| expand.join(",")))
            .explain(|_, failure| match failure.kind() {
                ErrorKind::InvalidInput => failure.with_hint(
                    "a filter is about `id`, `type`, `lastUpdated` or `lastMembershipUpdated`, and its values stand in double quotes",
                ),
                _ => failure,
            });
        let prefix = self.prefix.map(|prefix| prefix.to_lowercase());
        let only_native = self.only_native;
        // Okta is asked for these alone where it can be: not every combination is possible, and not everything that speaks its
        // API filters.
        let is_meant = move |group: &Resource<OktaGroup>| {
            (!only_native || group.kind == Some(GroupType::OktaGroup))
                && prefix.as_ref().is_none_or(|prefix| group.name().to_lowercase().starts_with(prefix.as_str()))
        };
        call.pages_by(move |response| {
            let page: Vec<Resource<OktaGroup>> = response.json()?;
            let next = page.next(response)?;
            Ok((page.into_iter().filter(&is_meant).collect(), next))
        })
    }

    /// What Okta is asked for: `search` knows names and `filter` does not, and the two cannot be combined.
    fn expression(&self) -> (&'static str, Option<String>) {
        let native = self.only_native.then(|| format!("type eq \"{}\"", GroupType::OktaGroup));
        let (param, asked) = match (&self.filter, &self.prefix) {
            (Some(filter), _) if filter.split_whitespace().any(|word| word.eq_ignore_ascii_case("or")) => {
                ("filter", Some(format!("({filter})")))
            }
            (Some(filter), _) => ("filter", Some(filter.clone())),
            (None, Some(prefix)) => ("search", Some(format!("profile.name sw {}", quoted(prefix)))),
            (None, None) => ("filter", None),
        };
        let parts: Vec<_> = native.into_iter().chain(asked).collect();
        (param, (!parts.is_empty()).then(|| parts.join(" and ")))
    }
}

/// A value in an expression.
pub(super) fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

impl IntoFuture for ListGroups {
    type Output = Result<Vec<Resource<OktaGroup>>>;
    type IntoFuture = BoxFuture<'static, Result<Vec<Resource<OktaGroup>>>>;

    fn into_future(self) -> Self::IntoFuture {
        self.listing().into_future()
    }
}

impl fmt::Debug for ListGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListGroups")
            .field("name_filter", &self.prefix)
            .field("filter", &self.filter)
            .field("expand", &self.expand)
            .field("only_native_groups", &self.only_native)
            .finish_non_exhaustive()
    }
}
