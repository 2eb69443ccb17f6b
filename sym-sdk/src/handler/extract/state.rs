//! The argument `State<T>`.

use std::ops::Deref;
use std::sync::Arc;

use super::{ExtractError, FromContext};
use crate::handler::{Context, Requires, StateRequirement};

/// An argument: a value that the program registered at startup, shared by all calls.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use sym_sdk::prelude::*;
///
/// #[derive(Default)]
/// struct Counter(AtomicU64);
///
/// #[hook]
/// fn after_approve(counter: State<Counter>) {
///     counter.0.fetch_add(1, Ordering::Relaxed);
/// }
/// ```
#[derive(Debug)]
pub struct State<T>(Arc<T>);

impl<T> State<T> {
    /// Creates a state, to call a handler without a runtime.
    pub fn new(value: impl Into<Arc<T>>) -> Self {
        Self(value.into())
    }

    /// Returns the value, to keep it beyond the call.
    pub fn into_arc(self) -> Arc<T> {
        self.0
    }
}

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'cx, T: Send + Sync + 'static> FromContext<'cx> for State<T> {
    const REQUIRES: Requires = Requires::State(StateRequirement::of::<T>());

    fn from_context(context: &'cx Context) -> Result<Self, ExtractError> {
        let missing = || ExtractError::missing(format_args!("State<{}>", std::any::type_name::<T>()));
        context.state().map(Self).ok_or_else(missing)
    }
}
