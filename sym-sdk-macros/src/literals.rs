//! Finds the names of the configuration in the body of a handler, such as the `"urgency"` of `event.fields().text("urgency")`.
//!
//! Only tokens are known, so a name counts only if it is certainly passed to the API of `sym-sdk`: its chain of methods starts at an argument
//! whose type is one of that API, such as `&Event`, or at a variable that was bound to such a chain. A binding of the same name to anything
//! else ends that. What is missed is only not checked early; a name of the user's own API must never be reported.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Ident, Literal, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{FnArg, LitStr, Pat, Signature, Type};

use crate::arguments::typed;

/// A name in the body.
#[derive(Debug)]
pub(crate) struct NameLiteral {
    /// The variant or constant of `LiteralKind`.
    pub(crate) kind: &'static str,
    pub(crate) name: LitStr,
    /// Whether an unknown name ends the handler.
    pub(crate) is_strict: bool,
}

/// A type whose methods are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Context,
    Environment,
    Event,
    Fields,
    Flow,
    FlowsQuery,
    Flows,
    Form,
    FormValues,
    Payload,
    Strategy,
    Target,
    TargetSettings,
    Vars,
}

use Known::*;

/// The type that each method returns, in an `Option` or a `Result` or not.
const RETURNS: &[(Known, &str, Known)] = &[
    (Context, "event", Event),
    (Context, "flow", Flow),
    (Event, "fields", Fields),
    (Event, "flow", Flow),
    (Event, "payload", Payload),
    (Event, "target", Target),
    (Flow, "environment", Environment),
    (Flow, "prompt_form", Form),
    (Flow, "strategy", Strategy),
    (Flow, "vars", Vars),
    (FlowsQuery, "flows", Flows),
    (FlowsQuery, "vars", Vars),
    (Flows, "get", Flow),
    (Form, "flow_vars", Vars),
    (Form, "values", FormValues),
    (Payload, "fields", Fields),
    (Payload, "target", Target),
    (Strategy, "target_by_name", Target),
    (Target, "settings", TargetSettings),
];

/// The kind of the name that each method takes as its only argument.
const LOOKUPS: &[(Known, &str, &str)] = &[
    (Environment, "integration", "Integration"),
    (Fields, "bool", "Bool"),
    (Fields, "contains", "Field"),
    (Fields, "duration", "Duration"),
    (Fields, "get", "Field"),
    (Fields, "int", "Int"),
    (Fields, "int_list", "IntList"),
    (Fields, "slack_user", "SlackUser"),
    (Fields, "slack_users", "SlackUsers"),
    (Fields, "text", "Text"),
    (Fields, "text_list", "TextList"),
    (Flow, "field", "DeclaredField"),
    (Flow, "var", "Var"),
    (Flows, "get", "Flow"),
    (Form, "field", "FormField"),
    (Form, "field_mut", "FormField"),
    (FormValues, "bool", "FormField"),
    (FormValues, "contains", "FormField"),
    (FormValues, "duration", "FormField"),
    (FormValues, "get", "FormField"),
    (FormValues, "int", "FormField"),
    (FormValues, "text", "FormField"),
    (Strategy, "setting", "StrategySetting"),
    (Strategy, "target_by_name", "Target"),
    (Target, "setting", "TargetSetting"),
    (TargetSettings, "contains_key", "TargetSetting"),
    (TargetSettings, "get", "TargetSetting"),
    (Vars, "contains_key", "Var"),
    (Vars, "get", "Var"),
];

/// Methods of `Option`, `Result` and references after which the type inside is the same.
const TRANSPARENT: &[&str] =
    &["as_ref", "clone", "cloned", "expect", "ok", "ok_or", "ok_or_else", "unwrap", "map_err", "to_owned"];

type Scope = BTreeMap<String, Known>;

/// Returns the names in the body of a function.
pub(crate) fn find(sig: &Signature, body: &TokenStream) -> Vec<NameLiteral> {
    let mut scope = Scope::new();
    for input in &sig.inputs {
        if let (Some(name), Some(known)) = (argument_name(input), argument_type(input)) {
            scope.insert(name, known);
        }
    }
    let mut found = Vec::new();
    if !scope.is_empty() {
        scan(body.clone(), scope, &mut found);
    }
    found
}

fn argument_name(input: &FnArg) -> Option<String> {
    match &*typed(input)?.pat {
        Pat::Ident(pat) if pat.subpat.is_none() => Some(pat.ident.to_string()),
        _ => None,
    }
}

