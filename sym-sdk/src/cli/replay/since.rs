//! The start of the time whose requests are replayed.

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::forms::parse_duration;
use crate::time::TimestampExt;

/// A time, or the duration that it is ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Since {
    Ago(Duration),
    At(Timestamp),
}

impl Since {
    pub(super) fn timestamp(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(duration) => now.minus(duration),
            Self::At(at) => at,
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(duration) = parse_duration(text) {
            return Ok(Self::Ago(duration));
        }
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        let day = text.parse::<Date>().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
        day.map(|day| Self::At(day.timestamp())).ok_or_else(|| {
            "expected a duration such as `30d`, a time such as `2024-02-29T09:00:00Z`, or a day such as `2024-02-29`".to_owned()
        })
    }
}
