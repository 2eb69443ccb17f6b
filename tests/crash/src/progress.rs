//! A line now and then, so that somebody who waits knows for what.

use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(10);

/// Counts what is done.
#[derive(Debug)]
pub struct Progress {
    what: String,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: u64,
    told: Instant,
}

impl Progress {
    /// Nothing is done yet.
    #[expect(clippy::disallowed_methods, reason = "whoever waits does so by the wall clock")]
    pub fn new(what: impl Into<String>) -> Self {
        let now = Instant::now();
        Self { what: what.into(), began: now, state: Mutex::new(State { done: 0, told: now }) }
    }

    /// So many more are done, of so many as far as is known.
    pub fn add(&self, more: u64, of: impl std::fmt::Display) {
        let mut state = self.state.lock().unwrap();
        state.done += more;
        let since = state.told.elapsed();
        if since >= EVERY {
            state.told += since;
            self.tell(&format!("{} of {of}", state.done));
        }
    }

    /// All is done.
    pub fn end(&self, sum: &str) {
        self.tell(sum);
    }

    /// Past the test harness, which would keep it until the test has failed.
    fn tell(&self, text: &str) {
        let line = format!("crash: {}: {text}, {:.0?}\n", self.what, self.began.elapsed());
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
}
