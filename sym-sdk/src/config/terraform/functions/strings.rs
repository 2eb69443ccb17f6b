//! Functions of strings.

use super::{Arguments, Function, FunctionError, VARIADIC, Value, check_size};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("chomp", 1, 1, |args| Ok(Value::text(args.text(0)?.trim_end_matches(['\n', '\r'])))),
    Function::new("endswith", 2, 2, |args| Ok(Value::Bool(args.text(0)?.ends_with(&*args.text(1)?)))),
    Function::new("indent", 2, 2, indent),
    Function::new("join", 2, VARIADIC, join),
    Function::new("lower", 1, 1, |args| Ok(Value::text(args.text(0)?.to_lowercase()))),
    Function::new("replace", 3, 3, replace),
    Function::new("split", 2, 2, split),
    Function::new("startswith", 2, 2, |args| Ok(Value::Bool(args.text(0)?.starts_with(&*args.text(1)?)))),
    Function::new("strcontains", 2, 2, |args| Ok(Value::Bool(args.text(0)?.contains(&*args.text(1)?)))),
    Function::new("strrev", 1, 1, |args| Ok(Value::text(args.text(0)?.chars().rev().collect::<String>()))),
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
    Function::new("upper", 1, 1, |args| Ok(Value::text(args.text(0)?.to_uppercase()))),
];

fn indent(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (spaces, text) = (args.whole(0)?, args.text(1)?);
    let spaces = usize::try_from(spaces).or_else(|_| args.type_mismatch(0, "a non-negative whole number"))?;
    check_size(spaces.saturating_mul(text.lines().count()).saturating_add(text.len()))?;
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
    if from.len() > 1 && from.starts_with('/') && from.ends_with('/') {
        return Err(FunctionError::unsupported("regular expressions are not supported").at(1));
    }
    let times = text.matches(&*from).count();
    check_size(times.saturating_mul(to.len()).saturating_add(text.len()))?;
    Ok(Value::text(text.replace(&*from, &to)))
}

fn split(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (separator, text) = (args.text(0)?, args.text(1)?);
    let parts: Vec<Value> = if text.is_empty() {
        vec![Value::text("")]
    } else if separator.is_empty() {
        text.chars().map(|c| Value::text(c.to_string())).collect()
    } else {
        text.split(&*separator).map(Value::text).collect()
    };
    Ok(Value::list(parts))
}

fn substr(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (text, offset, length) = (args.text(0)?, args.whole(1)?, args.whole(2)?);
    let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    // A negative offset counts from the end; a length of -1 extends to the end.
    let start = if offset < 0 { (count.saturating_add(offset)).max(0) } else { offset.min(count) };
    let length = if length < 0 { count } else { length };
    let (start, length) = (usize::try_from(start).unwrap_or(0), usize::try_from(length).unwrap_or(0));
    Ok(Value::text(text.chars().skip(start).take(length).collect::<String>()))
}

fn title(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let text = args.text(0)?;
    let mut titled = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        if in_word {
            titled.push(c);
        } else {
            titled.extend(c.to_uppercase());
        }
        // An underscore or an apostrophe does not end a word.
        in_word = c.is_alphanumeric() || c == '_' || c == '\'';
    }
    Ok(Value::text(titled))
}
