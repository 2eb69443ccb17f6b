//! The `Link` header (RFC 8288), by which services name the next page of a list.

/// Returns the target of the link with relation `next` from a header that can contain several links.
pub(super) fn next(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some((_, tail)) = rest.split_once('<') {
        let (target, tail) = tail.split_once('>')?;
        let (params, tail) = split_unquoted(tail, ',');
        if is_next(params) {
            return Some(target);
        }
        rest = tail;
    }
    None
}

fn is_next(mut params: &str) -> bool {
    while !params.is_empty() {
        let (param, tail) = split_unquoted(params, ';');
        if let Some((name, value)) = param.split_once('=')
            && name.trim().eq_ignore_ascii_case("rel")
        {
            // A link can have several relations.
            return value.trim().trim_matches('"').split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"));
        }
        params = tail;
    }
    false
}

/// Splits a text at the first separator outside quotation marks.
fn split_unquoted(text: &str, separator: char) -> (&str, &str) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == separator && !quoted => return (&text[..at], &text[at + c.len_utf8()..]),
            _ => {}
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn finds_the_next_link_among_others() {
        assert_eq!(next(r#"<https://x/a?after=1>; rel="next""#), Some("https://x/a?after=1"));
        assert_eq!(
            next(r#"<https://x/a>; rel="self", <https://x/b?c=1,2;3>; rel="next""#),
            Some("https://x/b?c=1,2;3")
        );
        assert_eq!(next(r#"</b>; title="a, \"b\"; rel=\"prev\""; REL=Next"#), Some("/b"));
        assert_eq!(next(r#"</b>; rel="last next""#), Some("/b"));
    }

    #[test]
    fn returns_none_without_a_next_link() {
        for header in [
            "",
            "<",
            "<https://x",
            r#"<https://x>; rel="nextish""#,
            r#"<a>; rel="self"; rel="next""#,
            "rel=next",
            "<a>; rel",
        ] {
            assert_eq!(next(header), None, "{header}");
        }
    }
}
