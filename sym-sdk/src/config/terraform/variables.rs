//! Assigns values to the variables of the root module: from the environment, files and the caller.

use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Structure;

use super::evaluator::{Evaluator, ModuleInstance};
use super::functions::from_json;
use super::module::{files, parse_body};
use super::module_eval::strip_parentheses;
use super::source_file::SourceFile;
use super::value::{InstanceKey, Value};
use super::{TerraformReader, json_syntax};
use crate::config::{Diagnostic, SourceLocation};
use crate::suggest::did_you_mean;

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
    let paths = files(&evaluator.root, &[".tfvars", ".tfvars.json"], &mut Vec::new()).unwrap_or_default();
    let own = |name: &str| matches!(name, "terraform.tfvars" | "terraform.tfvars.json");
    let auto = |name: &str| name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json");
    let wanted: [&dyn Fn(&str) -> bool; 2] = [&own, &auto];
    for wanted in wanted {
        for path in paths.iter().filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(wanted)) {
            match SourceFile::read(path) {
                Ok(source) => assign_file(evaluator, root, &Rc::new(source)),
                Err(diagnostic) => evaluator.report(diagnostic),
            }
        }
    }
    for (name, value) in &reader.variables {
        if !root.module.variables.contains_key(name) && !root.module.may_declare(name) {
            let diagnostic =
                Diagnostic::error(SourceLocation::default(), format!("variable `{name}` is set, but not declared"));
            evaluator.report(diagnostic.with_hint_if(did_you_mean(name, root.module.variables.keys())));
        } else {
            assign_text(evaluator, root, name, value);
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
fn assign_file(evaluator: &Evaluator, root: &Rc<ModuleInstance>, source: &Rc<SourceFile>) {
    if source.is_json() {
        match json_syntax::parse_variables(source) {
            Ok(entries) => {
                let entries =
                    entries.iter().map(|(name, value)| (name.clone(), (from_json(value), source.file_location())));
                evaluator.assigned.borrow_mut().extend(entries);
            }
            Err(diagnostic) => evaluator.report(diagnostic),
        }
        return;
    }
    match parse_body(source) {
        Ok(body) => {
            let scope = evaluator.scope(root, source, &InstanceKey::Only);
            for structure in &body {
                match structure {
                    Structure::Attribute(attribute) => {
                        let value = scope.eval(&attribute.value);
                        let assigned = (value, scope.location(&attribute.value));
                        evaluator.assigned.borrow_mut().insert(attribute.key.as_str().to_owned(), assigned);
                    }
                    Structure::Block(block) => {
                        evaluator
                            .report(Diagnostic::error(scope.location(block), "a `.tfvars` file cannot contain blocks"));
                    }
                }
            }
        }
        Err(diagnostic) => evaluator.report(diagnostic),
    }
}
