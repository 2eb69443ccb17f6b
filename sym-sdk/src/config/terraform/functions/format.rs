//! `format` and `formatlist`, with the verbs of C and Terraform's `%v` and `%q`.

use std::iter::Peekable;
use std::str::Chars;

use super::{Arguments, Function, FunctionError, VARIADIC, Value, check_size};

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
    width: usize,
    precision: Option<usize>,
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
                _ => {}
            }
        }
        verb.width = digits(chars)?.unwrap_or(0);
        if chars.next_if_eq(&'.').is_some() {
            verb.precision = Some(digits(chars)?.unwrap_or(0));
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
        let whole = || number()?.as_whole().ok_or_else(|| type_mismatch("a whole number"));
        let signed = |text: String| if self.plus && !text.starts_with('-') { format!("+{text}") } else { text };
        let written = match self.letter {
            's' | 'v' => match (self.precision, text()?) {
                (Some(precision), text) => text.chars().take(precision).collect(),
                (None, text) => text.to_string(),
            },
            'q' => format!("{:?}", text()?),
            'd' => signed(whole()?.to_string()),
            'b' => format!("{:b}", whole()?),
            'o' => format!("{:o}", whole()?),
            'x' => format!("{:x}", whole()?),
            'X' => format!("{:X}", whole()?),
            'f' => signed(format!("{:.*}", self.precision.unwrap_or(6), number()?.as_f64())),
            'g' => signed(number()?.to_string()),
            't' => value.to_bool().ok_or_else(|| type_mismatch("a boolean"))?.to_string(),
            other => return Err(FunctionError::unsupported(format!("the verb `%{other}` is not supported")).at(0)),
        };
        Ok(self.pad(written))
    }

    fn pad(&self, written: String) -> String {
        let missing = self.width.saturating_sub(written.chars().count());
        if missing == 0 {
            written
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
    let mut values_left = values.iter().enumerate();
    while let Some(c) = chars.next() {
        if c != '%' {
            written.push(c);
        } else if chars.next_if_eq(&'%').is_some() {
            written.push('%');
        } else {
            let verb = Verb::parse(&mut chars)?;
            let (index, value) =
                values_left.next().ok_or_else(|| FunctionError::new("the format has more verbs than values").at(0))?;
            let blame =
                |problem: FunctionError| if problem.argument.is_none() { problem.at(index + 1) } else { problem };
            let part = verb.write(value).map_err(blame)?;
            check_size(written.len().saturating_add(part.len()))?;
            written.push_str(&part);
        }
    }
    match values_left.next() {
        Some((index, _)) => Err(FunctionError::new("the format has fewer verbs than values").at(index + 1)),
        None => Ok(written),
    }
}

fn formatlist(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let text = args.text(0)?;
    let columns = args.values.get(1..).unwrap_or_default();
    let lengths: Vec<usize> = columns.iter().filter_map(|column| column.items().map(<[Value]>::len)).collect();
    let rows = lengths.first().copied().unwrap_or(1);
    if lengths.iter().any(|length| *length != rows) {
        return Err(FunctionError::new("the lists have different lengths"));
    }
    let (mut lines, mut bytes) = (Vec::new(), 0_usize);
    for row in 0..rows {
        let cell = |column: &Value| match column.items() {
            Some(items) => items.get(row).cloned().unwrap_or(Value::Null),
            None => column.clone(),
        };
        let cells: Vec<Value> = columns.iter().map(cell).collect();
        let line = format(&text, &cells)?;
        bytes = bytes.saturating_add(line.len());
        check_size(bytes)?;
        lines.push(Value::text(line));
    }
    Ok(Value::list(lines))
}
