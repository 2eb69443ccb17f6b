//! Pages of a list that was read and sorted as a whole: the address has the number of the first row.

use maud::{Markup, html};

use super::form::FormData;

/// The number of rows on a page. A row has about a kilobyte, and a page should have less than a hundred.
pub(super) const PAGE_ROWS: usize = 50;

/// The rows of one page.
pub(super) struct Rows<'a, T> {
    pub(super) shown: &'a [T],
    first: usize,
    total: usize,
}

impl<'a, T> Rows<'a, T> {
    /// Returns the page that the query asks for with `from`. Rows can go while somebody reads: the last page stands for those that are gone.
    pub(super) fn of(all: &'a [T], query: &FormData) -> Self {
        let last_page = all.len().saturating_sub(1) / PAGE_ROWS * PAGE_ROWS;
        let asked = query.text("from").and_then(|from| from.parse().ok()).unwrap_or(0);
        let first = last_page.min(asked);
        let shown = all.get(first..).unwrap_or_default();
        Self { shown: shown.get(..PAGE_ROWS).unwrap_or(shown), first, total: all.len() }
    }

    /// Returns the links to the pages before and after, if there are any.
    pub(super) fn links(&self, path: &str, query: &FormData) -> Markup {
        let address = |from: usize| {
            let mut query = query.query_without(&["from", "done"]);
            format!("{path}?{}", query.append_pair("from", &from.to_string()).finish())
        };
        let next = self.first + self.shown.len();
        if self.total <= PAGE_ROWS {
            return html! {};
        }
        html! {
            nav.row.apart aria-label="Pages" {
                span { @if self.first > 0 { a.button href=(address(self.first.saturating_sub(PAGE_ROWS))) { "Previous" } } }
                span.muted.small { (self.first + 1) "–" (next) " of " (self.total) }
                span { @if next < self.total { a.button href=(address(next)) { "Next" } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other() {
        let all: Vec<_> = (0..120).collect();
        for (from, first, last) in [("", 0, 49), ("50", 50, 99), ("100", 100, 119), ("999", 100, 119), ("x", 0, 49)] {
            let query = FormData::from_pairs([("from", from), ("who", "ana"), ("done", "revoke")]);
            let rows = Rows::of(&all, &query);
            assert_eq!((rows.shown.first(), rows.shown.last()), (Some(&first), Some(&last)), "{from}");
        }
        let query = FormData::from_pairs([("from", "50"), ("who", "ana"), ("done", "revoke")]);
        let links = Rows::of(&all, &query).links("/console/access", &query).into_string();
        assert!(links.contains("/console/access?who=ana&amp;from=0"), "{links}");
        assert!(links.contains("/console/access?who=ana&amp;from=100"), "{links}");
        assert!(links.contains("51–100 of 120"), "{links}");
        assert_eq!(Rows::of(&all[..50], &query).links("/console/access", &query).into_string(), "");
        assert!(Rows::of(&all[..0], &query).shown.is_empty());
    }
}
