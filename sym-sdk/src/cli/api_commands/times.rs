//! Times as people read and write them: in the local zone unless they ask for UTC.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, Result, codes};
use crate::forms::{format_duration, parse_duration};
use crate::time::TimestampExt as _;

/// The time zone of a command, and its beginning.
#[derive(Clone, Debug)]
pub(super) struct Times {
    /// `None` for UTC.
    zone: Option<TimeZone>,
    now: Timestamp,
}

impl Times {
    pub(super) fn new(utc: bool) -> Self {
        let zone = Some(TimeZone::system()).filter(|zone| !utc && !zone.is_unknown() && *zone != TimeZone::UTC);
        Self { zone, now: SystemClock.now() }
    }

    /// Formats a time, with its zone.
    pub(super) fn show(&self, at: Timestamp) -> String {
        match &self.zone {
            None => format!("{at:.0}"),
            Some(zone) => at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        }
    }

    /// Formats a time that lies ahead or has passed, with the distance to it.
    pub(super) fn show_with_distance(&self, at: Timestamp) -> String {
        let distance = at.duration_since(self.now);
        let length = duration_text(distance.unsigned_abs().as_secs());
        let shown = self.show(at);
        if distance.is_negative() { format!("{shown} ({length} ago)") } else { format!("{shown} (in {length})") }
    }

    /// Parses a time: one with a zone, a date, or a duration before now.
    pub(super) fn parse(&self, text: &str) -> Result<Timestamp> {
        let text = text.trim();
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(at);
        }
        if let Ok(date) = text.parse::<Date>() {
            let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
            if let Ok(begin) = date.to_zoned(zone) {
                return Ok(begin.timestamp());
            }
        }
        if let Ok(ago) = parse_duration(text) {
            return Ok(self.now.minus(ago));
        }
        let error = Error::invalid(codes::INVALID_PARAMETER, format!("expected a time, got `{text}`"));
        Err(error.with_hint("write it as `2026-10-01`, `2026-10-01T09:00:00Z`, or `30d` for 30 days ago"))
    }
}

/// Formats a number of seconds with its largest unit.
pub(super) fn duration_text(seconds: u64) -> String {
    match seconds {
        0..=89 => format!("{seconds} s"),
        90..=5_399 => format!("{} min", seconds / 60),
        5_400..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Formats a duration as flows do, such as `1h`.
pub(super) fn duration_name(seconds: u64) -> String {
    format_duration(Duration::from_secs(seconds))
}

/// Returns the time since some moment of the process, whatever the clock is set to meanwhile.
pub(super) fn elapsed() -> Duration {
    SystemClock.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(zone: &str) -> Times {
        let zone = Some(TimeZone::posix(zone).unwrap()).filter(|_| zone != "UTC0");
        Times { zone, now: "2026-10-05T12:00:00Z".parse().unwrap() }
    }

    #[test]
    fn times_have_their_zone() {
        let at: Timestamp = "2026-10-05T12:59:01.5Z".parse().unwrap();
        assert_eq!(times("UTC0").show(at), "2026-10-05T12:59:01Z");
        assert_eq!(times("CEST-2").show(at), "2026-10-05 14:59:01 CEST");
        assert_eq!(times("UTC0").show_with_distance(at), "2026-10-05T12:59:01Z (in 59 min)");
        assert!(times("UTC0").show_with_distance("2026-10-05T09:00:00Z".parse().unwrap()).ends_with("(3 h ago)"));
    }

    #[test]
    fn times_are_absolute_days_or_ages() {
        let parse = |zone, text| times(zone).parse(text).map(|at| at.to_string()).ok();
        assert_eq!(parse("CEST-2", "2026-10-01").unwrap(), "2026-09-30T22:00:00Z");
        assert_eq!(parse("UTC0", "2026-10-01").unwrap(), "2026-10-01T00:00:00Z");
        assert_eq!(parse("CEST-2", "2026-10-01T09:00:00Z").unwrap(), "2026-10-01T09:00:00Z");
        assert_eq!(parse("UTC0", "2d").unwrap(), "2026-10-03T12:00:00Z");
        assert_eq!(parse("UTC0", "yesterday"), None);
    }
}
