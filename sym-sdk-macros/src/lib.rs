//! The attribute macros of `sym-sdk`, documented where `sym-sdk` re-exports them.
//!
//! A macro parses its input (`attribute_args`, `item`), validates it (`spec`, `attributes`, `signature`, `arguments`,
//! `enclosing_block`), looks for names of the configuration and for events in the body (`literals`, `fired_events`), and expands it (`expand`). It never changes the
//! function, and reports all errors of a handler in one compilation. Macros see tokens and no types, so the expansion leaves the checks of
//! types to the compiler, with spans that make it report them at the user's code.
//!
//! Set `SYM_MACROS_DEBUG=1` in the environment of the compiler to print every expansion.

mod arguments;
mod attribute_args;
mod attributes;
mod diagnostics;
mod enclosing_block;
mod expand;
mod fired_events;
mod item;
mod kinds;
mod literals;
mod paths;
mod render;
mod signature;
mod spec;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

use crate::kinds::Macro;

#[allow(missing_docs, reason = "documented on the re-export")]
#[proc_macro_attribute]
pub fn reducer(args: TokenStream, item: TokenStream) -> TokenStream {
    run(Macro::Reducer, args, item)
}

#[allow(missing_docs, reason = "documented on the re-export")]
#[proc_macro_attribute]
pub fn hook(args: TokenStream, item: TokenStream) -> TokenStream {
    run(Macro::Hook, args, item)
}

#[allow(missing_docs, reason = "documented on the re-export")]
#[proc_macro_attribute]
pub fn prefetch(args: TokenStream, item: TokenStream) -> TokenStream {
    run(Macro::Prefetch, args, item)
}

#[allow(missing_docs, reason = "documented on the re-export")]
#[proc_macro_attribute]
pub fn on_change(args: TokenStream, item: TokenStream) -> TokenStream {
    run(Macro::OnChange, args, item)
}

/// Adds its arguments after the item. Part of the expansions of the other macros.
///
/// A struct is not allowed in an impl or a trait. The compiler then drops the struct together with its attribute, and reports one
/// error instead of one for each item of the expansion.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn attach(companion: TokenStream, mut item: TokenStream) -> TokenStream {
    item.extend(companion);
    item
}

fn run(attribute: Macro, args: TokenStream, item: TokenStream) -> TokenStream {
    let expansion = expand::handler(attribute, args.into(), item.into());
    let output = expansion.into_tokens();
    if std::env::var_os("SYM_MACROS_DEBUG").is_some_and(|value| value == "1") {
        #[allow(clippy::print_stderr, reason = "requested by the environment variable")]
        {
            eprintln!("{output}");
        }
    }
    output.into()
}
