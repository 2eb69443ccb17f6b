//! The values that variables of the root module are given: by files, by the environment, by the caller.

use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Structure;

use super::functions::from_json;
use super::instances::unwrapped;
use super::module::{files, parse_body};
use super::resource::Key;
use super::source::Source;
use super::value::Value;
use super::world::{Instance, World};
use super::{TerraformReader, json};
use crate::config::{Diagnostic, SourceLocation};
use crate::suggest::did_you_mean;

/// Gives the root its variables, the later ones above the earlier: environment, `terraform.tfvars`, `*.auto.tfvars`,
/// and what the caller gives.
pub(super) fn give(world: &World, root: &Rc<Instance>, reader: &TerraformReader) {
    for (name, value) in &reader.environment {
        if let Some(name) = name.strip_prefix("TF_VAR_")
            && root.module.variables.contains_key(name)
        {
            give_text(world, root, name, value);
        }
    }
    let paths = files(&world.root, &[".tfvars", ".tfvars.json"], &mut Vec::new()).unwrap_or_default();
    let own = |name: &str| matches!(name, "terraform.tfvars" | "terraform.tfvars.json");
    let auto = |name: &str| name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json");
    let wanted: [&dyn Fn(&str) -> bool; 2] = [&own, &auto];
    for wanted in wanted {
        for path in paths.iter().filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(wanted)) {
            match Source::read(path) {
                Ok(source) => give_file(world, root, &Rc::new(source)),
                Err(diagnostic) => world.diagnostic(diagnostic),
            }
        }
    }
    for (name, value) in &reader.variables {
        if !root.module.variables.contains_key(name) && !root.module.may_declare(name) {
            let diagnostic =
                Diagnostic::error(SourceLocation::default(), format!("variable `{name}` is given, but not declared"));
            world.diagnostic(diagnostic.with_hint_if(did_you_mean(name, root.module.variables.keys())));
        } else {
            give_text(world, root, name, value);
        }
    }
}

/// Gives a variable a value in text. As in Terraform, it is an expression unless the variable is a string, a number or a
/// boolean, or has no type.
fn give_text(world: &World, root: &Rc<Instance>, name: &str, text: &str) {
    let kind = root.module.variables.get(name).and_then(|declared| declared.attribute("type"));
    let literal = match kind.map(|attribute| unwrapped(&attribute.value)) {
        None => true,
        Some(Expression::Variable(kind)) => is_primitive(kind.as_str()),
        Some(Expression::String(kind)) => is_primitive(kind.as_str()),
        Some(_) => false,
    };
    let value = if literal {
        Value::text(text)
    } else {
        let source = Rc::new(Source::new(format!("variable {name}"), text.to_owned()));
        match hcl_edit::parser::parse_expr(text) {
            Ok(expr) => world.scope(root, &source, &Key::Only).eval(&expr),
            Err(error) => {
                let message = format!("value given to variable `{name}`: syntax error: {}", error.message());
                world.diagnostic(Diagnostic::error(SourceLocation::default(), message));
                Value::faulty()
            }
        }
    };
    world.given.borrow_mut().insert(name.to_owned(), (value, SourceLocation::default()));
}

fn is_primitive(kind: &str) -> bool {
    matches!(kind, "string" | "number" | "bool")
}

/// Gives the variables of a `.tfvars` file. Those that are not declared are passed over, as in Terraform.
fn give_file(world: &World, root: &Rc<Instance>, source: &Rc<Source>) {
    if source.is_json() {
        match json::parse_variables(source) {
            Ok(entries) => {
                let entries = entries.iter().map(|(name, value)| (name.clone(), (from_json(value), source.whole())));
                world.given.borrow_mut().extend(entries);
            }
            Err(diagnostic) => world.diagnostic(diagnostic),
        }
        return;
    }
    match parse_body(source) {
        Ok(body) => {
            let scope = world.scope(root, source, &Key::Only);
            for structure in &body {
                match structure {
                    Structure::Attribute(attribute) => {
                        let value = scope.eval(&attribute.value);
                        let given = (value, scope.location(&attribute.value));
                        world.given.borrow_mut().insert(attribute.key.as_str().to_owned(), given);
                    }
                    Structure::Block(block) => {
                        world.diagnostic(Diagnostic::error(scope.location(block), "a `.tfvars` file holds no blocks"));
                    }
                }
            }
        }
        Err(diagnostic) => world.diagnostic(diagnostic),
    }
}
