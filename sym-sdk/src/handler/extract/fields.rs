//! The argument `Fields<T>`.

use std::ops::Deref;

use serde::Deserialize;

use super::{ExtractError, FromContext};
use crate::handler::{Context, DataRequirement, Requires};
use crate::model::Event;

/// An argument: the fields of the request, deserialized into a `T`. Strings can be borrowed.
///
/// The fields that `T` reads are compared with the form of each flow that uses the handler, by `check` and at startup: names, types, whether a value can
/// be absent, and the variants of enums.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// #[derive(Deserialize)]
/// struct Form<'a> {
///     urgency: &'a str,
///     ticket: Option<i64>,
/// }
///
/// #[hook]
/// fn on_request(form: Fields<Form<'_>>) -> Option<NextEvent> {
///     (form.urgency == "Urgent" && form.ticket.is_some()).then(ApprovalTemplate::approve)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields<T>(pub T);

impl<T> Deref for Fields<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'cx, T: Deserialize<'cx>> FromContext<'cx> for Fields<T> {
    const REQUIRES: Requires = Requires::Fields(DataRequirement::of::<T>());

    fn from_context(context: &'cx Context) -> Result<Self, ExtractError> {
        let event = <&Event>::from_context(context)?;
        Ok(Self(event.fields().deserialize()?))
    }
}
