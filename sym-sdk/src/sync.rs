//! Mutexes whose data stays usable after a panic.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex, even if a thread panicked while it held the lock.
///
/// Every critical section in this crate either makes one change or cannot panic between two, so the data behind a poisoned lock
/// is still consistent. Refusing it would turn one panic into a process that can no longer revoke access.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
