//! Progress lines for long tests.

use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// A counter that reports from time to time.
#[derive(Debug)]
pub struct Progress {
    what: String,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: u64,
    reported: Instant,
}

impl Progress {
    /// Starts at 0.
    #[expect(clippy::disallowed_methods, reason = "progress is reported by the wall clock")]
    pub fn new(what: impl Into<String>) -> Self {
        let now = Instant::now();
        Self { what: what.into(), began: now, state: Mutex::new(State { done: 0, reported: now }) }
    }

    /// Adds to the counter. `of` is the expected total.
    pub fn add(&self, more: u64, of: impl std::fmt::Display) {
        let mut state = self.state.lock().unwrap();
        state.done += more;
        let since = state.reported.elapsed();
        if since >= REPORT_INTERVAL {
            state.reported += since;
            self.report(&format!("{} of {of}", state.done));
        }
    }

    /// Reports the end.
    pub fn end(&self, sum: &str) {
        self.report(sum);
    }

    /// Writes past the test harness, which would capture the line.
    fn report(&self, text: &str) {
        let line = format!("crash: {}: {text}, {:.0?}\n", self.what, self.began.elapsed());
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
}
