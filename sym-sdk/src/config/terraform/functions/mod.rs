//! The supported functions of Terraform, and how they are called.

mod arguments;
mod collections;
mod conversions;
mod csv;
mod dates;
mod encoding;
mod files;
mod format;
mod hashes;
mod json;
mod networks;
mod numbers;
mod refused;
mod regex;
mod sensitivity;
mod sets;
mod strings;
mod yaml;
mod yaml_writer;

use std::rc::Rc;

use hcl_edit::expr::{Expression, FuncCall};

use super::evaluator::Sink;
use super::scope::{Scope, dominant_unknown};
use super::source_file::SourceFile;
use super::template::Form;
use super::value::{MAX_WEIGHT, Unknown, Value};
use crate::config::Diagnostic;
use crate::suggest::did_you_mean;

pub(super) use json::{decode as decode_json, from_json};

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
const SPECIAL_FORMS: [&str; 6] = ["can", "issensitive", "nonsensitive", "sensitive", "templatestring", "try"];

/// The maximal number of elements that are compared with each other.
const MAX_COMPARED: usize = 2_000;

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
        let is_core = matches!(call.name.namespace.as_slice(), [only] if only.as_str() == "core");
        if call.name.is_namespaced() && !is_core {
            let message = format!("function `{name}` of a provider is not supported");
            return self.hard_error(Diagnostic::error(self.location(call), message));
        }
        match (name, call.args.get(0)) {
            ("try", Some(_)) => return self.try_each(call),
            ("can", Some(expr)) => return self.can(expr),
            ("sensitive" | "nonsensitive", Some(expr)) => return self.eval(expr),
            ("issensitive", Some(expr)) => return Value::Bool(self.is_sensitive(expr)),
            ("templatestring", Some(expr)) => return self.template_string(call, expr),
            (name, None) if SPECIAL_FORMS.contains(&name) => {
                let message = format!("arguments of function `{name}`: expected at least 1, got 0");
                return self.invalid(Diagnostic::error(self.location(call), message));
            }
            _ => {}
        }
        let values = self.arguments(call);
        if let Some(refused) = refused::find(name) {
            let message = format!("function `{name}` is not supported: {}", refused.why);
            return self.hard_error(Diagnostic::error(self.location(call), message).with_hint(refused.hint));
        }
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

    /// Evaluates the text of a value as a template.
    fn template_string(self, call: &FuncCall, template: &Expression) -> Value {
        // As in Terraform: a template that is written in the call needs no function.
        if !matches!(template, Expression::Traversal(_) | Expression::Variable(_)) {
            let message = "function `templatestring`: expected a reference to a template, such as `local.template`";
            return self.invalid(Diagnostic::error(self.location(template), message));
        }
        let (text, vars) = (self.eval(template), call.args.get(1).map(|vars| self.eval(vars)));
        if let Some(unknown) = dominant_unknown([&text].into_iter().chain(vars.as_ref())) {
            return unknown;
        }
        let vars = vars.as_ref().and_then(Value::entries);
        let (Some(text), Some(vars), 2, None) = (text.to_text(), vars, call.args.len(), self.vars) else {
            let message = "function `templatestring`: expected a string and a map";
            return self.invalid(Diagnostic::error(self.location(call), message));
        };
        if !self.consume_steps(call, text.len() / 32) {
            return Value::invalid();
        }
        let source = Rc::new(SourceFile::new("templatestring", text.to_string()));
        match hcl_edit::parser::parse_template(source.text()) {
            Ok(template) => self.of_file(&source, vars).template(&template, Form::Lines),
            Err(error) => self.invalid(source.syntax_error(&error)),
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
    pub(super) fn eval_quietly(self, expr: &Expression) -> (Value, Vec<Diagnostic>, bool) {
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
        conversions::FUNCTIONS,
        csv::FUNCTIONS,
        dates::FUNCTIONS,
        encoding::FUNCTIONS,
        files::FUNCTIONS,
        format::FUNCTIONS,
        hashes::FUNCTIONS,
        json::FUNCTIONS,
        networks::FUNCTIONS,
        numbers::FUNCTIONS,
        regex::FUNCTIONS,
        sets::FUNCTIONS,
        strings::FUNCTIONS,
        yaml::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
}

fn find(name: &str) -> Option<&'static Function> {
    functions().find(|function| function.name == name)
}

/// Returns `true` if one of the elements equals a value.
fn has(items: &[Value], sought: &Value) -> bool {
    items.iter().any(|item| item.same(sought))
}

/// Fails if a result of so many elements would exceed the limits, before it is allocated.
fn check_elements(elements: usize) -> Result<(), FunctionError> {
    if elements > MAX_WEIGHT {
        return Err(FunctionError::new(format!("the result is too large: more than {MAX_WEIGHT} elements")));
    }
    Ok(())
}

/// Fails if a result of this size would exceed the limits, before it is allocated.
fn check_size(bytes: usize) -> Result<(), FunctionError> {
    if bytes / 32 <= MAX_WEIGHT {
        return Ok(());
    }
    Err(FunctionError::new(format!("the result is too large: more than {} bytes", MAX_WEIGHT * 32)))
}
