//! Functions of lists and maps. See `sets` for those of sets, and `conversions` for those that convert.

use std::collections::{BTreeMap, HashSet};

use unicode_segmentation::UnicodeSegmentation;

use super::super::number::Number;
use super::super::types::Type;
use super::{Arguments, Function, FunctionError, MAX_COMPARED, VARIADIC, Value, has};
use crate::suggest::did_you_mean;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("alltrue", 1, 1, |args| Ok(Value::Bool(flags(args)?.into_iter().all(|flag| flag == Some(true))))),
    Function::new("anytrue", 1, 1, |args| Ok(Value::Bool(flags(args)?.contains(&Some(true))))),
    Function::new("chunklist", 2, 2, chunklist),
    Function::new("coalesce", 1, VARIADIC, coalesce),
    Function::new("coalescelist", 1, VARIADIC, coalescelist),
    Function::new("compact", 1, 1, compact),
    Function::new("concat", 1, VARIADIC, concat),
    Function::new("contains", 2, 2, contains),
    Function::new("distinct", 1, 1, distinct),
    Function::new("element", 2, 2, element),
    Function::new("flatten", 1, 1, flatten),
    Function::new("index", 2, 2, index),
    Function::new("keys", 1, 1, keys),
    Function::new("length", 1, 1, length),
    Function::new("lookup", 2, 3, lookup),
    Function::new("matchkeys", 3, 3, matchkeys),
    Function::new("merge", 0, VARIADIC, merge),
    Function::new("one", 1, 1, one),
    Function::new("range", 1, 3, range),
    Function::new("reverse", 1, 1, reverse),
    Function::new("slice", 3, 3, slice),
    Function::new("sort", 1, 1, sort),
    Function::new("transpose", 1, 1, transpose),
    Function::new("values", 1, 1, values),
    Function::new("zipmap", 2, 2, zipmap),
];

/// The maximal length of a list from `range`, as in Terraform.
const MAX_RANGE: usize = 1_024;

/// Returns the elements of a list of booleans, which may be null.
fn flags(args: &Arguments<'_>) -> Result<Vec<Option<bool>>, FunctionError> {
    let items = args.known(0)?.items();
    let flag = |item: &Value| if item.is_null() { Some(None) } else { item.to_bool().map(Some) };
    let flags = items.and_then(|items| items.iter().map(flag).collect());
    flags.map_or_else(|| args.type_mismatch(0, "a list of booleans"), Ok)
}

/// Creates a sequence like another one: a list of the same type of elements, or a tuple.
fn sequence_like(other: &Value, items: Vec<Value>) -> Value {
    match other.element() {
        Some(element) => Value::list_of(element.clone(), items),
        None => Value::tuple(items),
    }
}

fn chunklist(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let list = args.list(0)?;
    let items = list.items().unwrap_or_default();
    let size = args.index(1)?;
    let size = if size == 0 { items.len().max(1) } else { size };
    let chunks = items.chunks(size).map(|chunk| sequence_like(&list, chunk.to_vec())).collect();
    Ok(Value::list_of(list.kind(), chunks))
}

fn coalesce(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let kinds: Vec<Type> = args.values.iter().map(Value::kind).collect();
    let Some(kind) = Type::unify(&kinds) else {
        return Err(FunctionError::new("all arguments must have one type"));
    };
    let is_filled = |value: &&Value| !value.is_null() && !matches!(value, Value::Text(text) if text.is_empty());
    match args.values.iter().find(is_filled) {
        Some(value) => value.convert(&kind).map_err(FunctionError::new),
        None => Err(FunctionError::new("every argument is null or empty")),
    }
}

fn coalescelist(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    for index in 0..args.len() {
        if !args.items(index)?.is_empty() {
            return Ok(args.get(index).clone());
        }
    }
    Err(FunctionError::new("every list is empty"))
}

fn compact(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let list = args.get(0).convert(&Type::list(Type::String)).map_err(|why| FunctionError::new(why).at(0))?;
    let items = list.items().ok_or_else(|| FunctionError::new("the list must not be null").at(0))?;
    let is_filled = |item: &&Value| !item.is_null() && item.to_text().is_none_or(|text| !text.is_empty());
    Ok(Value::list_of(Type::String, items.iter().filter(is_filled).cloned().collect()))
}

