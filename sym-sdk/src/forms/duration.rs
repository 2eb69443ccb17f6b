//! Durations of a flow: their text form, their range and their serialization.

use std::time::Duration;

use crate::error::{Error, Result, codes};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MONTH: u64 = 30 * DAY;

/// The maximal duration. A longer one is a mistake, and would overflow the calendar when added to a date.
const MAX_SECONDS: u64 = 3650 * DAY;

/// The maximal duration of access.
#[cfg(feature = "runtime")]
pub(crate) const MAX_DURATION: std::time::Duration = std::time::Duration::from_secs(MAX_SECONDS);

/// Parses a number and a unit: `s`, `m`, `h`, `d` or `mo` (30 days).
///
/// ```
/// use std::time::Duration;
/// use sym_sdk::forms::parse_duration;
///
/// assert_eq!(parse_duration("90m")?, Duration::from_secs(5400));
/// assert_eq!(parse_duration("1mo")?, parse_duration("30d")?);
/// assert!(parse_duration("1h30m").is_err());
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub fn parse_duration(text: &str) -> Result<Duration> {
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let unit = match unit {
        "s" => 1,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        "mo" => MONTH,
        _ => return Err(malformed(text)),
    };
    if number.is_empty() {
        return Err(malformed(text));
    }
    // A number of digits only fails to parse if it is too long.
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).unwrap_or(u64::MAX);
    check_seconds(seconds, text)
}

/// Converts seconds to a duration within the allowed range. `text` is the user's input, for the error.
pub(crate) fn check_seconds(seconds: u64, text: &str) -> Result<Duration> {
    let invalid = |what: &str| Error::invalid(codes::INVALID_DURATION, format!("the duration `{text}` {what}"));
    match seconds {
        0 => Err(invalid("must be more than zero")),
        1..=MAX_SECONDS => Ok(Duration::from_secs(seconds)),
        _ => Err(invalid("must be at most 3650d")),
    }
}

fn malformed(text: &str) -> Error {
    Error::invalid(codes::INVALID_DURATION, format!("expected a duration such as `30m`, got `{text}`"))
        .with_hint("a duration is a whole number and a unit: `s`, `m`, `h`, `d` or `mo` (30 days)")
}

/// Formats a duration as the shortest text that [`parse_duration`] accepts: `1h`, `10d`, `90m`. Fractions of a second are
/// dropped.
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (unit, name) = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m")]
        .into_iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit))
        .unwrap_or((1, "s"));
    format!("{}{name}", seconds / unit)
}

/// Serializes a duration as a whole number of seconds, for `#[serde(with = "…")]`.
pub mod duration_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Serializes the seconds.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        duration.as_secs().serialize(serializer)
    }

    /// Deserializes the seconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }

    /// Serializes an optional duration as a whole number of seconds.
    pub mod option {
        use super::*;

        /// Serializes the seconds, if any.
        pub fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
            duration.map(|duration| duration.as_secs()).serialize(serializer)
        }

        /// Deserializes the seconds, if any.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_secs))
        }
    }
}
