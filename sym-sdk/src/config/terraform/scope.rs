//! Where an expression is evaluated: what its names mean there, and where its faults go.

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::Span;

use super::resource::{Handle, Key};
use super::source::Source;
use super::value::{MAX_DEPTH, MAX_WEIGHT, Unknown, Value};
use super::world::{Exhausted, Instance, Sink, World};
use crate::config::{Diagnostic, SourceLocation};

/// The scope of one expression. Diagnostics are reported and leave a faulty value, so that evaluation goes on.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) world: &'a World,
    pub(super) instance: &'a Rc<Instance>,
    pub(super) source: &'a Rc<Source>,
    pub(super) key: &'a Key,
    pub(super) names: Option<&'a Name<'a>>,
    /// In the file of `templatefile`, what it is given: nothing else can be referred to there.
    pub(super) vars: Option<&'a BTreeMap<String, Value>>,
    sink: &'a Sink,
}

/// A name that a `for` expression or a `dynamic` block brings in.
pub(super) struct Name<'a> {
    pub(super) name: &'a str,
    pub(super) value: Value,
    pub(super) outer: Option<&'a Name<'a>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(world: &'a World, instance: &'a Rc<Instance>, source: &'a Rc<Source>, key: &'a Key) -> Self {
        Self { world, instance, source, key, names: None, vars: None, sink: &world.diagnostics }
    }

    /// The same scope with its faults going elsewhere.
    pub(super) fn reporting_to<'b>(self, sink: &'b Sink) -> Scope<'b>
    where
        'a: 'b,
    {
        Scope { sink, ..self }
    }

    /// The same scope with one more name.
    pub(super) fn with<'b>(self, name: &'b Name<'b>) -> Scope<'b>
    where
        'a: 'b,
    {
        Scope { names: Some(name), ..self }
    }

    /// The scope of a template that is read from another file.
    pub(super) fn of_file<'b>(self, source: &'b Rc<Source>, vars: &'b BTreeMap<String, Value>) -> Scope<'b>
    where
        'a: 'b,
    {
        Scope { source, names: None, vars: Some(vars), ..self }
    }

    pub(super) fn lookup(self, name: &str) -> Option<Value> {
        let mut names = self.names;
        while let Some(known) = names {
            if known.name == name {
                return Some(known.value.clone());
            }
            names = known.outer;
        }
        self.vars.and_then(|vars| vars.get(name).cloned())
    }

    pub(super) fn location(self, thing: &impl Span) -> SourceLocation {
        self.source.location(thing)
    }

    /// Reports a fault.
    pub(super) fn report(self, diagnostic: Diagnostic) {
        self.sink.borrow_mut().push(diagnostic);
    }

    /// Reports a fault; the value is faulty from here on.
    pub(super) fn faulty(self, diagnostic: Diagnostic) -> Value {
        self.report(diagnostic);
        Value::faulty()
    }

    /// Reports a fault that `try` and `can` do not hide: what is not declared, and what is not supported here, does not
    /// depend on any value.
    pub(super) fn plainly_faulty(self, diagnostic: Diagnostic) -> Value {
        let plain_faults = &self.world.plain_faults;
        plain_faults.set(plain_faults.get() + 1);
        self.faulty(diagnostic)
    }

    /// Takes steps from the budget; false if it is used up.
    pub(super) fn spend(self, thing: &impl Span, steps: usize) -> bool {
        match self.world.spend(steps) {
            Ok(()) => true,
            Err(Exhausted::Reported) => false,
            Err(Exhausted::Now) => {
                let message = "the configuration takes too many steps to evaluate";
                let hint = "look for a loop over a large collection, or one within another";
                // Not the scope's own sink: `try` must not hide it.
                self.world.diagnostic(Diagnostic::error(self.location(thing), message).with_hint(hint));
                false
            }
        }
    }

    /// The value, unless it has grown beyond the limits.
    pub(super) fn bounded(self, thing: &impl Span, value: Value) -> Value {
        if value.weight() > MAX_WEIGHT {
            let diagnostic = Diagnostic::error(
                self.location(thing),
                format!("the value is too large: more than {MAX_WEIGHT} elements"),
            );
            self.faulty(diagnostic)
        } else if value.depth() > MAX_DEPTH {
            let diagnostic =
                Diagnostic::error(self.location(thing), format!("the value is nested more than {MAX_DEPTH} deep"));
            self.faulty(diagnostic)
        } else {
            value
        }
    }

    /// All attributes of a whole resource or module, as a map.
    pub(super) fn spell_out(self, handle: &Handle) -> Value {
        self.world.spell_out(handle)
    }
}

/// Reports a value that does not fit, unless it was reported before or is not known.
pub(super) fn misfit(scope: Scope<'_>, thing: &impl Span, what: &str, expected: &str, got: &Value) -> Value {
    match got {
        Value::Unknown(unknown) => Value::Unknown(unknown.clone()),
        _ => {
            let message = format!("{what}: expected {expected}, got {}", got.describe());
            scope.faulty(Diagnostic::error(scope.location(thing), message))
        }
    }
}

/// Of several values that are not known, the one that counts: a faulty one stands before a foreign one.
pub(super) fn worst<'v>(values: impl IntoIterator<Item = &'v Value>) -> Option<Value> {
    let mut worst = None;
    for value in values {
        match value {
            Value::Unknown(Unknown::Faulty) => return Some(value.clone()),
            Value::Unknown(_) if worst.is_none() => worst = Some(value.clone()),
            _ => {}
        }
    }
    worst
}
