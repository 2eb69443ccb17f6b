//! The paths in expansions. All of them go through `sym_sdk::__private`, and none relies on the prelude.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;

/// The paths, relative to the path of `sym_sdk`.
#[derive(Debug)]
pub(crate) struct Paths {
    private: TokenStream,
}

impl Paths {
    /// Creates the paths. `krate` is the `crate` argument of the macro.
    pub(crate) fn new(krate: Option<Path>) -> Self {
        let private = match krate {
            Some(path) => quote!(#path::__private),
            None => quote_spanned!(Span::mixed_site()=> ::sym_sdk::__private),
        };
        Self { private }
    }

    /// Returns the path of an item in `__private`.
    pub(crate) fn item(&self, name: &str, span: Span) -> TokenStream {
        let span = span.resolved_at(Span::mixed_site());
        let name = proc_macro2::Ident::new(name, span);
        let private = self.private.clone().into_iter().map(|mut token| {
            token.set_span(token.span().located_at(span));
            token
        });
        quote_spanned!(span=> #(#private)*::#name)
    }
}

macro_rules! table {
    ($($method:ident => $item:literal;)*) => {
        impl Paths {
            $(pub(crate) fn $method(&self, span: Span) -> TokenStream {
                self.item($item, span)
            })*
        }
    };
}

table! {
    attach => "attach";
    box_future => "BoxFuture";
    check_argument => "check_argument";
    check_fired_event => "check_fired_event";
    column => "column";
    context => "Context";
    file => "file";
    extractor => "FromContext";
    handler => "Handler";
    inventory => "inventory";
    literal => "Literal";
    literal_kind => "LiteralKind";
    invalid => "INVALID";
    line => "line";
    module_path => "module_path";
    on_any_thread => "on_any_thread";
    prompt_form => "PromptForm";
    record => "HandlerRecord";
    reference_argument => "ReferenceArgument";
    requires => "Requires";
    step => "Step";
    thunk => "Thunk";
    value_argument => "ValueArgument";
}
