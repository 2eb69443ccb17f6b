//! Code generation: the function as it was, and the record that registers it.
//!
//! Every token of an argument keeps the span of the argument's type, so that the compiler reports a type that is not an extractor
//! where the type is written.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, Type};

use crate::arguments::Argument;
use crate::attribute_args::AttributeArgs;
use crate::attributes;
use crate::diagnostics::Diagnostics;
use crate::enclosing_block::enclosing_block;
use crate::fired_events::FiredEvent;
use crate::item::{Item, OtherItem};
use crate::kinds::{Macro, NamedKind};
use crate::literals::NameLiteral;
use crate::paths::Paths;
use crate::spec::{self, HandlerSpec, Kind};

/// The output of a macro, in parts.
pub(crate) struct Expansion {
    /// The function as it was, followed by compile errors.
    function: TokenStream,
    cfgs: TokenStream,
    hidden_struct: TokenStream,
    /// The attribute that adds `companion` after the struct.
    attach: TokenStream,
    /// The impl of the struct, and the items that belong to it.
    companion: TokenStream,
}

impl Expansion {
    /// Returns the items, with the companion as an argument of the attribute on the struct.
    pub(crate) fn into_tokens(self) -> TokenStream {
        let Self { function, cfgs, hidden_struct, attach, companion } = self;
        let attribute = (!companion.is_empty()).then(|| quote!(#[#attach(#companion)]));
        quote!(#function #cfgs #attribute #hidden_struct)
    }

    /// Returns the items as they are after `attach` is expanded.
    #[cfg(test)]
    pub(crate) fn into_flat_tokens(self) -> TokenStream {
        let Self { function, cfgs, hidden_struct, companion, .. } = self;
        quote!(#function #cfgs #hidden_struct #companion)
    }
}

/// Expands a macro: the function as it was, followed by its record or by compile errors.
pub(crate) fn handler(attribute: Macro, args: TokenStream, input: TokenStream) -> Expansion {
    let mut diagnostics = Diagnostics::default();
    let args = AttributeArgs::parse(attribute, args, &mut diagnostics);
    let paths = Paths::new(args.krate.clone());
    let mut expansion = Expansion {
        function: input.clone(),
        cfgs: TokenStream::new(),
        hidden_struct: TokenStream::new(),
        attach: paths.attach(Span::mixed_site()),
        companion: TokenStream::new(),
    };
    match syn::parse2::<Item>(input.clone()) {
        Ok(item) => {
            let is_complete = item.sig.receiver().is_none() && !item.is_bodiless();
            let block = if is_complete { enclosing_block() } else { None };
            let spec = spec::validate(attribute, &args, &item, block, &mut diagnostics);
            expansion.function = without_handler_macros(&item, input);
            // In an impl or a trait, a struct would be another error.
            if is_complete && block.is_none() {
                expansion.cfgs = attributes::cfgs(&item.attrs);
                expansion.hidden_struct = hidden_struct(&item);
                expansion.companion = match spec {
                    Some(spec) => record(&spec, &paths),
                    // Without a valid path to `sym_sdk`, the impl would only cause another error.
                    None if args.has_krate && args.krate.is_none() => TokenStream::new(),
                    None => placeholder(&item, &paths),
                };
            }
        }
        Err(error) => match syn::parse2::<OtherItem>(input) {
            Ok(other) => push_not_a_function(attribute, &other, &mut diagnostics),
            Err(_) => diagnostics.add(error),
        },
    }
    expansion.function.extend(diagnostics.into_compile_errors());
    expansion
}

fn push_not_a_function(attribute: Macro, other: &OtherItem, diagnostics: &mut Diagnostics) {
    let keyword = &other.keyword;
    let article = if keyword == "impl" || keyword == "enum" { "an" } else { "a" };
    let message = format!("#[{attribute}] can only be used on a function, not on {article} {keyword}");
    if keyword == "impl" || keyword == "trait" {
        let help = format!("handlers are free functions; move it out of the {keyword}");
        diagnostics.push_with_help(keyword, message, help);
    } else {
        diagnostics.push(keyword, message);
    }
}

/// Returns the function as it was, without further handler macros: the first one reports them.
fn without_handler_macros(item: &Item, input: TokenStream) -> TokenStream {
    if !item.attrs.iter().any(|attr| attributes::handler_macro(attr).is_some()) {
        return input;
    }
    let Item { attrs, vis, sig, body } = item;
    let attrs = attrs.iter().filter(|attr: &&Attribute| attributes::handler_macro(attr).is_none());
    quote!(#(#attrs)* #vis #sig #body)
}

/// A struct with the name of the function. The braces keep it out of the value namespace, which the function is in.
fn hidden_struct(item: &Item) -> TokenStream {
    let vis = &item.vis;
    let name = struct_name(&item.sig.ident);
    quote_spanned! {Span::mixed_site()=>
        #[doc(hidden)]
        #[allow(dead_code, missing_debug_implementations, non_camel_case_types, unreachable_pub)]
        #vis struct #name {}
    }
}

/// Implements `Handler` for a handler with errors, so that `handlers![…]` does not report it again.
fn placeholder(item: &Item, paths: &Paths) -> TokenStream {
    let span = Span::mixed_site();
    let name = struct_name(&item.sig.ident);
    let (handler, record, invalid) = (paths.handler(span), paths.record(span), paths.invalid(span));
    quote_spanned! {span=>
        #[automatically_derived]
        impl #handler for #name {
            const RECORD: #record = #invalid;
        }
    }
}

/// The name of the struct. It does not have the user's span, because editors would take the struct for the definition of the
/// function.
fn struct_name(function: &Ident) -> Ident {
    let mut name = function.clone();
    name.set_span(Span::call_site());
    name
}

/// The function that calls the handler, the record and its registration, in an anonymous constant.
fn record(spec: &HandlerSpec, paths: &Paths) -> TokenStream {
    let span = Span::mixed_site();
    let struct_name = struct_name(&spec.function);
    let (handler, record, inventory) = (paths.handler(span), paths.record(span), paths.inventory(span));
    let (module_path, file, line, column) =
        (paths.module_path(span), paths.file(span), paths.line(span), paths.column(span));
    let (name, doc, is_async) = (spec.function.unraw().to_string(), &spec.doc, spec.is_async);
    let requires = requires(spec, paths);
    let checks = checks(spec, paths);
    let literals = literals(spec, paths);
    let (call, thunk) = thunk(spec, paths);
    quote_spanned! {span=>
        const _: () = {
            #call

            #[automatically_derived]
            impl #handler for #struct_name {
                const RECORD: #record = #record {
                    name: #name,
                    module: #module_path!(),
                    file: #file!(),
                    line: #line!(),
                    column: #column!(),
                    doc: #doc,
                    is_async: #is_async,
                    requires: &[#(#requires),*],
                    literals: &[#(#literals),*],
                    thunk: #thunk,
                };
            }

            #(#checks)*

            #inventory::submit! { <#struct_name as #handler>::RECORD }
        };
    }
}

/// The `Requires` of each argument.
fn requires(spec: &HandlerSpec, paths: &Paths) -> Vec<TokenStream> {
    let one = |argument: &Argument| match argument {
        Argument::Form(_) => {
            let requires = paths.requires(Span::mixed_site());
            quote!(#requires::Form)
        }
        Argument::Extracted(ty) => {
            let from_context = extractor(ty, paths);
            quote_spanned!(ty.span()=> <#ty as #from_context<'_>>::REQUIRES)
        }
    };
    spec.arguments.iter().map(one).collect()
}

/// The trait that extracts an argument. All of them do the same; they differ in what the compiler says about a type that is none.
fn extractor(ty: &Type, paths: &Paths) -> TokenStream {
    match ty {
        Type::Reference(_) => paths.reference_argument(ty.span()),
        // A type with parameters, such as `Fields<T>`, may be an extractor whose parameter is what is wrong.
        Type::Path(path) if path.path.segments.iter().all(|segment| segment.arguments.is_none()) => {
            paths.value_argument(ty.span())
        }
        _ => paths.extractor(ty.span()),
    }
}

/// The names in the body. `line!()` would be the line of the attribute, so the position is taken from the span.
fn literals(spec: &HandlerSpec, paths: &Paths) -> Vec<TokenStream> {
    let one = |literal: &NameLiteral| {
        let span = Span::mixed_site();
        let (record, kinds, kind) = (paths.literal(span), paths.literal_kind(span), Ident::new(literal.kind, span));
        let (name, is_strict) = (literal.name.value(), literal.is_strict);
        let (line, column) = position(literal.name.span());
        quote_spanned! {span=>
            #record { kind: #kinds::#kind, name: #name, is_strict: #is_strict, line: #line, column: #column }
        }
    };
    spec.literals.iter().map(one).collect()
}

/// The line and the column of a span, counted from 1. Only a compiler knows them.
fn position(span: Span) -> (u32, u32) {
    if !proc_macro::is_available() {
        return (0, 0);
    }
    let start = span.unwrap().start();
    let number = |position: usize| u32::try_from(position).unwrap_or(0);
    (number(start.line()), number(start.column()))
}

/// Compile-time checks that each argument is available to handlers of this kind, and that the events are.
fn checks(spec: &HandlerSpec, paths: &Paths) -> Vec<TokenStream> {
    let struct_name = struct_name(&spec.function);
    let one = |argument: &Argument| match argument {
        Argument::Form(_) => None,
        Argument::Extracted(ty) => {
            let end = ty.to_token_stream().into_iter().last().map_or_else(|| ty.span(), |token| token.span());
            let (check, handler, from_context) =
                (paths.check_argument(ty.span()), paths.handler(ty.span()), extractor(ty, paths));
            let arguments =
                quote_spanned!(ty.span()=> &<#struct_name as #handler>::RECORD, <#ty as #from_context<'_>>::REQUIRES);
            // Spans from the first to the last token of the type: the compiler then underlines the whole type, and merges this
            // error with that of the thunk.
            let mut arguments = Group::new(Delimiter::Parenthesis, arguments);
            arguments.set_span(end.resolved_at(Span::mixed_site()));
            Some(quote_spanned!(ty.span()=> const _: () = #check #arguments;))
        }
    };
    spec.arguments.iter().filter_map(one).chain(fired_event_checks(spec, paths)).collect()
}

/// Compile-time checks that an `on_` hook fires no earlier step.
fn fired_event_checks(spec: &HandlerSpec, paths: &Paths) -> Vec<TokenStream> {
    let Kind::Named(NamedKind { variant: "On", step: Some(hook), .. }) = &spec.kind else { return Vec::new() };
    let one = |event: &FiredEvent| {
        let span = event.name.span().resolved_at(Span::mixed_site());
        let (check, steps) = (paths.check_fired_event(span), paths.step(span));
        let (hook, fired) = (Ident::new(hook, span), Ident::new(event.step, span));
        let mut arguments = Group::new(Delimiter::Parenthesis, quote_spanned!(span=> #steps::#hook, #steps::#fired));
        arguments.set_span(span);
        quote_spanned!(span=> const _: () = #check #arguments;)
    };
    spec.fired.iter().map(one).collect()
}

/// The function that calls the handler, and the `Thunk` that holds it.
fn thunk(spec: &HandlerSpec, paths: &Paths) -> (TokenStream, TokenStream) {
    let span = Span::mixed_site();
    let (context, thunk, box_future) = (paths.context(span), paths.thunk(span), paths.box_future(span));
    let result = paths.item(&format!("{}Result", spec.output_name()), span);
    let body = thunk_body(spec, paths);
    let (form, variant) = match &spec.kind {
        Kind::Named(kind) => {
            let variant = Ident::new(kind.variant, span);
            let step = kind.step.map(|step| {
                let (steps, step) = (paths.step(span), Ident::new(step, span));
                quote_spanned!(span=> #steps::#step,)
            });
            (TokenStream::new(), quote_spanned!(span=> #thunk::#variant(#step __sym_call)))
        }
        Kind::Prefetch(field) => (TokenStream::new(), quote_spanned!(span=> #thunk::Prefetch(#field, __sym_call))),
        Kind::OnChange(field) => {
            let prompt_form = paths.prompt_form(span);
            let form = quote_spanned!(span=> , form: &'cx mut #prompt_form);
            (form, quote_spanned!(span=> #thunk::OnChange(#field, __sym_call)))
        }
    };
    let call = quote_spanned! {span=>
        #[allow(deprecated, unused_variables)]
        fn __sym_call<'cx>(cx: &'cx #context #form) -> #box_future<'cx, #result> {
            #body
        }
    };
    (call, variant)
}

/// The body of the thunk, with one `let` for each argument. Each has the span of the argument's type, so that errors point there.
fn thunk_body(spec: &HandlerSpec, paths: &Paths) -> TokenStream {
    let span = Span::mixed_site();
    let (cx, form) = (Ident::new("cx", span), Ident::new("form", span));
    let mut lets = Vec::new();
    let mut names = Vec::new();
    for (position, argument) in spec.arguments.iter().enumerate() {
        let name = format_ident!("argument{position}", span = span);
        lets.push(match argument {
            Argument::Extracted(ty) => {
                let from_context = extractor(ty, paths);
                quote_spanned!(ty.span()=> let #name = <#ty as #from_context<'_>>::from_context(#cx)?;)
            }
            Argument::Form(ty) => quote_spanned!(ty.span()=> let #name: #ty = #form;),
        });
        names.push(name);
    }
    let function = &spec.function;
    let wait = spec.is_async.then(|| quote!(.await));
    let convert = conversion(spec, paths);
    // Has the span of the function's name, where the compiler then reports a future that is not `Send`.
    let at_name = function.span().resolved_at(span);
    let on_any_thread = paths.on_any_thread(at_name);
    quote_spanned! {at_name=>
        #on_any_thread(async move {
            #(#lets)*
            #convert(#function(#(#names),*) #wait)
        })
    }
}

fn conversion(spec: &HandlerSpec, paths: &Paths) -> TokenStream {
    let unit = Type::Verbatim(quote_spanned!(spec.function.span()=> ()));
    let output = spec.output.as_ref().unwrap_or(&unit);
    let returns = paths.item(&format!("Returns{}", spec.output_name()), output.span());
    quote_spanned!(output.span()=> <#output as #returns>::into_output)
}