/// Returns the type of an argument that is taken by reference.
fn argument_type(input: &FnArg) -> Option<Known> {
    let Type::Reference(reference) = &*typed(input)?.ty else { return None };
    let Type::Path(path) = &*reference.elem else { return None };
    let last = path.path.segments.last()?;
    if path.qself.is_some() || !last.arguments.is_empty() {
        return None;
    }
    Some(match last.ident.to_string().as_str() {
        "Context" => Context,
        "Event" => Event,
        "Flow" => Flow,
        "Flows" => Flows,
        "FlowsQuery" => FlowsQuery,
        "PromptForm" => Form,
        _ => return None,
    })
}

/// Scans the tokens of one group, and of the groups in it.
fn scan(tokens: TokenStream, mut scope: Scope, found: &mut Vec<NameLiteral>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for name in arm_bindings(&tokens) {
        scope.remove(&name);
    }
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Group(group) => {
                scan(group.stream(), scope.clone(), found);
                at += 1;
            }
            TokenTree::Ident(word) if word == "let" => at = bind(&tokens, at + 1, &mut scope, found),
            TokenTree::Ident(word) if word == "for" || word == "fn" => {
                // The pattern of a loop, or the arguments of a nested function.
                let end = position(&tokens, at + 1, |token| is_word(token, "in") || is_brace(token));
                shadow(&tokens[at + 1..end], &mut scope);
                at = end;
            }
            TokenTree::Punct(punct) if punct.as_char() == '|' && starts_closure(&tokens, at) => {
                let end = position(&tokens, at + 1, |token| is_punct(token, '|'));
                shadow(&tokens[at + 1..end], &mut scope);
                at = end + 1;
            }
            TokenTree::Ident(word) if starts_chain(&tokens, at) => match scope.get(&word.to_string()) {
                Some(known) => at = chain(&tokens, at + 1, *known, &scope, found).0,
                None => at += 1,
            },
            _ => at += 1,
        }
    }
}

/// Handles a `let`, whose pattern starts at `at`. Returns the position after its pattern, or after the chain that it binds.
fn bind(tokens: &[TokenTree], at: usize, scope: &mut Scope, found: &mut Vec<NameLiteral>) -> usize {
    let end = position(tokens, at, |token| is_punct(token, '=') || is_punct(token, ';'));
    let pattern = &tokens[at..end];
    let start = end + 1;
    let value = match (tokens.get(end), tokens.get(start)) {
        (Some(equals), Some(TokenTree::Ident(word))) if is_punct(equals, '=') && starts_chain(tokens, start) => {
            scope.get(&word.to_string()).copied()
        }
        _ => None,
    };
    let Some(value) = value else {
        shadow(pattern, scope);
        return start.min(tokens.len());
    };
    let (after, known) = chain(tokens, start + 1, value, scope, found);
    let ends = tokens
        .get(after)
        .is_none_or(|token| is_punct(token, ';') || is_punct(token, '&') || is_word(token, "else") || is_brace(token));
    shadow(pattern, scope);
    if let (Some(name), Some(known), true) = (bound_name(pattern), known, ends) {
        scope.insert(name, known);
    }
    after
}

/// Returns the variable that a pattern binds to the whole value: `flow`, `mut flow`, `Some(flow)` or `Ok(flow)`.
fn bound_name(pattern: &[TokenTree]) -> Option<String> {
    match pattern {
        [TokenTree::Ident(name)] => Some(name.to_string()),
        [TokenTree::Ident(word), TokenTree::Ident(name)] if word == "mut" => Some(name.to_string()),
        [TokenTree::Ident(some), TokenTree::Group(inner)] if some == "Some" || some == "Ok" => {
            bound_name(&inner.stream().into_iter().collect::<Vec<_>>())
        }
        _ => None,
    }
}

/// Follows the methods that are called on a value of a known type. Returns the position after the last one, and the type of the result.
fn chain(
    tokens: &[TokenTree],
    mut at: usize,
    start: Known,
    scope: &Scope,
    found: &mut Vec<NameLiteral>,
) -> (usize, Option<Known>) {
    let mut known = Some(start);
    loop {
        match (tokens.get(at), tokens.get(at + 1), tokens.get(at + 2)) {
            (Some(question), ..) if is_punct(question, '?') => at += 1,
            (Some(dot), Some(TokenTree::Ident(_)), Some(TokenTree::Punct(_))) if is_punct(dot, '.') => {
                // A field, or a method with a turbofish.
                return (at + 2, None);
            }
            (Some(dot), Some(TokenTree::Ident(method)), Some(TokenTree::Group(arguments)))
                if is_punct(dot, '.') && arguments.delimiter() == Delimiter::Parenthesis =>
            {
                let name = only_literal(arguments.stream());
                if let (Some(known), Some(name)) = (known, name) {
                    found.extend(look_up(known, method, name, is_strict(&tokens[at + 3..])));
                } else {
                    scan(arguments.stream(), scope.clone(), found);
                }
                known = known.and_then(|known| returned(known, method));
                at += 3;
            }
            (Some(TokenTree::Group(index)), ..) if index.delimiter() == Delimiter::Bracket => {
                let name = only_literal(index.stream());
                if let (Some(known @ (Vars | TargetSettings)), Some(name)) = (known, name) {
                    let kind = if known == Vars { "Var" } else { "TargetSetting" };
                    found.push(NameLiteral { kind, name, is_strict: true });
                } else {
                    scan(index.stream(), scope.clone(), found);
                }
                known = None;
                at += 1;
            }
            (Some(dot), ..) if is_punct(dot, '.') => return (at + 1, None),
            _ => return (at, known),
        }
    }
}

