//! Handlers in scopes that shadow every name an expansion could rely on. The test is that this compiles.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, rust_2018_idioms)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![allow(clippy::missing_const_for_fn, reason = "a handler is never `const`")]
#![forbid(unsafe_code)]
#![no_implicit_prelude]

/// A module with the name of a crate, like the next ones.
pub mod core {}
/// See [`core`].
pub mod std {}
/// See [`core`].
pub mod inventory {}

/// Handlers that refer to `sym-sdk` by another name.
pub mod under_another_name {
    use ::renamed::handler::HandlerError;
    use ::renamed::model::{Event, User};
    use ::renamed::template::NextEvent;

    /// Shadows the standard type, like the next ones.
    #[derive(Debug)]
    pub struct Result;
    /// See [`Result`].
    #[derive(Debug)]
    pub struct Option;
    /// See [`Result`].
    #[derive(Debug)]
    pub struct Box;
    /// See [`Result`].
    #[derive(Debug)]
    pub struct String;
    /// See [`Result`].
    #[derive(Debug)]
    pub struct Some;
    /// See [`Result`].
    #[derive(Debug)]
    pub struct Ok;
    /// See [`Result`].
    #[derive(Debug)]
    pub struct Context;
    /// See [`Result`].
    #[derive(Debug)]
    pub struct Handler;
    /// See [`Result`].
    #[derive(Debug)]
    pub struct Step;
    /// See [`Result`].
    pub trait FromContext {}
    /// See [`Result`].
    pub const RECORD: () = ();

    macro_rules! file {
        () => {};
    }
    macro_rules! module_path {
        () => {};
    }
    macro_rules! submit {
        () => {};
    }
    file!();
    module_path!();
    submit!();

    /// Returns at once.
    ///
    /// # Errors
    ///
    /// Never.
    #[::renamed::hook(crate = ::renamed)]
    #[allow(clippy::unused_async, reason = "the test is the thunk")]
    pub async fn on_request(
        on_request: &Event,
        cx: &User,
    ) -> ::core::result::Result<::core::option::Option<NextEvent>, HandlerError> {
        let _ = (on_request, cx);
        ::core::result::Result::Ok(::core::option::Option::None)
    }

    #[::renamed::hook(crate = ::renamed)]
    fn after_request() {}

    #[::renamed::hook(on_deny, crate = ::renamed)]
    pub(crate) fn r#async(form: &Event) {
        let _ = form;
    }

    #[::renamed::on_change(crate = ::renamed)]
    fn on_change_urgency(cx: &User, form: &mut ::renamed::forms::PromptForm) {
        let _ = (cx, form);
    }

    #[::renamed::prefetch(field = "repo_name", crate = ::renamed)]
    fn repos(argument0: &Event) -> ::facade::std::vec::Vec<::renamed::forms::FieldOption> {
        let _ = argument0;
        ::facade::std::vec::Vec::new()
    }
}

/// Handlers that refer to `sym-sdk` through a facade.
pub mod through_a_facade {
    use ::facade::sym_sdk;
    use sym_sdk::model::Event;
    use sym_sdk::routing::RequestPermission;

    /// Admins only.
    #[sym_sdk::reducer(crate = ::facade::sym_sdk)]
    #[must_use]
    pub fn get_permissions(_event: &Event) -> RequestPermission {
        RequestPermission::admins_only()
    }

    #[sym_sdk::hook(crate = crate::through_a_facade::sym_sdk)]
    #[deprecated = "a deprecated handler is still a handler"]
    fn on_approve(_event: &Event) {}
}

/// Returns the handlers of the modules above.
#[must_use]
pub fn handlers() -> ::renamed::handler::Registry {
    ::renamed::handlers![under_another_name::on_request, under_another_name::r#async, through_a_facade::get_permissions]
}
