//! The conversion of values to types, as cty converts them.

use std::collections::BTreeMap;

use super::types::Type;
use super::value::{Unknown, Value};

impl Value {
    /// Converts the value. The error says which part does not fit: `expected …, got …`.
    pub(super) fn convert(&self, kind: &Type) -> Result<Self, String> {
        let mismatch = || Err(format!("expected {}, got {}", kind.describe(), self.describe()));
        match (self, kind) {
            (_, Type::Any) | (Self::Unknown(Unknown::Invalid) | Self::Object(_), _) => Ok(self.clone()),
            (Self::Unknown(Unknown::AfterApply(deferred)), _) => {
                Ok(Self::Unknown(Unknown::deferred(&deferred.expression, kind.clone())))
            }
            (Self::Null(_), _) => Ok(Self::Null(kind.clone())),
            // An id stays an id: a string that still refers to its resource.
            (Self::Id(_), Type::String) => Ok(self.clone()),
            (_, Type::String) => self.to_text().map(Self::Text).map_or_else(mismatch, Ok),
            (_, Type::Number) => self.to_number().map(Self::Number).map_or_else(mismatch, Ok),
            (_, Type::Bool) => self.to_bool().map(Self::Bool).map_or_else(mismatch, Ok),
            (_, Type::List(element)) => match self.items() {
                Some(items) => Self::unified_list(convert_items(items, element)?, element),
                None => mismatch(),
            },
            (_, Type::Set(element)) => match self.items() {
                Some(items) => Self::unified_set(convert_items(items, element)?, element),
                None => mismatch(),
            },
            (_, Type::Map(element)) => match self.entries() {
                Some(entries) => {
                    let entries = entries
                        .iter()
                        .map(|(key, value)| Ok((key.clone(), at_path(format!("[{key:?}]"), value.convert(element))?)));
                    Self::unified_map(entries.collect::<Result<_, String>>()?, element)
                }
                None => mismatch(),
            },
            (_, Type::Tuple(elements)) => match self.items() {
                Some(items) if items.len() == elements.len() => {
                    let items = items.iter().zip(elements.iter()).enumerate();
                    let items = items.map(|(at, (item, kind))| at_path(format!("[{at}]"), item.convert(kind)));
                    Ok(Self::tuple(items.collect::<Result<_, String>>()?))
                }
                _ => mismatch(),
            },
            (_, Type::Object(attributes)) => match self.entries() {
                Some(entries) => {
                    let attributes = attributes.iter().map(|(name, kind)| match entries.get(name) {
                        Some(value) => Ok((name.clone(), at_path(format!(".{name}"), value.convert(kind))?)),
                        None => Err(format!("attribute `{name}` is missing")),
                    });
                    Ok(Self::object(attributes.collect::<Result<_, String>>()?))
                }
                None => mismatch(),
            },
        }
    }

    /// Creates a list whose elements get one type, as far as the type leaves that open.
    pub(super) fn unified_list(items: Vec<Self>, element: &Type) -> Result<Self, String> {
        let (items, element) = unified(items, element)?;
        Ok(Self::list_of(element, items))
    }

    /// Creates a set whose elements get one type, as far as the type leaves that open.
    pub(super) fn unified_set(items: Vec<Self>, element: &Type) -> Result<Self, String> {
        let (items, element) = unified(items, element)?;
        Ok(Self::set_of(element, items))
    }

    /// Creates a map whose elements get one type, as far as the type leaves that open.
    pub(super) fn unified_map(entries: BTreeMap<String, Self>, element: &Type) -> Result<Self, String> {
        let (keys, values): (Vec<String>, Vec<Self>) = entries.into_iter().unzip();
        let (values, element) = unified(values, element)?;
        Ok(Self::map_of(element, keys.into_iter().zip(values).collect()))
    }

    /// Converts to a list, as `tolist` does.
    pub(super) fn to_list(&self) -> Result<Self, String> {
        match self {
            Self::List(items) if items.element.is_some() => Ok(self.clone()),
            _ => self.convert(&Type::list(Type::Any)),
        }
    }

    /// Converts to a set, as `toset` does.
    pub(super) fn to_set(&self) -> Result<Self, String> {
        self.convert(&Type::set(Type::Any))
    }
}

fn convert_items(items: &[Value], element: &Type) -> Result<Vec<Value>, String> {
    items.iter().enumerate().map(|(at, item)| at_path(format!("[{at}]"), item.convert(element))).collect()
}

/// Converts elements to the type that they have in common.
fn unified(items: Vec<Value>, element: &Type) -> Result<(Vec<Value>, Type), String> {
    if !element.has_any() || items.is_empty() {
        return Ok((items, element.clone()));
    }
    let kinds: Vec<Type> = items.iter().map(Value::kind).collect();
    let element = Type::unify(&kinds).ok_or_else(|| {
        let first = items.first().map_or("nothing", Value::describe);
        let other =
            items.iter().map(Value::describe).find(|other| *other != first).unwrap_or("another of another type");
        format!("all elements must have one type, got {first} and {other}")
    })?;
    let items = convert_items(&items, &element)?;
    Ok((items, element))
}

/// Prefixes an error with the path to the part that it is about.
pub(super) fn at_path(step: String, result: Result<Value, String>) -> Result<Value, String> {
    result.map_err(|why| match why.strip_prefix("at ") {
        Some(deeper) => format!("at {step}{deeper}"),
        None => format!("at {step}: {why}"),
    })
}
