//! What becomes of values in a URL or a form.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but what RFC 3986 leaves unreserved: the only form that no service, and no signature, reads differently.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value, encoded.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Pairs, encoded as in a query or a form.
pub(super) fn encode_pairs(pairs: &[(String, String)]) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        // Writing to a string cannot fail.
        let _ = write!(out, "{}={}", utf8_percent_encode(name, RESERVED), utf8_percent_encode(value, RESERVED));
    }
    out
}

/// Why a route and its values do not make a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadPath<'a> {
    /// The value would name another path, or none.
    Value { name: &'a str, value: &'a str },
    /// There are fewer or more values than places.
    Count { places: usize, values: usize },
}

/// Puts the values into the places of a route, such as `groups/{group}/users`, encoded.
pub(super) fn fill<'a>(route: &'a str, values: &[&'a str]) -> Result<String, BadPath<'a>> {
    let places = route.matches('{').count();
    if places != values.len() {
        return Err(BadPath::Count { places, values: values.len() });
    }
    let mut path = String::with_capacity(route.len());
    let mut rest = route;
    for value in values {
        let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
        else {
            break;
        };
        if matches!(*value, "" | "." | "..") {
            return Err(BadPath::Value { name, value });
        }
        path.push_str(before);
        path.push_str(&encode(value));
        rest = after;
    }
    path.push_str(rest);
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_place() {
        assert_eq!(fill("groups/{group}/users", &["a/b?c#d%"]).unwrap(), "groups/a%2Fb%3Fc%23d%25/users");
        assert_eq!(fill("v1/groups/{group}:add-members", &["g_1"]).unwrap(), "v1/groups/g_1:add-members");
        assert_eq!(fill("users/{user}", &["ána@example.com"]).unwrap(), "users/%C3%A1na%40example.com");
        for value in ["", ".", ".."] {
            assert_eq!(fill("groups/{group}/users", &[value]), Err(BadPath::Value { name: "group", value }));
        }
    }

    #[test]
    fn every_place_has_a_value() {
        assert_eq!(fill("users", &["x"]), Err(BadPath::Count { places: 0, values: 1 }));
        assert_eq!(fill("users/{user}", &[]), Err(BadPath::Count { places: 1, values: 0 }));
    }

    #[test]
    fn pairs_are_encoded_alike_in_queries_and_forms() {
        let pairs = [("user_ids[]".to_owned(), "P 1+2".to_owned()), ("cursor".to_owned(), "dXNlcg==".to_owned())];
        assert_eq!(encode_pairs(&pairs), "user_ids%5B%5D=P%201%2B2&cursor=dXNlcg%3D%3D");
    }
}
