//! Type constraints of variables, and the conversion of values to them.

use std::collections::BTreeMap;

use hcl_edit::expr::{Expression, FuncCall, ObjectKey};

use super::value::{InstanceRef, Value};
use crate::suggest::did_you_mean;

/// A type constraint.
#[derive(Clone, Debug)]
pub(super) enum Type {
    Any,
    String,
    Number,
    Bool,
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<Type>),
    Object(BTreeMap<String, Field>),
    Tuple(Vec<Type>),
}

/// One attribute of an object type.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) kind: Type,
    pub(super) optional: bool,
    /// The default, evaluated in the scope of the type.
    pub(super) default: Option<Value>,
}

const NAMES: [&str; 9] = ["any", "bool", "list", "map", "number", "object", "set", "string", "tuple"];

/// Returns those of the named attributes that a resource has, as a map.
pub(super) type SelectAttributes<'a> = &'a dyn Fn(&InstanceRef, &mut dyn Iterator<Item = &str>) -> Value;

/// The reason why a type expression is invalid.
pub(super) struct TypeError {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Type {
    /// Parses a type expression. `default` evaluates the defaults of `optional(…)`.
    pub(super) fn read(expr: &Expression, default: &dyn Fn(&Expression) -> Value) -> Result<Self, TypeError> {
        match expr {
            // The form of Terraform 0.11, and of JSON.
            Expression::String(text) => match text.parse::<Expression>() {
                Ok(inner) => Self::parse(&inner, default),
                Err(_) => Self::named(text),
            },
            _ => Self::parse(expr, default),
        }
    }

    fn parse(expr: &Expression, default: &dyn Fn(&Expression) -> Value) -> Result<Self, TypeError> {
        match expr {
            Expression::Variable(name) => Self::named(name.as_str()),
            Expression::String(name) => Self::named(name),
            Expression::Parenthesis(inner) => Self::parse(inner.inner(), default),
            Expression::FuncCall(call) => Self::constructed(call, default),
            _ => Err(bad("expected a type", None)),
        }
    }

    fn named(name: &str) -> Result<Self, TypeError> {
        match name {
            "any" => Ok(Self::Any),
            "string" => Ok(Self::String),
            "number" => Ok(Self::Number),
            "bool" => Ok(Self::Bool),
            "list" => Ok(Self::List(Box::new(Self::Any))),
            "set" => Ok(Self::Set(Box::new(Self::Any))),
            "map" => Ok(Self::Map(Box::new(Self::Any))),
            _ => Err(bad(format!("`{name}` is not a type"), did_you_mean(name, NAMES))),
        }
    }

    fn constructed(call: &FuncCall, default: &dyn Fn(&Expression) -> Value) -> Result<Self, TypeError> {
        let name = call.name.name.as_str();
        let argument = match (call.args.len(), call.args.get(0)) {
            (1, Some(argument)) => argument,
            _ => return Err(bad(format!("`{name}(…)` takes one type"), None)),
        };
        let inner = || Self::parse(argument, default).map(Box::new);
        match name {
            "list" => Ok(Self::List(inner()?)),
            "set" => Ok(Self::Set(inner()?)),
            "map" => Ok(Self::Map(inner()?)),
            "tuple" => match argument {
                Expression::Array(types) => {
                    types.iter().map(|item| Self::parse(item, default)).collect::<Result<_, _>>().map(Self::Tuple)
                }
                _ => Err(bad("`tuple(…)` takes a list of types", None)),
            },
            "object" => match argument {
                Expression::Object(object) => {
                    let mut fields = BTreeMap::new();
                    for (key, value) in object {
                        let key = match key {
                            ObjectKey::Ident(key) => key.as_str().to_owned(),
                            ObjectKey::Expression(Expression::String(key)) => key.to_string(),
                            ObjectKey::Expression(_) => return Err(bad("expected the name of an attribute", None)),
                        };
                        fields.insert(key, Field::parse(value.expr(), default)?);
                    }
                    Ok(Self::Object(fields))
                }
                _ => Err(bad("`object(…)` takes a map of types", None)),
            },
            _ => Err(bad(format!("`{name}(…)` is not a type"), did_you_mean(name, NAMES))),
        }
    }

