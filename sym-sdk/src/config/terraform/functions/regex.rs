//! Regular expressions, in the syntax of Go's RE2.

use std::collections::BTreeMap;

use ::regex::{Captures, Regex, RegexBuilder};

use super::super::types::Type;
use super::{Arguments, Function, FunctionError, Value, check_elements, check_size};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("regex", 2, 2, |args| {
        let (regex, text) = (compile(&args.text(0)?)?, args.text(1)?);
        charge(args, &regex, &text)?;
        match regex.captures(&text) {
            Some(captures) => result(&regex, &captures),
            None => Err(FunctionError::new("the pattern does not match the string").at(1)),
        }
    }),
    Function::new("regexall", 2, 2, |args| {
        let (regex, text) = (compile(&args.text(0)?)?, args.text(1)?);
        charge(args, &regex, &text)?;
        let mut matches = Vec::new();
        for captures in regex.captures_iter(&text) {
            check_elements(matches.len().saturating_mul(regex.captures_len()))?;
            matches.push(result(&regex, &captures)?);
        }
        Ok(Value::list_of(kind(&regex), matches))
    }),
];

/// The maximal size of a compiled pattern, in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// A search takes time in proportion to the lengths of the pattern and of the text.
fn charge(args: &Arguments<'_>, regex: &Regex, text: &str) -> Result<(), FunctionError> {
    let steps = regex.as_str().len().saturating_mul(text.len()) / 256;
    let charged = args.scope.evaluator.consume_steps(steps);
    charged.map_err(|_| FunctionError::new("the pattern and the string are too long for a search"))
}

/// Returns `true` if the argument of `replace` is a pattern.
pub(super) fn is_regex(text: &str) -> bool {
    text.len() > 1 && text.starts_with('/') && text.ends_with('/')
}

/// Replaces all matches of a pattern between slashes.
pub(super) fn replace_regex(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (text, pattern, to) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let pattern = pattern.get(1..pattern.len() - 1).unwrap_or_default();
    let regex = compile(pattern)?;
    charge(args, &regex, &text)?;
    let references = to.matches('$').count();
    let (mut replaced, mut end) = (String::new(), 0);
    for captures in regex.captures_iter(&text) {
        let Some(all) = captures.get(0) else { continue };
        replaced.push_str(text.get(end..all.start()).unwrap_or_default());
        // Before it is written: each reference can stand for the whole match.
        let most = references.saturating_mul(all.len()).saturating_add(to.len());
        check_size(replaced.len().saturating_add(most))?;
        captures.expand(&to, &mut replaced);
        end = all.end();
    }
    replaced.push_str(text.get(end..).unwrap_or_default());
    Ok(Value::text(replaced))
}

fn compile(pattern: &str) -> Result<Regex, FunctionError> {
    let translated = translate(pattern);
    let limited = RegexBuilder::new(&translated).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build();
    limited.map_err(|error| match error {
        ::regex::Error::CompiledTooBig(_) => FunctionError::new("the pattern is too large: more than 1 MiB compiled"),
        // The last line of a syntax error says what is wrong; those before it show the pattern.
        error => {
            let error = error.to_string();
            let why = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            FunctionError::new(format!("the pattern is not a regular expression: {why}"))
        }
    })
}

/// Translates a pattern. In Go `\d`, `\w`, `\s` and `\b` are about ASCII, and a class has no operators.
fn translate(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('Q') => {
                    let mut literal = String::new();
                    while let Some(c) = chars.next() {
                        if c == '\\' && chars.next_if_eq(&'E').is_some() {
                            break;
                        }
                        literal.push(c);
                    }
                    translated.push_str(&::regex::escape(&literal));
                }
                Some('b') if !in_class => translated.push_str(r"(?-u:\b)"),
                Some(class @ ('d' | 'D' | 'w' | 'W' | 's' | 'S')) => {
                    let set = match class.to_ascii_lowercase() {
                        'd' => "0-9",
                        'w' => "0-9A-Za-z_",
                        _ => r"\t\n\f\r ",
                    };
                    match (class.is_ascii_lowercase(), in_class) {
                        (true, true) => translated.push_str(set),
                        (true, false) => translated.push_str(&format!("[{set}]")),
                        (false, _) => translated.push_str(&format!("[^{set}]")),
                    }
                }
                Some(escaped) => translated.extend(['\\', escaped]),
                None => translated.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                translated.push('[');
                if let Some(negation) = chars.next_if_eq(&'^') {
                    translated.push(negation);
                }
                // The first `]` is a member.
                if chars.next_if_eq(&']').is_some() {
                    translated.push_str(r"\]");
                }
            }
            '[' if chars.peek() == Some(&':') => {
                translated.push('[');
                // `[:alpha:]` is as in the other syntax.
                for c in chars.by_ref() {
                    translated.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            ']' if in_class => {
                in_class = false;
                translated.push(']');
            }
            '[' | '&' | '~' if in_class => translated.extend(['\\', c]),
            _ => translated.push(c),
        }
    }
    translated
}

/// Returns the names of the groups, if they have names.
fn names(regex: &Regex) -> Vec<&str> {
    regex.capture_names().flatten().collect()
}

/// Returns the type of a match: a string, or the strings of its groups.
fn kind(regex: &Regex) -> Type {
    let names = names(regex);
    match regex.captures_len() - 1 {
        0 => Type::String,
        groups if names.is_empty() => Type::Tuple(vec![Type::String; groups].into()),
        _ => Type::Object(std::rc::Rc::new(names.iter().map(|name| ((*name).to_owned(), Type::String)).collect())),
    }
}

fn result(regex: &Regex, captures: &Captures<'_>) -> Result<Value, FunctionError> {
    let text = |group: Option<::regex::Match<'_>>| {
        group.map_or(Value::Null(Type::String), |group| Value::text(group.as_str()))
    };
    let names = names(regex);
    let groups = captures.len() - 1;
    if groups == 0 {
        return Ok(text(captures.get(0)));
    }
    if names.is_empty() {
        return Ok(Value::tuple(captures.iter().skip(1).map(text).collect()));
    }
    if names.len() != groups {
        return Err(FunctionError::new("either all groups of the pattern have a name, or none").at(0));
    }
    let entries = names.iter().map(|name| ((*name).to_owned(), text(captures.name(name))));
    Ok(Value::object(entries.collect::<BTreeMap<_, _>>()))
}
