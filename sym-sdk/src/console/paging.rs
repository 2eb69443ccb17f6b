//! Pages of a list of Runs: the address of a page has the cursor after which it begins, and for people the number of rows before it.

use maud::{Markup, html};

use super::form::FormData;
use super::state::ConsoleState;
use crate::engine::{RunCursor, RunQuery, StoredRun};
use crate::error::Result;

/// The number of rows on a page. A row has about a kilobyte, and a page should have less than a hundred.
pub(super) const PAGE_ROWS: usize = 50;

/// The number up to which the rows of a list are counted.
const MAX_TOTAL: usize = 1_000;

/// The fields of an address that say which page of a list it is.
const PLACE: [&str; 3] = ["after", "from", "done"];

/// The rows of one page.
pub(super) struct RunRows {
    pub(super) runs: Vec<StoredRun>,
    /// The number of rows on the pages before.
    first: usize,
    /// The number of rows on all pages; more than [`MAX_TOTAL`] are not counted.
    total: usize,
    next: Option<RunCursor>,
}

impl RunRows {
    /// Reads the page of a list that an address asks for. One whose cursor is not of this list, because it was edited, asks for the first
    /// page.
    pub(super) async fn read(state: &ConsoleState, list: &RunQuery, address: &FormData) -> Result<Self> {
        let list = list.clone().with_limit(PAGE_ROWS);
        let cursor = address.text("after").and_then(|cursor| cursor.parse::<RunCursor>().ok());
        let asked = cursor.and_then(|cursor| list.clone().after(cursor).ok());
        let mut first = match &asked {
            Some(_) => address.text("from").and_then(|from| from.parse().ok()).unwrap_or(PAGE_ROWS).max(1),
            None => 0,
        };
        let mut page = state.runtime.find_runs(asked.as_ref().unwrap_or(&list)).await?;
        // What was there has gone while somebody read.
        if page.runs.is_empty() && first > 0 {
            (first, page) = (0, state.runtime.find_runs(&list).await?);
        }
        let total = match page.next {
            None if first == 0 => page.runs.len(),
            _ => state.runtime.count_runs(&list.with_limit(MAX_TOTAL + 1)).await?,
        };
        Ok(Self { runs: page.runs, first, total, next: page.next })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Returns the number of rows on all pages, of which there may be more than are counted.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Returns the number of rows on all pages in words, such as `more than 1000 open requests`.
    pub(super) fn total_of(&self, one: &str, several: &str) -> String {
        match self.total {
            1 => format!("1 {one}"),
            total if total > MAX_TOTAL => format!("more than {MAX_TOTAL} {several}"),
            total => format!("{total} {several}"),
        }
    }

    /// Returns the links to the first page and the next one, if there are others than this.
    pub(super) fn links(&self, path: &str, address: &FormData) -> Markup {
        let last = self.first + self.runs.len();
        let others = || address.query_without(&PLACE);
        let next = self.next.map(|cursor| {
            let mut query = others();
            query.append_pair("after", &cursor.to_string()).append_pair("from", &last.to_string()).finish()
        });
        if self.first == 0 && next.is_none() {
            return html! {};
        }
        let first = others().finish();
        // Rows come and go while somebody turns pages.
        let total = self.total.max(last);
        html! {
            nav.row.apart aria-label="Pages" {
                span { @if self.first > 0 { a.button href={ (path) @if !first.is_empty() { "?" (first) } } { "First page" } } }
                span.muted.small { (self.first + 1) "–" (last) " of " @if self.total > MAX_TOTAL { "more than " (MAX_TOTAL) } @else { (total) } }
                span { @if let Some(next) = next { a.button href={ (path) "?" (next) } { "Next" } } }
            }
        }
    }
}
