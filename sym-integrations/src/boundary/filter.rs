//! Boundary's filters, which are [expressions](https://developer.hashicorp.com/boundary/docs/concepts/filtering) over the items of a list.

/// An expression that matches items in which a member is one of these values. Values are quoted, so that they cannot become a part of the
/// expression.
pub(super) fn is_any_of(member: &str, values: &[impl AsRef<str>]) -> String {
    let terms: Vec<_> =
        values.iter().map(|value| format!("\"/item/{member}\" == {}", quoted(value.as_ref()))).collect();
    terms.join(" or ")
}

fn quoted(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // An escape of Go, as which Boundary reads the value.
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BO04.
    #[test]
    fn a_value_cannot_become_a_part_of_the_expression() {
        assert_eq!(is_any_of("email", &["a\"b@example.com"]), r#""/item/email" == "a\"b@example.com""#);
        assert_eq!(
            is_any_of("email", &["\\\" or \"/item/id\" != \"", "b\n"]),
            r#""/item/email" == "\\\" or \"/item/id\" != \"" or "/item/email" == "b\u000a""#
        );
    }
}
