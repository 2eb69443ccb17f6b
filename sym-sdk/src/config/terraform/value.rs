//! What an expression evaluates to.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use super::number::Number;
use super::resource::{Handle, Key, ResourceHandle};

/// The largest value that is computed, in nodes. Shared parts count each time, so walking a value is bounded too.
pub(super) const MAX_WEIGHT: usize = 200_000;

/// How deep lists and maps may stand within each other: deeper ones cannot be walked, nor even dropped, on the stack.
pub(super) const MAX_DEPTH: usize = 128;

/// How many bytes of text weigh as much as one node.
const BYTES_PER_NODE: usize = 32;

/// A value of Terraform's expression language. Cloning is cheap: everything large is shared.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Not known: another provider's to tell, or faulty.
    Unknown(Unknown),
    Null,
    Bool(bool),
    Number(Number),
    Text(Rc<str>),
    /// A list or tuple.
    List(Rc<Items>),
    /// Sorted, each element once.
    Set(Rc<Items>),
    /// A map or object.
    Map(Rc<Entries>),
    /// The `id` of a Sym resource. As text it is the name that the resource declares.
    Id(Rc<Id>),
    /// A whole resource or module; its attributes are evaluated when they are asked for.
    Object(Rc<Handle>),
}

/// Why a value is not known.
#[derive(Clone, Debug)]
pub(super) enum Unknown {
    /// Only another provider could tell it: names the expression.
    Foreign(Rc<str>),
    /// Its fault has been reported, so nothing that depends on it is reported again.
    Faulty,
}

/// Elements, with their weight.
#[derive(Debug)]
pub(super) struct Items {
    items: Vec<Value>,
    weight: usize,
    depth: usize,
}

/// Entries, with their weight.
#[derive(Debug)]
pub(super) struct Entries {
    entries: BTreeMap<String, Value>,
    weight: usize,
    depth: usize,
}

/// Identity of a Sym resource.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    /// The resource's type, such as `sym_target`.
    pub(super) resource: String,
    /// Its address, such as `module.prod.sym_target.admin`.
    pub(super) address: String,
    /// Its attribute `type`, if it has one.
    pub(super) kind: Option<String>,
    /// Its name: declared, or derived from the address for a resource without one.
    pub(super) name: String,
}

impl Value {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Rc::from(text.as_ref()))
    }

    pub(super) fn int(number: usize) -> Self {
        Self::Number(Number::from(number))
    }

    pub(super) fn list(items: Vec<Value>) -> Self {
        Self::List(Rc::new(Items::new(items)))
    }

    /// Sorts the elements and drops what is there twice.
    pub(super) fn set(mut items: Vec<Value>) -> Self {
        items.sort_by(Value::order);
        items.dedup_by(|a, b| a.same(b));
        Self::Set(Rc::new(Items::new(items)))
    }

    pub(super) fn map(entries: BTreeMap<String, Value>) -> Self {
        let weight = entries.iter().map(|(key, value)| text_weight(key).saturating_add(value.weight()));
        let weight = weight.fold(1, usize::saturating_add);
        let depth = 1 + entries.values().map(Value::depth).max().unwrap_or(0);
        Self::Map(Rc::new(Entries { entries, weight, depth }))
    }

    pub(super) fn faulty() -> Self {
        Self::Unknown(Unknown::Faulty)
    }

    pub(super) fn foreign(expression: impl AsRef<str>) -> Self {
        Self::Unknown(Unknown::Foreign(Rc::from(expression.as_ref())))
    }

    /// How much work it is to walk the value.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text_weight(text),
            Self::List(items) | Self::Set(items) => items.weight,
            Self::Map(entries) => entries.weight,
            _ => 1,
        }
    }

    /// How deep lists and maps stand within each other.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::List(items) | Self::Set(items) => items.depth,
            Self::Map(entries) => entries.depth,
            Self::Object(handle) => match &**handle {
                Handle::Resource(ResourceHandle { key: Key::Each { value, .. }, .. }) => 1 + value.depth(),
                _ => 1,
            },
            _ => 0,
        }
    }

    /// The elements of a list or set.
    pub(super) fn items(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Set(items) => Some(&items.items),
            _ => None,
        }
    }

    /// The entries of a map.
    pub(super) fn entries(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(entries) => Some(&entries.entries),
            _ => None,
        }
    }

    /// A string, number, boolean or id as text, as Terraform converts it.
    pub(super) fn to_text(&self) -> Option<Rc<str>> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(Rc::from(number.to_string())),
            Self::Bool(flag) => Some(Rc::from(if *flag { "true" } else { "false" })),
            Self::Id(id) => Some(Rc::from(id.name.as_str())),
            _ => None,
        }
    }

    /// A boolean, or the text `true` or `false`.
    pub(super) fn to_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            Self::Text(text) => match &**text {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// A number, or a text that reads as one.
    pub(super) fn to_number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => Number::parse(text),
            _ => None,
        }
    }

    /// The first unknown within, if there is one.
    pub(super) fn first_unknown(&self) -> Option<&Unknown> {
        match self {
            Self::Unknown(unknown) => Some(unknown),
            Self::List(items) | Self::Set(items) => items.items.iter().find_map(Value::first_unknown),
            Self::Map(entries) => entries.entries.values().find_map(Value::first_unknown),
            _ => None,
        }
    }

    /// Whether a fault was reported in it.
    pub(super) fn is_faulty(&self) -> bool {
        match self {
            Self::Unknown(unknown) => matches!(unknown, Unknown::Faulty),
            Self::List(items) | Self::Set(items) => items.items.iter().any(Value::is_faulty),
            Self::Map(entries) => entries.entries.values().any(Value::is_faulty),
            _ => false,
        }
    }

    /// What to call it in a message: never its contents, which may be secret.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "an unknown value",
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Id(_) => "the id of a resource",
            Self::Object(_) => "a whole resource",
        }
    }

    /// Terraform's equality: no conversion between types.
    pub(super) fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Id(a), Self::Id(b)) => a == b,
            (Self::Id(id), Self::Text(text)) | (Self::Text(text), Self::Id(id)) => id.name == **text,
            (Self::List(a), Self::List(b)) | (Self::Set(a), Self::Set(b)) => {
                a.items.len() == b.items.len() && a.items.iter().zip(&b.items).all(|(a, b)| a.same(b))
            }
            (Self::Map(a), Self::Map(b)) => {
                a.entries.len() == b.entries.len()
                    && a.entries.iter().zip(&b.entries).all(|((ka, a), (kb, b))| ka == kb && a.same(b))
            }
            (Self::Object(a), Self::Object(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// An order that puts numbers by size and text by letters; other values stay in the order they came in.
    pub(super) fn order(&self, other: &Value) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.order(*b),
            _ => match (self.to_text(), other.to_text()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => std::cmp::Ordering::Equal,
            },
        }
    }
}

impl Items {
    fn new(items: Vec<Value>) -> Self {
        let weight = items.iter().map(Value::weight).fold(1, usize::saturating_add);
        let depth = 1 + items.iter().map(Value::depth).max().unwrap_or(0);
        Self { items, weight, depth }
    }
}

/// What a text of so many bytes weighs.
pub(super) fn text_weight(text: &str) -> usize {
    1 + text.len() / BYTES_PER_NODE
}

/// Says what is not known.
impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign(expression) => write!(f, "`{expression}` is known only after `terraform apply`"),
            Self::Faulty => f.write_str("the value is faulty"),
        }
    }
}
