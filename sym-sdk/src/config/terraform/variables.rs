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
use crate::config::nearest::did_you_mean;
use crate::config::{Fault, Place};

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
                Err(fault) => world.fault(fault),
            }
        }
    }
    for (name, value) in &reader.variables {
        if !root.module.variables.contains_key(name) && !root.module.may_declare(name) {
            let fault = Fault::new(Place::default(), format!("variable `{name}` is given, but not declared"));
            world.fault(fault.with_hint_if(did_you_mean(name, root.module.variables.keys())));
        } else {
            give_text(world, root, name, value);
        }
    }
}

/// Gives a variable a value in text. As in Terraform, it is an expression unless the variable is a string.
fn give_text(world: &World, root: &Rc<Instance>, name: &str, text: &str) {
    let kind = root.module.variables.get(name).and_then(|declared| declared.attribute("type"));
    let literal = match kind.map(|attribute| unwrapped(&attribute.value)) {
        None => true,
        Some(Expression::Variable(kind)) => matches!(kind.as_str(), "string" | "any"),
        Some(Expression::String(kind)) => kind.as_str() == "string",
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
                world.fault(Fault::new(Place::default(), message));
                Value::faulty()
            }
        }
    };
    world.given.borrow_mut().insert(name.to_owned(), (value, Place::default()));
}

/// Gives the variables of a `.tfvars` file. Those that are not declared are passed over, as in Terraform.
fn give_file(world: &World, root: &Rc<Instance>, source: &Rc<Source>) {
    if source.path().extension().is_some_and(|extension| extension == "json") {
        match json::parse_variables(source) {
            Ok(entries) => {
                let entries = entries.iter().map(|(name, value)| (name.clone(), (from_json(value), source.whole())));
                world.given.borrow_mut().extend(entries);
            }
            Err(fault) => world.fault(fault),
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
                        let given = (value, scope.place(&attribute.value));
                        world.given.borrow_mut().insert(attribute.key.as_str().to_owned(), given);
                    }
                    Structure::Block(block) => {
                        world.fault(Fault::new(scope.place(block), "a `.tfvars` file holds no blocks"));
                    }
                }
            }
        }
        Err(fault) => world.fault(fault),
    }
}
