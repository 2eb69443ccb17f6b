//! `format` and `formatlist`, with the verbs of Go and Terraform's `%v` and `%q`.

use std::iter::Peekable;
use std::str::Chars;

use num_bigint::BigInt;
use unicode_segmentation::UnicodeSegmentation;

use super::super::number::Number;
use super::super::types::Type;
use super::json::{encode, write_string};
use super::{Arguments, Function, FunctionError, VARIADIC, Value, check_elements, check_size};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("format", 1, VARIADIC, |args| {
        Ok(Value::text(format(&args.text(0)?, args.values.get(1..).unwrap_or_default())?))
    }),
    Function::new("formatlist", 1, VARIADIC, formatlist),
];

/// The maximal width and precision.
const MAX_WIDTH: usize = 1_000;

/// One verb, such as `%-05.2f`.
#[derive(Default)]
struct Verb {
    left: bool,
    zeros: bool,
    plus: bool,
    space: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
    /// The number of the value, from 1, if it is given.
    argument: Option<usize>,
    letter: char,
}

impl Verb {
    /// Parses the part of a verb after the `%`.
    fn parse(chars: &mut Peekable<Chars<'_>>) -> Result<Self, FunctionError> {
        let mut verb = Self::default();
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '0' | '+' | ' ' | '#')) {
            match flag {
                '-' => verb.left = true,
                '0' => verb.zeros = true,
                '+' => verb.plus = true,
                ' ' => verb.space = true,
                _ => verb.sharp = true,
            }
        }
        verb.width = digits(chars)?.unwrap_or(0);
        if chars.next_if_eq(&'.').is_some() {
            verb.precision = Some(digits(chars)?.unwrap_or(0));
        }
        if chars.next_if_eq(&'[').is_some() {
            verb.argument = digits(chars)?.filter(|number| *number > 0);
            if verb.argument.is_none() || chars.next_if_eq(&']').is_none() {
                return Err(FunctionError::new("expected the number of a value, such as `[1]`").at(0));
            }
        }
        verb.letter = chars.next().ok_or_else(|| FunctionError::new("the format ends inside a verb").at(0))?;
        Ok(verb)
    }

    fn write(&self, value: &Value) -> Result<String, FunctionError> {
        let type_mismatch = |expected: &str| match value {
            Value::Unknown(unknown) => FunctionError::unknown(unknown),
            other => FunctionError::new(format!("`%{}`: expected {expected}, got {}", self.letter, other.describe())),
        };
        let text = || value.to_text().ok_or_else(|| type_mismatch("a string"));
        let number = || value.to_number().ok_or_else(|| type_mismatch("a number"));
        let whole = || number()?.as_big().ok_or_else(|| type_mismatch("a whole number"));
        let decimal = |write: &dyn Fn(&Number) -> String| {
            number().map(|number| self.signed(number.is_negative(), &write(&number)))
        };
        let written = match self.letter {
            'v' => return self.write_any(value),
            't' => return Ok(value.to_bool().ok_or_else(|| type_mismatch("a boolean"))?.to_string()),
            's' => match (self.precision, text()?) {
                // As in Terraform, no precision is zero.
                (Some(precision), text) if precision > 0 => text.graphemes(true).take(precision).collect(),
                (_, text) => text.to_string(),
            },
            'q' => {
                let mut quoted = String::new();
                write_string(&text()?, &mut quoted);
                quoted
            }
            'd' => self.whole(&whole()?, 10, ""),
            'b' => self.whole(&whole()?, 2, "0b"),
            'o' => self.whole(&whole()?, 8, "0"),
            'x' => self.whole(&whole()?, 16, "0x"),
            'X' => self.whole(&whole()?, 16, "0x").to_uppercase(),
            'f' => {
                let places = self.precision.unwrap_or(6);
                decimal(&|number| {
                    let exact = number.decimal();
                    exact.clone().round(exact.places(places)).fixed(Some(places))
                })?
            }
            'e' | 'E' => {
                let places = self.precision.unwrap_or(6);
                let kept = i64::try_from(places).unwrap_or(i64::MAX).saturating_add(1);
                self.cased(decimal(&|number| number.decimal().round(kept).scientific(Some(places)))?)
            }
            'g' | 'G' => self.cased(decimal(&|number| match self.precision {
                Some(precision) => {
                    let kept = i64::try_from(precision.max(1)).unwrap_or(i64::MAX);
                    number.decimal().round(kept).general(Some(precision))
                }
                None => number.shortest().general(None),
            })?),
            other => return Err(FunctionError::unsupported(format!("the verb `%{other}` is not supported")).at(0)),
        };
        Ok(self.pad(&written))
    }

    /// Writes a value in its usual form: strings as they are, numbers as `%g` does, others as JSON.
    fn write_any(&self, value: &Value) -> Result<String, FunctionError> {
        let written = match value {
            Value::Unknown(unknown) => return Err(FunctionError::unknown(unknown)),
            Value::Text(_) | Value::Id(_) if !self.sharp => value.to_text().unwrap_or_default().to_string(),
            Value::Number(number) if !self.sharp => {
                let sign = if number.is_negative() { "-" } else { "" };
                format!("{sign}{}", number.shortest().general(None))
            }
            other => encode(other)?,
        };
        Ok(self.pad(&written))
    }

    fn whole(&self, whole: &BigInt, base: u32, prefix: &str) -> String {
        let prefix = if self.sharp { prefix } else { "" };
        let digits = whole.magnitude().to_str_radix(base);
        self.signed(whole.sign() == num_bigint::Sign::Minus, &format!("{prefix}{digits}"))
    }

    fn signed(&self, negative: bool, text: &str) -> String {
        match (negative, self.plus, self.space) {
            (true, ..) => format!("-{text}"),
            (_, true, _) => format!("+{text}"),
            (_, _, true) => format!(" {text}"),
            _ => text.to_owned(),
        }
    }

    fn cased(&self, text: String) -> String {
        if self.letter.is_uppercase() { text.to_uppercase() } else { text }
    }

    fn pad(&self, written: &str) -> String {
        let missing = self.width.saturating_sub(written.graphemes(true).count());
        if missing == 0 {
            written.to_owned()
        } else if self.left {
            format!("{written}{}", " ".repeat(missing))
        } else if self.zeros {
            let (sign, digits) = written.split_at(usize::from(written.starts_with(['-', '+'])));
            format!("{sign}{}{digits}", "0".repeat(missing))
        } else {
            format!("{}{written}", " ".repeat(missing))
        }
    }
}

