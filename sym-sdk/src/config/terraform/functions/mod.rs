//! Terraform's functions, as far as they are supported.

mod collections;
mod encoding;
mod files;
mod format;
mod numbers;
mod strings;

use hcl_edit::expr::{Expression, FuncCall};

use super::scope::{Scope, worst};
use super::value::{MAX_WEIGHT, Unknown, Value, text_weight};
use super::world::Sink;
use crate::config::Diagnostic;
use crate::suggest::did_you_mean;

pub(super) use encoding::from_json;

/// A function: its name, how many arguments it takes at least and at most, and what it does.
pub(super) struct Function {
    name: &'static str,
    least: usize,
    most: usize,
    run: fn(&Arguments<'_>) -> Result<Value, Problem>,
}

impl Function {
    const fn new(
        name: &'static str,
        least: usize,
        most: usize,
        run: fn(&Arguments<'_>) -> Result<Value, Problem>,
    ) -> Self {
        Self { name, least, most, run }
    }
}

/// Any number of arguments.
const MANY: usize = usize::MAX;

/// Functions that take their arguments before they are evaluated.
const SPECIAL: [&str; 4] = ["can", "sensitive", "nonsensitive", "try"];

/// Why a function has no result.
pub(super) struct Problem {
    message: String,
    hint: Option<String>,
    /// The argument that is to blame, if one is.
    argument: Option<usize>,
    /// The argument is not known; what depends on it is not either.
    unknown: Option<Unknown>,
    /// Terraform would have a result.
    unsupported: bool,
}

impl Problem {
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
            return self.plainly_faulty(Diagnostic::error(self.location(call), message));
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
            let names = functions().map(|function| function.name).chain(SPECIAL);
            return self.plainly_faulty(diagnostic.with_hint_if(did_you_mean(name, names)));
        };
        let values = match values {
            Ok(values) => values,
            Err(unknown) => return unknown,
        };
        if values.len() < function.least || values.len() > function.most {
            let expected = match (function.least, function.most) {
                (least, MANY) => format!("at least {least}"),
                (least, most) if least == most => least.to_string(),
                (least, most) => format!("{least} to {most}"),
            };
            let message = format!("arguments of function `{name}`: expected {expected}, got {}", values.len());
            return self.faulty(Diagnostic::error(self.location(call), message));
        }
        let work = values.iter().map(Value::weight).fold(0, usize::saturating_add);
        if !self.spend(call, work) {
            return Value::faulty();
        }
        match (function.run)(&Arguments { scope: self, values }) {
            Ok(value) => value,
            Err(Problem { unknown: Some(unknown), .. }) => Value::Unknown(unknown),
            Err(problem) => {
                let location = match problem.argument.and_then(|argument| call.args.get(argument)) {
                    Some(argument) => self.location(argument),
                    None => self.location(call),
                };
                let message = format!("function `{name}`: {}", problem.message);
                let diagnostic = Diagnostic::error(location, message).with_hint_if(problem.hint);
                if problem.unsupported { self.plainly_faulty(diagnostic) } else { self.faulty(diagnostic) }
            }
        }
    }

    /// Evaluates every argument, so that all their faults show; the worst unknown one if there is one.
    fn arguments(self, call: &FuncCall) -> Result<Vec<Value>, Value> {
        let mut values: Vec<Value> = call.args.iter().map(|argument| self.eval(argument)).collect();
        if call.args.expand_final()
            && let Some(last) = values.pop()
        {
            match last.items() {
                Some(items) => values.extend_from_slice(items),
                None => values.push(match last {
                    Value::Unknown(_) => last,
                    other => super::scope::misfit(self, call, "what `...` follows", "a list", &other),
                }),
            }
        }
        match worst(&values) {
            Some(unknown) => Err(unknown),
            None => Ok(values),
        }
    }

    /// The first argument that can be evaluated.
    fn try_each(self, call: &FuncCall) -> Value {
        let mut last = Vec::new();
        for argument in &call.args {
            let (value, diagnostics, is_plain) = self.attempt(argument);
            if diagnostics.is_empty() {
                return value;
            }
            last = diagnostics;
            if is_plain {
                break;
            }
        }
        last.into_iter().for_each(|diagnostic| self.report(diagnostic));
        Value::faulty()
    }

    fn can(self, expr: &Expression) -> Value {
        match self.attempt(expr) {
            (value @ Value::Unknown(Unknown::Foreign(_)), ..) => value,
            (_, diagnostics, true) => {
                diagnostics.into_iter().for_each(|diagnostic| self.report(diagnostic));
                Value::faulty()
            }
            (_, diagnostics, false) => Value::Bool(diagnostics.is_empty()),
        }
    }

    /// Evaluates an expression and keeps its faults back. The last part tells whether one of them must not be hidden.
    fn attempt(self, expr: &Expression) -> (Value, Vec<Diagnostic>, bool) {
        let before = self.world.plain_faults.get();
        let diagnostics = Sink::default();
        let value = self.reporting_to(&diagnostics).eval(expr);
        let diagnostics = diagnostics.into_inner();
        let is_plain = !diagnostics.is_empty() && self.world.plain_faults.get() > before;
        (value, diagnostics, is_plain)
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

    fn misfit<T>(&self, index: usize, expected: &str) -> Result<T, Problem> {
        Err(match self.get(index) {
            Value::Unknown(unknown) => Problem::unknown(unknown),
            other => Problem::new(format!("expected {expected}, got {}", other.describe())).at(index),
        })
    }

    fn text(&self, index: usize) -> Result<std::rc::Rc<str>, Problem> {
        self.get(index).to_text().map_or_else(|| self.misfit(index, "a string"), Ok)
    }

    fn number(&self, index: usize) -> Result<super::number::Number, Problem> {
        self.get(index).to_number().map_or_else(|| self.misfit(index, "a number"), Ok)
    }

    fn whole(&self, index: usize) -> Result<i64, Problem> {
        self.number(index)?.as_whole().map_or_else(|| self.misfit(index, "a whole number"), Ok)
    }

    /// The elements of a list or set.
    fn items(&self, index: usize) -> Result<&[Value], Problem> {
        self.get(index).items().map_or_else(|| self.misfit(index, "a list"), Ok)
    }

    /// The elements of a list of strings.
    fn texts(&self, index: usize) -> Result<Vec<std::rc::Rc<str>>, Problem> {
        self.items(index)?
            .iter()
            .map(|item| match item {
                Value::Unknown(unknown) => Err(Problem::unknown(unknown)),
                item => item.to_text().ok_or_else(|| {
                    Problem::new(format!("expected a list of strings, got {} in it", item.describe())).at(index)
                }),
            })
            .collect()
    }

    /// The entries of a map; of a whole resource, its attributes.
    fn entries(&self, index: usize) -> Result<std::collections::BTreeMap<String, Value>, Problem> {
        let spelled = match self.get(index) {
            Value::Object(handle) => self.scope.spell_out(handle),
            other => other.clone(),
        };
        spelled.entries().cloned().map_or_else(|| self.misfit(index, "a map"), Ok)
    }

    /// Fails if an argument holds something that is not known.
    fn known(&self, index: usize) -> Result<&Value, Problem> {
        let value = self.get(index);
        value.first_unknown().map_or(Ok(value), |unknown| Err(Problem::unknown(unknown)))
    }
}

/// Fails if a result of so many bytes would be beyond the limits, before it is made.
fn room(bytes: usize) -> Result<(), Problem> {
    if bytes / 32 > MAX_WEIGHT { Err(Problem::new("the result is too large")) } else { Ok(()) }
}
