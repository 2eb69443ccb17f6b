//! Functions of lists, sets and maps, and conversions.

use std::collections::{BTreeMap, HashSet};

use super::{Arguments, Function, FunctionError, VARIADIC, Value, check_size};
use crate::suggest::did_you_mean;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("alltrue", 1, 1, |args| Ok(Value::Bool(flags(args)?.into_iter().all(|flag| flag)))),
    Function::new("anytrue", 1, 1, |args| Ok(Value::Bool(flags(args)?.into_iter().any(|flag| flag)))),
    Function::new("chunklist", 2, 2, chunklist),
    Function::new("coalesce", 1, VARIADIC, coalesce),
    Function::new("coalescelist", 1, VARIADIC, coalescelist),
    Function::new("compact", 1, 1, compact),
    Function::new("concat", 1, VARIADIC, concat),
    Function::new("contains", 2, 2, contains),
    Function::new("distinct", 1, 1, |args| Ok(Value::list(distinct(args.items(0)?)?))),
    Function::new("element", 2, 2, element),
    Function::new("flatten", 1, 1, flatten),
    Function::new("index", 2, 2, index),
    Function::new("keys", 1, 1, |args| Ok(Value::list(args.entries(0)?.keys().map(Value::text).collect()))),
    Function::new("length", 1, 1, length),
    Function::new("lookup", 2, 3, lookup),
    Function::new("merge", 0, VARIADIC, merge),
    Function::new("one", 1, 1, one),
    Function::new("range", 1, 3, range),
    Function::new("reverse", 1, 1, |args| Ok(Value::list(args.items(0)?.iter().rev().cloned().collect()))),
    Function::new("setintersection", 1, VARIADIC, |args| {
        combine(args, |kept, other| kept.retain(|item| has(other, item)))
    }),
    Function::new("setproduct", 1, VARIADIC, setproduct),
    Function::new("setsubtract", 2, 2, |args| combine(args, |kept, other| kept.retain(|item| !has(other, item)))),
    Function::new("setunion", 1, VARIADIC, |args| combine(args, |kept, other| kept.extend_from_slice(other))),
    Function::new("slice", 3, 3, slice),
    Function::new("sort", 1, 1, sort),
    Function::new("tobool", 1, 1, |args| convert(args, "a boolean", |value| value.to_bool().map(Value::Bool))),
    Function::new("tolist", 1, 1, |args| {
        convert(args, "a list or set", |value| value.items().map(|items| Value::list(items.to_vec())))
    }),
    Function::new("tomap", 1, 1, |args| Ok(Value::map(args.entries(0)?))),
    Function::new("tonumber", 1, 1, |args| convert(args, "a number", |value| value.to_number().map(Value::Number))),
    Function::new("toset", 1, 1, |args| {
        convert(args, "a list or set", |value| value.items().map(|items| Value::set(items.to_vec())))
    }),
    Function::new("tostring", 1, 1, |args| {
        convert(args, "a string", |value| match value {
            Value::Id(_) => Some(value.clone()),
            other => other.to_text().map(Value::Text),
        })
    }),
    Function::new("values", 1, 1, |args| Ok(Value::list(args.entries(0)?.into_values().collect()))),
    Function::new("zipmap", 2, 2, zipmap),
];

/// The maximal number of elements that are compared pairwise.
const MAX_COMPARED: usize = 2_000;

/// The maximal length of a list from `range`, as in Terraform.
const MAX_RANGE: usize = 1_024;

fn convert(args: &Arguments<'_>, expected: &str, to: fn(&Value) -> Option<Value>) -> Result<Value, FunctionError> {
    match args.get(0) {
        Value::Null => Ok(Value::Null),
        value => to(value).map_or_else(|| args.type_mismatch(0, expected), Ok),
    }
}

fn flags(args: &Arguments<'_>) -> Result<Vec<bool>, FunctionError> {
    let flags = args.known(0)?.items().map(|items| items.iter().map(Value::to_bool).collect::<Option<Vec<bool>>>());
    flags.flatten().map_or_else(|| args.type_mismatch(0, "a list of booleans"), Ok)
}

fn chunklist(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let size = usize::try_from(args.whole(1)?).unwrap_or(0);
    let items = args.items(0)?;
    let size = if size == 0 { items.len().max(1) } else { size };
    Ok(Value::list(items.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect()))
}

fn coalesce(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let empty =
        |value: &&Value| !matches!(value, Value::Null) && !matches!(value, Value::Text(text) if text.is_empty());
    args.values.iter().find(empty).cloned().ok_or_else(|| FunctionError::new("every argument is null or empty"))
}

fn coalescelist(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let filled = args.values.iter().find(|value| value.items().is_some_and(|items| !items.is_empty()));
    filled.cloned().ok_or_else(|| FunctionError::new("every list is empty"))
}

fn compact(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let empty = |item: &&Value| !matches!(item, Value::Null) && !matches!(item, Value::Text(text) if text.is_empty());
    Ok(Value::list(args.items(0)?.iter().filter(empty).cloned().collect()))
}

fn concat(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let mut all = Vec::new();
    for list in 0..args.len() {
        all.extend_from_slice(args.items(list)?);
    }
    Ok(Value::list(all))
}

fn contains(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let found = has(args.items(0)?, args.get(1));
    // An unknown element might be equal to it.
    if !found {
        args.known(0)?;
    }
    Ok(Value::Bool(found))
}

