//! The supported functions of Terraform, and how they are called.

mod collections;
mod encoding;
mod files;
mod format;
mod numbers;
mod strings;

use hcl_edit::expr::{Expression, FuncCall};

use super::evaluator::Sink;
use super::scope::{Scope, dominant_unknown};
use super::value::{MAX_WEIGHT, Unknown, Value, text_weight};
use crate::config::Diagnostic;
use crate::suggest::did_you_mean;

pub(super) use encoding::from_json;

/// A function: its name, its minimal and maximal number of arguments, and its implementation.
pub(super) struct Function {
    name: &'static str,
    min_args: usize,
    max_args: usize,
    run: fn(&Arguments<'_>) -> Result<Value, FunctionError>,
}

impl Function {
    const fn new(
        name: &'static str,
        min_args: usize,
        max_args: usize,
        run: fn(&Arguments<'_>) -> Result<Value, FunctionError>,
    ) -> Self {
        Self { name, min_args, max_args, run }
    }
}

/// The maximal number of arguments of a variadic function.
const VARIADIC: usize = usize::MAX;

/// Functions whose arguments are evaluated by the function.
const SPECIAL_FORMS: [&str; 4] = ["can", "sensitive", "nonsensitive", "try"];

/// The reason why a function has no result.
pub(super) struct FunctionError {
    message: String,
    hint: Option<String>,
    /// The argument that caused the error, if one did.
    argument: Option<usize>,
    /// The argument is unknown, and so is the result.
    unknown: Option<Unknown>,
    /// Terraform supports the call, this reader does not.
    unsupported: bool,
}

impl FunctionError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, argument: None, unknown: None, unsupported: false }
    }

    fn unsupported(message: impl Into<String>) -> Self {
        Self { unsupported: true, ..Self::new(message) }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn at(mut self, argument: usize) -> Self {
        self.argument = Some(argument);
        self
    }

    fn unknown(unknown: &Unknown) -> Self {
        Self { unknown: Some(unknown.clone()), ..Self::new(unknown.to_string()) }
    }
}

/// The evaluated arguments of a call.
pub(super) struct Arguments<'a> {
    scope: Scope<'a>,
    values: Vec<Value>,
}

impl Scope<'_> {
    /// Calls a function.
    pub(super) fn call(self, call: &FuncCall) -> Value {
        let name = call.name.name.as_str();
        if call.name.is_namespaced() {
            let message = format!("function `{name}` of a provider is not supported");
            return self.hard_error(Diagnostic::error(self.location(call), message));
        }
        match (name, call.args.get(0)) {
            ("try", Some(_)) => return self.try_each(call),
            ("can", Some(expr)) => return self.can(expr),
            ("sensitive" | "nonsensitive", Some(expr)) => return self.eval(expr),
            _ => {}
        }
        let values = self.arguments(call);
        let Some(function) = find(name) else {
            let diagnostic = Diagnostic::error(self.location(call), format!("function `{name}` is not supported"));
            let names = functions().map(|function| function.name).chain(SPECIAL_FORMS);
            return self.hard_error(diagnostic.with_hint_if(did_you_mean(name, names)));
        };
        let values = match values {
            Ok(values) => values,
            Err(unknown) => return unknown,
        };
        if values.len() < function.min_args || values.len() > function.max_args {
            let expected = match (function.min_args, function.max_args) {
                (least, VARIADIC) => format!("at least {least}"),
                (min_args, max_args) if min_args == max_args => min_args.to_string(),
                (min_args, most) => format!("{min_args} to {most}"),
            };
            let message = format!("arguments of function `{name}`: expected {expected}, got {}", values.len());
            return self.invalid(Diagnostic::error(self.location(call), message));
        }
        let work = values.iter().map(Value::weight).fold(0, usize::saturating_add);
        if !self.consume_steps(call, work) {
            return Value::invalid();
        }
        match (function.run)(&Arguments { scope: self, values }) {
            Ok(value) => value,
            Err(FunctionError { unknown: Some(unknown), .. }) => Value::Unknown(unknown),
            Err(problem) => {
                let location = match problem.argument.and_then(|argument| call.args.get(argument)) {
                    Some(argument) => self.location(argument),
                    None => self.location(call),
                };
                let message = format!("function `{name}`: {}", problem.message);
                let diagnostic = Diagnostic::error(location, message).with_hint_if(problem.hint);
                if problem.unsupported { self.hard_error(diagnostic) } else { self.invalid(diagnostic) }
            }
        }
    }

    /// Evaluates every argument, so that all their errors are reported. Fails with the dominant unknown value.
    fn arguments(self, call: &FuncCall) -> Result<Vec<Value>, Value> {
        let mut values: Vec<Value> = call.args.iter().map(|argument| self.eval(argument)).collect();
        if call.args.expand_final()
            && let Some(last) = values.pop()
        {
            match last.items() {
                Some(items) => values.extend_from_slice(items),
                None => values.push(match last {
                    Value::Unknown(_) => last,
                    other => super::scope::type_mismatch(self, call, "value before `...`", "a list", &other),
                }),
            }
        }
        match dominant_unknown(&values) {
            Some(unknown) => Err(unknown),
            None => Ok(values),
        }
    }

    /// Evaluates to the first argument without errors.
    fn try_each(self, call: &FuncCall) -> Value {
        let mut last = Vec::new();
        for argument in &call.args {
            let (value, diagnostics, is_hard) = self.eval_quietly(argument);
            if diagnostics.is_empty() {
                return value;
            }
            last = diagnostics;
            if is_hard {
                break;
            }
        }
        last.into_iter().for_each(|diagnostic| self.report(diagnostic));
        Value::invalid()
    }

    fn can(self, expr: &Expression) -> Value {
        match self.eval_quietly(expr) {
            (value @ Value::Unknown(Unknown::AfterApply(_)), ..) => value,
            (_, diagnostics, true) => {
                diagnostics.into_iter().for_each(|diagnostic| self.report(diagnostic));
                Value::invalid()
            }
            (_, diagnostics, false) => Value::Bool(diagnostics.is_empty()),
        }
    }

    /// Evaluates an expression and returns its errors instead of reporting them. The flag is `true` if one must not be hidden.
    fn eval_quietly(self, expr: &Expression) -> (Value, Vec<Diagnostic>, bool) {
        let before = self.evaluator.hard_errors.get();
        let diagnostics = Sink::default();
        let value = self.reporting_to(&diagnostics).eval(expr);
        let diagnostics = diagnostics.into_inner();
        let is_hard = !diagnostics.is_empty() && self.evaluator.hard_errors.get() > before;
        (value, diagnostics, is_hard)
    }
}

