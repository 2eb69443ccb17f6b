//! A handler that has passed every check. Only this reaches [`crate::expand`].

use std::fmt;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Meta, ReturnType, Type};

use crate::args::RawArgs;
use crate::errors::Faults;
use crate::item::Item;
use crate::kinds::{self, KINDS, Macro, NamedKind};
use crate::signature::{self, Argument};

/// Names the handler in messages: ``hook `on_request` ``.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) attribute: Macro,
    pub(crate) name: String,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.attribute, self.name)
    }
}

/// What the handler is for.
#[derive(Debug)]
pub(crate) enum Kind {
    Named(&'static NamedKind),
    Prefetch(LitStr),
    OnChange(LitStr),
}

/// A valid handler.
#[derive(Debug)]
pub(crate) struct HandlerSpec {
    pub(crate) kind: Kind,
    pub(crate) function: Ident,
    pub(crate) arguments: Vec<Argument>,
    /// `None` stands for `()`.
    pub(crate) output: Option<Type>,
    pub(crate) is_async: bool,
    pub(crate) doc: String,
}

impl HandlerSpec {
    /// The middle of the names `Returns…` and `…Result`, by which the expansion refers to the kind's output.
    pub(crate) fn output_name(&self) -> &'static str {
        match &self.kind {
            Kind::Named(kind) => kind.output,
            Kind::Prefetch(_) => "Options",
            Kind::OnChange(_) => "Form",
        }
    }
}

/// Checks the function against its attribute; `None` if there was any fault.
pub(crate) fn validate(attribute: Macro, args: &RawArgs, item: &Item, faults: &mut Faults) -> Option<HandlerSpec> {
    let subject = Subject { attribute, name: item.sig.ident.unraw().to_string() };
    check_attributes(&subject, item, faults);
    let kind = match attribute {
        Macro::Reducer | Macro::Hook => named_kind(&subject, args, &item.sig.ident, faults).map(Kind::Named),
        Macro::Prefetch => prefetch_field(&subject, args, item, faults).map(Kind::Prefetch),
        Macro::OnChange => on_change_field(&subject, args, item, faults).map(Kind::OnChange),
    };
    let arguments = signature::validate(&subject, &item.sig, faults);
    if attribute == Macro::OnChange {
        check_form(&subject, item, &arguments, faults);
    }
    if item.is_bodiless() {
        faults.push_with_help(
            &item.sig,
            format_args!("{subject} must have a body"),
            "handlers are free functions; move it out of the trait",
        );
    }
    if !faults.is_empty() {
        return None;
    }
    Some(HandlerSpec {
        kind: kind?,
        function: item.sig.ident.clone(),
        arguments,
        output: match &item.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, output) => Some((**output).clone()),
        },
        is_async: item.sig.asyncness.is_some(),
        doc: doc(&item.attrs),
    })
}

/// The handler macro that `attr` calls, if it is one.
pub(crate) fn handler_macro(attr: &Attribute) -> Option<Macro> {
    let mut segments = attr.path().segments.iter().rev();
    let last = segments.next()?;
    if segments.next().is_some_and(|parent| parent.ident != "sym_sdk") {
        return None;
    }
    Macro::ALL.into_iter().find(|candidate| last.ident == candidate.name())
}

fn check_attributes(subject: &Subject, item: &Item, faults: &mut Faults) {
    for attr in &item.attrs {
        let Some(other) = handler_macro(attr) else { continue };
        let (name, attribute) = (&subject.name, subject.attribute);
        if other == attribute {
            faults.push(attr, format_args!("function `{name}` has `#[{attribute}]` twice"));
        } else {
            faults.push(attr, format_args!("function `{name}` has both `#[{attribute}]` and `#[{other}]`"));
        }
    }
}

