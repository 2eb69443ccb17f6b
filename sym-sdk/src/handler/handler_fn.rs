//! A handler together with the function that calls it, typed by what the handler returns.
//!
//! The macros choose the variant of [`Thunk`] and check the return type against it, so a [`HandlerFn`] of a kind can only
//! return that kind's output: no caller has to handle a mismatch.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::{Context, HandlerError, HandlerKind, HandlerRecord};
use crate::forms::{FieldOption, PromptForm};
use crate::future::BoxFuture;
use crate::model::{Flow, Hook, Step};
use crate::routing::{Approvers, Notification, RequestPermission};
use crate::template::NextEvent;

/// The result of a handler call.
pub(crate) type CallResult<T> = Result<T, HandlerError>;

/// Extracts a handler's arguments from the context and calls the handler.
pub(crate) type CallFn<T> = for<'cx> fn(&'cx Context) -> BoxFuture<'cx, CallResult<T>>;

/// Like [`CallFn`], with the form that the handler may change.
pub(crate) type FormCallFn = for<'cx> fn(&'cx Context, &'cx mut PromptForm) -> BoxFuture<'cx, CallResult<()>>;

/// Boxes the call of a handler. The compiler's note about a future that is not `Send` shows the bound, with its reason.
#[doc(hidden)]
pub fn on_any_thread<'cx, T, F>(call: F) -> BoxFuture<'cx, T>
where
    F: Future<Output = T> + Send + 'cx, // a handler may continue on another thread after each `.await`: drop the value before
{
    Box::pin(call)
}

/// The function that calls a handler, by the handler's kind. Written by the macros.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Thunk {
    GetPermissions(CallFn<RequestPermission>),
    GetRequestNotifications(CallFn<Vec<Notification>>),
    GetApprovers(CallFn<Approvers>),
    GetIdentity(CallFn<Option<String>>),
    GetIdentityLookup(CallFn<Option<String>>),
    GetFlows(CallFn<Vec<Arc<Flow>>>),
    On(Step, CallFn<Option<NextEvent>>),
    After(Step, CallFn<()>),
    /// With the name of the field.
    Prefetch(&'static str, CallFn<Vec<FieldOption>>),
    /// With the name of the field.
    OnChange(&'static str, FormCallFn),
}

impl Thunk {
    /// The kind of the handler.
    pub const fn kind(&self) -> HandlerKind {
        match self {
            Self::GetPermissions(_) => HandlerKind::GetPermissions,
            Self::GetRequestNotifications(_) => HandlerKind::GetRequestNotifications,
            Self::GetApprovers(_) => HandlerKind::GetApprovers,
            Self::GetIdentity(_) => HandlerKind::GetIdentity,
            Self::GetIdentityLookup(_) => HandlerKind::GetIdentityLookup,
            Self::GetFlows(_) => HandlerKind::GetFlows,
            Self::On(step, _) => HandlerKind::Hook(Hook::On(*step)),
            Self::After(step, _) => HandlerKind::Hook(Hook::After(*step)),
            Self::Prefetch(..) => HandlerKind::Prefetch,
            Self::OnChange(..) => HandlerKind::OnChange,
        }
    }

    /// The form field that the handler belongs to.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::Prefetch(field, _) | Self::OnChange(field, _) => Some(*field),
            _ => None,
        }
    }
}

/// A handler that returns a `T`. Dereferences to its [`HandlerRecord`].
pub struct HandlerFn<T> {
    record: &'static HandlerRecord,
    call: CallFn<T>,
}

impl<T> HandlerFn<T> {
    pub(super) const fn new(record: &'static HandlerRecord, call: CallFn<T>) -> Self {
        Self { record, call }
    }

    /// The handler's record.
    pub const fn record(&self) -> &'static HandlerRecord {
        self.record
    }

    /// Calls the handler. Fails if an argument is not available, or if the handler fails.
    pub fn call<'cx>(&self, context: &'cx Context) -> BoxFuture<'cx, Result<T, HandlerError>> {
        (self.call)(context)
    }
}

impl<T> Clone for HandlerFn<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for HandlerFn<T> {}

impl<T> Deref for HandlerFn<T> {
    type Target = HandlerRecord;

    fn deref(&self) -> &HandlerRecord {
        self.record
    }
}

impl<T> fmt::Debug for HandlerFn<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HandlerFn").field(&self.record).finish()
    }
}

/// An `#[on_change]` handler. Dereferences to its [`HandlerRecord`].
#[derive(Clone, Copy, Debug)]
pub struct OnChangeFn {
    record: &'static HandlerRecord,
    call: FormCallFn,
}

impl OnChangeFn {
    pub(super) const fn new(record: &'static HandlerRecord, call: FormCallFn) -> Self {
        Self { record, call }
    }

    /// The handler's record.
    pub const fn record(&self) -> &'static HandlerRecord {
        self.record
    }

    /// Calls the handler, which may change the form. Fails if an argument is not available, or if the handler fails.
    pub fn call<'cx>(
        &self,
        context: &'cx Context,
        form: &'cx mut PromptForm,
    ) -> BoxFuture<'cx, Result<(), HandlerError>> {
        (self.call)(context, form)
    }
}

impl Deref for OnChangeFn {
    type Target = HandlerRecord;

    fn deref(&self) -> &HandlerRecord {
        self.record
    }
}
