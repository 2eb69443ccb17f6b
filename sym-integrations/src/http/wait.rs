//! How services say how long they want to be left alone.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::Response;

/// Clocks are told to the second: what is due within this one is due with the next.
const ROUNDING: Duration = Duration::from_secs(1);

impl Response {
    /// The wait that `Retry-After` asks for, which is in seconds or a date.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.header_map(), Some(self.received()))
    }

    /// The wait that a header gives in seconds, such as PagerDuty's `ratelimit-reset`.
    pub fn wait_seconds(&self, header: &str) -> Option<Duration> {
        seconds(self.header(header)?.trim())
    }

    /// The wait until the time that a header gives, in seconds since 1970 or in RFC 3339: such as Okta's `x-rate-limit-reset`.
    ///
    /// It is measured by the clock of the service, as its `Date` shows it, and to the end of the second.
    pub fn wait_until(&self, header: &str) -> Option<Duration> {
        let text = self.header(header)?.trim();
        let at = match text.parse::<i64>() {
            Ok(second) => Timestamp::from_second(second).ok()?,
            Err(_) => text.parse().ok()?,
        };
        Some(until(at, self.header_map(), Some(self.received()))?.saturating_add(ROUNDING))
    }
}

/// The wait that `Retry-After` asks for. Without a time at which the answer was received, a date counts only beside the service's
/// own.
pub(super) fn retry_after(headers: &HeaderMap, received: Option<Timestamp>) -> Option<Duration> {
    let text = text(headers, "retry-after")?;
    seconds(text).or_else(|| until(rfc2822::parse(text).ok()?.timestamp(), headers, received))
}

fn until(at: Timestamp, headers: &HeaderMap, received: Option<Timestamp>) -> Option<Duration> {
    let date = text(headers, "date").and_then(|date| rfc2822::parse(date).ok());
    let now = date.map(|date| date.timestamp()).or(received)?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

/// Seconds, whole or with a fraction.
fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}
