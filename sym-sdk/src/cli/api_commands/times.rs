//! Times as people read and write them: in the local zone unless they ask for UTC.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::parse_time::parse_time;
use crate::clock::{Clock as _, SystemClock};
use crate::error::Result;
use crate::forms::format_duration;

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
        parse_time(text, self.zone.as_ref().unwrap_or(&TimeZone::UTC), self.now)
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
}
