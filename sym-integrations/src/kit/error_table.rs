//! The mapping from a vendor's error codes to ours, as a table.
//!
//! Vendors document their errors as tables, so that is how they are kept: one row per meaning, with all codes that share it.
//! Bodies of failures are read leniently, because a member of an unexpected type must not hide the others.

use serde_json::{Map, Value};
use sym_sdk::error::ErrorKind;

use crate::http::{Failure, Response, Retry};

/// A table of a vendor's error codes.
///
/// ```
/// use sym_integrations::http::{Failure, Response, error_names};
/// use sym_integrations::kit::{ErrorBody, ErrorRule, ErrorTable};
/// use sym_sdk::error::ErrorKind;
///
/// const ERRORS: ErrorTable = ErrorTable::new(&[
///     ErrorRule::new(&["E17", "E18"], ErrorKind::Unauthorized, error_names::AUTH_FAILED).hint("create a new token"),
///     ErrorRule::new(&["E20"], ErrorKind::NotFound, error_names::NOT_FOUND),
/// ]);
///
/// fn classify(response: &Response) -> Result<(), Failure> {
///     if response.is_success() {
///         return Ok(());
///     }
///     let failure = Failure::of(response);
///     Err(match ErrorBody::of(response).and_then(|body| body.text("code")) {
///         Some(code) => ERRORS.apply(failure, &code),
///         None => failure,
///     })
/// }
/// # let _ = classify;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ErrorTable(&'static [ErrorRule]);

impl ErrorTable {
    /// Creates a table. A code in several rows has the meaning of the first.
    pub const fn new(rules: &'static [ErrorRule]) -> Self {
        Self(rules)
    }

    /// Refines a failure by the row of a code. A failure whose code is in no row stays as it is.
    pub fn apply(&self, failure: Failure, code: &str) -> Failure {
        match self.0.iter().find(|rule| rule.codes.contains(&code)) {
            Some(rule) => rule.apply(failure),
            None => failure,
        }
    }

    /// Returns whether a code is in the table.
    pub fn contains(&self, code: &str) -> bool {
        self.0.iter().any(|rule| rule.codes.contains(&code))
    }
}

/// The meaning of one or more error codes of a vendor.
#[derive(Clone, Copy, Debug)]
pub struct ErrorRule {
    codes: &'static [&'static str],
    kind: Option<ErrorKind>,
    name: Option<&'static str>,
    hint: Option<&'static str>,
    retry: Option<Retry>,
}

impl ErrorRule {
    /// Maps codes to a kind of error, and to the second part of our code.
    pub const fn new(codes: &'static [&'static str], kind: ErrorKind, name: &'static str) -> Self {
        Self { codes, kind: Some(kind), name: Some(name), hint: None, retry: None }
    }

    /// Maps codes to a kind of error, and leaves our code as it is.
    pub const fn kind(codes: &'static [&'static str], kind: ErrorKind) -> Self {
        Self { codes, kind: Some(kind), name: None, hint: None, retry: None }
    }

    /// Adds a hint to codes whose kind is known already.
    pub const fn hint_only(codes: &'static [&'static str], hint: &'static str) -> Self {
        Self { codes, kind: None, name: None, hint: Some(hint), retry: None }
    }

    /// Sets the hint: what to do about the error.
    #[must_use]
    pub const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Sets whether the call is retried, where the status does not decide.
    #[must_use]
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = Some(retry);
        self
    }

    fn apply(&self, mut failure: Failure) -> Failure {
        if let Some(kind) = self.kind {
            failure = failure.with_kind(kind);
        }
        if let Some(name) = self.name {
            failure = failure.with_name(name);
        }
        if let Some(hint) = self.hint {
            failure = failure.with_hint(hint);
        }
        if let Some(retry) = self.retry {
            failure = failure.with_retry(retry);
        }
        failure
    }
}

/// The JSON object that reports a failure.
///
/// Members are found in either case of their letters, since services write `message` and `Message` alike, some of them in one body. Of two
/// spellings, the one that has a value of the expected type counts; a member that is `null` counts as absent.
#[derive(Clone, Debug)]
pub struct ErrorBody(Map<String, Value>);

impl ErrorBody {
    /// Reads the body of a response, if it is a JSON object. Lists are skipped without being parsed.
    pub fn of(response: &Response) -> Option<Self> {
        let body = response.json_text();
        let is_object = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        is_object.then(|| serde_json::from_slice(&body).ok()).flatten().map(Self)
    }

    /// Returns a member that is not `null`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.spellings(name).next()
    }

    /// The members of this name that are not `null`: the one that is spelled exactly so, and then the others.
    fn spellings<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Value> {
        let exact = self.0.get(name);
        let others = self.0.iter().filter(move |(key, _)| *key != name && key.eq_ignore_ascii_case(name));
        exact.into_iter().chain(others.map(|(_, value)| value)).filter(|value| !value.is_null())
    }

    /// Returns a text or a number as text. An empty text counts as absent.
    pub fn text(&self, name: &str) -> Option<String> {
        self.spellings(name).find_map(|value| match value {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }

    /// Returns a member that is an object.
    pub fn object(&self, name: &str) -> Option<Self> {
        self.spellings(name).find_map(Value::as_object).cloned().map(Self)
    }

    /// Returns the members of a list. One value counts as a list of one.
    pub fn list(&self, name: &str) -> &[Value] {
        match self.get(name) {
            Some(Value::Array(values)) => values,
            Some(value) => std::slice::from_ref(value),
            None => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_either_spelling_and_treats_null_as_absent() {
        let body = ErrorBody(
            json!({ "message": null, "Message": "no", "code": 7, "causes": "one" }).as_object().unwrap().clone(),
        );
        assert_eq!(body.text("message").as_deref(), Some("no"));
        assert_eq!(body.text("Code").as_deref(), Some("7"));
        assert_eq!(body.list("causes").len(), 1);
        assert!(body.list("errors").is_empty() && body.object("causes").is_none());

        let body =
            json!({ "message": {}, "Message": " ", "MESSAGE": "not allowed", "error": "no", "Error": { "code": "x" } });
        let body = ErrorBody(body.as_object().unwrap().clone());
        assert_eq!(body.text("message").as_deref(), Some("not allowed"));
        assert_eq!(body.object("error").and_then(|error| error.text("code")).as_deref(), Some("x"));
    }
}
