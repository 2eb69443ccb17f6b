//! The other attributes of the function: a second handler macro, doc comments and `#[cfg]`.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

use crate::diagnostics::Diagnostics;
use crate::item::Item;
use crate::kinds::Macro;
use crate::spec::Subject;

/// Returns the handler macro that `attr` invokes, if it does.
pub(crate) fn handler_macro(attr: &Attribute) -> Option<Macro> {
    let mut segments = attr.path().segments.iter().rev();
    let last = segments.next()?;
    if segments.next().is_some_and(|parent| parent.ident != "sym_sdk") {
        return None;
    }
    Macro::ALL.into_iter().find(|candidate| last.ident == candidate.name())
}

/// Reports a second handler macro on the function.
pub(crate) fn check_handler_macros(subject: &Subject, item: &Item, diagnostics: &mut Diagnostics) {
    for attr in &item.attrs {
        let Some(other) = handler_macro(attr) else { continue };
        let (name, attribute) = (&subject.name, subject.attribute);
        if other == attribute {
            diagnostics.push(attr, format_args!("function `{name}` has `#[{attribute}]` twice"));
        } else {
            diagnostics.push(attr, format_args!("function `{name}` has both `#[{attribute}]` and `#[{other}]`"));
        }
    }
}

/// Returns the doc comment, without the space that follows `///`.
pub(crate) fn doc(attrs: &[Attribute]) -> String {
    let lines: Vec<String> = attrs.iter().filter_map(doc_line).collect();
    lines.join("\n").trim().to_owned()
}

fn doc_line(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attr.meta else { return None };
    if !pair.path.is_ident("doc") {
        return None;
    }
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            let text = text.value();
            Some(text.strip_prefix(' ').unwrap_or(&text).trim_end().to_owned())
        }
        _ => None,
    }
}

/// Returns the `#[cfg]` attributes below the macro, which must apply to the generated items too.
pub(crate) fn cfgs(attrs: &[Attribute]) -> TokenStream {
    let mut tokens = TokenStream::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("cfg")) {
        attr.to_tokens(&mut tokens);
    }
    tokens
}
