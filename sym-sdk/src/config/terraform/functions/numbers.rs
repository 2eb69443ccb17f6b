//! Functions of numbers.

use num_bigint::{BigInt, Sign};

use super::super::number::Number;
use super::{Arguments, Function, FunctionError, VARIADIC, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abs", 1, 1, |args| {
        let number = args.number(0)?;
        if number.is_negative() { result(number.negate()) } else { Ok(Value::Number(number)) }
    }),
    Function::new("ceil", 1, 1, |args| {
        result(args.number(0)?.negate().and_then(|number| number.floor()).and_then(|number| number.negate()))
    }),
    Function::new("floor", 1, 1, |args| result(args.number(0)?.floor())),
    Function::new("log", 2, 2, |args| {
        result(Number::double(args.number(0)?.as_f64().ln() / args.number(1)?.as_f64().ln()))
    }),
    Function::new("max", 1, VARIADIC, |args| extreme(args, |a, b| a.order(b).is_gt())),
    Function::new("min", 1, VARIADIC, |args| extreme(args, |a, b| a.order(b).is_lt())),
    Function::new("parseint", 2, 2, parseint),
    Function::new("pow", 2, 2, |args| result(Number::double(pow(args.number(0)?.as_f64(), args.number(1)?.as_f64())))),
    Function::new("signum", 1, 1, |args| match args.number(0)?.as_big() {
        Some(whole) => Ok(Value::Number(Number::Whole(match whole.sign() {
            Sign::Minus => -1,
            Sign::NoSign => 0,
            Sign::Plus => 1,
        }))),
        None => args.type_mismatch(0, "a whole number"),
    }),
    Function::new("sum", 1, 1, sum),
];

fn result(number: Option<Number>) -> Result<Value, FunctionError> {
    number.map(Value::Number).ok_or_else(|| FunctionError::new("the result is out of range: numbers are below 2^1024"))
}

/// Raises to a power. A whole power is multiplied in the order of Go, whose last digit differs from that of other libraries.
fn pow(base: f64, power: f64) -> f64 {
    const MAX_POWER: f64 = 1e6;
    if power.fract() != 0.0 || power.abs() > MAX_POWER || base == 0.0 || !base.is_normal() {
        return base.powf(power);
    }
    let (mut fraction, mut exponent) = (base, 0_i32);
    while fraction.abs() >= 1.0 {
        fraction /= 2.0;
        exponent += 1;
    }
    while fraction.abs() < 0.5 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let (mut product, mut product_exponent) = (1.0_f64, 0_i32);
    let mut left = power.abs() as u32;
    while left != 0 {
        if exponent.abs() > 1 << 12 {
            // Beyond the range, whatever follows.
            product_exponent = product_exponent.saturating_add(exponent);
            break;
        }
        if left & 1 == 1 {
            product *= fraction;
            product_exponent = product_exponent.saturating_add(exponent);
        }
        fraction *= fraction;
        exponent *= 2;
        if fraction < 0.5 {
            fraction += fraction;
            exponent -= 1;
        }
        left >>= 1;
    }
    if power < 0.0 {
        product = 1.0 / product;
        product_exponent = product_exponent.saturating_neg();
    }
    let half = product_exponent / 2;
    product * 2_f64.powi(half) * 2_f64.powi(product_exponent - half)
}

fn extreme(args: &Arguments<'_>, better: fn(&Number, &Number) -> bool) -> Result<Value, FunctionError> {
    let mut best = args.number(0)?;
    for index in 1..args.len() {
        let number = args.number(index)?;
        if better(&number, &best) {
            best = number;
        }
    }
    Ok(Value::Number(best))
}

/// The maximal number of digits that `parseint` takes: no number of more is in range.
const MAX_DIGITS: usize = 1_100;

fn parseint(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let Value::Text(text) = args.get(0) else { return args.type_mismatch(0, "a string") };
    let base = args.whole(1)?;
    let Some(base) = u32::try_from(base).ok().filter(|base| (2..=62).contains(base)) else {
        return Err(FunctionError::new("expected a base from 2 to 62").at(1));
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (Sign::Minus, digits),
        None => (Sign::Plus, text.strip_prefix('+').unwrap_or(text)),
    };
    // In bases beyond 36, small letters come before capital ones.
    let digit = |c: char| match c {
        'A'..='Z' if base > 36 => Some(36 + (c as u32 - 'A' as u32)),
        _ => c.to_digit(36),
    };
    let mut whole = BigInt::ZERO;
    let is_valid = !digits.is_empty()
        && digits.len() <= MAX_DIGITS
        && digits.chars().all(|c| match digit(c).filter(|digit| *digit < base) {
            Some(digit) => {
                whole = &whole * base + digit;
                true
            }
            None => false,
        });
    if !is_valid {
        return Err(FunctionError::new(format!("expected a whole number of base {base}")).at(0));
    }
    result(Number::whole(if sign == Sign::Minus { -whole } else { whole }))
}

fn sum(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let items = args.items(0)?;
    if items.is_empty() {
        return Err(FunctionError::new("the list is empty").at(0));
    }
    let mut sum = Number::Whole(0);
    for item in items {
        let number = match item {
            Value::Unknown(unknown) => return Err(FunctionError::unknown(unknown)),
            item => item.to_number(),
        };
        let Some(number) = number else {
            return Err(
                FunctionError::new(format!("expected a list of numbers, found {} in it", item.describe())).at(0)
            );
        };
        sum = match sum.add(&number) {
            Some(sum) => sum,
            None => return result(None),
        };
    }
    Ok(Value::Number(sum))
}
