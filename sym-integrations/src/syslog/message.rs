//! Messages as RFC 5424 defines them, and how a stream of them is divided.

use jiff::Timestamp;
use sym_sdk::error::Result;

use super::configuration;

/// The maximum lengths of the fields of a header, in characters.
pub(super) const MAX_HOSTNAME: usize = 255;
pub(super) const MAX_APP_NAME: usize = 48;
const MAX_MESSAGE_ID: usize = 32;

/// The way in which the messages of a stream are divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Framing {
    /// The length of a message in bytes and a space before each, as RFC 5425 defines it: `octet-counting`.
    #[default]
    OctetCounting,
    /// A line break after each message, for receivers that do not count: `lf`.
    LineFeed,
}

impl Framing {
    /// Parses the value of the setting `framing`.
    ///
    /// # Errors
    /// If there is no such framing.
    pub fn parse(value: &str) -> Result<Self> {
        match value {
            "octet-counting" => Ok(Self::OctetCounting),
            "lf" => Ok(Self::LineFeed),
            _ => Err(configuration(format!("`framing` must be `octet-counting` or `lf`, got `{value}`"))),
        }
    }

    /// Returns a message as it is written to the stream. Messages contain no line breaks: they are JSON on one line.
    pub(super) fn frame(self, message: &str) -> Vec<u8> {
        match self {
            Self::OctetCounting => format!("{} {message}", message.len()).into_bytes(),
            Self::LineFeed => format!("{message}\n").into_bytes(),
        }
    }
}

/// The severity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Error = 3,
    Informational = 6,
}

/// The parts of a header that are the same in every message.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) facility: u8,
    pub(super) hostname: String,
    pub(super) app_name: String,
    pub(super) process_id: u32,
}

impl Header {
    /// Returns the header of a message with its structured data, up to the space before the message itself.
    pub(super) fn text(&self, severity: Severity, at: Timestamp, message_id: &str, seq: u64) -> String {
        let priority = u16::from(self.facility) * 8 + severity as u16;
        // RFC 5424 allows six digits of a fraction.
        let time = at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ");
        let Self { hostname, app_name, process_id, .. } = self;
        // The number is that of the record in the log; the RFC lets it begin again after 2,147,483,647.
        let sequence = (seq.saturating_sub(1) % 2_147_483_647) + 1;
        let data = element("origin", &[("software", "sym-sdk"), ("swVersion", env!("CARGO_PKG_VERSION"))])
            + &element("meta", &[("sequenceId", &sequence.to_string())]);
        let (hostname, app_name) = (field(hostname, MAX_HOSTNAME), field(app_name, MAX_APP_NAME));
        format!("<{priority}>1 {time} {hostname} {app_name} {process_id} {} {data} ", field(message_id, MAX_MESSAGE_ID))
    }
}

/// Returns a field of a header: printable ASCII without spaces, and `-` if nothing is left.
fn field(value: &str, max: usize) -> String {
    let field: String = value.chars().filter(char::is_ascii_graphic).take(max).collect();
    if field.is_empty() { "-".to_owned() } else { field }
}

/// Returns an element of structured data.
fn element(id: &str, parameters: &[(&str, &str)]) -> String {
    let parameters: String = parameters.iter().map(|(name, value)| format!(r#" {name}="{}""#, escape(value))).collect();
    format!("[{id}{parameters}]")
}

fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header { facility: 13, hostname: "host.example.com".to_owned(), app_name: "sym".to_owned(), process_id: 42 }
    }

    #[test]
    fn the_header_has_the_form_of_the_rfc() {
        let at = "2024-02-29T12:00:00.123456789Z".parse().unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            header().text(Severity::Informational, at, "granted", 7),
            format!(
                r#"<110>1 2024-02-29T12:00:00.123456Z host.example.com sym 42 granted [origin software="sym-sdk" swVersion="{version}"][meta sequenceId="7"] "#
            )
        );
    }

    /// SY04: fields are printable ASCII within their lengths, `-` when empty; values of structured data are escaped.
    #[test]
    fn characters_that_would_end_a_field_are_left_out_or_escaped() {
        assert_eq!(field("a b\u{e9}\n\u{7f}", 9), "ab");
        assert_eq!(field("é ", 9), "-");
        assert_eq!(field(&"x".repeat(40), MAX_MESSAGE_ID).len(), 32);
        assert_eq!(element("x", &[("a", r#"1"2\3]4"#)]), r#"[x a="1\"2\\3\]4"]"#);
    }

    /// SY02: the length counts bytes.
    #[test]
    fn lengths_are_in_bytes() {
        assert_eq!(Framing::OctetCounting.frame("é😀"), b"6 \xc3\xa9\xf0\x9f\x98\x80");
        assert_eq!(Framing::LineFeed.frame("é"), b"\xc3\xa9\n");
    }

    #[test]
    fn sequence_numbers_stay_within_the_range_of_the_rfc() {
        let text = header().text(Severity::Error, Timestamp::UNIX_EPOCH, "failed", 2_147_483_648);
        assert!(text.starts_with("<107>1 1970-01-01T00:00:00.000000Z") && text.contains(r#"sequenceId="1""#), "{text}");
    }
}
