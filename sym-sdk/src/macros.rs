//! Re-exports of the attribute macros with their documentation, whose examples need this crate.

#[doc = include_str!("docs/reducer.md")]
pub use sym_sdk_macros::reducer;

#[doc = include_str!("docs/hook.md")]
pub use sym_sdk_macros::hook;

#[doc = include_str!("docs/prefetch.md")]
pub use sym_sdk_macros::prefetch;

#[doc = include_str!("docs/on_change.md")]
pub use sym_sdk_macros::on_change;

/// Creates a [`Registry`](crate::handler::Registry) of the named handlers.
///
/// Use it where the linker does not collect handlers, and in tests that need certain handlers only.
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
/// For a function without a handler macro, the compiler reports "expected type, found function".
#[macro_export]
macro_rules! handlers {
    ($($handler:path),* $(,)?) => {
        $crate::__private::registry(const { &[$(&<$handler as $crate::__private::Handler>::RECORD),*] })
    };
}

/// Registers the types that the command `generate types` wrote, so that `check` can tell when they are stale. It is part of the generated
/// file, and contains the flows and the hashes of their types.
///
/// ```
/// sym_sdk::generated_types! {
///     "prod" => "3f8a1c0b5d7e9f24",
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! generated_types {
    ($($flow:literal => $hash:literal),* $(,)?) => {
        $crate::__private::inventory::submit! {
            $crate::__private::GeneratedTypes {
                file: $crate::__private::file!(),
                flows: &[$(($flow, $hash)),*],
            }
        }
    };
}

/// Links handler crates into the program.
///
/// The linker drops a crate that nothing refers to, together with its handlers. This macro refers to it:
///
/// ```
/// # extern crate std as my_handlers;
/// # extern crate std as our_handlers;
/// sym_sdk::link!(my_handlers, our_handlers);
/// # fn main() {}
/// ```
///
/// It expands to `use my_handlers as _; use our_handlers as _;`.
#[macro_export]
macro_rules! link {
    ($($handlers:ident),+ $(,)?) => {
        $(use $handlers as _;)+
    };
}
