//! The signature that a handler may have: qualifiers, generics, lifetimes and return type.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{FnArg, GenericParam, ReturnType, Safety, Signature, Type};

use crate::arguments::{self, Argument, mentions_impl, typed, without_lifetimes};
use crate::diagnostics::Diagnostics;
use crate::spec::Subject;

/// Reports every error of the signature, and returns the valid arguments.
pub(crate) fn validate(subject: &Subject, sig: &Signature, diagnostics: &mut Diagnostics) -> Vec<Argument> {
    check_qualifiers(subject, sig, diagnostics);
    check_generics(subject, sig, diagnostics);
    let mut arguments = Vec::new();
    for input in &sig.inputs {
        match input {
            FnArg::Receiver(receiver) => diagnostics.push_with_help(
                receiver,
                format_args!("{subject} must not take `self`"),
                "shared state is an argument: `state: State<MyState>`",
            ),
            FnArg::Typed(input) => arguments.extend(arguments::check(subject, input, diagnostics)),
        }
    }
    check_lifetimes(subject, sig, diagnostics);
    arguments::check_duplicates(subject, sig, diagnostics);
    arguments::check_count(subject, sig, diagnostics);
    if let ReturnType::Type(_, output) = &sig.output
        && mentions_impl(output)
    {
        diagnostics.push_with_help(
            output,
            format_args!("{subject} must not return `impl Trait`"),
            "write out the return type",
        );
    }
    arguments
}

fn check_qualifiers(subject: &Subject, sig: &Signature, diagnostics: &mut Diagnostics) {
    if let Some(token) = &sig.constness {
        diagnostics.push(token, format_args!("{subject} must not be `const`"));
    }
    if let Safety::Unsafe(token) = &sig.safety {
        diagnostics.push(token, format_args!("{subject} must not be `unsafe`"));
    }
    if let Some(abi) = &sig.abi {
        diagnostics.push(abi, format_args!("{subject} must not be `extern`"));
    }
    if let Some(variadic) = &sig.variadic {
        diagnostics.push(variadic, format_args!("{subject} must not be variadic"));
    }
}

fn check_generics(subject: &Subject, sig: &Signature, diagnostics: &mut Diagnostics) {
    let is_generic = sig.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)));
    if is_generic {
        diagnostics.push(&sig.generics.params, format_args!("{subject} must not be generic"));
    }
    if let Some(clause) = &sig.generics.where_clause {
        diagnostics.push(clause, format_args!("{subject} must not have a `where` clause"));
    }
}

/// Reports named lifetimes, once for the whole signature: eliding one elides its other uses too.
fn check_lifetimes(subject: &Subject, sig: &Signature, diagnostics: &mut Diagnostics) {
    let inputs = sig.inputs.iter().filter_map(typed).map(|input| &*input.ty);
    let mut named = inputs.clone().filter(|ty| mentions_lifetime(ty.to_token_stream()));
    let declared = sig.generics.lifetimes().next();
    let is_shared = |ty: &&Type| matches!(ty, Type::Reference(reference) if reference.mutability.is_none());
    let example = named.clone().find(is_shared).or_else(|| named.find(|ty| !matches!(ty, Type::Reference(_))));
    let example_text = example.map_or_else(|| "&Event".to_owned(), |ty| without_lifetimes(ty.to_token_stream()));
    let place = match (declared, example) {
        (Some(declared), _) => declared.to_token_stream(),
        (None, Some(ty)) => ty.to_token_stream(),
        (None, None) => return,
    };
    diagnostics.push_with_help(
        place,
        format_args!("{subject} must not use named lifetimes"),
        format_args!("elide it: `{example_text}`"),
    );
}

/// Whether a named lifetime occurs, or `'static` on a reference, which no extractor returns.
fn mentions_lifetime(tokens: TokenStream) -> bool {
    let mut after_and = false;
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                let name = tokens.next().map(|name| name.to_string()).unwrap_or_default();
                if name != "_" && (name != "static" || after_and) {
                    return true;
                }
                after_and = false;
            }
            TokenTree::Punct(punct) => after_and = punct.as_char() == '&',
            TokenTree::Group(group) if mentions_lifetime(group.stream()) => return true,
            _ => after_and = false,
        }
    }
    false
}
