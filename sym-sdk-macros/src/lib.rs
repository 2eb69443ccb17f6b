//! Attribute macros of `sym-sdk`. They are documented where `sym-sdk` re-exports them.
//!
//! Each runs in three steps: parse (`args`, `item`), validate (`spec`, `signature`), expand (`expand`).
//! Faults are collected on the way, so that one compile reports them all. `SYM_MACROS_DEBUG=1` in the environment of the
//! compiler prints every expansion.

mod args;
mod errors;
mod expand;
mod item;
mod kinds;
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

/// Adds its arguments after the item. Part of the expansion of the macros above.
///
/// In an impl or a trait no struct may stand. The compiler then drops the struct with its attribute, so that one error is
/// all that comes of it, and not one for each item that follows.
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
        #[allow(clippy::print_stderr, reason = "asked for by the environment variable")]
        {
            eprintln!("{output}");
        }
    }
    output.into()
}
