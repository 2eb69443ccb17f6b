//! Extractors by the shape of their type, for the messages of the compiler.
//!
//! The expansions of the macros extract each argument through the trait for its shape. All traits do what [`FromContext`] does; what
//! differs is the advice for a type that is no extractor.

use super::{ExtractError, FromContext};
use crate::handler::{Context, Requires};

/// Declares the trait of a shape, which all extractors implement.
macro_rules! shape {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        pub trait $name<'cx>: Sized {
            /// The requirement of the argument.
            const REQUIRES: Requires;

            /// Extracts the argument from the context.
            fn from_context(context: &'cx Context) -> Result<Self, ExtractError>;
        }

        #[diagnostic::do_not_recommend]
        impl<'cx, X: FromContext<'cx>> $name<'cx> for X {
            const REQUIRES: Requires = <X as FromContext<'cx>>::REQUIRES;

            fn from_context(context: &'cx Context) -> Result<Self, ExtractError> {
                <X as FromContext<'cx>>::from_context(context)
            }
        }
    };
}

shape! {
    /// An argument that is a reference.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be used as a handler argument",
        label = "neither a client nor a part of the call",
        note = "references are `&Event`, `&User`, `&Flow`, `&Run`, `&RequestForwardContext`, `&IdentityQuery`, `&FlowsQuery`, \
                `&Flows`, `&Directory`, `&KeyValue`, `&Context`, and `&T` for a client `T` that implements `IntegrationClient`",
        note = "a type of yours is wrapped: `Fields<T>` reads the fields of the form into it, `Vars<T>` the vars of the flow, \
                `StepOutput<T>` the output of the step, and `State<T>` is a value from `App::state`"
    )]
    ReferenceArgument
}

shape! {
    /// An argument that is neither a reference nor has parameters.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be used as a handler argument",
        label = "wrap it, for example in `Fields<{Self}>`",
        note = "`Fields<{Self}>` reads the fields of the form into it, `Vars<{Self}>` the vars of the flow, `StepOutput<{Self}>` the \
                output of the step, and `State<{Self}>` is a value from `App::state`",
        note = "events, users, flows and clients are taken by reference: `&{Self}`",
        note = "implement `FromContext` to extract it in a way of your own"
    )]
    ValueArgument
}