    /// Converts a value as Terraform does. The error says which part does not fit: `expected …, got …`.
    /// `pick` selects attributes of a whole resource.
    pub(super) fn convert(&self, value: &Value, pick: SelectAttributes<'_>) -> Result<Value, String> {
        if matches!(value, Value::Unknown(_) | Value::Null) {
            return Ok(value.clone());
        }
        // Only the named attributes are evaluated: the others may depend on this value.
        if let (Self::Object(fields), Value::Object(instance_ref)) = (self, value) {
            return self.convert(&pick(instance_ref, &mut fields.keys().map(String::as_str)), pick);
        }
        let converted = match self {
            Self::Any => Some(value.clone()),
            // An id stays an id: a string that still refers to its resource.
            Self::String if matches!(value, Value::Id(_)) => Some(value.clone()),
            Self::String => value.to_text().map(Value::Text),
            Self::Number => value.to_number().map(Value::Number),
            Self::Bool => value.to_bool().map(Value::Bool),
            Self::List(inner) => match value.items() {
                Some(items) => Some(Value::list(convert_items(inner, items, pick)?)),
                None => None,
            },
            Self::Set(inner) => match value.items() {
                Some(items) => Some(Value::set(convert_items(inner, items, pick)?)),
                None => None,
            },
            Self::Tuple(types) => match value.items() {
                Some(items) if items.len() == types.len() => {
                    let items = types.iter().zip(items).enumerate();
                    let items =
                        items.map(|(index, (kind, item))| at_path(format!("[{index}]"), kind.convert(item, pick)));
                    Some(Value::list(items.collect::<Result<_, _>>()?))
                }
                _ => None,
            },
            Self::Map(inner) => match value.entries() {
                Some(entries) => {
                    let entries = entries.iter().map(|(key, value)| {
                        Ok((key.clone(), at_path(format!("[{key:?}]"), inner.convert(value, pick))?))
                    });
                    Some(Value::map(entries.collect::<Result<_, String>>()?))
                }
                None => None,
            },
            Self::Object(fields) => match value.entries() {
                Some(entries) => Some(convert_object(fields, entries, pick)?),
                None => None,
            },
        };
        converted.ok_or_else(|| format!("expected {}, got {}", self.describe(), value.describe()))
    }

    fn describe(&self) -> String {
        match self {
            Self::Any => "any value".to_owned(),
            Self::String => "a string".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Bool => "a boolean".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Set(_) => "a set".to_owned(),
            Self::Map(_) => "a map".to_owned(),
            Self::Object(fields) => {
                let names: Vec<&str> = fields.keys().map(String::as_str).collect();
                format!("an object with {}", names.join(", "))
            }
            Self::Tuple(types) => format!("a tuple of {}", types.len()),
        }
    }
}

impl Field {
    fn parse(expr: &Expression, default: &dyn Fn(&Expression) -> Value) -> Result<Self, TypeError> {
        match expr {
            Expression::FuncCall(call) if call.name.name.as_str() == "optional" => {
                let mut arguments = call.args.iter();
                match (arguments.next(), arguments.next(), arguments.next()) {
                    (Some(kind), value, None) => {
                        Ok(Self { kind: Type::parse(kind, default)?, optional: true, default: value.map(default) })
                    }
                    _ => Err(bad("`optional(…)` takes a type and a default", None)),
                }
            }
            _ => Ok(Self { kind: Type::parse(expr, default)?, optional: false, default: None }),
        }
    }
}

fn convert_items(inner: &Type, items: &[Value], pick: SelectAttributes<'_>) -> Result<Vec<Value>, String> {
    let items = items.iter().enumerate();
    items.map(|(index, item)| at_path(format!("[{index}]"), inner.convert(item, pick))).collect()
}

fn convert_object(
    fields: &BTreeMap<String, Field>,
    entries: &BTreeMap<String, Value>,
    pick: SelectAttributes<'_>,
) -> Result<Value, String> {
    let mut object = BTreeMap::new();
    for (name, field) in fields {
        let value = match (entries.get(name), &field.default) {
            (None | Some(Value::Null), Some(default)) => default,
            (Some(value), _) => value,
            (None, None) if field.optional => &Value::Null,
            (None, None) => return Err(format!("attribute `{name}` is missing")),
        };
        object.insert(name.clone(), at_path(format!(".{name}"), field.kind.convert(value, pick))?);
    }
    Ok(Value::map(object))
}

/// Prefixes an error with the path to the part that it is about.
fn at_path(step: String, result: Result<Value, String>) -> Result<Value, String> {
    result.map_err(|why| match why.strip_prefix("at ") {
        Some(deeper) => format!("at {step}{deeper}"),
        None => format!("at {step}: {why}"),
    })
}

fn bad(message: impl Into<String>, hint: Option<String>) -> TypeError {
    TypeError { message: message.into(), hint }
}
