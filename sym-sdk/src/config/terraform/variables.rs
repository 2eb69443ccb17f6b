//! Variables: the assignment of their values, their types and their validation.
//!
//! The root module gets its values from the environment, files and the caller; any other module gets them from its `module` block.

use std::path::Path;
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Structure;

use super::conditions::Condition;
use super::evaluator::{Evaluator, ModuleInstance, ThunkKind};
use super::files;
use super::module::BlockDecl;
use super::module_eval::strip_parentheses;
use super::parsing::parse_variables;
use super::scope::Scope;
use super::source_file::SourceFile;
use super::type_constraint::Constraint;
use super::value::{InstanceKey, Value};
use super::{Assignment, TerraformReader};
use crate::config::{Diagnostic, SourceLocation};
use crate::suggest::did_you_mean;

/// The attributes of a `module` block that are not inputs.
const MODULE_ATTRIBUTES: [&str; 6] = ["count", "depends_on", "for_each", "providers", "source", "version"];

/// Assigns the variables of the root module. Later sources take precedence: environment, `terraform.tfvars`, `*.auto.tfvars`,
/// caller.
pub(super) fn assign(evaluator: &Evaluator, root: &Rc<ModuleInstance>, reader: &TerraformReader) {
    for (name, value) in &reader.environment {
        if let Some(name) = name.strip_prefix("TF_VAR_")
            && root.module.variables.contains_key(name)
        {
            assign_text(evaluator, root, name, value);
        }
    }
    for path in files::variables(&evaluator.root) {
        assign_file(evaluator, root, &path);
    }
    for assignment in &reader.assignments {
        match assignment {
            Assignment::File(path) => assign_file(evaluator, root, path),
            Assignment::Variable(name, value) => {
                if !root.module.variables.contains_key(name) && !root.module.may_declare(name) {
                    let message = format!("variable `{name}` is set, but not declared");
                    let hint = did_you_mean(name, root.module.variables.keys());
                    evaluator.report(Diagnostic::error(SourceLocation::default(), message).with_hint_if(hint));
                } else {
                    assign_text(evaluator, root, name, value);
                }
            }
        }
    }
}

/// Assigns a value in text to a variable. As in Terraform, it is an expression unless the variable is a string, a number or a
/// boolean, or has no type.
fn assign_text(evaluator: &Evaluator, root: &Rc<ModuleInstance>, name: &str, text: &str) {
    let kind = root.module.variables.get(name).and_then(|declared| declared.attribute("type"));
    let literal = match kind.map(|attribute| strip_parentheses(&attribute.value)) {
        None => true,
        Some(Expression::Variable(kind)) => is_primitive(kind.as_str()),
        Some(Expression::String(kind)) => is_primitive(kind.as_str()),
        Some(_) => false,
    };
    let value = if literal {
        Value::text(text)
    } else {
        let source = Rc::new(SourceFile::new(format!("variable {name}"), text.to_owned()));
        match hcl_edit::parser::parse_expr(text) {
            Ok(expr) => evaluator.scope(root, &source, &InstanceKey::Only).eval(&expr),
            Err(error) => {
                let message = format!("value of variable `{name}`: syntax error: {}", error.message());
                evaluator.report(Diagnostic::error(SourceLocation::default(), message));
                Value::invalid()
            }
        }
    };
    evaluator.assigned.borrow_mut().insert(name.to_owned(), (value, SourceLocation::default()));
}

fn is_primitive(kind: &str) -> bool {
    matches!(kind, "string" | "number" | "bool")
}

/// Assigns the variables of a `.tfvars` file. Undeclared ones are ignored, as in Terraform.
fn assign_file(evaluator: &Evaluator, root: &Rc<ModuleInstance>, path: &Path) {
    let parsed = SourceFile::read(path).map_err(|error| vec![error]).and_then(|file| parse_variables(&Rc::new(file)));
    let (source, body) = match parsed {
        Ok(parsed) => parsed,
        Err(errors) => return errors.into_iter().for_each(|error| evaluator.report(error)),
    };
    let scope = evaluator.scope(root, &source, &InstanceKey::Only);
    for structure in &body {
        match structure {
            Structure::Attribute(attribute) => {
                let value = scope.eval(&attribute.value);
                let assigned = (value, scope.location(&attribute.value));
                evaluator.assigned.borrow_mut().insert(attribute.key.as_str().to_owned(), assigned);
            }
            Structure::Block(block) => {
                evaluator.report(Diagnostic::error(scope.location(block), "a `.tfvars` file cannot contain blocks"));
            }
        }
    }
}

