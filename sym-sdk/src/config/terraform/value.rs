//! Values of expressions, and references to instances.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use unicode_normalization::UnicodeNormalization;

use super::module::BlockDecl;
use super::number::Number;
use super::types::Type;

/// The maximal weight of a value, in nodes. Shared parts count each time, which bounds the cost of walking a value.
pub(super) const MAX_WEIGHT: usize = 200_000;

/// The maximal nesting of lists and maps: deeper ones would overflow the stack when they are walked or dropped.
pub(super) const MAX_NESTING: usize = 128;

/// The number of bytes of text that weigh as much as one node.
const BYTES_PER_NODE: usize = 32;

/// A value of Terraform's expression language. Cloning is cheap: everything large is shared.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A value that is known only after apply, or that is invalid.
    Unknown(Unknown),
    /// The absence of a value of a type.
    Null(Type),
    Bool(bool),
    Number(Number),
    /// A string in Unicode's normalization form C.
    Text(Rc<str>),
    /// A list or tuple: see [`Items::element`].
    List(Rc<Items>),
    /// A set: sorted, without duplicates.
    Set(Rc<Items>),
    /// A map or object: see [`Entries::element`].
    Map(Rc<Entries>),
    /// The `id` of a Sym resource. As text it is the name that the resource declares.
    Id(Rc<Id>),
    /// A whole resource or module, whose attributes are evaluated on demand.
    Object(Rc<InstanceRef>),
}

/// The reason why a value is unknown.
#[derive(Clone, Debug)]
pub(super) enum Unknown {
    /// Only another provider can supply the value of this expression.
    AfterApply(Rc<Deferred>),
    /// An error was reported for it, so nothing that depends on it is reported again.
    Invalid,
}

/// An expression whose value only another provider can supply.
#[derive(Debug)]
pub(super) struct Deferred {
    pub(super) expression: Rc<str>,
    /// The type of the value, as far as it is known.
    pub(super) kind: Type,
}

/// Elements with their weight.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) items: Vec<Value>,
    /// The type of the elements of a list or set; `None` for a tuple.
    pub(super) element: Option<Type>,
    weight: usize,
    depth: usize,
}

/// Entries with their weight.
#[derive(Debug)]
pub(super) struct Entries {
    pub(super) entries: BTreeMap<String, Value>,
    /// The type of the values of a map; `None` for an object.
    pub(super) element: Option<Type>,
    weight: usize,
    depth: usize,
}

/// The identity of a Sym resource.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    /// The resource's type, such as `sym_target`.
    pub(super) resource: String,
    /// The address, such as `module.prod.sym_target.admin`.
    pub(super) address: String,
    /// The attribute `type`, if the resource has one.
    pub(super) kind: Option<String>,
    /// The declared name, or the one derived from the address.
    pub(super) name: String,
}

/// A reference to one instance of a resource, a data source or a module.
#[derive(Debug)]
pub(super) enum InstanceRef {
    Resource(ResourceInstance),
    /// A module, by its number among all instances.
    Module {
        number: usize,
        reference: String,
    },
}

/// One instance of a resource or data source.
#[derive(Debug)]
pub(super) struct ResourceInstance {
    /// The number of the module instance that it belongs to.
    pub(super) module: usize,
    pub(super) declared: Rc<BlockDecl>,
    pub(super) key: InstanceKey,
    /// The full address, such as `module.prod.sym_target.admin["eu"]`.
    pub(super) address: String,
}

/// The key of an instance: the values of `count.index` and `each` in its block.
#[derive(Clone, Debug, Default)]
pub(super) enum InstanceKey {
    #[default]
    Only,
    Index(usize),
    Each {
        key: String,
        value: Value,
    },
}

impl InstanceKey {
    /// Returns the suffix of an address: `[0]` or `["eu"]`.
    pub(super) fn suffix(&self) -> String {
        match self {
            Self::Only => String::new(),
            Self::Index(index) => format!("[{index}]"),
            Self::Each { key, .. } => format!("[{key:?}]"),
        }
    }

