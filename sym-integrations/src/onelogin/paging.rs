//! OneLogin's lists: pages that a header leads on from.
//!
//! OneLogin rejects a `cursor` together with any other parameter, because the cursor contains them, and its pages are plain arrays. So
//! what follows is read from `After-Cursor` alone; whether a list is complete is checked against `Total-Count`, because a header that a
//! proxy removes would otherwise end it.
//!
//! OneLogin documents both headers for
//! [pagination in general](https://developers.onelogin.com/api-docs/2/getting-started/using-query-parameters), and not for each list. So a
//! list without `Total-Count` is read without that check.

use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::http::{Call, Next, Paginator, Response};

/// The largest page.
const PAGE: usize = 100;

/// Lists all pages of a call.
pub(super) fn pages<T: DeserializeOwned + Send + 'static>(call: Call) -> Paginator<T> {
    let mut read = 0;
    call.query("limit", PAGE).pages_by(move |response| {
        let items: Vec<T> = response.json()?;
        read += items.len();
        let next = next(response);
        if next == Next::End
            && let Some(total) = response.header("total-count").and_then(|total| total.trim().parse::<usize>().ok())
            && read < total
        {
            return Err(response.invalid(format_args!("the list ends after {read} of {total} items")));
        }
        Ok((items, next))
    })
}

fn next(response: &Response) -> Next {
    match response.header("after-cursor").map(str::trim).filter(|cursor| !cursor.is_empty()) {
        None => Next::End,
        Some(cursor) => {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("cursor", cursor).finish();
            Next::Link(format!("?{query}"))
        }
    }
}
