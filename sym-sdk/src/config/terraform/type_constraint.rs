//! Type constraints of variables, and the conversion of values to them.

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::expr::{Expression, FuncCall, ObjectKey};

use super::conversion::at_path;
use super::types::Type;
use super::value::{InstanceRef, Unknown, Value};
use crate::suggest::did_you_mean;

/// A type constraint: a type, of which parts may be open or optional.
#[derive(Clone, Debug)]
pub(super) enum Constraint {
    /// Any value, or one of a type without parts.
    Simple(Type),
    List(Box<Constraint>),
    Set(Box<Constraint>),
    Map(Box<Constraint>),
    Object(BTreeMap<String, Field>),
    Tuple(Vec<Constraint>),
}

/// One attribute of an object type.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) kind: Constraint,
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

impl Constraint {
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
            "any" => Ok(Self::Simple(Type::Any)),
            "string" => Ok(Self::Simple(Type::String)),
            "number" => Ok(Self::Simple(Type::Number)),
            "bool" => Ok(Self::Simple(Type::Bool)),
            "list" => Ok(Self::List(Box::new(Self::Simple(Type::Any)))),
            "set" => Ok(Self::Set(Box::new(Self::Simple(Type::Any)))),
            "map" => Ok(Self::Map(Box::new(Self::Simple(Type::Any)))),
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

    /// Returns the type of values that satisfy the constraint.
    fn kind(&self) -> Type {
        match self {
            Self::Simple(kind) => kind.clone(),
            Self::List(element) => Type::list(element.kind()),
            Self::Set(element) => Type::set(element.kind()),
            Self::Map(element) => Type::map(element.kind()),
            Self::Tuple(elements) => Type::Tuple(elements.iter().map(Self::kind).collect()),
            Self::Object(fields) => {
                Type::Object(Rc::new(fields.iter().map(|(name, field)| (name.clone(), field.kind.kind())).collect()))
            }
        }
    }

    /// Converts a value as Terraform does. The error says which part does not fit: `expected …, got …`.
    /// `pick` selects attributes of a whole resource.
    pub(super) fn convert(&self, value: &Value, pick: SelectAttributes<'_>) -> Result<Value, String> {
        match value {
            Value::Unknown(Unknown::Invalid) => return Ok(value.clone()),
            Value::Unknown(_) | Value::Null(_) => return value.convert(&self.kind()),
            _ => {}
        }
        // Only the named attributes are evaluated: the others may depend on this value.
        if let (Self::Object(fields), Value::Object(instance_ref)) = (self, value) {
            return self.convert(&pick(instance_ref, &mut fields.keys().map(String::as_str)), pick);
        }
        let mismatch = || Err(format!("expected {}, got {}", self.kind().describe(), value.describe()));
        match self {
            Self::Simple(_) if matches!(value, Value::Object(_)) && !matches!(self, Self::Simple(Type::Any)) => {
                mismatch()
            }
            Self::Simple(kind) => value.convert(kind),
            Self::List(inner) => match value.items() {
                Some(items) => Value::unified_list(convert_items(inner, items, pick)?, &inner.kind()),
                None => mismatch(),
            },
            Self::Set(inner) => match value.items() {
                Some(items) => Value::unified_set(convert_items(inner, items, pick)?, &inner.kind()),
                None => mismatch(),
            },
            Self::Tuple(types) => match value.items() {
                Some(items) if items.len() == types.len() => {
                    let items = types.iter().zip(items).enumerate();
                    let items = items.map(|(at, (kind, item))| at_path(format!("[{at}]"), kind.convert(item, pick)));
                    Ok(Value::tuple(items.collect::<Result<_, _>>()?))
                }
                _ => mismatch(),
            },
            Self::Map(inner) => match value.entries() {
                Some(entries) => {
                    let entries = entries.iter().map(|(key, value)| {
                        Ok((key.clone(), at_path(format!("[{key:?}]"), inner.convert(value, pick))?))
                    });
                    Value::unified_map(entries.collect::<Result<_, String>>()?, &inner.kind())
                }
                None => mismatch(),
            },
            Self::Object(fields) => match value.entries() {
                Some(entries) => convert_object(fields, entries, pick),
                None => mismatch(),
            },
        }
    }
}

impl Field {
    fn parse(expr: &Expression, default: &dyn Fn(&Expression) -> Value) -> Result<Self, TypeError> {
        match expr {
            Expression::FuncCall(call) if call.name.name.as_str() == "optional" => {
                let mut arguments = call.args.iter();
                match (arguments.next(), arguments.next(), arguments.next()) {
                    (Some(kind), value, None) => Ok(Self {
                        kind: Constraint::parse(kind, default)?,
                        optional: true,
                        default: value.map(default),
                    }),
                    _ => Err(bad("`optional(…)` takes a type and a default", None)),
                }
            }
            _ => Ok(Self { kind: Constraint::parse(expr, default)?, optional: false, default: None }),
        }
    }
}

fn convert_items(inner: &Constraint, items: &[Value], pick: SelectAttributes<'_>) -> Result<Vec<Value>, String> {
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
        let absent = Value::null();
        let value = match (entries.get(name), &field.default) {
            (None | Some(Value::Null(_)), Some(default)) => default,
            (Some(value), _) => value,
            (None, None) if field.optional => &absent,
            (None, None) => return Err(format!("attribute `{name}` is missing")),
        };
        object.insert(name.clone(), at_path(format!(".{name}"), field.kind.convert(value, pick))?);
    }
    Ok(Value::object(object))
}

fn bad(message: impl Into<String>, hint: Option<String>) -> TypeError {
    TypeError { message: message.into(), hint }
}
