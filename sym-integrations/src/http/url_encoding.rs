//! Percent-encoding of values in paths, queries and forms.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All characters but the unreserved ones of RFC 3986. Services and signatures agree on no other encoding.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes a value.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Encodes pairs for a query or a form.
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

/// The reason why a route and its values do not form a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PathError<'a> {
    /// The value would change the path or leave a segment empty.
    InvalidValue { name: &'a str, value: &'a str },
    /// The number of values differs from that of the placeholders.
    Count { placeholders: usize, values: usize },
}

/// Replaces the placeholders of a route, such as `groups/{group}/users`, by the encoded values.
pub(super) fn fill<'a>(route: &'a str, values: &[&'a str]) -> Result<String, PathError<'a>> {
    let placeholders = route.matches('{').count();
    if placeholders != values.len() {
        return Err(PathError::Count { placeholders, values: values.len() });
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
            return Err(PathError::InvalidValue { name, value });
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
    fn values_cannot_change_the_path() {
        assert_eq!(fill("groups/{group}/users", &["a/b?c#d%"]).unwrap(), "groups/a%2Fb%3Fc%23d%25/users");
        assert_eq!(fill("v1/groups/{group}:add-members", &["g_1"]).unwrap(), "v1/groups/g_1:add-members");
        assert_eq!(fill("users/{user}", &["ána@example.com"]).unwrap(), "users/%C3%A1na%40example.com");
        for value in ["", ".", ".."] {
            assert_eq!(fill("groups/{group}/users", &[value]), Err(PathError::InvalidValue { name: "group", value }));
        }
    }

    #[test]
    fn rejects_a_wrong_number_of_values() {
        assert_eq!(fill("users", &["x"]), Err(PathError::Count { placeholders: 0, values: 1 }));
        assert_eq!(fill("users/{user}", &[]), Err(PathError::Count { placeholders: 1, values: 0 }));
    }

    #[test]
    fn encodes_queries_and_forms_alike() {
        let pairs = [("user_ids[]".to_owned(), "P 1+2".to_owned()), ("cursor".to_owned(), "dXNlcg==".to_owned())];
        assert_eq!(encode_pairs(&pairs), "user_ids%5B%5D=P%201%2B2&cursor=dXNlcg%3D%3D");
    }
}
