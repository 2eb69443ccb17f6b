//! Functions of strings. A character is what a reader sees as one: a grapheme cluster.

use unicode_segmentation::UnicodeSegmentation;

use super::regex::{is_regex, replace_regex};
use super::{Arguments, Function, FunctionError, VARIADIC, Value, check_size};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("chomp", 1, 1, |args| Ok(Value::text(args.text(0)?.trim_end_matches(['\n', '\r'])))),
    Function::new("endswith", 2, 2, |args| Ok(Value::Bool(args.text(0)?.ends_with(&*args.text(1)?)))),
    Function::new("indent", 2, 2, indent),
    Function::new("join", 2, VARIADIC, join),
    Function::new("lower", 1, 1, |args| Ok(Value::text(args.text(0)?.chars().map(lower).collect::<String>()))),
    Function::new("replace", 3, 3, replace),
    Function::new("split", 2, 2, split),
    Function::new("startswith", 2, 2, |args| Ok(Value::Bool(args.text(0)?.starts_with(&*args.text(1)?)))),
    Function::new("strcontains", 2, 2, |args| Ok(Value::Bool(args.text(0)?.contains(&*args.text(1)?)))),
    Function::new("strrev", 1, 1, |args| Ok(Value::text(args.text(0)?.graphemes(true).rev().collect::<String>()))),
    Function::new("substr", 3, 3, substr),
    Function::new("title", 1, 1, title),
    Function::new("trim", 2, 2, |args| {
        let (text, cut) = (args.text(0)?, args.text(1)?);
        Ok(Value::text(text.trim_matches(|c| cut.contains(c))))
    }),
    Function::new("trimprefix", 2, 2, |args| {
        let (text, prefix) = (args.text(0)?, args.text(1)?);
        Ok(Value::text(text.strip_prefix(&*prefix).unwrap_or(&text)))
    }),
    Function::new("trimspace", 1, 1, |args| Ok(Value::text(args.text(0)?.trim()))),
    Function::new("trimsuffix", 2, 2, |args| {
        let (text, suffix) = (args.text(0)?, args.text(1)?);
        Ok(Value::text(text.strip_suffix(&*suffix).unwrap_or(&text)))
    }),
    Function::new("upper", 1, 1, |args| Ok(Value::text(args.text(0)?.chars().map(upper).collect::<String>()))),
];

/// Returns the capital of a letter. One whose capital is several characters stays, as `ß` does in Go.
fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    if mapped.len() == 1 { mapped.next().unwrap_or(c) } else { c }
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn indent(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (spaces, text) = (args.index(0)?, args.text(1)?);
    check_size(spaces.saturating_mul(text.matches('\n').count().max(1)).saturating_add(text.len()))?;
    Ok(Value::text(text.replace('\n', &format!("\n{}", " ".repeat(spaces)))))
}

fn join(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let separator = args.text(0)?;
    let mut parts = Vec::new();
    for list in 1..args.len() {
        parts.extend(args.texts(list)?);
    }
    let bytes = parts.iter().map(|part| part.len().saturating_add(separator.len()));
    check_size(bytes.fold(0, usize::saturating_add))?;
    Ok(Value::text(parts.join(&separator)))
}

fn replace(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (text, from, to) = (args.text(0)?, args.text(1)?, args.text(2)?);
    if is_regex(&from) {
        return replace_regex(args);
    }
    let times = text.matches(&*from).count();
    check_size(times.saturating_mul(to.len()).saturating_add(text.len()))?;
    Ok(Value::text(text.replace(&*from, &to)))
}

fn split(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (separator, text) = (args.text(0)?, args.text(1)?);
    Ok(if separator.is_empty() && !text.is_empty() {
        Value::texts(text.chars().map(String::from))
    } else if text.is_empty() {
        Value::texts([""])
    } else {
        Value::texts(text.split(&*separator))
    })
}

fn substr(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (text, offset, length) = (args.text(0)?, args.whole(1)?, args.whole(2)?);
    let count = i64::try_from(text.graphemes(true).count()).unwrap_or(i64::MAX);
    // A negative offset counts from the end; a negative length extends to the end.
    let start = if offset < 0 { (count.saturating_add(offset)).max(0) } else { offset.min(count) };
    let length = if length < 0 { count } else { length };
    let (start, length) = (usize::try_from(start).unwrap_or(0), usize::try_from(length).unwrap_or(0));
    Ok(Value::text(text.graphemes(true).skip(start).take(length).collect::<String>()))
}

fn title(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let text = args.text(0)?;
    let mut titled = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        titled.push(if in_word { c } else { upper(c) });
        // Of the characters beyond ASCII only spaces end a word.
        in_word = if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { !c.is_whitespace() };
    }
    Ok(Value::text(titled))
}
