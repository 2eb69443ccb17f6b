//! Lists, whose pages are counted: <https://developer.knowbe4.com/rest/reporting#section/Pagination>.
//!
//! KnowBe4 documents pages by number. Others report cursors, of which no public document has the form; a cursor in `x-next-cursor` is
//! followed, and nothing depends on one.

use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::KnowBe4;
use crate::http::{Next, Paginator};
use crate::kit::Resource;

/// The largest page size.
const PAGE: u32 = 500;

impl KnowBe4 {
    /// Lists objects page by page, until a page is empty: one may be shorter than asked for. Where KnowBe4 names a cursor, that leads on.
    pub(super) fn list<T>(&self, route: &'static str, filter: Vec<(&'static str, String)>) -> Paginator<Resource<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let call = filter.iter().fold(self.0.get(route, &[]), |call, (name, value)| call.query(name, value));
        let (mut page, mut last, mut has_cursors) = (1_u32, Vec::new(), false);
        call.query("per_page", PAGE).query("page", page).pages_by(move |response| {
            let items: Vec<Resource<T>> = response.json()?;
            if items.is_empty() {
                return Ok((items, Next::End));
            }
            if response.body() == last {
                return Err(response.invalid(format!("page {page} repeats the one before it")));
            }
            last = response.body().to_vec();
            page += 1;
            let next = match response.header("x-next-cursor").filter(|cursor| !cursor.is_empty()) {
                Some(cursor) => {
                    has_cursors = true;
                    Next::Link(with_cursor(&filter, cursor))
                }
                // The last page of a list with cursors, whose pages have no numbers.
                None if has_cursors => Next::End,
                None => Next::param("page", page),
            };
            Ok((items, next))
        })
    }
}

/// The query of the page at a cursor, which has no number.
fn with_cursor(filter: &[(&'static str, String)], cursor: &str) -> String {
    let mut query = form_urlencoded::Serializer::for_suffix("?".to_owned(), 1);
    query.extend_pairs(filter).append_pair("per_page", &PAGE.to_string()).append_pair("cursor", cursor);
    query.finish()
}
