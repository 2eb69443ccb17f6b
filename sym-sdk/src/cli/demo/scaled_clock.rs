//! A clock that runs faster than real time, and goes on where it was when the program starts again.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, SystemClock};
use crate::directory::KeyValue;
use crate::error::{Error, Result, codes};
use crate::future::BoxFuture;

/// Where it is kept what the clock showed when.
const KEPT_AT: &str = "sym.demo.clock";

/// It is looked at the machine's clock at least this often, because that one can be set.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Counts so many seconds for each one that passes.
#[derive(Debug)]
pub(super) struct ScaledClock {
    machine: SystemClock,
    since: Since,
}

/// From when on the clock runs at its speed, and what it showed then.
#[derive(Debug, Serialize, Deserialize)]
struct Since {
    machine: Timestamp,
    shown: Timestamp,
    speed: NonZeroU32,
}

impl Since {
    fn shows(&self, machine: Timestamp) -> Timestamp {
        let speed = i32::try_from(self.speed.get()).unwrap_or(i32::MAX);
        let passed = machine.duration_since(self.machine).saturating_mul(speed);
        self.shown.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }
}

impl ScaledClock {
    /// The clock of this store. A new one begins with the machine's time; one that was kept has gone on meanwhile.
    pub(super) async fn of(kept: &KeyValue, speed: NonZeroU32) -> Result<Self> {
        let machine = SystemClock;
        let now = machine.now();
        let before: Option<Since> = match kept.fetch(KEPT_AT).await? {
            Some(value) => Some(serde_json::from_value(value).map_err(|error| {
                Error::invalid(codes::INVALID_JSON, format!("`{KEPT_AT}` is not what a clock keeps")).with_source(error)
            })?),
            None => None,
        };
        let since = match before {
            Some(since) if since.speed == speed => since,
            before => {
                let since = Since { machine: now, shown: before.map_or(now, |since| since.shows(now)), speed };
                kept.put(KEPT_AT, &since).await?;
                since
            }
        };
        Ok(Self { machine, since })
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        self.since.shows(self.machine.now())
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            while let Ok(left) = Duration::try_from(at.duration_since(self.now())) {
                if left.is_zero() {
                    return;
                }
                // At least a millisecond, or the last of it would be slept away in steps of nothing.
                let left = (left / self.since.speed.get()).max(Duration::from_millis(1));
                self.machine.sleep(left.min(LOOK_AGAIN)).await;
            }
        })
    }

    /// Limits are about how long things take, and they take as long as ever.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.machine.sleep(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_on_at_its_speed() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let since = Since {
            machine: at("2024-02-29T12:00:00Z"),
            shown: at("2024-03-01T00:00:00Z"),
            speed: NonZeroU32::new(60).unwrap(),
        };
        assert_eq!(since.shows(at("2024-02-29T12:00:30Z")), at("2024-03-01T00:30:00Z"));
        assert_eq!(since.shows(at("2024-02-29T11:59:59Z")), at("2024-02-29T23:59:00Z"));
    }
}
