//! Redaction: removes secrets from texts that a service sent, before they appear in an error or a log.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::url_encoding::encode;

/// Replacement for a secret.
const REDACTED: &str = "[redacted]";

/// Number of characters of a service's text that an error quotes.
const MAX_QUOTED_CHARS: usize = 300;

/// The secrets of a call, in every form in which a service may echo them.
#[derive(Clone, Default)]
pub(super) struct Redactor {
    secrets: Vec<SecretString>,
}

impl Redactor {
    /// Adds a secret, in plain and in each encoding in which a service may echo it.
    pub(super) fn hide(&mut self, secret: &SecretString) {
        let plain = secret.expose_secret();
        if plain.is_empty() {
            return;
        }
        let json = Value::from(plain).to_string();
        let debug = format!("{plain:?}");
        let mut forms = vec![encode(plain), json.replace('/', "\\/"), json, debug];
        for form in &mut forms[1..] {
            // Strip the quotation marks.
            form.pop();
            form.remove(0);
        }
        self.secrets.extend(forms.into_iter().filter(|form| form != plain).map(SecretString::from));
        self.secrets.push(secret.clone());
        // Longest first: a secret that is part of another must not be replaced before it.
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
    }

    /// Makes a text of the service fit for an error: redacted, on one line, truncated.
    pub(super) fn clean(&self, text: &str) -> String {
        let text = self.redact(text.to_owned());
        let mut line = String::new();
        let mut length = 0;
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
            if !line.is_empty() {
                line.push(' ');
                length += 1;
            }
            for c in word.chars() {
                if length == MAX_QUOTED_CHARS {
                    line.push('…');
                    return line;
                }
                line.push(c);
                length += 1;
            }
        }
        line
    }

    /// Redacts JSON of the service.
    #[cfg(feature = "http")]
    pub(super) fn redact_json(&self, json: Value) -> Value {
        match json {
            Value::String(text) => Value::String(self.redact(text)),
            Value::Array(items) => items.into_iter().map(|item| self.redact_json(item)).collect(),
            Value::Object(members) => {
                members.into_iter().map(|(name, value)| (self.redact(name), self.redact_json(value))).collect()
            }
            other => other,
        }
    }

    fn redact(&self, mut text: String) -> String {
        for secret in &self.secrets {
            if text.contains(secret.expose_secret()) {
                text = text.replace(secret.expose_secret(), REDACTED);
            }
        }
        text
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("secrets", &self.secrets.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        for secret in secrets {
            redactor.hide(&SecretString::from(*secret));
        }
        redactor
    }

    #[test]
    fn redacts_secrets_in_every_encoding() {
        let redactor = redactor(&["to/k+en\"="]);
        assert_eq!(redactor.clean("got to/k+en\"=!"), "got [redacted]!");
        assert_eq!(redactor.clean(r#"{"got":"to\/k+en\"="}"#), r#"{"got":"[redacted]"}"#);
        assert_eq!(redactor.clean(&format!("got {:?}", "to/k+en\"=")), "got \"[redacted]\"");
        assert_eq!(redactor.clean("/?t=to%2Fk%2Ben%22%3D"), "/?t=[redacted]");
    }

    #[test]
    fn redacts_a_secret_that_contains_another() {
        assert_eq!(redactor(&["abc", "abcdef", ""]).clean("abcdef abc"), "[redacted] [redacted]");
    }

    #[test]
    fn cleans_control_characters_and_truncates() {
        let redactor = Redactor::default();
        assert_eq!(redactor.clean(" a\r\n\tb\u{1b}[31m \u{0} c "), "a b [31m c");
        let long = redactor.clean(&"é".repeat(10_000));
        assert_eq!(long.chars().count(), MAX_QUOTED_CHARS + 1);
    }
}