fn has(items: &[Value], sought: &Value) -> bool {
    items.iter().any(|item| item.same(sought))
}

fn distinct(items: &[Value]) -> Result<Vec<Value>, FunctionError> {
    let mut seen = HashSet::new();
    let mut compared: Vec<&Value> = Vec::new();
    let mut kept = Vec::new();
    for item in items {
        let new = match item.to_text() {
            Some(text) => seen.insert((item.describe(), text)),
            None if compared.len() > MAX_COMPARED => return Err(FunctionError::new("the list is too long to compare")),
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
    Ok(kept)
}

fn element(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let items = args.items(0)?;
    let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Err(FunctionError::new("the list is empty").at(0));
    }
    let position = usize::try_from(args.whole(1)?.rem_euclid(count)).unwrap_or(0);
    Ok(items.get(position).cloned().unwrap_or(Value::Null))
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
    Ok(Value::list(flat))
}

fn index(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let position = args.items(0)?.iter().position(|item| item.same(args.get(1)));
    position.map(Value::int).ok_or_else(|| FunctionError::new("the list does not have this element").at(1))
}

fn length(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let value = args.get(0);
    let length = match value {
        Value::Text(text) => Some(text.chars().count()),
        Value::Object(_) => Some(args.entries(0)?.len()),
        _ => value.items().map(<[Value]>::len).or_else(|| value.entries().map(BTreeMap::len)),
    };
    length.map_or_else(|| args.type_mismatch(0, "a list, set, map or string"), |length| Ok(Value::int(length)))
}

fn lookup(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (entries, key) = (args.entries(0)?, args.text(1)?);
    match entries.get(&*key) {
        Some(value) => Ok(value.clone()),
        None if args.len() == 3 => Ok(args.get(2).clone()),
        None => {
            let problem = FunctionError::new(format!("the map has no key {key:?}")).at(1);
            Err(match did_you_mean(&key, entries.keys()) {
                Some(hint) => problem.hint(hint),
                None => problem.hint("pass a default as the third argument"),
            })
        }
    }
}

fn merge(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let mut merged = BTreeMap::new();
    for map in 0..args.len() {
        if args.has(map) {
            merged.extend(args.entries(map)?);
        }
    }
    Ok(Value::map(merged))
}

fn one(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    match args.items(0)? {
        [] => Ok(Value::Null),
        [only] => Ok(only.clone()),
        items => Err(FunctionError::new(format!("expected at most one element, got {}", items.len())).at(0)),
    }
}

fn range(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (start, limit) = if args.len() == 1 {
        (super::super::number::Number::Whole(0), args.number(0)?)
    } else {
        (args.number(0)?, args.number(1)?)
    };
    let up = start.order(limit).is_le();
    let step = if args.has(2) { args.number(2)? } else { super::super::number::Number::Whole(if up { 1 } else { -1 }) };
    if (step.as_f64() > 0.0) != up && start != limit || step.as_f64() == 0.0 {
        return Err(FunctionError::new("the step does not lead to the limit").at(2));
    }
    let (mut items, mut next) = (Vec::new(), start);
    while if up { next.order(limit).is_lt() } else { next.order(limit).is_gt() } {
        if items.len() >= MAX_RANGE {
            return Err(FunctionError::new(format!("the list would have more than {MAX_RANGE} elements")));
        }
        items.push(Value::Number(next));
        next = next.add(step).ok_or_else(|| FunctionError::new("the numbers are too large"))?;
    }
    Ok(Value::list(items))
}

fn combine(args: &Arguments<'_>, with: fn(&mut Vec<Value>, &[Value])) -> Result<Value, FunctionError> {
    let mut kept = args.items(0)?.to_vec();
    for list in 1..args.len() {
        let other = args.items(list)?;
        if kept.len().saturating_mul(other.len()) > MAX_COMPARED * MAX_COMPARED {
            return Err(FunctionError::new("the sets are too large to compare"));
        }
        with(&mut kept, other);
    }
    Ok(Value::set(kept))
}

fn setproduct(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let mut product: Vec<Vec<Value>> = vec![Vec::new()];
    for list in 0..args.len() {
        let items = args.items(list)?;
        check_size(product.len().saturating_mul(items.len()).saturating_mul(32 * (list + 1)))?;
        product = product
            .iter()
            .flat_map(|tuple| items.iter().map(|item| tuple.iter().chain([item]).cloned().collect()))
            .collect();
    }
    Ok(Value::list(product.into_iter().map(Value::list).collect()))
}

fn slice(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let items = args.items(0)?;
    let (start, end) = (usize::try_from(args.whole(1)?), usize::try_from(args.whole(2)?));
    match (start, end) {
        (Ok(start), Ok(end)) if start <= end && end <= items.len() => {
            Ok(Value::list(items.get(start..end).unwrap_or_default().to_vec()))
        }
        _ => Err(FunctionError::new(format!("expected a start and an end within the {} elements", items.len()))),
    }
}

fn sort(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let mut texts = args.texts(0)?;
    texts.sort();
    Ok(Value::list(texts.into_iter().map(Value::Text).collect()))
}

fn zipmap(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (keys, values) = (args.texts(0)?, args.items(1)?);
    if keys.len() != values.len() {
        return Err(FunctionError::new(format!("got {} keys and {} values", keys.len(), values.len())));
    }
    Ok(Value::map(keys.iter().map(|key| key.to_string()).zip(values.iter().cloned()).collect()))
}
