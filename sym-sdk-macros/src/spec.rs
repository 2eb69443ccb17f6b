//! The validated form of a handler, the only input of [`crate::expand`].

use std::fmt;

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{LitStr, ReturnType, Type};

use crate::arguments::Argument;
use crate::attribute_args::AttributeArgs;
use crate::attributes;
use crate::diagnostics::Diagnostics;
use crate::fired_events::{self, FiredEvent};
use crate::item::Item;
use crate::kinds::{self, KINDS, Macro, NamedKind};
use crate::literals::{self, NameLiteral};
use crate::signature;

/// The subject of messages about a handler: ``hook `on_request` ``.
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

/// The kind of a handler.
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
    /// The return type. `None` for `()`.
    pub(crate) output: Option<Type>,
    pub(crate) is_async: bool,
    pub(crate) doc: String,
    /// The names of the configuration in the body.
    pub(crate) literals: Vec<NameLiteral>,
    /// The events that are created in the body.
    pub(crate) fired: Vec<FiredEvent>,
}

impl HandlerSpec {
    /// The name of the output, as in `Returns…` and `…Result`.
    pub(crate) fn output_name(&self) -> &'static str {
        match &self.kind {
            Kind::Named(kind) => kind.output,
            Kind::Prefetch(_) => "Options",
            Kind::OnChange(_) => "Form",
        }
    }
}

/// Checks the function against the macro. `block` is the keyword of the impl or trait that the function is in. Returns `None` if there is
/// any error.
pub(crate) fn validate(
    attribute: Macro,
    args: &AttributeArgs,
    item: &Item,
    block: Option<&'static str>,
    diagnostics: &mut Diagnostics,
) -> Option<HandlerSpec> {
    let subject = Subject { attribute, name: item.sig.ident.unraw().to_string() };
    attributes::check_handler_macros(&subject, item, diagnostics);
    let kind = match attribute {
        Macro::Reducer | Macro::Hook => named_kind(&subject, args, &item.sig.ident, diagnostics).map(Kind::Named),
        Macro::Prefetch => prefetch_field(&subject, args, item, diagnostics).map(Kind::Prefetch),
        Macro::OnChange => on_change_field(&subject, args, item, diagnostics).map(Kind::OnChange),
    };
    let arguments = signature::validate(&subject, &item.sig, diagnostics);
    if attribute == Macro::OnChange {
        check_form(&subject, item, &arguments, diagnostics);
    }
    if item.is_bodiless() {
        diagnostics.push_with_help(
            &item.sig,
            format_args!("{subject} must have a body"),
            "handlers are free functions; move it out of the trait",
        );
    } else if let Some(block) = block {
        let article = if block == "impl" { "an" } else { "a" };
        diagnostics.push_with_help(
            &item.sig.ident,
            format_args!("{subject} must be a free function, and is in {article} `{block}`"),
            format_args!("move it out of the `{block}`; shared state is an argument: `state: State<MyState>`"),
        );
    }
    if !diagnostics.is_empty() {
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
        doc: attributes::doc(&item.attrs),
        literals: literals::find(&item.sig, &item.body),
        fired: fired_events::find(&item.body),
    })
}

fn named_kind(
    subject: &Subject,
    args: &AttributeArgs,
    function: &Ident,
    diagnostics: &mut Diagnostics,
) -> Option<&'static NamedKind> {
    let attribute = subject.attribute;
    let ident = args.kind.as_ref().unwrap_or(function);
    let name = ident.unraw().to_string();
    let as_argument = if args.kind.is_some() { format!("({name})") } else { String::new() };
    match kinds::named(&name) {
        Some(kind) if kind.attribute == attribute => return Some(kind),
        Some(kind) => {
            let (is, is_not) = (kind.attribute.with_article(), attribute.with_article());
            let help = format!("use `#[{}{as_argument}]`", kind.attribute);
            diagnostics.push_with_help(ident, format_args!("`{name}` is {is}, not {is_not}"), help);
        }
        None if name.starts_with("on_change_") => {
            let is_not = attribute.with_article();
            diagnostics.push_with_help(
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
            diagnostics.push_with_help(ident, format_args!("{attribute} `{name}` is not a known {attribute}"), help);
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

fn prefetch_field(
    subject: &Subject,
    args: &AttributeArgs,
    item: &Item,
    diagnostics: &mut Diagnostics,
) -> Option<LitStr> {
    if !args.has_field {
        let help = "#[prefetch(field = \"repo_name\")]";
        diagnostics.push_with_help(&item.sig.ident, format_args!("{subject} requires a field"), help);
    }
    args.field.clone()
}

fn on_change_field(
    subject: &Subject,
    args: &AttributeArgs,
    item: &Item,
    diagnostics: &mut Diagnostics,
) -> Option<LitStr> {
    if args.has_field {
        return args.field.clone();
    }
    match subject.name.strip_prefix("on_change_") {
        Some(field) if !field.is_empty() => Some(LitStr::new(field, item.sig.ident.span())),
        _ => {
            let help = "name it `on_change_repo_name` or write `#[on_change(field = \"repo_name\")]`";
            diagnostics.push_with_help(&item.sig.ident, format_args!("{subject} requires a field"), help);
            None
        }
    }
}

/// Reports a missing form argument. A second one is reported as a duplicate.
fn check_form(subject: &Subject, item: &Item, arguments: &[Argument], diagnostics: &mut Diagnostics) {
    if !arguments.iter().any(|argument| matches!(argument, Argument::Form(_))) {
        let place = if item.sig.inputs.is_empty() {
            item.sig.ident.to_token_stream()
        } else {
            item.sig.inputs.to_token_stream()
        };
        diagnostics.push_with_help(
            place,
            format_args!("{subject} must take `&mut PromptForm`"),
            "add an argument: `form: &mut PromptForm`",
        );
    }
}
