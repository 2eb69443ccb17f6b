//! The arguments that a handler may take: their number and their types.
//!
//! Whether a type is an extractor is left to the compiler, which knows types; here only tokens are known.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{FnArg, GenericArgument, PatType, PathArguments, Signature, Type};

use crate::diagnostics::Diagnostics;
use crate::kinds::Macro;
use crate::render::render;
use crate::spec::Subject;

/// The maximum number of arguments of a handler.
const MAX_ARGUMENTS: usize = 12;

/// One argument of a valid handler.
#[derive(Debug)]
pub(crate) enum Argument {
    /// Extracted from the context.
    Extracted(Type),
    /// The `&mut PromptForm` of an `#[on_change]` handler.
    Form(Type),
}

/// Checks one argument and returns it if it is valid.
pub(crate) fn check(subject: &Subject, input: &PatType, diagnostics: &mut Diagnostics) -> Option<Argument> {
    if let Some(attr) = input.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
        diagnostics.push_with_help(
            attr,
            format_args!("{subject} must not have `#[cfg]` on an argument"),
            "put it on the function",
        );
        return None;
    }
    let ty = &*input.ty;
    if let Type::Reference(reference) = ty
        && reference.mutability.is_some()
    {
        if subject.attribute == Macro::OnChange && is_named(&reference.elem, "PromptForm") {
            return Some(Argument::Form(ty.clone()));
        }
        let elem = render(&reference.elem);
        diagnostics.push_with_help(
            ty,
            format_args!("{subject} must not take `&mut {elem}`"),
            format_args!("take `&{elem}` or an owned value"),
        );
        return None;
    }
    if mentions_impl(ty) {
        diagnostics.push_with_help(
            ty,
            format_args!("{subject} must not take `{}`", render(ty)),
            "take `&Event` or an owned value",
        );
        return None;
    }
    if let Some(inner) = option_of(ty) {
        let inner = without_lifetimes(inner.to_token_stream());
        diagnostics.push_with_help(
            ty,
            format_args!("{subject} must not take `Option<{inner}>`"),
            format_args!(
                "take `Result<{inner}, ExtractError>`, with which the handler is called also if the argument is not available"
            ),
        );
        return None;
    }
    Some(Argument::Extracted(ty.clone()))
}

/// Reports arguments whose type occurs twice.
pub(crate) fn check_duplicates(subject: &Subject, sig: &Signature, diagnostics: &mut Diagnostics) {
    let mut seen: Vec<String> = Vec::new();
    for ty in sig.inputs.iter().filter_map(typed).map(|input| &*input.ty) {
        let shared = ["Fields", "Vars", "StepOutput"].into_iter().find(|name| is_named(ty, name));
        let shown = match shared {
            Some(name) => format!("{name}<_>"),
            None => without_lifetimes(ty.to_token_stream()),
        };
        if seen.contains(&shown) {
            let help = if shared.is_some() { "use one struct with both fields" } else { "remove one of them" };
            diagnostics.push_with_help(ty, format_args!("{subject} takes `{shown}` twice"), help);
        } else {
            seen.push(shown);
        }
    }
}

/// Reports too many arguments.
pub(crate) fn check_count(subject: &Subject, sig: &Signature, diagnostics: &mut Diagnostics) {
    let count = sig.inputs.len();
    if count > MAX_ARGUMENTS {
        diagnostics.push_with_help(
            &sig.inputs,
            format_args!("{subject} takes {count} arguments, at most {MAX_ARGUMENTS} are supported"),
            "group them in a type that implements `FromContext`",
        );
    }
}

/// The argument, unless it is `self`.
pub(crate) fn typed(input: &FnArg) -> Option<&PatType> {
    match input {
        FnArg::Typed(input) => Some(input),
        FnArg::Receiver(_) => None,
    }
}

/// Whether the last path segment of the type is `name`.
fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == name))
}

/// Returns the `T` of `Option<T>`. `Option` is nobody's extractor: neither the trait nor the type is of the crate that could implement it.
fn option_of(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Option")?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(GenericArgument::Type(inner)) if arguments.args.len() == 1 => Some(inner),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the type contains `impl Trait`.
pub(crate) fn mentions_impl(ty: &Type) -> bool {
    fn search(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(word) => word == "impl",
            TokenTree::Group(group) => search(group.stream()),
            _ => false,
        })
    }
    search(ty.to_token_stream())
}

/// Formats the type without named lifetimes: `&Event` for `&'a Event`, `Form<'_>` for `Form<'a>`.
pub(crate) fn without_lifetimes(tokens: TokenStream) -> String {
    let mut elided = TokenStream::new();
    let mut after_and = false;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                let name = tokens.next();
                if !after_and {
                    elided.extend([token.clone()]);
                    let keep = name.as_ref().is_some_and(|name| name.to_string() == "static");
                    let name = name.filter(|_| keep);
                    let anonymous = proc_macro2::Ident::new("_", token.span());
                    elided.extend([name.unwrap_or_else(|| anonymous.into())]);
                }
                after_and = false;
            }
            TokenTree::Punct(punct) => {
                after_and = punct.as_char() == '&';
                elided.extend([token.clone()]);
            }
            _ => {
                after_and = false;
                elided.extend([token.clone()]);
            }
        }
    }
    render(elided)
}
