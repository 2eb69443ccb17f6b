//! Functions of points in time, which are strings as RFC 3339 defines them.

use jiff::civil::{DateTime, Weekday};
use jiff::{SignedDuration, Timestamp};

use super::super::number::Number;
use super::{Arguments, Function, FunctionError, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("formatdate", 2, 2, formatdate),
    Function::new("timeadd", 2, 2, |args| {
        let moment = Moment::of(args, 0)?;
        let duration = duration(&args.text(1)?).ok_or_else(|| {
            FunctionError::new("expected a duration, such as `1h30m`")
                .at(1)
                .hint("the units are `h`, `m`, `s`, `ms`, `us` and `ns`")
        })?;
        let sum = moment.local.checked_add(duration).ok().filter(|sum| (0..=9999).contains(&sum.year()));
        let local = sum.ok_or_else(|| FunctionError::new("the result is out of range"))?;
        Ok(Value::text(Moment { local, ..moment }.to_string()))
    }),
    Function::new("timecmp", 2, 2, |args| {
        let ordering = Moment::of(args, 0)?.instant()?.cmp(&Moment::of(args, 1)?.instant()?);
        Ok(Value::Number(Number::Whole(ordering as i64)))
    }),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A time of day somewhere.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    local: DateTime,
    /// The offset from UTC, in minutes.
    offset: i32,
    /// Whether the time is written with `Z`.
    utc: bool,
}

impl Moment {
    fn of(args: &Arguments<'_>, index: usize) -> Result<Self, FunctionError> {
        Self::parse(&args.text(index)?).ok_or_else(|| {
            FunctionError::new("expected a time as RFC 3339 defines it, such as `2006-01-02T15:04:05Z`").at(index)
        })
    }

