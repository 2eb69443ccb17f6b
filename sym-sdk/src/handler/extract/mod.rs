//! How arguments are taken from the context.

mod borrowed;
mod error;
mod fields;
mod output;
mod state;
mod vars;

pub use error::ExtractError;
pub use fields::Fields;
pub use state::State;
pub use vars::Vars;

use super::{Context, Requires};

/// A type that a handler can take as an argument.
///
/// Everything that an argument is made of is in memory; look things up elsewhere in the handler's body. Arguments may
/// borrow from the context, for as long as the call takes.
///
/// ```
/// use sym_sdk::handler::{Context, ExtractError, FromContext, Requires};
/// use sym_sdk::prelude::*;
///
/// /// The name of the acting user's team.
/// struct Team<'a>(&'a str);
///
/// impl<'cx> FromContext<'cx> for Team<'cx> {
///     const REQUIRES: Requires = <&User as FromContext<'_>>::REQUIRES;
///
///     fn from_context(context: &'cx Context) -> Result<Self, ExtractError> {
///         let user = <&User>::from_context(context)?;
///         Ok(Self(user.email_domain().unwrap_or("nobody")))
///     }
/// }
///
/// #[hook]
/// fn after_request(team: Team<'_>) {
///     println!("a request of {}", team.0);
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used as a handler argument",
    label = "not an extractor",
    note = "arguments are `&Event`, `&User`, `&Flow`, `&Run`, `Fields<T>`, `Vars<T>`, `StepOutput<T>`, `State<T>`, \
            `&RequestForwardContext`, `&IdentityQuery`, `&FlowsQuery`, `&Flows`, `&Directory`, `&KeyValue`, `&Context`, \
            `&T` for an integration client `T`, and `Result<X, ExtractError>` for any of them",
    note = "to take a client of your own as `&T`, implement `IntegrationClient` for it, and for anything else `FromContext`"
)]
pub trait FromContext<'cx>: Sized {
    /// What must be there, so that a lack is reported at start.
    const REQUIRES: Requires = Requires::Nothing;

    /// Takes the argument from the context.
    fn from_context(context: &'cx Context) -> Result<Self, ExtractError>;
}

/// The handler goes on without the argument, and is told why.
impl<'cx, X: FromContext<'cx>> FromContext<'cx> for Result<X, ExtractError> {
    const REQUIRES: Requires = Requires::Optional(&X::REQUIRES);

    fn from_context(context: &'cx Context) -> Result<Self, ExtractError> {
        Ok(X::from_context(context))
    }
}
