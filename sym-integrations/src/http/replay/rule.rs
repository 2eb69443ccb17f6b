//! Rules: which calls a reply answers.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::form_urlencoded;

use super::super::transport::Request;
use super::Reply;

/// A reply and the calls it answers.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) without: Vec<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Expected>,
    pub(super) reply: Reply,
    /// Number of further calls that the rule answers. `None` means any number.
    pub(super) left: Option<usize>,
    pub(super) answered: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Expected {
    Json(Value),
    Form(Vec<(String, String)>),
    Empty,
}

impl Rule {
    /// Returns the differences between a call and this rule.
    pub(super) fn differences(&self, request: &Request) -> Vec<String> {
        let mut differences = Vec::new();
        if request.method != self.method {
            differences.push(format!("method: expected {}, got {}", self.method, request.method));
        }
        let path = decode(request.url.path());
        if path != self.path {
            differences.push(format!("path: expected `{}`, got `{path}`", self.path));
        }
        let query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        for (name, value) in self.query.iter().filter(|pair| !query.contains(pair)) {
            differences.push(format!("query: expected `{name}={value}`, got {}", values(&query, name)));
        }
        for name in self.without.iter().filter(|name| query.iter().any(|(other, _)| other == *name)) {
            differences.push(format!("query: expected no `{name}`, got {}", values(&query, name)));
        }
        for (name, value) in &self.headers {
            match request.headers.get(name) {
                Some(got) if got == value.as_str() => {}
                // A sensitive value is not quoted.
                Some(got) if got.is_sensitive() => differences.push(format!("header `{name}`: got a different secret")),
                Some(got) => differences.push(format!("header `{name}`: expected `{value}`, got {got:?}")),
                None => differences.push(format!("header `{name}`: expected `{value}`, got none")),
            }
        }
        if let Some(expected) = &self.body {
            differences.extend(expected.difference(&request.body));
        }
        differences
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left == Some(0)
    }

    /// Whether fewer calls were received than the rule answers.
    pub(super) fn is_unused(&self) -> bool {
        match self.left {
            Some(left) => left > 0,
            None => self.answered == 0,
        }
    }
}

impl Expected {
    fn difference(&self, body: &[u8]) -> Option<String> {
        match self {
            Self::Empty => (!body.is_empty()).then(|| "body: expected none, got one".to_owned()),
            Self::Json(expected) => match serde_json::from_slice::<Value>(body) {
                Ok(got) if got == *expected => None,
                Ok(got) => Some(format!("body: expected {expected}, got {got}")),
                Err(_) => Some(format!("body: expected {expected}, got no JSON")),
            },
            Self::Form(expected) => {
                let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
                let missing = expected.iter().find(|pair| !form.contains(pair))?;
                Some(format!("form: expected `{}={}`, got {}", missing.0, missing.1, values(&form, &missing.0)))
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        for (at, (name, value)) in self.query.iter().enumerate() {
            write!(f, "{}{name}={value}", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

pub(super) fn decode(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

fn values(pairs: &[(String, String)], name: &str) -> String {
    let values: Vec<String> =
        pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| format!("`{value}`")).collect();
    if values.is_empty() { "none".to_owned() } else { values.join(", ") }
}
