//! The delay that a service asks for before the next attempt: `Retry-After`, and headers of the services' own.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::Response;

/// Added to points in time, which headers give in whole seconds: a limit may be lifted at any moment of its last second.
const ROUNDING: Duration = Duration::from_secs(1);

impl Response {
    /// Returns the time by the clock of the service: the `Date` header, in whole seconds.
    pub fn date(&self) -> Option<Timestamp> {
        date(self.header_map())
    }

    /// Returns the delay that `Retry-After` asks for, given in seconds or as a date.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.header_map(), Some(self.received()))
    }

    /// Returns the delay that a header gives in seconds, such as PagerDuty's `ratelimit-reset`.
    pub fn retry_delay_seconds(&self, header: &str) -> Option<Duration> {
        seconds(self.header(header)?.trim())
    }

    /// Returns the delay until the point in time that a header gives, in Unix seconds or RFC 3339, such as Okta's
    /// `x-rate-limit-reset`.
    ///
    /// The delay is measured by the clock of the service, as its `Date` header shows it, and extends to the end of the second.
    pub fn retry_delay_until(&self, header: &str) -> Option<Duration> {
        let text = self.header(header)?.trim();
        let at = match text.parse::<i64>() {
            Ok(second) => Timestamp::from_second(second).ok()?,
            Err(_) => text.parse().ok()?,
        };
        Some(until(at, self.header_map(), Some(self.received()))?.saturating_add(ROUNDING))
    }
}

/// Returns the delay that `Retry-After` asks for. A date is measured from the response's `Date` header, or else from `received`.
pub(super) fn retry_after(headers: &HeaderMap, received: Option<Timestamp>) -> Option<Duration> {
    let text = text(headers, "retry-after")?;
    seconds(text).or_else(|| until(rfc2822::parse(text).ok()?.timestamp(), headers, received))
}

fn until(at: Timestamp, headers: &HeaderMap, received: Option<Timestamp>) -> Option<Duration> {
    let now = date(headers).or(received)?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    Some(rfc2822::parse(text(headers, "date")?).ok()?.timestamp())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

/// Parses seconds, whole or with a fraction.
fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}
