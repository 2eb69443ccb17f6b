//! The parts of messages about the data of handlers.

use crate::config::SourceLocation;

/// Returns the name of a type without lifetimes and the paths of its parts: `Option<Form>` for `core::option::Option<my_flows::prod::Form>`.
pub(super) fn short_type_name(name: &str) -> String {
    let mut short = String::new();
    let mut word = String::new();
    let mut rest = name.chars().peekable();
    while let Some(next) = rest.next() {
        if next.is_alphanumeric() || next == '_' {
            word.push(next);
        } else if next == ':' && rest.peek() == Some(&':') {
            rest.next();
            word.clear();
        } else {
            short.push_str(&std::mem::take(&mut word));
            short.push(next);
        }
    }
    (short + &word).replace("<'_>", "").replace("'_, ", "")
}

/// Describes a position for a message: `` at flow.tf:3:1``; nothing for a declaration in Rust.
pub(super) fn at(location: &SourceLocation) -> String {
    match location.file {
        Some(_) => format!(" at {location}"),
        None => String::new(),
    }
}

/// Lists names: ``value `low` `` or ``values `low` and `high` ``.
pub(super) fn listed(noun: &str, names: &[String]) -> String {
    match names {
        [only] => format!("{noun} `{only}`"),
        [first @ .., last] => {
            format!("{noun}s {} and `{last}`", crate::suggest::quoted(first.iter().map(String::as_str)))
        }
        [] => format!("no {noun}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_lose_their_paths() {
        assert_eq!(short_type_name("my_flows::prod::Form"), "Form");
        assert_eq!(
            short_type_name("alloc::collections::btree::map::BTreeMap<alloc::string::String, (bool, a::B<'_>)>"),
            "BTreeMap<String, (bool, B)>"
        );
    }
}