    /// Parses a time. Returns `None` if it is not one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once('T')?;
        let zone = time.find(['Z', '+', '-'])?;
        let (clock, zone) = time.split_at_checked(zone)?;
        let is_date = date.len() == 10
            && date.bytes().enumerate().all(|(at, c)| if at == 4 || at == 7 { c == b'-' } else { c.is_ascii_digit() });
        let (clock, fraction) = match clock.split_once('.') {
            Some((clock, fraction)) => (clock, Some(fraction)),
            None => (clock, None),
        };
        let is_clock = clock.len() == 8
            && clock.bytes().enumerate().all(|(at, c)| if at == 2 || at == 5 { c == b':' } else { c.is_ascii_digit() });
        let is_fraction = fraction
            .is_none_or(|fraction| (1..=9).contains(&fraction.len()) && fraction.bytes().all(|c| c.is_ascii_digit()));
        if !(is_date && is_clock && is_fraction) {
            return None;
        }
        let local: DateTime = format!("{date}T{clock}.{}", fraction.unwrap_or("0")).parse().ok()?;
        // A leap second would be read as the second before it.
        if clock.ends_with("60") {
            return None;
        }
        let (sign, zone) = match zone.split_at_checked(1)? {
            ("Z", "") => return Some(Self { local, offset: 0, utc: true }),
            ("+", zone) => (1, zone),
            ("-", zone) => (-1, zone),
            _ => return None,
        };
        let (hours, minutes) = zone.split_once(':')?;
        let number = |text: &str, limit: i32| {
            let is_number = text.len() == 2 && text.bytes().all(|c| c.is_ascii_digit());
            text.parse::<i32>().ok().filter(|number| is_number && *number < limit)
        };
        let offset = sign * (number(hours, 24)? * 60 + number(minutes, 60)?);
        Some(Self { local, offset, utc: false })
    }

    fn instant(self) -> Result<Timestamp, FunctionError> {
        let local = self.local.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp());
        let instant = local.and_then(|local| local.checked_sub(SignedDuration::from_mins(i64::from(self.offset))));
        instant.map_err(|_| FunctionError::new("the time is out of range"))
    }

    /// Returns the offset, with something between hours and minutes.
    fn zone(self, separator: &str) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.abs();
        format!("{sign}{:02}{separator}{:02}", minutes / 60, minutes % 60)
    }

    /// Returns the text of a part of a format: a run of one letter.
    fn part(self, letter: char, length: usize) -> Option<String> {
        let local = self.local;
        let hour12 = if local.hour() % 12 == 0 { 12 } else { local.hour() % 12 };
        let month = MONTHS.get(usize::from(local.month().unsigned_abs()).checked_sub(1)?)?;
        let weekday = match local.weekday() {
            Weekday::Monday => "Monday",
            Weekday::Tuesday => "Tuesday",
            Weekday::Wednesday => "Wednesday",
            Weekday::Thursday => "Thursday",
            Weekday::Friday => "Friday",
            Weekday::Saturday => "Saturday",
            Weekday::Sunday => "Sunday",
        };
        let number = |number: i8| match length {
            1 => Some(number.to_string()),
            2 => Some(format!("{number:02}")),
            _ => None,
        };
        match (letter, length) {
            ('Y', 2) => Some(format!("{:02}", local.year() % 100)),
            ('Y', 4) => Some(format!("{:04}", local.year())),
            ('M', 3) => Some(month.chars().take(3).collect()),
            ('M', 4) => Some((*month).to_owned()),
            ('M', _) => number(local.month()),
            ('D', _) => number(local.day()),
            ('E', 3) => Some(weekday.chars().take(3).collect()),
            ('E', 4) => Some(weekday.to_owned()),
            ('h', _) => number(local.hour()),
            ('H', _) => number(hour12),
            ('A', 2) => Some(if local.hour() < 12 { "AM" } else { "PM" }.to_owned()),
            ('a', 2) => Some(if local.hour() < 12 { "am" } else { "pm" }.to_owned()),
            ('m', _) => number(local.minute()),
            ('s', _) => number(local.second()),
            ('Z', 1) => Some(if self.offset == 0 { "Z".to_owned() } else { self.zone(":") }),
            ('Z', 3) => Some(if self.offset == 0 { "UTC".to_owned() } else { self.zone("") }),
            ('Z', 4) => Some(self.zone("")),
            ('Z', 5) => Some(self.zone(":")),
            _ => None,
        }
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let zone = if self.utc || self.offset == 0 { "Z".to_owned() } else { self.zone(":") };
        write!(f, "{}{zone}", self.local.strftime("%Y-%m-%dT%H:%M:%S"))
    }
}

fn formatdate(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (format, moment) = (args.text(0)?, Moment::of(args, 1)?);
    let mut written = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => loop {
                match chars.next() {
                    Some('\'') if chars.next_if_eq(&'\'').is_some() => written.push('\''),
                    Some('\'') => break,
                    Some(c) => written.push(c),
                    None => return Err(FunctionError::new("the text after `'` has no end").at(0)),
                }
            },
            c if c.is_ascii_alphabetic() => {
                let mut length = 1;
                while chars.next_if_eq(&c).is_some() {
                    length += 1;
                }
                let part = moment.part(c, length).ok_or_else(|| {
                    let verb: String = std::iter::repeat_n(c, length.min(10)).collect();
                    FunctionError::new(format!("`{verb}` is not a part of a date")).at(0).hint("enclose text in `'`")
                })?;
                written.push_str(&part);
            }
            c => written.push(c),
        }
    }
    Ok(Value::text(written))
}

/// Parses a duration as Go writes it: `-1h30m`, `1.5h`, `500ms`.
fn duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    let mut nanos = 0_i128;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(end)?;
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit)?;
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || number.len() > 20 || fraction.contains('.') {
            return None;
        }
        let whole = if whole.is_empty() { 0 } else { whole.parse::<i128>().ok()? };
        nanos = nanos.checked_add(whole.checked_mul(unit)?)?;
        if !fraction.is_empty() {
            let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
            nanos = nanos.checked_add(fraction.parse::<i128>().ok()?.checked_mul(unit)? / scale)?;
        }
        rest = after;
    }
    // A duration of Go has 64 bits.
    i64::try_from(if negative { -nanos } else { nanos }).ok().map(SignedDuration::from_nanos)
}
