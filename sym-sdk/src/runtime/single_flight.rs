//! Work that is done once for all who wait for it.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::Shared;

use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;
use crate::sync::lock;

type Flight<T> = Shared<BoxFuture<'static, Result<T, Arc<Error>>>>;

/// Work in progress, by key. Clones refer to the same work.
pub(super) struct SingleFlight<K, T> {
    flights: Arc<Mutex<HashMap<K, Flight<T>>>>,
    capacity: usize,
}

impl<K, T> SingleFlight<K, T> {
    /// `capacity` is the maximum number of keys with work in progress.
    pub(super) fn new(capacity: usize) -> Self {
        Self { flights: Arc::default(), capacity }
    }
}

impl<K, T> Clone for SingleFlight<K, T> {
    fn clone(&self) -> Self {
        Self { flights: self.flights.clone(), capacity: self.capacity }
    }
}

impl<K, T> SingleFlight<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Does the work of a key, unless it is in progress, and returns its result to all who wait. `work` is completed even if all of them
    /// are dropped.
    ///
    /// # Errors
    /// That of the work, for each caller; `SymSDK:HANDLER_PANICKED` if it panics; that of `full` if too much work is in progress.
    pub(super) async fn run(
        &self,
        key: K,
        work: impl FnOnce() -> BoxFuture<'static, Result<T>>,
        full: impl FnOnce() -> Error,
    ) -> Result<T> {
        let flight = {
            let mut flights = lock(&self.flights);
            match flights.get(&key) {
                Some(flight) => flight.clone(),
                None if flights.len() >= self.capacity => return Err(full()),
                None => {
                    let work = work();
                    let guard = FlightGuard { flights: self.flights.clone(), key: key.clone() };
                    let flight = async move {
                        // A panic would also fail those who wait for the flight, and leave it in progress.
                        let done = AssertUnwindSafe(work).catch_unwind().await;
                        let done = done.unwrap_or_else(|_| Err(panicked())).map_err(Arc::new);
                        drop(guard);
                        done
                    };
                    let flight: Flight<T> = (Box::pin(flight) as BoxFuture<'static, _>).shared();
                    flights.insert(key, flight.clone());
                    tokio::spawn(flight.clone());
                    flight
                }
            }
        };
        flight.await.map_err(|error| clone_error(&error))
    }
}

impl<K, T> fmt::Debug for SingleFlight<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

/// Removes work from that in progress when it is completed or dropped.
struct FlightGuard<K: Eq + Hash, T> {
    flights: Arc<Mutex<HashMap<K, Flight<T>>>>,
    key: K,
}

impl<K: Eq + Hash, T> Drop for FlightGuard<K, T> {
    fn drop(&mut self) {
        // Dropped after the lock is released: the flight may hold other guards.
        let flight = lock(&self.flights).remove(&self.key);
        drop(flight);
    }
}

fn panicked() -> Error {
    Error::new(ErrorKind::Internal, codes::HANDLER_PANICKED, "preparing a form or its options panicked")
}

/// Returns the same error for another caller. [`Error`] is not `Clone`, because its source is not.
fn clone_error(error: &Error) -> Error {
    let clone = Error::new(error.kind(), error.code().clone(), error.message());
    let clone = match error.service() {
        Some(service) => clone.with_service(service),
        None => clone,
    };
    match error.hint() {
        Some(hint) => clone.with_hint(hint),
        None => clone,
    }
}