fn concat(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let mut all = Vec::new();
    for list in 0..args.len() {
        all.extend_from_slice(args.sequence(list)?);
    }
    let elements: Option<Vec<&Type>> = args.values.iter().map(Value::element).collect();
    match elements.and_then(Type::unify) {
        Some(element) => Value::unified_list(all, &Type::Any).map(|list| match list.items() {
            Some([]) | None => Value::list_of(element, Vec::new()),
            Some(_) => list,
        }),
        None => Ok(Value::tuple(all)),
    }
    .map_err(FunctionError::new)
}

fn contains(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    if args.get(1).is_null() {
        return args.type_mismatch(1, "a value");
    }
    let found = has(args.items(0)?, args.get(1));
    // An unknown element might be equal to it.
    if !found {
        args.known(0)?;
    }
    Ok(Value::Bool(found))
}

fn distinct(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let list = args.list(0)?;
    let mut seen = HashSet::new();
    let mut compared: Vec<&Value> = Vec::new();
    let mut kept = Vec::new();
    for item in list.items().unwrap_or_default() {
        let new = match item.to_text() {
            Some(text) => seen.insert(text),
            None if compared.len() > MAX_COMPARED => {
                return Err(FunctionError::new(format!("more than {MAX_COMPARED} elements cannot be compared")));
            }
            None => {
                let new = !compared.iter().any(|other| other.same(item));
                if new {
                    compared.push(item);
                }
                new
            }
        };
        if new {
            kept.push(item.clone());
        }
    }
    Ok(sequence_like(&list, kept))
}

fn element(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let items = args.sequence(0)?;
    let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Err(FunctionError::new("the list is empty").at(0));
    }
    let position = usize::try_from(args.whole(1)?.rem_euclid(count)).unwrap_or(0);
    Ok(items.get(position).cloned().unwrap_or(Value::null()))
}

fn flatten(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    fn flatten_into(items: &[Value], flat: &mut Vec<Value>) -> Result<(), FunctionError> {
        for item in items {
            match item {
                Value::Unknown(unknown) => return Err(FunctionError::unknown(unknown)),
                other => match other.items() {
                    Some(inner) => flatten_into(inner, flat)?,
                    None => flat.push(other.clone()),
                },
            }
        }
        Ok(())
    }
    let mut flat = Vec::new();
    flatten_into(args.items(0)?, &mut flat)?;
    Ok(Value::tuple(flat))
}

fn index(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let position = args.sequence(0)?.iter().position(|item| item.same(args.get(1)));
    position.map(Value::int).ok_or_else(|| FunctionError::new("the list does not have this element").at(1))
}

fn keys(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let map = args.map(0)?;
    let keys = map.entries().into_iter().flatten().map(|(key, _)| key);
    Ok(match map.element() {
        Some(_) => Value::texts(keys),
        None => Value::tuple(keys.map(Value::text).collect()),
    })
}

fn values(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let map = args.map(0)?;
    let values = map.entries().into_iter().flatten().map(|(_, value)| value.clone()).collect();
    Ok(sequence_like(&map, values))
}

fn length(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let value = args.get(0);
    let length = match value {
        Value::Text(text) => Some(text.graphemes(true).count()),
        Value::Object(_) => args.map(0)?.entries().map(BTreeMap::len),
        _ => value.items().map(<[Value]>::len).or_else(|| value.entries().map(BTreeMap::len)),
    };
    length.map_or_else(|| args.type_mismatch(0, "a list, set, map or string"), |length| Ok(Value::int(length)))
}

fn lookup(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (map, key) = (args.map(0)?, args.text(1)?);
    let Some(entries) = map.entries() else { return args.type_mismatch(0, "a map") };
    match (entries.get(&*key), map.element()) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(element)) if args.len() == 3 => {
            args.get(2).convert(element).map_err(|why| FunctionError::new(why).at(2))
        }
        (None, _) if args.len() == 3 => Ok(args.get(2).clone()),
        (None, _) => {
            let problem = FunctionError::new(format!("the map has no key {key:?}")).at(1);
            Err(match did_you_mean(&key, entries.keys()) {
                Some(hint) => problem.hint(hint),
                None => problem.hint("pass a default as the third argument"),
            })
        }
    }
}

