//! Boundary's lists: pages that tell what has changed since the ones before.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sym_sdk::error::Result;

use crate::http::{Call, Next};
use crate::kit::null_as_default;

/// The size of a page.
const PAGE: u32 = 1_000;

/// The response type of the last page. Controllers before 0.15 leave it out, and have no pages.
const MORE: &str = "delta";

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Page<T> {
    /// Left out if there are none.
    #[serde(default = "Vec::new", deserialize_with = "null_as_default")]
    items: Vec<T>,
    /// The items of earlier pages that were deleted since.
    #[serde(default, deserialize_with = "null_as_default")]
    removed_ids: Vec<String>,
    response_type: Option<String>,
    list_token: Option<String>,
}

/// Lists all items of a call, without those that are deleted meanwhile. An item that is changed meanwhile is listed once.
pub(super) async fn list<T>(call: Call, id: impl Fn(&T) -> &str) -> Result<Vec<T>>
where
    T: DeserializeOwned + Send + 'static,
{
    let pages = call.query("page_size", PAGE).pages_by(|response| {
        let page: Page<T> = response.json()?;
        let next = match (page.response_type.as_deref(), page.list_token.as_deref()) {
            (Some(MORE), Some(token)) if !token.is_empty() => Next::param("list_token", token),
            (Some(MORE), _) => return Err(response.invalid("there are more pages, but no `list_token` leads to them")),
            _ => Next::End,
        };
        Ok((vec![page], next))
    });
    let mut items: Vec<T> = Vec::new();
    for page in pages.await? {
        let replaced: HashSet<&str> =
            page.removed_ids.iter().map(String::as_str).chain(page.items.iter().map(&id)).collect();
        items.retain(|item| !replaced.contains(id(item)));
        items.extend(page.items);
    }
    Ok(items)
}