fn look_up(known: Known, method: &Ident, name: LitStr, is_strict: bool) -> Option<NameLiteral> {
    let (.., kind) = LOOKUPS.iter().find(|(on, called, _)| *on == known && method == called)?;
    Some(NameLiteral { kind, name, is_strict })
}

fn returned(known: Known, method: &Ident) -> Option<Known> {
    if TRANSPARENT.iter().any(|transparent| method == transparent) {
        return Some(known);
    }
    RETURNS.iter().find(|(on, called, _)| *on == known && method == called).map(|(.., returned)| *returned)
}

/// Whether an error of a call ends the handler: it is followed by `?`, `unwrap` or `expect`.
fn is_strict(after: &[TokenTree]) -> bool {
    match after {
        [question, ..] if is_punct(question, '?') => true,
        [dot, TokenTree::Ident(method), TokenTree::Group(_), rest @ ..] if is_punct(dot, '.') => {
            ["unwrap", "expect"].iter().any(|strict| method == strict)
                || ["map_err", "ok_or", "ok_or_else"].iter().any(|kept| method == kept) && is_strict(rest)
        }
        _ => false,
    }
}

/// Returns the argument, if it is a string literal and the only one.
fn only_literal(arguments: TokenStream) -> Option<LitStr> {
    let mut tokens = arguments.into_iter();
    let TokenTree::Literal(literal) = tokens.next()? else { return None };
    match tokens.next() {
        None => text(&literal),
        Some(comma) if is_punct(&comma, ',') && tokens.next().is_none() => text(&literal),
        Some(_) => None,
    }
}

fn text(literal: &Literal) -> Option<LitStr> {
    syn::parse2(literal.to_token_stream()).ok()
}

/// Returns the variables that the arms of a `match` may bind: all words before each `=>`.
fn arm_bindings(tokens: &[TokenTree]) -> Vec<String> {
    let mut names = Vec::new();
    let mut start = 0;
    for (at, pair) in tokens.windows(2).enumerate() {
        match pair {
            [equals, greater] if is_punct(equals, '=') && is_punct(greater, '>') => {
                let pattern = &tokens[start.min(at)..at];
                let end = position(pattern, 0, |token| is_word(token, "if"));
                words(&pattern[..end], &mut names);
                start = at + 2;
            }
            [token, _] if is_punct(token, ',') || is_brace(token) => start = at + 1,
            _ => {}
        }
    }
    names
}

/// Removes the variables that a pattern may bind.
fn shadow(pattern: &[TokenTree], scope: &mut Scope) {
    let mut names = Vec::new();
    words(pattern, &mut names);
    for name in names {
        scope.remove(&name);
    }
}

fn words(tokens: &[TokenTree], names: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(word) => names.push(word.to_string()),
            TokenTree::Group(group) => words(&group.stream().into_iter().collect::<Vec<_>>(), names),
            _ => {}
        }
    }
}

/// Whether a word is the start of an expression: not a method, a path's segment or the name of a member.
fn starts_chain(tokens: &[TokenTree], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    let after_path = before.is_some_and(|token| {
        is_punct(token, '.') && !is_range(tokens, at) || is_punct(token, ':') && is_path(tokens, at)
    });
    let names_member = tokens.get(at + 1).is_some_and(|token| is_punct(token, ':'));
    !after_path && !names_member
}

/// Whether the `.` before a word is the second one of `..`.
fn is_range(tokens: &[TokenTree], at: usize) -> bool {
    at.checked_sub(2).and_then(|before| tokens.get(before)).is_some_and(|token| is_punct(token, '.'))
}

/// Whether the `:` before a word is the second one of `::`.
fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    at.checked_sub(2).and_then(|before| tokens.get(before)).is_some_and(|token| is_punct(token, ':'))
}