fn functions() -> impl Iterator<Item = &'static Function> {
    [
        collections::FUNCTIONS,
        encoding::FUNCTIONS,
        files::FUNCTIONS,
        format::FUNCTIONS,
        numbers::FUNCTIONS,
        strings::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
}

fn find(name: &str) -> Option<&'static Function> {
    functions().find(|function| function.name == name)
}

impl Arguments<'_> {
    fn len(&self) -> usize {
        self.values.len()
    }

    fn get(&self, index: usize) -> &Value {
        // Calls are checked to have enough arguments; one that is left out counts as null.
        self.values.get(index).unwrap_or(&Value::Null)
    }

    fn has(&self, index: usize) -> bool {
        !matches!(self.get(index), Value::Null)
    }

    fn type_mismatch<T>(&self, index: usize, expected: &str) -> Result<T, FunctionError> {
        Err(match self.get(index) {
            Value::Unknown(unknown) => FunctionError::unknown(unknown),
            other => FunctionError::new(format!("expected {expected}, got {}", other.describe())).at(index),
        })
    }

    fn text(&self, index: usize) -> Result<std::rc::Rc<str>, FunctionError> {
        self.get(index).to_text().map_or_else(|| self.type_mismatch(index, "a string"), Ok)
    }

    fn number(&self, index: usize) -> Result<super::number::Number, FunctionError> {
        self.get(index).to_number().map_or_else(|| self.type_mismatch(index, "a number"), Ok)
    }

    fn whole(&self, index: usize) -> Result<i64, FunctionError> {
        self.number(index)?.as_whole().map_or_else(|| self.type_mismatch(index, "a whole number"), Ok)
    }

    /// Returns the elements of a list or set.
    fn items(&self, index: usize) -> Result<&[Value], FunctionError> {
        self.get(index).items().map_or_else(|| self.type_mismatch(index, "a list"), Ok)
    }

    /// Returns the elements of a list of strings.
    fn texts(&self, index: usize) -> Result<Vec<std::rc::Rc<str>>, FunctionError> {
        self.items(index)?
            .iter()
            .map(|item| match item {
                Value::Unknown(unknown) => Err(FunctionError::unknown(unknown)),
                item => item.to_text().ok_or_else(|| {
                    FunctionError::new(format!("expected a list of strings, found {} in it", item.describe())).at(index)
                }),
            })
            .collect()
    }

    /// Returns the entries of a map, or the attributes of a resource.
    fn entries(&self, index: usize) -> Result<std::collections::BTreeMap<String, Value>, FunctionError> {
        let attributes = match self.get(index) {
            Value::Object(instance_ref) => self.scope.attribute_map(instance_ref),
            other => other.clone(),
        };
        attributes.entries().cloned().map_or_else(|| self.type_mismatch(index, "a map"), Ok)
    }

    /// Fails if an argument contains an unknown value.
    fn known(&self, index: usize) -> Result<&Value, FunctionError> {
        let value = self.get(index);
        value.first_unknown().map_or(Ok(value), |unknown| Err(FunctionError::unknown(unknown)))
    }
}

/// Fails if a result of this size would exceed the limits, before it is allocated.
fn check_size(bytes: usize) -> Result<(), FunctionError> {
    if bytes / 32 > MAX_WEIGHT { Err(FunctionError::new("the result is too large")) } else { Ok(()) }
}
