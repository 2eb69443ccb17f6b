//! The number of open streams, of each caller and in all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;

use crate::error::{Error, ErrorKind, codes};
use crate::server::problem::Problem;
use crate::sync::lock;

/// The delay that a refused client is asked for.
const RETRY_DELAY: Duration = Duration::from_secs(15);

/// The open streams.
#[derive(Debug)]
pub(crate) struct Streams {
    max: usize,
    max_per_caller: usize,
    open: Arc<Mutex<HashMap<String, usize>>>,
}

impl Streams {
    pub(crate) fn new(max: usize, max_per_caller: usize) -> Self {
        Self { max, max_per_caller, open: Arc::default() }
    }

    /// Counts a stream for as long as the slot is kept.
    pub(crate) fn open(&self, caller: String) -> Result<StreamSlot, Problem> {
        let mut open = lock(&self.open);
        let all: usize = open.values().sum();
        let own = open.get(&caller).copied().unwrap_or_default();
        let (limit, whose) = if own >= self.max_per_caller {
            (self.max_per_caller, "of one caller")
        } else if all >= self.max {
            (self.max, "in all")
        } else {
            open.insert(caller.clone(), own + 1);
            drop(open);
            return Ok(StreamSlot { caller, open: self.open.clone() });
        };
        let message = format!("{limit} streams {whose} are open, and no more are served");
        let error = Error::new(ErrorKind::Unavailable, codes::TOO_MANY_STREAMS, message)
            .with_hint("close one, or poll `GET /runs` instead")
            .with_retry_after(RETRY_DELAY);
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, error))
    }
}

/// An open stream.
#[derive(Debug)]
pub(crate) struct StreamSlot {
    caller: String,
    open: Arc<Mutex<HashMap<String, usize>>>,
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        let left = open.get(&self.caller).map_or(0, |own| own.saturating_sub(1));
        if left == 0 {
            open.remove(&self.caller);
        } else {
            open.insert(self.caller.clone(), left);
        }
    }
}
