//! The macros, with their documentation: it stands here so that its examples can use the crate.

#[doc = include_str!("docs/reducer.md")]
pub use sym_sdk_macros::reducer;

#[doc = include_str!("docs/hook.md")]
pub use sym_sdk_macros::hook;

#[doc = include_str!("docs/prefetch.md")]
pub use sym_sdk_macros::prefetch;

#[doc = include_str!("docs/on_change.md")]
pub use sym_sdk_macros::on_change;

/// A [`Registry`](crate::handler::Registry) of the handlers that are named.
///
/// Where the linker cannot be relied on to find them, or where a test wants no others.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// #[reducer]
/// fn get_permissions() -> RequestPermission {
///     RequestPermission::admins_only()
/// }
///
/// mod prod {
///     use sym_sdk::prelude::*;
///
///     #[hook]
///     pub fn after_approve() {}
/// }
///
/// let registry = sym_sdk::handlers![get_permissions, prod::after_approve];
/// assert_eq!(registry.len(), 2);
/// ```
///
/// A function without a handler macro is no handler, and the compiler says "expected type, found function".
#[macro_export]
macro_rules! handlers {
    ($($handler:path),* $(,)?) => {
        $crate::__private::registry(const { &[$(&<$handler as $crate::__private::Handler>::RECORD),*] })
    };
}

/// Links crates of handlers into the program.
///
/// The linker leaves out a crate that nothing refers to, and its handlers with it. This is the reference:
///
/// ```
/// # extern crate std as my_handlers;
/// # extern crate std as our_handlers;
/// sym_sdk::link!(my_handlers, our_handlers);
/// # fn main() {}
/// ```
///
/// It stands for `use my_handlers as _; use our_handlers as _;`.
#[macro_export]
macro_rules! link {
    ($($handlers:ident),+ $(,)?) => {
        $(use $handlers as _;)+
    };
}
