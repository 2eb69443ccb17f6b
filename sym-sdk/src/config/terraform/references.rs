//! Evaluates references: the value of a name, and the path from there to one of its parts.

use std::path::Path;

use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::{Decorated, Ident, Span};

use super::resource_schema;
use super::scope::{Scope, type_mismatch};
use super::types::Type;
use super::value::{InstanceKey, InstanceRef, Unknown, Value};
use crate::config::Diagnostic;
use crate::suggest::did_you_mean;

/// The maximal length of an expression that a message quotes.
const MAX_QUOTED_LEN: usize = 120;

impl Scope<'_> {
    /// Evaluates a name without a path.
    pub(super) fn bare_name(self, name: &Decorated<Ident>) -> Value {
        if let Some(value) = self.lookup(name.as_str()) {
            return value;
        }
        let names = self.known_names();
        let diagnostic = Diagnostic::error(self.location(name), format!("`{}` is not declared", name.as_str()));
        let hint = did_you_mean(name.as_str(), names).unwrap_or_else(|| "enclose strings in quotes".to_owned());
        self.hard_error(diagnostic.with_hint(hint))
    }

    fn known_names(self) -> Vec<String> {
        let names = std::iter::successors(self.bindings, |name| name.outer).map(|name| name.name.to_owned());
        names.chain(self.vars.into_iter().flatten().map(|(name, _)| name.clone())).collect()
    }

    pub(super) fn traversal(self, traversal: &Traversal) -> Value {
        let operators = &traversal.operators;
        let Expression::Variable(root) = &traversal.expr else {
            return self.walk(traversal, self.eval(&traversal.expr), operators);
        };
        if let Some(value) = self.lookup(root.as_str()) {
            return self.walk(traversal, value, operators);
        }
        if self.vars.is_some() {
            let diagnostic = Diagnostic::error(
                self.location(traversal),
                format!("variable `{}` is not passed to this template", root.as_str()),
            );
            return self.invalid(diagnostic.with_hint_if(did_you_mean(root.as_str(), self.known_names())));
        }
        let Some((first, rest)) = attribute(operators) else {
            let message = format!("`{}` must be followed by a name", root.as_str());
            return self.invalid(Diagnostic::error(self.location(traversal), message));
        };
        match root.as_str() {
            "var" => self.walk(traversal, self.variable(traversal, first), rest),
            "local" => self.walk(traversal, self.local(traversal, first), rest),
            "module" => self.walk(traversal, self.module(traversal, first), rest),
            "each" => self.walk(traversal, self.each(traversal, first), rest),
            "count" => self.walk(traversal, self.count(traversal, first), rest),
            "path" => self.walk(traversal, self.path(traversal, first), rest),
            "terraform" => self.walk(traversal, self.terraform(traversal, first), rest),
            "data" => match attribute(rest) {
                Some((name, rest)) => self.walk(traversal, self.resource(traversal, true, first, name), rest),
                None => self.incomplete(traversal, "data.type.name"),
            },
            kind => self.walk(traversal, self.resource(traversal, false, kind, first), rest),
        }
    }

    fn incomplete(self, traversal: &Traversal, form: &str) -> Value {
        let diagnostic = Diagnostic::error(self.location(traversal), "the reference is incomplete");
        self.invalid(diagnostic.with_hint(format!("write `{form}`")))
    }

    fn variable(self, traversal: &Traversal, name: &str) -> Value {
        let module = &self.instance.module;
        match module.variables.get(name) {
            Some(declared) => self.evaluator.variable(self.instance, declared),
            None => {
                let hint = suggest_with_prefix("var.", name, module.variables.keys());
                let hint = hint.unwrap_or_else(|| format!("declare it: `variable {name:?} {{}}`"));
                self.undeclared(traversal, &format!("var.{name}"), Some(hint))
            }
        }
    }

    fn local(self, traversal: &Traversal, name: &str) -> Value {
        let module = &self.instance.module;
        match module.locals.get(name) {
            Some(local) => self.evaluator.local(self.instance, name, local),
            None => {
                let hint = suggest_with_prefix("local.", name, module.locals.keys());
                self.undeclared(traversal, &format!("local.{name}"), hint)
            }
        }
    }

    fn module(self, traversal: &Traversal, name: &str) -> Value {
        let module = &self.instance.module;
        match module.calls.get(name) {
            Some(declared) => self.evaluator.children(self.instance, declared),
            None => {
                let hint = suggest_with_prefix("module.", name, module.calls.keys());
                self.undeclared(traversal, &format!("module.{name}"), hint)
            }
        }
    }

    fn resource(self, traversal: &Traversal, data: bool, kind: &str, name: &str) -> Value {
        let module = &self.instance.module;
        let declared = if data { &module.data } else { &module.resources };
        let sought = (kind.to_owned(), name.to_owned());
        match declared.get(&sought) {
            Some(declared) => self.evaluator.resource(self.instance, declared),
            None => {
                let prefix = if data { "data." } else { "" };
                let reference = format!("{prefix}{kind}.{name}");
                let names = declared.keys().filter(|(other, _)| other == kind).map(|(_, name)| name);
                // If the type exists, its name is not what is wrong, but perhaps that of the declaration.
                let is_known = resource_schema::resource(kind).is_some();
                let kinds = declared.keys().filter(|(_, other)| other == name && !is_known).map(|(kind, _)| kind);
                let hint = suggest_with_prefix(&format!("{prefix}{kind}."), name, names.clone())
                    .or_else(|| did_you_mean(kind, kinds).map(|hint| hint.replace("`?", &format!(".{name}`?"))))
                    .or_else(|| list_if_few(&format!("{prefix}{kind}."), names));
                self.undeclared(traversal, &reference, hint)
            }
        }
    }

    fn undeclared(self, traversal: &Traversal, reference: &str, hint: Option<String>) -> Value {
        let name = reference.rsplit('.').next().unwrap_or(reference);
        if self.instance.module.may_declare(name) {
            return Value::invalid();
        }
        let diagnostic = Diagnostic::error(self.location(traversal), format!("`{reference}` is not declared"));
        self.hard_error(diagnostic.with_hint_if(hint))
    }

    fn each(self, traversal: &Traversal, name: &str) -> Value {
        match (self.key, name) {
            (InstanceKey::Each { key, .. }, "key") => Value::text(key),
            (InstanceKey::Each { value, .. }, "value") => value.clone(),
            (_, "key" | "value") => {
                let message = format!("`each.{name}` is available only in a block with `for_each`");
                self.invalid(Diagnostic::error(self.location(traversal), message))
            }
            _ => self.no_such(traversal, "each", name, &["key", "value"]),
        }
    }

    fn count(self, traversal: &Traversal, name: &str) -> Value {
        match (self.key, name) {
            (InstanceKey::Index(index), "index") => Value::int(*index),
            (_, "index") => {
                let message = "`count.index` is available only in a block with `count`";
                self.invalid(Diagnostic::error(self.location(traversal), message))
            }
            _ => self.no_such(traversal, "count", name, &["index"]),
        }
    }

    fn path(self, traversal: &Traversal, name: &str) -> Value {
        match name {
            "module" => Value::text(self.instance.path.display().to_string()),
            "root" => Value::text("."),
            "cwd" => Value::text(absolute(&self.evaluator.root)),
            _ => self.no_such(traversal, "path", name, &["module", "root", "cwd"]),
        }
    }

    fn terraform(self, traversal: &Traversal, name: &str) -> Value {
        match name {
            "workspace" => Value::text(&self.evaluator.workspace),
            _ => self.no_such(traversal, "terraform", name, &["workspace"]),
        }
    }

    fn no_such(self, traversal: &Traversal, root: &str, name: &str, known: &[&str]) -> Value {
        let diagnostic = Diagnostic::error(self.location(traversal), format!("`{root}.{name}` does not exist"));
        let hint =
            format!("write {}", known.iter().map(|name| format!("`{root}.{name}`")).collect::<Vec<_>>().join(" or "));
        self.invalid(diagnostic.with_hint(hint))
    }

    /// Follows a path of attributes and indexes from a value.
    fn walk(self, thing: &impl Span, mut value: Value, operators: &[Decorated<TraversalOperator>]) -> Value {
        for (index, operator) in operators.iter().enumerate() {
            let rest = operators.get(index + 1..).unwrap_or_default();
            value = match operator.value() {
                TraversalOperator::GetAttr(name) => self.attribute(thing, &value, name.as_str()),
                TraversalOperator::Index(expr) => self.index(expr, &value, &self.eval(expr)),
                TraversalOperator::LegacyIndex(index) => {
                    let index = usize::try_from(*index.value()).unwrap_or(usize::MAX);
                    self.index(operator, &value, &Value::int(index))
                }
                TraversalOperator::FullSplat(_) => return self.splat(thing, &value, rest),
                TraversalOperator::AttrSplat(_) => {
                    let named = |operator: &&Decorated<TraversalOperator>| {
                        matches!(operator.value(), TraversalOperator::GetAttr(_) | TraversalOperator::LegacyIndex(_))
                    };
                    let names = rest.iter().take_while(named).count();
                    let (each, rest) = rest.split_at(names);
                    let list = self.splat(thing, &value, each);
                    return self.walk(thing, list, rest);
                }
            };
        }
        value
    }

    /// Follows a path from each element of a list or set. Any other value counts as a list of one element, and null as an empty
    /// one.
    fn splat(self, thing: &impl Span, value: &Value, rest: &[Decorated<TraversalOperator>]) -> Value {
        let follow = |items: &[Value]| items.iter().map(|item| self.walk(thing, item.clone(), rest)).collect();
        match value {
            Value::Unknown(_) => value.clone(),
            Value::Null(Type::List(_) | Type::Set(_) | Type::Tuple(_)) => {
                let message = "a list before `[*]` must not be null";
                self.invalid(Diagnostic::error(self.location(thing), message).with_hint("write `coalesce(…, [])[*]`"))
            }
            Value::Null(_) => Value::tuple(Vec::new()),
            Value::List(items) => {
                let results = follow(value.items().unwrap_or_default());
                if items.element.is_some() { list_of_one_type(results) } else { Value::tuple(results) }
            }
            Value::Set(_) => list_of_one_type(follow(value.items().unwrap_or_default())),
            _ => Value::tuple(follow(std::slice::from_ref(value))),
        }
    }

    fn attribute(self, thing: &impl Span, value: &Value, name: &str) -> Value {
        match value {
            Value::Unknown(Unknown::AfterApply(expression)) => part_of(expression, &format!(".{name}")),
            Value::Unknown(Unknown::Invalid) => Value::invalid(),
            Value::Object(instance_ref) => self.attribute_of(thing, instance_ref, name),
            Value::Map(_) => match value.entries().and_then(|entries| entries.get(name)) {
                Some(value) => value.clone(),
                None => self.missing_key(thing, value, name),
            },
            Value::List(_) | Value::Set(_) => {
                let diagnostic = Diagnostic::error(self.location(thing), format!("a list has no attribute `{name}`"));
                self.invalid(
                    diagnostic.with_hint(format!("select an element, as in `[0].{name}`, or all with `[*].{name}`")),
                )
            }
            _ => {
                let message = format!("{} has no attribute `{name}`", value.describe());
                self.invalid(Diagnostic::error(self.location(thing), message))
            }
        }
    }

    fn attribute_of(self, thing: &impl Span, instance_ref: &InstanceRef, name: &str) -> Value {
        match self.evaluator.attribute(instance_ref, name) {
            Ok(value) => value,
            Err(diagnostic) => {
                self.report(Diagnostic { location: self.location(thing), ..diagnostic });
                Value::invalid()
            }
        }
    }

    fn missing_key(self, thing: &impl Span, map: &Value, name: &str) -> Value {
        let keys = map.entries().map(|entries| entries.keys()).into_iter().flatten();
        let diagnostic = Diagnostic::error(self.location(thing), format!("the map has no key {name:?}"));
        self.invalid(diagnostic.with_hint_if(did_you_mean(name, keys)))
    }

    /// Returns one element of a list or map.
    pub(super) fn index(self, thing: &impl Span, value: &Value, index: &Value) -> Value {
        if let Value::Unknown(Unknown::AfterApply(expression)) = value {
            return match index.to_text() {
                Some(_) if matches!(index, Value::Number(_)) => part_of(expression, &format!("[{}]", text(index))),
                Some(_) => part_of(expression, &format!("[{:?}]", text(index))),
                None => value.clone(),
            };
        }
        match (value, index) {
            (Value::Unknown(_), _) => value.clone(),
            (_, Value::Unknown(_)) => index.clone(),
            (Value::List(_), _) => {
                let items = value.items().unwrap_or_default();
                match index.to_number().map(|number| number.as_index()) {
                    Some(position) => match position.and_then(|position| items.get(position)) {
                        Some(item) => item.clone(),
                        None => {
                            let message =
                                format!("the list has no element {}: its length is {}", text(index), items.len());
                            self.invalid(Diagnostic::error(self.location(thing), message))
                        }
                    },
                    None => type_mismatch(self, thing, "index of a list", "a number", index),
                }
            }
            (Value::Set(_), _) => {
                let diagnostic = Diagnostic::error(self.location(thing), "a set has no index");
                self.invalid(diagnostic.with_hint("convert it with `tolist(…)`"))
            }
            (Value::Map(_) | Value::Object(_), _) => match index.to_text() {
                Some(name) => self.attribute(thing, value, &name),
                None => type_mismatch(self, thing, "key of a map", "a string", index),
            },
            _ => type_mismatch(self, thing, "value before `[…]`", "a list or map", value),
        }
    }
}