impl Evaluator {
    /// Returns the value of a variable: the assigned one or its default, converted to its type.
    pub(super) fn variable(&self, instance: &Rc<ModuleInstance>, declared: &Rc<BlockDecl>) -> Value {
        let key = (instance.number, ThunkKind::Variable, declared.name.clone());
        self.memoize(key, &declared.location, || self.evaluate_variable(instance, declared))
    }

    fn evaluate_variable(&self, instance: &Rc<ModuleInstance>, declared: &Rc<BlockDecl>) -> Value {
        let scope = self.scope(instance, &declared.source, &InstanceKey::Only);
        let (value, location) = match self.input(instance, &declared.name) {
            Some((value, location)) if !value.is_null() || self.is_nullable(scope, declared) => (value, location),
            _ => match declared.attribute("default") {
                Some(default) => (scope.eval(&default.value), scope.location(&default.value)),
                None => return self.missing_input(instance, declared),
            },
        };
        let Some(attribute) = declared.attribute("type") else { return value };
        let kind = match Constraint::read(&attribute.value, &|expr| scope.eval(expr)) {
            Ok(kind) => kind,
            Err(bad) => {
                let diagnostic =
                    Diagnostic::error(scope.location(&attribute.value), format!("`type`: {}", bad.message));
                return scope.invalid(diagnostic.with_hint_if(bad.hint));
            }
        };
        kind.convert(&value, &|instance_ref, names| self.select_attributes(instance_ref, names)).unwrap_or_else(|why| {
            scope.invalid(Diagnostic::error(location, format!("value of variable `{}`: {why}", declared.name)))
        })
    }

    /// Returns `true` if the variable accepts null as a value, instead of using its default.
    fn is_nullable(&self, scope: Scope<'_>, declared: &BlockDecl) -> bool {
        let nullable = declared.attribute("nullable").map(|attribute| scope.eval(&attribute.value));
        nullable.and_then(|value| value.to_bool()) != Some(false)
    }

    /// Returns the value that is assigned to a variable, and the location of the assignment.
    fn input(&self, instance: &Rc<ModuleInstance>, name: &str) -> Option<(Value, SourceLocation)> {
        let Some(call) = &instance.call else {
            return self.assigned.borrow().get(name).cloned();
        };
        let attribute = call.declared.attribute(name)?;
        let parent = self.instance(call.parent)?;
        let scope = self.scope(&parent, &call.declared.source, &call.key);
        Some((scope.eval(&attribute.value), scope.location(&attribute.value)))
    }

    /// Checks the variables against their `validation` blocks. Those of a root variable without a value are left out, because only what
    /// refers to such a variable makes its absence an error.
    pub(super) fn validate_variables(&self, instance: &Rc<ModuleInstance>) {
        for declared in instance.module.variables.values() {
            let has_value = self.input(instance, &declared.name).is_some() || declared.attribute("default").is_some();
            let scope = self.scope(instance, &declared.source, &InstanceKey::Only);
            for validation in declared.body.get_blocks("validation").filter(|_| has_value) {
                self.check_condition(scope, validation, &Condition::of_variable(&declared.name));
            }
        }
    }

    fn missing_input(&self, instance: &Rc<ModuleInstance>, declared: &Rc<BlockDecl>) -> Value {
        let diagnostic = match &instance.call {
            None => {
                let hint = format!(
                    "add a default, or set it in `terraform.tfvars` or in the environment variable `TF_VAR_{}`",
                    declared.name
                );
                Diagnostic::error(declared.location.clone(), format!("variable `{}` has no value", declared.name))
                    .with_hint(hint)
            }
            Some(call) => {
                let message =
                    format!("module `{}` needs a value for its variable `{}`", call.declared.name, declared.name);
                let hint = format!("the variable is declared at {}", declared.location);
                Diagnostic::error(call.declared.location.clone(), message).with_hint(hint)
            }
        };
        self.report(diagnostic);
        Value::invalid()
    }

    /// Reports attributes of a `module` block that are not variables of the module, and variables of the module that have no value.
    pub(super) fn check_inputs(&self, child: &Rc<ModuleInstance>) {
        let Some(call) = &child.call else { return };
        for declared in child.module.variables.values() {
            if declared.attribute("default").is_none() && call.declared.attribute(&declared.name).is_none() {
                // Reports that there is no value, once.
                self.variable(child, declared);
            }
        }
        for attribute in call.declared.body.attributes() {
            let name = attribute.key.as_str();
            if MODULE_ATTRIBUTES.contains(&name)
                || child.module.variables.contains_key(name)
                || child.module.may_declare(name)
            {
                continue;
            }
            let message = format!("module `{}` has no variable `{name}`", call.declared.name);
            let hint = did_you_mean(name, child.module.variables.keys());
            self.report(Diagnostic::error(call.declared.source.location(attribute), message).with_hint_if(hint));
        }
    }
}
