//! Extractors: the argument types of handlers.

mod borrowed;
mod error;
mod fields;
mod shape;
mod state;
mod step_output;
mod vars;

pub use error::ExtractError;
pub use fields::Fields;
pub use shape::{ReferenceArgument, ValueArgument};
pub use state::State;
#[cfg(feature = "runtime")]
pub(super) use vars::Var;
pub use vars::Vars;

use super::{Context, Requires};

/// An argument type of handlers.
///
/// Extraction is synchronous and only reads memory; await lookups in the body of the handler. Arguments can borrow from the
/// context for the duration of the call.
///
/// ```
/// use sym_sdk::handler::{Context, ExtractError, FromContext, Requires};
/// use sym_sdk::prelude::*;
///
/// /// The e-mail domain of the acting user.
/// struct Domain<'a>(&'a str);
///
/// impl<'cx> FromContext<'cx> for Domain<'cx> {
///     const REQUIRES: Requires = <&User as FromContext<'_>>::REQUIRES;
///
///     fn from_context(context: &'cx Context) -> Result<Self, ExtractError> {
///         let user = <&User>::from_context(context)?;
///         Ok(Self(user.email_domain().unwrap_or("unknown")))
///     }
/// }
///
/// #[hook]
/// fn after_request(domain: Domain<'_>) {
///     println!("request from {}", domain.0);
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used as a handler argument",
    label = "not an extractor",
    note = "arguments are `&Event`, `&User`, `&Flow`, `&Run`, `Fields<T>`, `Vars<T>`, `StepOutput<T>`, `State<T>`, \
            `&RequestForwardContext`, `&IdentityQuery`, `&FlowsQuery`, `&Flows`, `&Directory`, `&KeyValue`, `&Context`, \
            `&T` for an integration client `T`, and `Result<X, ExtractError>` for any of them",
    note = "implement `IntegrationClient` to take a client as `&T`, or `FromContext` for any other type"
)]
pub trait FromContext<'cx>: Sized {
    /// The requirement of the argument, checked at startup.
    const REQUIRES: Requires = Requires::Nothing;

    /// Extracts the argument from the context.
    fn from_context(context: &'cx Context) -> Result<Self, ExtractError>;
}

/// An optional argument: the handler is called either way, and gets the error if the argument is not available.
impl<'cx, X: FromContext<'cx>> FromContext<'cx> for Result<X, ExtractError> {
    const REQUIRES: Requires = Requires::Optional(&X::REQUIRES);

    fn from_context(context: &'cx Context) -> Result<Self, ExtractError> {
        Ok(X::from_context(context))
    }
}
