//! A virtual clock that survives restarts and never goes back.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::clock::{Clock, VirtualClock};

/// The time at which the first process starts.
const START: &str = "2024-02-29T12:00:00Z";

/// A virtual clock that is stored in a file. It is advanced when no work is left, so no real time is spent waiting.
#[derive(Debug)]
pub struct PersistentClock {
    time: VirtualClock,
    file: File,
}

impl PersistentClock {
    /// Opens the clock at the time that an earlier process has reached.
    pub fn open(dir: &Path) -> Self {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(dir.join("clock")).unwrap();
        let mut nanoseconds = [0; 16];
        let now = match file.read_at(&mut nanoseconds, 0).unwrap() {
            16 => Timestamp::from_nanosecond(i128::from_le_bytes(nanoseconds)).unwrap(),
            _ => START.parse().unwrap(),
        };
        Self { time: VirtualClock::at(now), file }
    }

    /// Advances to the time at which the first sleeper wakes up. `false` if nobody sleeps.
    pub fn jump(&self) -> bool {
        let next = self.time.next_sleeper();
        if let Some(at) = next {
            self.move_to(at);
        }
        next.is_some()
    }

    /// Advances by a duration.
    pub fn pass(&self, time: Duration) {
        self.move_to(self.now() + time);
    }

    /// Writes the file first: nothing may be stored at a time that the next process would not reach.
    fn move_to(&self, at: Timestamp) {
        let at = at.max(self.now());
        self.file.write_all_at(&at.as_nanosecond().to_le_bytes(), 0).unwrap();
        self.time.advance_to(at);
    }
}

impl Clock for PersistentClock {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        self.time.sleep_until(at)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.time.sleep(time)
    }
}
