//! The scope of an expression: the meaning of its names, and the list that collects its diagnostics.

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::Span;

use super::evaluator::{Evaluator, ModuleInstance, Sink, StepLimit};
use super::source_file::SourceFile;
use super::types::Type;
use super::value::{InstanceKey, InstanceRef, MAX_NESTING, MAX_WEIGHT, Unknown, Value};
use crate::config::{Diagnostic, SourceLocation};

/// The scope of one expression. Errors are reported and leave an invalid value, so that evaluation continues.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) evaluator: &'a Evaluator,
    pub(super) instance: &'a Rc<ModuleInstance>,
    pub(super) source: &'a Rc<SourceFile>,
    pub(super) key: &'a InstanceKey,
    pub(super) bindings: Option<&'a Binding<'a>>,
    /// The variables of `templatefile`; in its file nothing else can be referred to.
    pub(super) vars: Option<&'a BTreeMap<String, Value>>,
    sink: &'a Sink,
}

/// A name that a `for` expression or a `dynamic` block binds.
pub(super) struct Binding<'a> {
    pub(super) name: &'a str,
    pub(super) value: Value,
    pub(super) outer: Option<&'a Binding<'a>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        evaluator: &'a Evaluator,
        instance: &'a Rc<ModuleInstance>,
        source: &'a Rc<SourceFile>,
        key: &'a InstanceKey,
    ) -> Self {
        Self { evaluator, instance, source, key, bindings: None, vars: None, sink: &evaluator.diagnostics }
    }

    /// Returns the same scope with another list for its diagnostics.
    pub(super) fn reporting_to<'b>(self, sink: &'b Sink) -> Scope<'b>
    where
        'a: 'b,
    {
        Scope { sink, ..self }
    }

    /// Returns the same scope with one more binding.
    pub(super) fn with<'b>(self, binding: &'b Binding<'b>) -> Scope<'b>
    where
        'a: 'b,
    {
        Scope { bindings: Some(binding), ..self }
    }

    /// Returns the scope of a template that is read from another file.
    pub(super) fn of_file<'b>(self, source: &'b Rc<SourceFile>, vars: &'b BTreeMap<String, Value>) -> Scope<'b>
    where
        'a: 'b,
    {
        Scope { source, bindings: None, vars: Some(vars), ..self }
    }

    pub(super) fn lookup(self, name: &str) -> Option<Value> {
        let mut binding = self.bindings;
        while let Some(known) = binding {
            if known.name == name {
                return Some(known.value.clone());
            }
            binding = known.outer;
        }
        self.vars.and_then(|vars| vars.get(name).cloned())
    }

    pub(super) fn location(self, thing: &impl Span) -> SourceLocation {
        self.source.location(thing)
    }

    /// Reports an error.
    pub(super) fn report(self, diagnostic: Diagnostic) {
        self.sink.borrow_mut().push(diagnostic);
    }

    /// Reports an error and returns an invalid value.
    pub(super) fn invalid(self, diagnostic: Diagnostic) -> Value {
        self.report(diagnostic);
        Value::invalid()
    }

    /// Reports an error that `try` and `can` do not hide: whether something is declared or supported does not depend on any
    /// value.
    pub(super) fn hard_error(self, diagnostic: Diagnostic) -> Value {
        let hard_errors = &self.evaluator.hard_errors;
        hard_errors.set(hard_errors.get() + 1);
        self.invalid(diagnostic)
    }

    /// Consumes steps from the budget. Returns `false` if it is exhausted.
    pub(super) fn consume_steps(self, thing: &impl Span, steps: usize) -> bool {
        match self.evaluator.consume_steps(steps) {
            Ok(()) => true,
            Err(StepLimit::AlreadyReported) => false,
            Err(StepLimit::Exceeded) => {
                let message = "the configuration takes too many steps to evaluate";
                let hint = "look for a loop over a large collection, or one within another";
                // Not the scope's own list: `try` must not hide the error.
                self.evaluator.report(Diagnostic::error(self.location(thing), message).with_hint(hint));
                false
            }
        }
    }

    /// Returns the value, or reports that it exceeds the limits.
    pub(super) fn bounded(self, thing: &impl Span, value: Value) -> Value {
        if value.weight() > MAX_WEIGHT {
            let diagnostic = Diagnostic::error(
                self.location(thing),
                format!("the value is too large: more than {MAX_WEIGHT} elements"),
            );
            self.invalid(diagnostic)
        } else if value.depth() > MAX_NESTING {
            let diagnostic = Diagnostic::error(
                self.location(thing),
                format!("the value is nested more than {MAX_NESTING} levels deep"),
            );
            self.invalid(diagnostic)
        } else {
            value
        }
    }

    /// Returns all attributes of a resource, or all outputs of a module, as a map.
    pub(super) fn attribute_map(self, instance_ref: &InstanceRef) -> Value {
        self.evaluator.attribute_map(instance_ref)
    }
}

/// Reports a value of the wrong type, unless it was reported before or is unknown.
pub(super) fn type_mismatch(scope: Scope<'_>, thing: &impl Span, subject: &str, expected: &str, got: &Value) -> Value {
    match got {
        Value::Unknown(unknown) => Value::Unknown(unknown.of_kind(Type::Any)),
        _ => {
            let message = format!("{subject}: expected {expected}, got {}", got.describe());
            scope.invalid(Diagnostic::error(scope.location(thing), message))
        }
    }
}

/// Of several unknown values, returns the one that determines the result: an invalid one before one that is known after apply.
pub(super) fn dominant_unknown<'v>(values: impl IntoIterator<Item = &'v Value>) -> Option<Value> {
    let mut dominant = None;
    for value in values {
        match value {
            Value::Unknown(Unknown::Invalid) => return Some(value.clone()),
            Value::Unknown(_) if dominant.is_none() => dominant = Some(value.clone()),
            _ => {}
        }
    }
    dominant
}
