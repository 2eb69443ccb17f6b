//! Functions of numbers.

use super::super::number::Number;
use super::{Arguments, Function, FunctionError, VARIADIC, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abs", 1, 1, |args| {
        let number = args.number(0)?;
        if number.as_f64() < 0.0 { result(number.negate()) } else { Ok(Value::Number(number)) }
    }),
    Function::new("ceil", 1, 1, |args| rounded(args, f64::ceil)),
    Function::new("floor", 1, 1, |args| rounded(args, f64::floor)),
    Function::new("max", 1, VARIADIC, |args| extreme(args, |a, b| a.order(b).is_gt())),
    Function::new("min", 1, VARIADIC, |args| extreme(args, |a, b| a.order(b).is_lt())),
    Function::new("parseint", 2, 2, parseint),
    Function::new("pow", 2, 2, |args| result(Number::real(args.number(0)?.as_f64().powf(args.number(1)?.as_f64())))),
    Function::new("signum", 1, 1, |args| {
        let sign = args.number(0)?.order(Number::Whole(0)) as i64;
        Ok(Value::Number(Number::Whole(sign)))
    }),
    Function::new("sum", 1, 1, sum),
];

fn result(number: Option<Number>) -> Result<Value, FunctionError> {
    number.map(Value::Number).ok_or_else(|| FunctionError::new("the result is out of range"))
}

fn rounded(args: &Arguments<'_>, round: fn(f64) -> f64) -> Result<Value, FunctionError> {
    match args.number(0)? {
        whole @ Number::Whole(_) => Ok(Value::Number(whole)),
        Number::Real(real) => result(Number::real(round(real))),
    }
}

fn extreme(args: &Arguments<'_>, better: fn(Number, Number) -> bool) -> Result<Value, FunctionError> {
    let mut best = args.number(0)?;
    for index in 1..args.len() {
        let number = args.number(index)?;
        if better(number, best) {
            best = number;
        }
    }
    Ok(Value::Number(best))
}

fn parseint(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (text, base) = (args.text(0)?, args.whole(1)?);
    let base = u32::try_from(base).ok().filter(|base| (2..=36).contains(base));
    let Some(base) = base else { return Err(FunctionError::new("expected a base from 2 to 36").at(1)) };
    match i64::from_str_radix(&text, base) {
        Ok(whole) => Ok(Value::Number(Number::Whole(whole))),
        Err(_) => Err(FunctionError::new(format!("{text:?} is not a whole number of base {base}")).at(0)),
    }
}

fn sum(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let mut sum = Number::Whole(0);
    for item in args.items(0)? {
        let number = match item {
            Value::Unknown(unknown) => return Err(FunctionError::unknown(unknown)),
            item => item.to_number(),
        };
        let Some(number) = number else {
            return Err(
                FunctionError::new(format!("expected a list of numbers, found {} in it", item.describe())).at(0)
            );
        };
        sum = match sum.add(number) {
            Some(sum) => sum,
            None => return result(None),
        };
    }
    Ok(Value::Number(sum))
}
