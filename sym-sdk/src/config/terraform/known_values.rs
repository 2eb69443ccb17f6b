//! Values that only `terraform apply` knows, given by the caller.

use std::path::Path;

use super::evaluator::Evaluator;
use super::functions::from_json;
use super::source_file::SourceFile;
use super::value::{Unknown, Value};
use crate::config::Diagnostic;

/// Values by reference.
pub(super) type KnownValues = serde_json::Map<String, serde_json::Value>;

/// Reads a JSON file of values by reference.
pub(super) fn read(path: &Path) -> Result<KnownValues, Diagnostic> {
    let source = SourceFile::read(path)?;
    match serde_json::from_str(source.text()) {
        Ok(serde_json::Value::Object(values)) => Ok(values),
        Ok(_) => {
            let message = "expected a JSON object of values by reference";
            Err(Diagnostic::error(source.file_location(), message)
                .with_hint(r#"such as {"module.okta.group_id": "00g1"}"#))
        }
        Err(error) => {
            let location = source.at_line(error.line(), error.column());
            Err(Diagnostic::error(location, format!("syntax error: {error}")))
        }
    }
}

/// Returns how to give a value that is unknown.
pub(super) fn hint(expression: &str) -> String {
    let example = serde_json::json!({ expression: "…" });
    format!("give it in a file, as {example}, with `--known-values FILE`, or make it a variable and use `--var`")
}

/// Returns text that stands for an unknown value in a simulation.
pub(super) fn placeholder(expression: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    format!("unknown-{}", expression.chars().map(allowed).collect::<String>().trim_end_matches('-'))
}

/// Finds the value of a reference, which may be a part of a value that is given.
fn find<'v>(known: &'v KnownValues, reference: &str) -> Option<&'v serde_json::Value> {
    let parts = known
        .iter()
        .filter_map(|(whole, value)| Some((whole.len(), part(value, reference.strip_prefix(whole.as_str())?)?)));
    parts.max_by_key(|(length, _)| *length).map(|(_, value)| value)
}

/// Returns the part of a value to which a path leads, such as `.roles["admin"][0]`.
fn part<'v>(value: &'v serde_json::Value, path: &str) -> Option<&'v serde_json::Value> {
    if path.is_empty() {
        return Some(value);
    }
    if let Some(path) = path.strip_prefix('.') {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (name, rest) = path.split_at_checked(end)?;
        return part(value.get(name)?, rest);
    }
    let path = path.strip_prefix('[')?;
    if let Some(quoted) = path.strip_prefix('"') {
        let (key, rest) = quoted.split_once("\"]")?;
        return part(value.get(key)?, rest);
    }
    let (index, rest) = path.split_once(']')?;
    part(value.get(index.parse::<usize>().ok()?)?, rest)
}

impl Evaluator {
    /// Returns the value of a reference to what only another provider or module can supply: unknown, unless the caller gave it.
    pub(super) fn unknown(&self, reference: impl AsRef<str>) -> Value {
        self.known(Value::after_apply(reference))
    }

    /// Returns the value, or what the caller gave for it if it is unknown.
    pub(super) fn known(&self, value: Value) -> Value {
        match &value {
            Value::Unknown(Unknown::AfterApply(reference)) => {
                find(&self.known_values, reference).map_or(value, from_json)
            }
            _ => value,
        }
    }
}
