//! A clock that moves when it is told to, and never runs backwards, not even over a restart.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::clock::{Clock, VirtualClock};

/// When the first process starts.
const START: &str = "2024-02-29T12:00:00Z";

/// Keeps the time in a file. Nobody waits for real time to pass: whoever has nothing left to do moves the clock on.
#[derive(Debug)]
pub struct KeptClock {
    time: VirtualClock,
    file: File,
}

impl KeptClock {
    /// A clock that shows the time that the one before it has reached.
    pub fn open(dir: &Path) -> Self {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(dir.join("clock")).unwrap();
        let mut nanoseconds = [0; 16];
        let now = match file.read_at(&mut nanoseconds, 0).unwrap() {
            16 => Timestamp::from_nanosecond(i128::from_le_bytes(nanoseconds)).unwrap(),
            _ => START.parse().unwrap(),
        };
        Self { time: VirtualClock::at(now), file }
    }

    /// Moves to the time at which the first sleeper wakes up. `false` if nobody sleeps.
    pub fn jump(&self) -> bool {
        let next = self.time.next_sleeper();
        if let Some(at) = next {
            self.move_to(at);
        }
        next.is_some()
    }

    /// Moves on.
    pub fn pass(&self, time: Duration) {
        self.move_to(self.now() + time);
    }

    /// The file goes first: nothing may be recorded at a time that the next process would not know of.
    fn move_to(&self, at: Timestamp) {
        let at = at.max(self.now());
        self.file.write_all_at(&at.as_nanosecond().to_le_bytes(), 0).unwrap();
        self.time.advance_to(at);
    }
}

impl Clock for KeptClock {
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