fn digits(chars: &mut Peekable<Chars<'_>>) -> Result<Option<usize>, FunctionError> {
    let mut number = None;
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        let value = digit.to_digit(10).unwrap_or(0) as usize;
        number = Some(number.unwrap_or(0_usize) * 10 + value);
        if number > Some(MAX_WIDTH) {
            return Err(FunctionError::new(format!("a width or precision exceeds {MAX_WIDTH}")).at(0));
        }
    }
    Ok(number)
}

fn format(format: &str, values: &[Value]) -> Result<String, FunctionError> {
    let mut chars = format.chars().peekable();
    let mut written = String::new();
    // The number of the next value, and of the last one that is used.
    let (mut next, mut used) = (0, 0);
    while let Some(c) = chars.next() {
        if c != '%' {
            written.push(c);
        } else if chars.next_if_eq(&'%').is_some() {
            written.push('%');
        } else {
            let verb = Verb::parse(&mut chars)?;
            let index = verb.argument.map_or(next, |number| number - 1);
            let Some(value) = values.get(index) else {
                let message = format!("the format has no value {}: there are {}", index + 1, values.len());
                return Err(FunctionError::new(message).at(0));
            };
            let blame =
                |problem: FunctionError| if problem.argument.is_none() { problem.at(index + 1) } else { problem };
            let part = verb.write(value).map_err(blame)?;
            check_size(written.len().saturating_add(part.len()))?;
            written.push_str(&part);
            next = index + 1;
            used = used.max(next);
        }
    }
    if used < values.len() {
        return Err(FunctionError::new("the format has fewer verbs than values").at(used + 1));
    }
    Ok(written)
}

fn formatlist(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let text = args.text(0)?;
    let columns = args.values.get(1..).unwrap_or_default();
    let lengths: Vec<usize> = columns.iter().filter_map(|column| column.items().map(<[Value]>::len)).collect();
    let rows = lengths.first().copied().unwrap_or(1);
    if lengths.iter().any(|length| *length != rows) {
        return Err(FunctionError::new("the lists have different lengths"));
    }
    check_elements(rows.saturating_mul(columns.len()))?;
    let (mut lines, mut bytes) = (Vec::new(), 0_usize);
    for row in 0..rows {
        let cell = |column: &Value| match column.items() {
            Some(items) => items.get(row).cloned().unwrap_or(Value::null()),
            None => column.clone(),
        };
        let cells: Vec<Value> = columns.iter().map(cell).collect();
        let line = format(&text, &cells)?;
        bytes = bytes.saturating_add(line.len());
        check_size(bytes)?;
        lines.push(Value::text(line));
    }
    Ok(Value::list_of(Type::String, lines))
}
