//! A clock that runs at a multiple of real time, and continues when the program is restarted.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, SystemClock};
use crate::directory::KeyValue;
use crate::error::{Error, Result, codes};
use crate::future::BoxFuture;

/// The key of the clock's anchor in the store.
const KEY: &str = "sym.demo.clock";

/// The maximum time to sleep without reading the system clock, which may be set meanwhile.
const POLL_INTERVAL: Duration = Duration::from_secs(30);

/// A clock that runs at a multiple of the system clock's speed.
#[derive(Debug)]
pub(super) struct ScaledClock {
    system: SystemClock,
    anchor: Anchor,
}

/// A point in time that both clocks have in common, and the speed since then.
#[derive(Debug, Serialize, Deserialize)]
struct Anchor {
    system: Timestamp,
    scaled: Timestamp,
    speed: NonZeroU32,
}

impl Anchor {
    /// Converts a time of the system clock.
    fn scale(&self, system: Timestamp) -> Timestamp {
        let speed = i32::try_from(self.speed.get()).unwrap_or(i32::MAX);
        let elapsed = system.duration_since(self.system).saturating_mul(speed);
        self.scaled.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}

impl ScaledClock {
    /// Returns the clock of a store. It starts at the system clock's time, and keeps running while the program is not.
    pub(super) async fn open(store: &KeyValue, speed: NonZeroU32) -> Result<Self> {
        let system = SystemClock;
        let now = system.now();
        let stored: Option<Anchor> = match store.fetch(KEY).await? {
            Some(value) => Some(serde_json::from_value(value).map_err(|error| {
                Error::invalid(codes::INVALID_JSON, format!("the value `{KEY}` of the store is not a clock's"))
                    .with_source(error)
            })?),
            None => None,
        };
        let anchor = match stored {
            Some(anchor) if anchor.speed == speed => anchor,
            // A change of speed needs a new anchor: the time until now has passed at the old speed.
            stored => {
                let scaled = stored.map_or(now, |anchor| anchor.scale(now));
                let anchor = Anchor { system: now, scaled, speed };
                store.put(KEY, &anchor).await?;
                anchor
            }
        };
        Ok(Self { system, anchor })
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        self.anchor.scale(self.system.now())
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            while let Ok(left) = Duration::try_from(at.duration_since(self.now())) {
                if left.is_zero() {
                    return;
                }
                // At least a millisecond: the division may round down to zero, which would be a busy loop.
                let left = (left / self.anchor.speed.get()).max(Duration::from_millis(1));
                self.system.sleep(left.min(POLL_INTERVAL)).await;
            }
        })
    }

    /// Sleeps in real time: time limits are about how long calls take, and they take as long as ever.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.system.sleep(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_the_time_since_the_anchor() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let anchor = Anchor {
            system: at("2024-02-29T12:00:00Z"),
            scaled: at("2024-03-01T00:00:00Z"),
            speed: NonZeroU32::new(60).unwrap(),
        };
        assert_eq!(anchor.scale(at("2024-02-29T12:00:30Z")), at("2024-03-01T00:30:00Z"));
        assert_eq!(anchor.scale(at("2024-02-29T11:59:59Z")), at("2024-02-29T23:59:00Z"));
    }
}
