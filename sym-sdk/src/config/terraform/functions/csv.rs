//! Decodes CSV, as RFC 4180 defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::types::Type;
use super::{Arguments, Function, FunctionError, Value, check_elements};

pub(super) const FUNCTIONS: &[Function] = &[Function::new("csvdecode", 1, 1, csvdecode)];

fn csvdecode(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let mut rows = rows(&args.text(0)?).map_err(|why| FunctionError::new(why).at(0))?.into_iter();
    let Some(names) = rows.next() else {
        return Err(FunctionError::new("the string has no line with the names of the columns").at(0));
    };
    let mut known = BTreeSet::new();
    if let Some(twice) = names.iter().find(|name| !known.insert(name.as_str())) {
        return Err(FunctionError::new(format!("two columns have the name {twice:?}")).at(0));
    }
    check_elements(rows.len().saturating_mul(names.len()))?;
    let mut objects = Vec::new();
    for (number, row) in rows.enumerate() {
        if row.len() != names.len() {
            let message = format!("row {} has {} columns, expected {}", number + 1, row.len(), names.len());
            return Err(FunctionError::new(message).at(0));
        }
        let entries = names.iter().cloned().zip(row.into_iter().map(Value::text));
        objects.push(Value::object(entries.collect::<BTreeMap<_, _>>()));
    }
    let kind = Type::Object(Rc::new(names.into_iter().map(|name| (name, Type::String)).collect()));
    Ok(Value::list_of(kind, objects))
}

/// Splits the text into rows of fields. Empty lines are no rows.
fn rows(text: &str) -> Result<Vec<Vec<String>>, String> {
    let text = text.replace("\r\n", "\n");
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    let mut chars = text.chars().peekable();
    while chars.peek().is_some() {
        if row.is_empty() && chars.next_if_eq(&'\n').is_some() {
            continue;
        }
        let mut field = String::new();
        if chars.next_if_eq(&'"').is_some() {
            loop {
                match chars.next() {
                    Some('"') if chars.next_if_eq(&'"').is_some() => field.push('"'),
                    Some('"') => break,
                    Some(c) => field.push(c),
                    None => return Err("a quoted field has no end".to_owned()),
                }
            }
            if !matches!(chars.peek(), None | Some(',' | '\n')) {
                return Err("a quote inside of a quoted field is written twice".to_owned());
            }
        } else {
            while let Some(c) = chars.next_if(|c| !matches!(c, ',' | '\n')) {
                if c == '"' {
                    return Err("a field with a quote is quoted itself".to_owned());
                }
                field.push(c);
            }
        }
        row.push(field);
        match chars.next() {
            // The last field may be empty.
            Some(',') if chars.peek().is_none() => row.push(String::new()),
            Some(',') => continue,
            _ => {}
        }
        rows.push(std::mem::take(&mut row));
    }
    Ok(rows)
}