    /// Returns the key as part of a derived name.
    pub(super) fn segment(&self) -> Option<String> {
        match self {
            Self::Only => None,
            Self::Index(index) => Some(index.to_string()),
            Self::Each { key, .. } => Some(key.clone()),
        }
    }
}

impl Value {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if text.is_ascii() { Self::Text(Rc::from(text)) } else { Self::Text(Rc::from(text.nfc().collect::<String>())) }
    }

    pub(super) fn int(number: usize) -> Self {
        Self::Number(Number::from(number))
    }

    pub(super) fn null() -> Self {
        Self::Null(Type::Any)
    }

    /// Creates a tuple: a sequence whose elements each have a type.
    pub(super) fn tuple(items: Vec<Value>) -> Self {
        Self::List(Rc::new(Items::new(items, None)))
    }

    /// Creates a list, whose elements must have the type.
    pub(super) fn list_of(element: Type, items: Vec<Value>) -> Self {
        Self::List(Rc::new(Items::new(items, Some(element))))
    }

    /// Creates a list of strings.
    pub(super) fn texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::list_of(Type::String, texts.into_iter().map(Value::text).collect())
    }

    /// Creates a set, whose elements must have the type. Sorts them, and removes duplicates.
    pub(super) fn set_of(element: Type, mut items: Vec<Value>) -> Self {
        if matches!(element, Type::String | Type::Number | Type::Bool) {
            items.sort_by(Value::order);
        } else {
            items.sort_by_cached_key(|item| (item.rank(), item.sort_key()));
        }
        items.dedup_by(|a, b| a.same(b));
        Self::Set(Rc::new(Items::new(items, Some(element))))
    }

    /// Creates an object: a map whose entries each have a type.
    pub(super) fn object(entries: BTreeMap<String, Value>) -> Self {
        Self::Map(Rc::new(Entries::new(entries, None)))
    }

    /// Creates a map, whose values must have the type.
    pub(super) fn map_of(element: Type, entries: BTreeMap<String, Value>) -> Self {
        Self::Map(Rc::new(Entries::new(entries, Some(element))))
    }

    pub(super) fn invalid() -> Self {
        Self::Unknown(Unknown::Invalid)
    }

    pub(super) fn after_apply(expression: impl AsRef<str>) -> Self {
        Self::Unknown(Unknown::deferred(&Rc::from(expression.as_ref()), Type::Any))
    }

    /// Returns the type.
    pub(super) fn kind(&self) -> Type {
        match self {
            Self::Unknown(Unknown::AfterApply(deferred)) => deferred.kind.clone(),
            Self::Unknown(Unknown::Invalid) | Self::Object(_) => Type::Any,
            Self::Null(kind) => kind.clone(),
            Self::Bool(_) => Type::Bool,
            Self::Number(_) => Type::Number,
            Self::Text(_) | Self::Id(_) => Type::String,
            Self::List(items) => match &items.element {
                Some(element) => Type::list(element.clone()),
                None => Type::Tuple(items.items.iter().map(Value::kind).collect()),
            },
            Self::Set(items) => Type::set(items.element.clone().unwrap_or(Type::Any)),
            Self::Map(entries) => match &entries.element {
                Some(element) => Type::map(element.clone()),
                None => {
                    let kinds = entries.entries.iter().map(|(key, value)| (key.clone(), value.kind()));
                    Type::Object(Rc::new(kinds.collect()))
                }
            },
        }
    }

    /// Returns the cost of walking the value.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text_weight(text),
            Self::List(items) | Self::Set(items) => items.weight,
            Self::Map(entries) => entries.weight,
            _ => 1,
        }
    }

    /// Returns the nesting of lists and maps.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::List(items) | Self::Set(items) => items.depth,
            Self::Map(entries) => entries.depth,
            Self::Object(instance_ref) => match &**instance_ref {
                InstanceRef::Resource(ResourceInstance { key: InstanceKey::Each { value, .. }, .. }) => {
                    1 + value.depth()
                }
                _ => 1,
            },
            _ => 0,
        }
    }

    /// Returns the elements of a list or set.
    pub(super) fn items(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Set(items) => Some(&items.items),
            _ => None,
        }
    }

    /// Returns the entries of a map.
    pub(super) fn entries(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(entries) => Some(&entries.entries),
            _ => None,
        }
    }

    /// Returns the type of the elements of a list, set or map; `None` for tuples, objects and others.
    pub(super) fn element(&self) -> Option<&Type> {
        match self {
            Self::List(items) | Self::Set(items) => items.element.as_ref(),
            Self::Map(entries) => entries.element.as_ref(),
            _ => None,
        }
    }

    /// Converts a string, number, boolean or id to text, as Terraform does.
    pub(super) fn to_text(&self) -> Option<Rc<str>> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(Rc::from(number.to_string())),
            Self::Bool(flag) => Some(Rc::from(if *flag { "true" } else { "false" })),
            Self::Id(id) => Some(Rc::from(id.name.as_str())),
            _ => None,
        }
    }

    /// Converts a boolean, or the text `true` or `false`, to a boolean.
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

    /// Converts a number, or a text that is one, to a number.
    pub(super) fn to_number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(number.clone()),
            Self::Text(text) => Number::parse(text),
            _ => None,
        }
    }

    /// Returns the first unknown value inside.
    pub(super) fn first_unknown(&self) -> Option<&Unknown> {
        match self {
            Self::Unknown(unknown) => Some(unknown),
            Self::List(items) | Self::Set(items) => items.items.iter().find_map(Value::first_unknown),
            Self::Map(entries) => entries.entries.values().find_map(Value::first_unknown),
            _ => None,
        }
    }

    /// Returns `true` if an error was reported for a part of the value.
    pub(super) fn is_invalid(&self) -> bool {
        match self {
            Self::Unknown(unknown) => matches!(unknown, Unknown::Invalid),
            Self::List(items) | Self::Set(items) => items.items.iter().any(Value::is_invalid),
            Self::Map(entries) => entries.entries.values().any(Value::is_invalid),
            _ => false,
        }
    }

    /// Describes the value in a message: never its contents, which may be secret.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "an unknown value",
            Self::Null(_) => "null",
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

    /// Returns `true` if the value is null.
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }
}