fn named_kind(subject: &Subject, args: &RawArgs, function: &Ident, faults: &mut Faults) -> Option<&'static NamedKind> {
    let attribute = subject.attribute;
    let ident = args.kind.as_ref().unwrap_or(function);
    let name = ident.unraw().to_string();
    let as_argument = if args.kind.is_some() { format!("({name})") } else { String::new() };
    match kinds::named(&name) {
        Some(kind) if kind.attribute == attribute => return Some(kind),
        Some(kind) => {
            let (is, is_not) = (kind.attribute.with_article(), attribute.with_article());
            let help = format!("use `#[{}{as_argument}]`", kind.attribute);
            faults.push_with_help(ident, format_args!("`{name}` is {is}, not {is_not}"), help);
        }
        None if name.starts_with("on_change_") => {
            let is_not = attribute.with_article();
            faults.push_with_help(
                ident,
                format_args!("`{name}` is an on_change handler, not {is_not}"),
                "use `#[on_change]`",
            );
        }
        None => {
            let other = Macro::ALL.into_iter().filter(|other| *other != attribute);
            let own = kinds::nearest(&name, attribute);
            let foreign = other.filter_map(|other| Some((other, kinds::nearest(&name, other)?))).next();
            let help = match (own, foreign, &args.kind) {
                (Some(near), _, Some(_)) => format!("did you mean `{near}`?"),
                (Some(near), _, None) => {
                    format!("did you mean `{near}`? to keep this name, write `#[{attribute}({near})]`")
                }
                (None, Some((other, near)), _) => format!("did you mean the {other} `{near}`?"),
                (None, None, _) => format!("the names are {}", names_of(attribute)),
            };
            faults.push_with_help(ident, format_args!("{attribute} `{name}` is not a known {attribute}"), help);
        }
    }
    None
}

fn names_of(attribute: Macro) -> String {
    let names = |prefix: &str| -> Vec<_> {
        let own = KINDS.iter().filter(|kind| kind.attribute == attribute);
        own.filter_map(|kind| kind.name.strip_prefix(prefix)).collect()
    };
    match attribute {
        Macro::Hook => format!("`on_` or `after_` and a step: {}", names("on_").join(", ")),
        _ => format!("`{}`", names("").join("`, `")),
    }
}

fn prefetch_field(subject: &Subject, args: &RawArgs, item: &Item, faults: &mut Faults) -> Option<LitStr> {
    if !args.has_field {
        let help = "#[prefetch(field = \"repo_name\")]";
        faults.push_with_help(&item.sig.ident, format_args!("{subject} needs a field"), help);
    }
    args.field.clone()
}

fn on_change_field(subject: &Subject, args: &RawArgs, item: &Item, faults: &mut Faults) -> Option<LitStr> {
    if args.has_field {
        return args.field.clone();
    }
    match subject.name.strip_prefix("on_change_") {
        Some(field) if !field.is_empty() => Some(LitStr::new(field, item.sig.ident.span())),
        _ => {
            let help = "name it `on_change_repo_name` or write `#[on_change(field = \"repo_name\")]`";
            faults.push_with_help(&item.sig.ident, format_args!("{subject} needs a field"), help);
            None
        }
    }
}

/// Two forms are reported as a repeated argument.
fn check_form(subject: &Subject, item: &Item, arguments: &[Argument], faults: &mut Faults) {
    if !arguments.iter().any(|argument| matches!(argument, Argument::Form(_))) {
        let place = if item.sig.inputs.is_empty() {
            item.sig.ident.to_token_stream()
        } else {
            item.sig.inputs.to_token_stream()
        };
        faults.push_with_help(
            place,
            format_args!("{subject} must take `&mut PromptForm`"),
            "add an argument: `form: &mut PromptForm`",
        );
    }
}

/// The doc comment as one text, without the blank that follows `///`.
fn doc(attrs: &[Attribute]) -> String {
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

/// The `#[cfg]`s below the macro, which what it adds must obey too.
pub(crate) fn cfgs(attrs: &[Attribute]) -> TokenStream {
    let mut tokens = TokenStream::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("cfg")) {
        attr.to_tokens(&mut tokens);
    }
    tokens
}