/// Creates a list of values of one type; a tuple if they have several.
fn list_of_one_type(items: Vec<Value>) -> Value {
    let kind = items.first().map_or(Type::Any, Value::kind);
    if items.iter().all(|item| item.kind() == kind) { Value::list_of(kind, items) } else { Value::tuple(items) }
}

/// Suggests the nearest of some names, with its prefix.
fn suggest_with_prefix<'n>(prefix: &str, name: &str, names: impl IntoIterator<Item = &'n String>) -> Option<String> {
    did_you_mean(name, names).map(|hint| hint.replacen('`', &format!("`{prefix}"), 1))
}

/// Lists the names, if they are few.
fn list_if_few<'n>(prefix: &str, names: impl IntoIterator<Item = &'n String>) -> Option<String> {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{prefix}{name}`")).collect();
    (1..=5).contains(&names.len()).then(|| format!("declared: {}", names.join(", ")))
}

fn text(value: &Value) -> String {
    value.to_text().map(|text| text.to_string()).unwrap_or_default()
}

/// Returns the first operator, if it is a name, and the others.
fn attribute(operators: &[Decorated<TraversalOperator>]) -> Option<(&str, &[Decorated<TraversalOperator>])> {
    let (first, rest) = operators.split_first()?;
    match first.value() {
        TraversalOperator::GetAttr(name) => Some((name.as_str(), rest)),
        _ => None,
    }
}

/// Returns a part of an unknown value, which is unknown too. It is named in full while that stays readable.
fn part_of(expression: &str, step: &str) -> Value {
    if expression.len() + step.len() > MAX_QUOTED_LEN {
        Value::after_apply(expression)
    } else {
        Value::after_apply(format!("{expression}{step}"))
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
