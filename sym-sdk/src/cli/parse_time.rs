//! The times that a command line takes.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::{Error, Result, codes};
use crate::forms::parse_duration;
use crate::time::TimestampExt as _;

/// Parses a time: one with a zone, a day, which begins in this zone, or a duration before now.
pub(super) fn parse_time(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(date) = text.parse::<Date>()
        && let Ok(begin) = date.to_zoned(zone.clone())
    {
        return Ok(begin.timestamp());
    }
    if let Ok(ago) = parse_duration(text) {
        return Ok(now.minus(ago));
    }
    let error = Error::invalid(codes::INVALID_PARAMETER, format!("expected a time, got `{text}`"));
    Err(error.with_hint("write it as `2026-10-01`, `2026-10-01T09:00:00Z`, or `30d` for 30 days ago"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_days_or_ages() {
        let now = "2026-10-05T12:00:00Z".parse().unwrap();
        let parse = |zone, text| parse_time(text, &TimeZone::posix(zone).unwrap(), now).map(|at| at.to_string()).ok();
        assert_eq!(parse("CEST-2", "2026-10-01").unwrap(), "2026-09-30T22:00:00Z");
        assert_eq!(parse("UTC0", "2026-10-01").unwrap(), "2026-10-01T00:00:00Z");
        assert_eq!(parse("CEST-2", "2026-10-01T09:00:00Z").unwrap(), "2026-10-01T09:00:00Z");
        assert_eq!(parse("UTC0", " 2d ").unwrap(), "2026-10-03T12:00:00Z");
        assert_eq!(parse("UTC0", "yesterday"), None);
    }
}
