//! Keeps secrets, and what else a stranger wrote, out of what people read.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::encode::encode;

/// What stands where a secret stood.
const HIDDEN: &str = "[redacted]";

/// How much of a text of the service's goes into an error.
const SHOWN: usize = 300;

/// Knows the secrets of a call, to take them out of what the service says.
#[derive(Clone, Default)]
pub(super) struct Redactor {
    secrets: Vec<SecretString>,
}

impl Redactor {
    /// Hides one more secret, in each form in which a service may echo it.
    pub(super) fn hide(&mut self, secret: &SecretString) {
        let plain = secret.expose_secret();
        if plain.is_empty() {
            return;
        }
        let json = Value::from(plain).to_string();
        let debug = format!("{plain:?}");
        let mut forms = vec![encode(plain), json.replace('/', "\\/"), json, debug];
        for form in &mut forms[1..] {
            // The quotation marks are not part of it.
            form.pop();
            form.remove(0);
        }
        self.secrets.extend(forms.into_iter().filter(|form| form != plain).map(SecretString::from));
        self.secrets.push(secret.clone());
        // The longest first, so that one that is part of another leaves no remains of it.
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
    }

    /// A text of the service's, fit for an error: without secrets, on one line, and not long.
    pub(super) fn clean(&self, text: &str) -> String {
        let text = self.without_secrets(text.to_owned());
        let mut line = String::new();
        let mut length = 0;
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
            if !line.is_empty() {
                line.push(' ');
                length += 1;
            }
            for c in word.chars() {
                if length == SHOWN {
                    line.push('…');
                    return line;
                }
                line.push(c);
                length += 1;
            }
        }
        line
    }

    /// JSON of the service's, fit to be kept: without secrets.
    #[cfg(feature = "http")]
    pub(super) fn strip(&self, json: Value) -> Value {
        match json {
            Value::String(text) => Value::String(self.without_secrets(text)),
            Value::Array(items) => items.into_iter().map(|item| self.strip(item)).collect(),
            Value::Object(members) => {
                members.into_iter().map(|(name, value)| (self.without_secrets(name), self.strip(value))).collect()
            }
            other => other,
        }
    }

    fn without_secrets(&self, mut text: String) -> String {
        for secret in &self.secrets {
            if text.contains(secret.expose_secret()) {
                text = text.replace(secret.expose_secret(), HIDDEN);
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

    fn hiding(secrets: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        for secret in secrets {
            redactor.hide(&SecretString::from(*secret));
        }
        redactor
    }

    #[test]
    fn secrets_are_hidden_in_each_form() {
        let redactor = hiding(&["to/k+en\"="]);
        assert_eq!(redactor.clean("got to/k+en\"=!"), "got [redacted]!");
        assert_eq!(redactor.clean(r#"{"got":"to\/k+en\"="}"#), r#"{"got":"[redacted]"}"#);
        assert_eq!(redactor.clean(&format!("got {:?}", "to/k+en\"=")), "got \"[redacted]\"");
        assert_eq!(redactor.clean("/?t=to%2Fk%2Ben%22%3D"), "/?t=[redacted]");
    }

    #[test]
    fn a_secret_within_another_leaves_no_remains() {
        assert_eq!(hiding(&["abc", "abcdef", ""]).clean("abcdef abc"), "[redacted] [redacted]");
    }

    #[test]
    fn texts_are_one_line_and_not_long() {
        let redactor = Redactor::default();
        assert_eq!(redactor.clean(" a\r\n\tb\u{1b}[31m \u{0} c "), "a b [31m c");
        let long = redactor.clean(&"é".repeat(10_000));
        assert_eq!(long.chars().count(), SHOWN + 1);
    }
}
