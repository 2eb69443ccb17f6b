//! An argument of handlers: the team of whoever acts.

use sym_sdk::handler::{Context, ExtractError, FromContext, Requires};
use sym_sdk::prelude::*;

/// The team of the user who acts, by the domain of their e-mail address.
///
/// Handlers take it as an argument. Such a type can read whatever the context has; what it needs is checked when a program starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Team<'a>(pub &'a str);

impl<'cx> FromContext<'cx> for Team<'cx> {
    const REQUIRES: Requires = <&User as FromContext<'_>>::REQUIRES;

    fn from_context(context: &'cx Context) -> Result<Self, ExtractError> {
        let user = <&User>::from_context(context)?;
        Ok(Self(user.email_domain().unwrap_or("unknown")))
    }
}
