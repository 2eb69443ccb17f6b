//! Rust identifiers for any text: names of flows, fields and vars, and the values of options.

use std::collections::BTreeSet;

use unicode_ident::{is_xid_continue, is_xid_start};
use unicode_normalization::UnicodeNormalization as _;

/// The keywords of all editions.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// The keywords that cannot be written as `r#…`.
const RESERVED: &[&str] = &["crate", "self", "super", "Self", "_"];

/// The identifiers of one scope, which differ from each other.
#[derive(Debug, Default)]
pub(super) struct Identifiers(BTreeSet<String>);

impl Identifiers {
    /// Creates a scope in which these identifiers are taken.
    pub(super) fn with_taken(taken: &[&str]) -> Self {
        Self(taken.iter().map(|&name| name.to_owned()).collect())
    }

    /// Returns an identifier of a module, a member or a function, such as `repo_name`. Never the same twice.
    pub(super) fn snake_case(&mut self, text: &str, fallback: &str) -> String {
        let words: Vec<String> = words(text).iter().map(|word| word.to_lowercase()).collect();
        let name = self.unique(start_with_letter(words.join("_"), &format!("{fallback}_"), fallback), "_");
        if KEYWORDS.contains(&name.as_str()) { format!("r#{name}") } else { name }
    }

    /// Returns an identifier of a type or a variant, such as `VeryUrgent`. Never the same twice.
    pub(super) fn camel_case(&mut self, text: &str, fallback: &str) -> String {
        let words: Vec<String> = words(text).iter().map(|word| capitalized(word)).collect();
        // Two digits that met would read as one number.
        let joined = words.iter().fold(String::new(), |name, word| {
            let meet = name.ends_with(char::is_numeric) && word.starts_with(char::is_numeric);
            if meet { format!("{name}_{word}") } else { name + word }
        });
        self.unique(start_with_letter(joined, fallback, fallback), "")
    }

    fn unique(&mut self, name: String, separator: &str) -> String {
        // The compiler compares identifiers in this form.
        let name: String = name.nfc().collect();
        let is_free = |taken: &BTreeSet<String>, name: &str| !taken.contains(name) && !RESERVED.contains(&name);
        let mut candidate = name.clone();
        let mut number = 2_u32;
        while !is_free(&self.0, &candidate) {
            candidate = format!("{name}{separator}{number}");
            number += 1;
        }
        self.0.insert(candidate.clone());
        candidate
    }
}

fn start_with_letter(name: String, prefix: &str, fallback: &str) -> String {
    match name.chars().next() {
        None => fallback.to_owned(),
        Some(first) if is_xid_start(first) => name,
        Some(_) => format!("{prefix}{name}"),
    }
}

/// Splits text at what cannot be part of an identifier, and where a capital letter follows a small one.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for c in text.nfc() {
        let is_part = is_xid_continue(c) && c != '_';
        if !is_part || (after_small && c.is_uppercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| is_part) {
            word.push(c);
        }
        after_small = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

fn capitalized(word: &str) -> String {
    let is_all_capitals = word.chars().any(char::is_uppercase) && !word.chars().any(char::is_lowercase);
    let mut chars = word.chars();
    let first: String = chars.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    if is_all_capitals { first + &chars.as_str().to_lowercase() } else { first + chars.as_str() }
}

/// Returns whether an identifier is read as this name by serde.
pub(super) fn is_name(identifier: &str, name: &str) -> bool {
    identifier.strip_prefix("r#").unwrap_or(identifier) == name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_identifiers_whatever_the_value() {
        let camel = |text: &str| Identifiers::default().camel_case(text, "Value");
        let cases = [
            ("Normal", "Normal"),
            ("very urgent", "VeryUrgent"),
            ("EU-west-1", "EuWest1"),
            ("30 60", "Value30_60"),
            ("+", "Value"),
            ("", "Value"),
            ("Self", "Self2"),
            ("größe", "Größe"),
            ("ß", "SS"),
            ("日本 語", "日本語"),
            ("①½", "Value"),
            ("e\u{301}tat", "État"),
            ("read/write", "ReadWrite"),
            ("readOnly", "ReadOnly"),
            ("_", "Value"),
            ("🔥 prod", "Prod"),
        ];
        for (text, expected) in cases {
            assert_eq!(camel(text), expected, "{text}");
        }
    }

    #[test]
    fn members_are_identifiers_whatever_the_name() {
        let snake = |text: &str| Identifiers::default().snake_case(text, "field");
        let cases = [
            ("repo_name", "repo_name"),
            ("repo-name", "repo_name"),
            ("repoName", "repo_name"),
            ("type", "r#type"),
            ("self", "self_2"),
            ("2fa", "field_2fa"),
            ("--", "field"),
            ("_", "field"),
        ];
        for (text, expected) in cases {
            assert_eq!(snake(text), expected, "{text}");
        }
    }

    #[test]
    fn identifiers_of_a_scope_differ() {
        let mut identifiers = Identifiers::with_taken(&["String"]);
        let camel: Vec<_> = ["a b", "a-b", "AB2", "aB", "string", "É", "E\u{301}"]
            .iter()
            .map(|text| identifiers.camel_case(text, "Value"))
            .collect();
        assert_eq!(camel, ["AB", "AB2", "Ab2", "AB3", "String2", "É", "É2"]);
        let mut identifiers = Identifiers::default();
        let snake: Vec<_> =
            ["a-b", "a_b", "type", "Type"].iter().map(|text| identifiers.snake_case(text, "field")).collect();
        assert_eq!(snake, ["a_b", "a_b_2", "r#type", "type_2"]);
    }
}
