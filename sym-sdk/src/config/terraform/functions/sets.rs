//! Functions of sets. Each takes lists too, whose elements get one type.

use super::super::types::Type;
use super::{Arguments, Function, FunctionError, MAX_COMPARED, VARIADIC, Value, check_elements, has};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("setintersection", 1, VARIADIC, |args| {
        combine(args, |kept, other| kept.retain(|item| has(other, item)))
    }),
    Function::new("setproduct", 2, VARIADIC, setproduct),
    Function::new("setsubtract", 2, 2, |args| combine(args, |kept, other| kept.retain(|item| !has(other, item)))),
    Function::new("setunion", 1, VARIADIC, |args| combine(args, |kept, other| kept.extend_from_slice(other))),
];

fn combine(args: &Arguments<'_>, with: fn(&mut Vec<Value>, &[Value])) -> Result<Value, FunctionError> {
    let mut sets = Vec::new();
    for index in 0..args.len() {
        args.items(index)?;
        sets.push(args.known(index)?.to_set().map_err(|why| FunctionError::new(why).at(index))?);
    }
    let mismatch = || FunctionError::new("the elements of the sets must have one type");
    let elements: Vec<&Type> = sets.iter().filter_map(Value::element).collect();
    let element = Type::unify(elements).ok_or_else(mismatch)?;
    let kind = Type::set(element.clone());
    let sets: Result<Vec<Value>, String> = sets.iter().map(|set| set.convert(&kind)).collect();
    let sets = sets.map_err(|_| mismatch())?;
    let mut sets = sets.iter().map(|set| set.items().unwrap_or_default());
    let mut kept = sets.next().unwrap_or_default().to_vec();
    for other in sets {
        if kept.len().saturating_mul(other.len()) > MAX_COMPARED * MAX_COMPARED {
            return Err(FunctionError::new(format!("sets of more than {MAX_COMPARED} elements cannot be compared")));
        }
        with(&mut kept, other);
    }
    Ok(Value::set_of(element, kept))
}

fn setproduct(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let mut product: Vec<Vec<Value>> = vec![Vec::new()];
    let mut kinds = Vec::new();
    for index in 0..args.len() {
        args.items(index)?;
        let list = match args.get(index) {
            set @ Value::Set(_) => set.clone(),
            other => other.to_list().map_err(|why| FunctionError::new(why).at(index))?,
        };
        let items = list.items().unwrap_or_default();
        kinds.push(list.element().cloned().unwrap_or(Type::Any));
        check_elements(product.len().saturating_mul(items.len()).saturating_mul(index + 2))?;
        product = product
            .iter()
            .flat_map(|tuple| items.iter().map(|item| tuple.iter().chain([item]).cloned().collect()))
            .collect();
    }
    let (element, tuples) = (Type::Tuple(kinds.into()), product.into_iter().map(Value::tuple).collect());
    Ok(if args.values.iter().all(|value| matches!(value, Value::Set(_))) {
        Value::set_of(element, tuples)
    } else {
        Value::list_of(element, tuples)
    })
}
