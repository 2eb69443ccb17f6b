//! Converts Terraform's JSON syntax to the native one, so that everything after parsing exists once.
//!
//! Strings are templates there. The JSON parser keeps no positions, so diagnostics name the file only.

use hcl_edit::expr::{Array, Expression, Object, ObjectKey};
use hcl_edit::structure::{Attribute, Block, Body};
use hcl_edit::template::{Element, StringTemplate, Template};
use hcl_edit::{Decorated, Ident, Number};
use serde_json::{Map, Value};

use super::source_file::SourceFile;
use crate::config::Diagnostic;

/// Parses a `.tf.json` file.
pub(super) fn parse_body(source: &SourceFile) -> Result<Body, Diagnostic> {
    let top = parse_object(source)?;
    let mut body = Body::new();
    for (ident, content) in &top {
        let depth = match ident.as_str() {
            "resource" | "data" => 2,
            "variable" | "module" | "output" | "provider" => 1,
            "locals" => 0,
            // A comment, or a block that is ignored.
            _ => continue,
        };
        blocks(source, ident, &mut Vec::new(), depth, content, &mut body)?;
    }
    Ok(body)
}

/// Parses a `.tfvars.json` file: names and literal values.
pub(super) fn parse_variables(source: &SourceFile) -> Result<Map<String, Value>, Diagnostic> {
    parse_object(source)
}

fn parse_object(source: &SourceFile) -> Result<Map<String, Value>, Diagnostic> {
    match serde_json::from_str(source.text()) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Diagnostic::error(source.at_line(1, 1), "syntax error: expected a JSON object")),
        Err(error) => {
            let location = source.at_line(error.line(), error.column());
            Err(Diagnostic::error(location, format!("syntax error: {error}")))
        }
    }
}

fn blocks(
    source: &SourceFile,
    ident: &str,
    labels: &mut Vec<String>,
    depth: usize,
    content: &Value,
    into: &mut Body,
) -> Result<(), Diagnostic> {
    match content {
        Value::Array(items) => items.iter().try_for_each(|item| blocks(source, ident, labels, depth, item, into)),
        Value::Object(entries) if depth > 0 => entries.iter().try_for_each(|(label, content)| {
            labels.push(label.clone());
            let done = blocks(source, ident, labels, depth - 1, content, into);
            labels.pop();
            done
        }),
        Value::Object(entries) => {
            let mut block = Block::new(identifier(source, ident)?);
            block.labels = labels.iter().map(|label| label.as_str().into()).collect();
            for (key, value) in entries.iter().filter(|(key, _)| *key != "//") {
                block.body.push(Attribute::new(identifier(source, key)?, expression(source, value)?));
            }
            into.push(block);
            Ok(())
        }
        _ => Err(Diagnostic::error(source.file_location(), format!("syntax error: `{ident}` must be an object"))),
    }
}

fn identifier(source: &SourceFile, text: &str) -> Result<Decorated<Ident>, Diagnostic> {
    Ident::try_new(text)
        .map(Decorated::new)
        .map_err(|_| Diagnostic::error(source.file_location(), format!("syntax error: `{text}` is not an identifier")))
}

fn expression(source: &SourceFile, value: &Value) -> Result<Expression, Diagnostic> {
    Ok(match value {
        Value::Null => Expression::null(),
        Value::Bool(flag) => Expression::from(*flag),
        Value::Number(number) => {
            let whole = number.as_i64().map(Number::from);
            match whole.or_else(|| number.as_f64().and_then(Number::from_f64)) {
                Some(number) => Expression::from(number),
                None => Expression::null(),
            }
        }
        Value::String(text) => string(source, text)?,
        Value::Array(items) => {
            let items = items.iter().map(|item| expression(source, item)).collect::<Result<Array, Diagnostic>>()?;
            Expression::Array(items)
        }
        Value::Object(entries) => {
            let mut object = Object::new();
            for (key, value) in entries {
                object.insert(ObjectKey::Expression(string(source, key)?), expression(source, value)?);
            }
            Expression::Object(object)
        }
    })
}

fn string(source: &SourceFile, text: &str) -> Result<Expression, Diagnostic> {
    let template: Template = text.parse().map_err(|error: hcl_edit::parser::Error| {
        Diagnostic::error(source.file_location(), format!("syntax error in the string `{text}`: {}", error.message()))
    })?;
    Ok(match template.as_single_element() {
        None if template.is_empty() => Expression::from(""),
        Some(Element::Literal(literal)) => Expression::from(literal.as_str()),
        _ => Expression::StringTemplate(StringTemplate::from(template)),
    })
}