fn matchkeys(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (values, keys, sought) = (args.list(0)?, args.list(1)?, args.list(2)?);
    let mismatch = || FunctionError::new("the keys and the keys that are sought must have one type");
    let kind = Type::unify([&keys.kind(), &sought.kind()]).ok_or_else(mismatch)?;
    let (keys, sought) = (keys.convert(&kind), sought.convert(&kind));
    let (Ok(keys), Ok(sought)) = (keys, sought) else { return Err(mismatch()) };
    let (items, keys) = (values.items().unwrap_or_default(), keys.items().unwrap_or_default());
    let sought = sought.items().unwrap_or_default();
    if items.len() != keys.len() {
        return Err(FunctionError::new(format!("got {} values and {} keys", items.len(), keys.len())));
    }
    if keys.len().saturating_mul(sought.len()) > MAX_COMPARED * MAX_COMPARED {
        return Err(FunctionError::new(format!("more than {MAX_COMPARED} elements cannot be compared")));
    }
    let matching = items.iter().zip(keys).filter(|(_, key)| has(sought, key)).map(|(item, _)| item.clone());
    Ok(sequence_like(&values, matching.collect()))
}

fn merge(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let mut merged = BTreeMap::new();
    let mut maps = Vec::new();
    for index in (0..args.len()).filter(|index| args.has(*index)) {
        let map = args.map(index)?;
        merged.extend(map.entries().cloned().unwrap_or_default());
        maps.push(map);
    }
    // Maps of one type stay a map.
    let element = maps.first().and_then(Value::element);
    Ok(match element {
        Some(element) if maps.iter().all(|map| map.element() == Some(element)) => {
            Value::map_of(element.clone(), merged)
        }
        _ => Value::object(merged),
    })
}

fn one(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    match args.items(0)? {
        [] => Ok(Value::Null(args.get(0).element().cloned().unwrap_or(Type::Any))),
        [only] => Ok(only.clone()),
        items => Err(FunctionError::new(format!("expected at most one element, got {}", items.len())).at(0)),
    }
}

fn range(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let zero = Number::Whole(0);
    let (start, limit) =
        if args.len() == 1 { (zero.clone(), args.number(0)?) } else { (args.number(0)?, args.number(1)?) };
    let up = start.order(&limit).is_le();
    let step = if args.len() == 3 { args.number(2)? } else { Number::Whole(if up { 1 } else { -1 }) };
    if step == zero || start != limit && step.is_negative() == up {
        return Err(FunctionError::new("the step does not lead to the limit").at(2));
    }
    let (mut items, mut next) = (Vec::new(), start);
    while if up { next.order(&limit).is_lt() } else { next.order(&limit).is_gt() } {
        if items.len() >= MAX_RANGE {
            return Err(FunctionError::new(format!("the list would have more than {MAX_RANGE} elements")));
        }
        items.push(Value::Number(next.clone()));
        next = next.add(&step).ok_or_else(|| FunctionError::new("the numbers are too large"))?;
    }
    Ok(Value::list_of(Type::Number, items))
}

fn reverse(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    Ok(sequence_like(args.get(0), args.items(0)?.iter().rev().cloned().collect()))
}

fn slice(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let items = args.sequence(0)?;
    let (start, end) = (args.index(1)?, args.index(2)?);
    match items.get(start..end) {
        Some(slice) => Ok(sequence_like(args.get(0), slice.to_vec())),
        None => Err(FunctionError::new(format!("expected a start and an end within the {} elements", items.len()))),
    }
}

fn sort(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let mut texts = args.texts(0)?;
    texts.sort();
    Ok(Value::texts(texts))
}

fn transpose(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let kind = Type::map(Type::list(Type::String));
    let map = args.map(0)?.convert(&kind).map_err(|why| FunctionError::new(why).at(0))?;
    let mut transposed: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (key, values) in map.entries().into_iter().flatten() {
        // One text, which its copies share.
        let key = Value::text(key);
        for value in values.items().unwrap_or_default() {
            match value {
                Value::Unknown(unknown) => return Err(FunctionError::unknown(unknown)),
                value => match value.to_text() {
                    Some(text) => transposed.entry(text.to_string()).or_default().push(key.clone()),
                    None => return args.type_mismatch(0, "a map of lists of strings"),
                },
            }
        }
    }
    let lists = transposed.into_iter().map(|(key, items)| (key, Value::list_of(Type::String, items)));
    Ok(Value::map_of(Type::list(Type::String), lists.collect()))
}

fn zipmap(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (keys, values) = (args.texts(0)?, args.sequence(1)?);
    if keys.len() != values.len() {
        return Err(FunctionError::new(format!("got {} keys and {} values", keys.len(), values.len())));
    }
    let entries = keys.iter().map(|key| key.to_string()).zip(values.iter().cloned()).collect();
    Ok(match args.get(1).element() {
        Some(element) => Value::map_of(element.clone(), entries),
        None => Value::object(entries),
    })
}