impl Items {
    fn new(items: Vec<Value>, element: Option<Type>) -> Self {
        let weight = items.iter().map(Value::weight).fold(1, usize::saturating_add);
        let depth = 1 + items.iter().map(Value::depth).max().unwrap_or(0);
        Self { items, element, weight, depth }
    }
}

impl Entries {
    fn new(entries: BTreeMap<String, Value>, element: Option<Type>) -> Self {
        let weight = entries.iter().map(|(key, value)| text_weight(key).saturating_add(value.weight()));
        let weight = weight.fold(1, usize::saturating_add);
        let depth = 1 + entries.values().map(Value::depth).max().unwrap_or(0);
        Self { entries, element, weight, depth }
    }
}

impl Unknown {
    /// Creates an unknown value of a type.
    pub(super) fn deferred(expression: &Rc<str>, kind: Type) -> Self {
        Self::AfterApply(Rc::new(Deferred { expression: expression.clone(), kind }))
    }

    /// Returns the same value as the result of an operation that has a type.
    pub(super) fn of_kind(&self, kind: Type) -> Self {
        match self {
            Self::AfterApply(deferred) => Self::deferred(&deferred.expression, kind),
            Self::Invalid => Self::Invalid,
        }
    }
}

impl Deref for Deferred {
    type Target = str;

    fn deref(&self) -> &str {
        &self.expression
    }
}

/// Returns the weight of a text.
pub(super) fn text_weight(text: &str) -> usize {
    1 + text.len() / BYTES_PER_NODE
}

/// Names the expression that is known only after apply.
impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AfterApply(deferred) => write!(f, "`{}` is known only after `terraform apply`", deferred.expression),
            Self::Invalid => f.write_str("the value is invalid"),
        }
    }
}