/// Whether a `|` opens the arguments of a closure, because no expression precedes it.
fn starts_closure(tokens: &[TokenTree], at: usize) -> bool {
    match at.checked_sub(1).and_then(|before| tokens.get(before)) {
        None => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() != '?',
        Some(TokenTree::Ident(word)) => word == "move" || word == "return",
        Some(_) => false,
    }
}

/// The position of the first matching token from `start` on, or the end.
fn position(tokens: &[TokenTree], start: usize, found: impl Fn(&TokenTree) -> bool) -> usize {
    let start = start.min(tokens.len());
    tokens[start..].iter().position(found).map_or(tokens.len(), |offset| start + offset)
}

fn is_punct(token: &TokenTree, expected: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == expected)
}

fn is_word(token: &TokenTree, expected: &str) -> bool {
    matches!(token, TokenTree::Ident(word) if word == expected)
}

fn is_brace(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn names(function: TokenStream) -> Vec<String> {
        let item: crate::item::Item = syn::parse2(function).expect("a function");
        let found = find(&item.sig, &item.body).into_iter();
        found
            .map(|name| format!("{} {}{}", name.kind, name.name.value(), if name.is_strict { "!" } else { "" }))
            .collect()
    }

    #[test]
    fn finds_names_in_chains_of_known_arguments() {
        let found = names(quote! {
            async fn on_request(event: &Event, flow: &sym_sdk::model::Flow) -> Result<()> {
                let channel = event.flow().var("channel")?;
                if event.fields().text("urgency")? == "Urgent" && event.fields().get("ticket").is_some() {
                    notify(flow.var("audit").unwrap_or("#audit"), format!("{}", event.payload().fields().int("size")?)).await?;
                }
                let repo = event.target().ok_or("no target")?.setting("repo")?;
                Wrapper { event: event.flow().vars()["mode"].clone(), ..Default::default() };
                Ok(())
            }
        });
        let expected = [
            "Var channel!",
            "Text urgency!",
            "Field ticket",
            "Var audit",
            "Int size!",
            "TargetSetting repo!",
            "Var mode!",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn finds_names_in_forms_and_flows() {
        let found = names(quote! {
            fn on_change_urgency(form: &mut PromptForm, flow: &Flow) -> Result<()> {
                form.field_mut("incident")?.visible = form.field("urgency")?.value == Some("Urgent".into());
                form.flow_vars().get("default");
                flow.environment().integration("slack")?.setting("x")?;
                flow.strategy().unwrap().target_by_name("admins").unwrap().setting("group_id")?;
            }
        });
        let expected = [
            "FormField incident!",
            "FormField urgency!",
            "Var default",
            "Integration slack!",
            "Target admins!",
            "TargetSetting group_id!",
        ];
        assert_eq!(found, expected);
        assert_eq!(
            names(quote!(
                fn get_flows(flows: &Flows, query: &FlowsQuery) {
                    flows.get("prod");
                    query.vars().get("all");
                }
            )),
            ["Flow prod", "Var all"]
        );
    }

    #[test]
    fn follows_variables() {
        let found = names(quote! {
            fn on_request(event: &Event) -> Result<()> {
                let (fields, vars) = (1, 2);
                let fields = event.fields();
                let Some(target) = event.target() else { return Ok(()) };
                if let Ok(flow) = Ok(event.flow()) { flow.var("not a chain"); }
                if let Some(strategy) = event.flow().strategy() { strategy.setting("mode")?; }
                fields.text("a")?;
                target.setting("b")?;
                Ok(())
            }
        });
        assert_eq!(found, ["StrategySetting mode!", "Text a!", "TargetSetting b!"]);
    }

    #[test]
    fn leaves_out_what_may_be_anything_else() {
        let found = names(quote! {
            fn on_request(event: &Event, form: Fields<Form>, my: &my::Fields, context: &other::Ctx<'_>) {
                my.text("no");
                form.text("no");
                context.event().fields().text("no");
                self.event.fields().text("no");
                other::event.fields().text("no");
                event.fields().text("no", 1);
                event.fields().text(name);
                event.fields.text("no");
                event.payload().extra().get("no");
                list.iter().map(|event| event.fields().text("no"));
                list.iter().fold(0, |a, (_, event)| event.flow().var("no"));
                for event in events { event.flow().var("no"); }
                match x { Some(event) if true => event.flow().var("no"), _ => event.flow().var("lost") }
                let mine = event.flow().name();
                mine.var("no");
                { let event = Other::new(); event.flow().var("no"); }
                let flow = event.flow().clone().into_other();
                flow.var("no");
                fn inner(event: &Other) { event.flow().var("no"); }
            }
        });
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_body_that_does_not_parse_is_no_problem() {
        assert_eq!(names(quote!(fn on_request(event: &Event) { let x = ; event.flow().var("a")?; let })), ["Var a!"]);
    }
}
