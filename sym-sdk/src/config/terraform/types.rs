//! Types of values, and the type that several types have in common.
//!
//! The rules are those of cty, the library of Terraform's values. See `conversion` for the conversion of values to types.

use std::collections::BTreeMap;
use std::rc::Rc;

/// The maximal number of different types that are compared with each other.
const MAX_COMPARED_TYPES: usize = 1_000;

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// The type of `null`, of values whose type is not known, and of whole resources.
    Any,
    String,
    Number,
    Bool,
    List(Rc<Type>),
    Set(Rc<Type>),
    Map(Rc<Type>),
    Object(Rc<BTreeMap<String, Type>>),
    Tuple(Rc<[Type]>),
}

impl Type {
    pub(super) fn list(element: Self) -> Self {
        Self::List(Rc::new(element))
    }

    pub(super) fn set(element: Self) -> Self {
        Self::Set(Rc::new(element))
    }

    pub(super) fn map(element: Self) -> Self {
        Self::Map(Rc::new(element))
    }

    /// Returns `true` if a part of the type is not known.
    pub(super) fn has_any(&self) -> bool {
        match self {
            Self::Any => true,
            Self::String | Self::Number | Self::Bool => false,
            Self::List(inner) | Self::Set(inner) | Self::Map(inner) => inner.has_any(),
            Self::Object(attributes) => attributes.values().any(Self::has_any),
            Self::Tuple(elements) => elements.iter().any(Self::has_any),
        }
    }

    /// Describes a value of the type in a message.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Any => "any value".to_owned(),
            Self::String => "a string".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Bool => "a boolean".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Set(_) => "a set".to_owned(),
            Self::Map(_) => "a map".to_owned(),
            Self::Object(attributes) => {
                let names: Vec<&str> = attributes.keys().map(String::as_str).collect();
                format!("an object with {}", names.join(", "))
            }
            Self::Tuple(elements) => format!("a tuple of {}", elements.len()),
        }
    }

    /// Returns the type that values of all the types can be converted to; `None` if there is none.
    ///
    /// A type that is not known adapts to the others. More than a thousand different types count as having none in common.
    pub(super) fn unify<'t>(types: impl IntoIterator<Item = &'t Self>) -> Option<Self> {
        let mut known: Vec<&Self> = Vec::new();
        for kind in types {
            // Most collections have elements of few types.
            if !matches!(kind, Self::Any) && known.last() != Some(&kind) && !known.contains(&kind) {
                known.push(kind);
            }
            if known.len() > MAX_COMPARED_TYPES {
                return None;
            }
        }
        match known.as_slice() {
            [] => Some(Self::Any),
            [only] => Some((*only).clone()),
            several => unify_several(several),
        }
    }
}

fn unify_several(types: &[&Type]) -> Option<Type> {
    let all = |is: fn(&Type) -> bool| types.iter().all(|kind| is(kind));
    let any = |is: fn(&Type) -> bool| types.iter().any(|kind| is(kind));
    let (is_list, is_set) = (|kind: &Type| matches!(kind, Type::List(_)), |kind: &Type| matches!(kind, Type::Set(_)));
    let is_sequence = |kind: &Type| matches!(kind, Type::List(_) | Type::Set(_) | Type::Tuple(_));
    if all(|kind| matches!(kind, Type::String | Type::Number | Type::Bool)) {
        // Numbers and booleans have only a string in common.
        return any(|kind| *kind == Type::String).then_some(Type::String);
    }
    if all(|kind| matches!(kind, Type::Object(_))) {
        return unify_objects(types);
    }
    if all(|kind| matches!(kind, Type::Tuple(_))) {
        return unify_tuples(types);
    }
    if all(|kind| matches!(kind, Type::Map(_) | Type::Object(_))) {
        return Type::unify(types.iter().flat_map(|kind| inner(kind))).map(Type::map);
    }
    if all(is_sequence) {
        let element = Type::unify(types.iter().flat_map(|kind| inner(kind)))?;
        return Some(if any(is_set) && !any(is_list) { Type::set(element) } else { Type::list(element) });
    }
    None
}

/// Objects with the same attributes stay objects; others become maps.
fn unify_objects(types: &[&Type]) -> Option<Type> {
    let objects: Vec<&Rc<BTreeMap<String, Type>>> = types
        .iter()
        .filter_map(|kind| match kind {
            Type::Object(attributes) => Some(attributes),
            _ => None,
        })
        .collect();
    let first = objects.first()?;
    if objects.iter().any(|object| !object.keys().eq(first.keys())) {
        return Type::unify(types.iter().flat_map(|kind| inner(kind))).map(Type::map);
    }
    let unified = first.keys().map(|name| {
        let kinds = objects.iter().filter_map(|object| object.get(name));
        Some((name.clone(), Type::unify(kinds)?))
    });
    Some(Type::Object(Rc::new(unified.collect::<Option<_>>()?)))
}

/// Tuples of the same length stay tuples; others become lists.
fn unify_tuples(types: &[&Type]) -> Option<Type> {
    let tuples: Vec<&Rc<[Type]>> = types
        .iter()
        .filter_map(|kind| match kind {
            Type::Tuple(elements) => Some(elements),
            _ => None,
        })
        .collect();
    let first = tuples.first()?;
    if tuples.iter().any(|tuple| tuple.len() != first.len()) {
        return Type::unify(types.iter().flat_map(|kind| inner(kind))).map(Type::list);
    }
    let unified = (0..first.len()).map(|at| Type::unify(tuples.iter().filter_map(|tuple| tuple.get(at))));
    Some(Type::Tuple(unified.collect::<Option<Vec<_>>>()?.into()))
}

/// Returns the types of elements.
fn inner(kind: &Type) -> Vec<&Type> {
    match kind {
        Type::List(inner) | Type::Set(inner) | Type::Map(inner) => vec![inner],
        Type::Object(attributes) => attributes.values().collect(),
        Type::Tuple(elements) => elements.iter().collect(),
        Type::Any | Type::String | Type::Number | Type::Bool => Vec::new(),
    }
}
