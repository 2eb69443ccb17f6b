//! What a handler's signature may look like.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{FnArg, GenericParam, PatType, ReturnType, Safety, Signature, Type};

use crate::errors::Faults;
use crate::kinds::Macro;
use crate::render::render;
use crate::spec::Subject;

const MAX_ARGUMENTS: usize = 12;

/// One argument of a valid handler.
#[derive(Debug)]
pub(crate) enum Argument {
    /// Taken from the context.
    Extracted(Type),
    /// The `&mut PromptForm` of an `#[on_change]` handler.
    Form(Type),
}

/// Reports every fault of `sig` and returns the arguments that have none.
pub(crate) fn validate(subject: &Subject, sig: &Signature, faults: &mut Faults) -> Vec<Argument> {
    check_qualifiers(subject, sig, faults);
    check_generics(subject, sig, faults);
    let mut arguments = Vec::new();
    for input in &sig.inputs {
        match input {
            FnArg::Receiver(receiver) => faults.push_with_help(
                receiver,
                format_args!("{subject} must not take `self`"),
                "shared state is an argument: `state: State<MyState>`",
            ),
            FnArg::Typed(input) => arguments.extend(check_argument(subject, input, faults)),
        }
    }
    check_lifetimes(subject, sig, faults);
    check_repetition(subject, sig, faults);
    check_count(subject, sig, faults);
    if let ReturnType::Type(_, output) = &sig.output
        && mentions_impl(output)
    {
        faults.push_with_help(
            output,
            format_args!("{subject} must not return `impl Trait`"),
            "name the type that it returns",
        );
    }
    arguments
}

fn check_qualifiers(subject: &Subject, sig: &Signature, faults: &mut Faults) {
    if let Some(token) = &sig.constness {
        faults.push(token, format_args!("{subject} must not be `const`"));
    }
    if let Safety::Unsafe(token) = &sig.safety {
        faults.push(token, format_args!("{subject} must not be `unsafe`"));
    }
    if let Some(abi) = &sig.abi {
        faults.push(abi, format_args!("{subject} must not be `extern`"));
    }
    if let Some(variadic) = &sig.variadic {
        faults.push(variadic, format_args!("{subject} must not be variadic"));
    }
}

fn check_generics(subject: &Subject, sig: &Signature, faults: &mut Faults) {
    let is_generic = sig.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)));
    if is_generic {
        faults.push(&sig.generics.params, format_args!("{subject} must not be generic"));
    }
    if let Some(clause) = &sig.generics.where_clause {
        faults.push(clause, format_args!("{subject} must not have a `where` clause"));
    }
}

fn check_argument(subject: &Subject, input: &PatType, faults: &mut Faults) -> Option<Argument> {
    if let Some(attr) = input.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
        faults.push_with_help(
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
        faults.push_with_help(
            ty,
            format_args!("{subject} must not take `&mut {elem}`"),
            format_args!("take `&{elem}` or an owned value"),
        );
        return None;
    }
    if mentions_impl(ty) {
        faults.push_with_help(
            ty,
            format_args!("{subject} must not take `{}`", render(ty)),
            "take `&Event` or an owned value",
        );
        return None;
    }
    Some(Argument::Extracted(ty.clone()))
}

/// One message for the whole signature: eliding one lifetime elides its other uses too.
fn check_lifetimes(subject: &Subject, sig: &Signature, faults: &mut Faults) {
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
    faults.push_with_help(
        place,
        format_args!("{subject} must not use named lifetimes"),
        format_args!("elide it: `{example_text}`"),
    );
}

fn check_repetition(subject: &Subject, sig: &Signature, faults: &mut Faults) {
    let mut seen: Vec<String> = Vec::new();
    for ty in sig.inputs.iter().filter_map(typed).map(|input| &*input.ty) {
        let shared = ["Fields", "Vars", "StepOutput"].into_iter().find(|name| is_named(ty, name));
        let shown = match shared {
            Some(name) => format!("{name}<_>"),
            None => without_lifetimes(ty.to_token_stream()),
        };
        if seen.contains(&shown) {
            let help = if shared.is_some() { "use one struct with both fields" } else { "remove one of them" };
            faults.push_with_help(ty, format_args!("{subject} takes `{shown}` twice"), help);
        } else {
            seen.push(shown);
        }
    }
}

fn check_count(subject: &Subject, sig: &Signature, faults: &mut Faults) {
    let count = sig.inputs.len();
    if count > MAX_ARGUMENTS {
        faults.push_with_help(
            &sig.inputs,
            format_args!("{subject} takes {count} arguments, at most {MAX_ARGUMENTS} are supported"),
            "group them in a type that implements `FromContext`",
        );
    }
}

fn typed(input: &FnArg) -> Option<&PatType> {
    match input {
        FnArg::Typed(input) => Some(input),
        FnArg::Receiver(_) => None,
    }
}

/// Whether the type's last path segment is `name`.
fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == name))
}

fn mentions_impl(ty: &Type) -> bool {
    fn search(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(word) => word == "impl",
            TokenTree::Group(group) => search(group.stream()),
            _ => false,
        })
    }
    search(ty.to_token_stream())
}

/// Whether a lifetime other than `'_` occurs, or `'static` on a reference, which no extractor can give.
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

/// The type without the lifetimes of its references: `&Event` for `&'a Event`, `Form<'_>` for `Form<'a>`.
fn without_lifetimes(tokens: TokenStream) -> String {
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
