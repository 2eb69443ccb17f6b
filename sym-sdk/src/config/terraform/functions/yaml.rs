//! Decodes YAML, as Terraform does: YAML 1.2 with the booleans and dates of 1.1.

use std::collections::{BTreeMap, HashMap};

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::super::number::Number;
use super::super::value::{MAX_NESTING, MAX_WEIGHT};
use super::dates::Moment;
use super::{Function, FunctionError, Value, yaml_writer};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("yamldecode", 1, 1, |args| {
        decode(&args.text(0)?).map_err(|why| FunctionError::new(format!("the string is not YAML: {why}")).at(0))
    }),
    Function::new("yamlencode", 1, 1, |args| Ok(Value::text(yaml_writer::encode(args.known(0)?)?))),
];

/// A collection whose end is not reached.
enum Open {
    Sequence { anchor: usize, items: Vec<Value> },
    Mapping { anchor: usize, entries: BTreeMap<String, Value>, key: Option<Key> },
}

/// The key of the next entry.
enum Key {
    Name(String),
    /// `<<`: the value's entries are added.
    Merge,
}

#[derive(Default)]
struct Decoder {
    open: Vec<Open>,
    anchors: HashMap<usize, Value>,
    /// The number of nodes so far. Aliases count as often as they are used.
    weight: usize,
    root: Option<Value>,
}

fn decode(text: &str) -> Result<Value, String> {
    let mut decoder = Decoder::default();
    let mut documents = 0;
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, _) = event.map_err(|error| error.to_string())?;
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return Err("it has more than one document".to_owned());
                }
            }
            Event::StreamEnd => break,
            event => decoder.take(event)?,
        }
    }
    decoder.root.ok_or_else(|| "it is empty".to_owned())
}

impl Decoder {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_key = matches!(self.open.last(), Some(Open::Mapping { key: None, .. }));
                if is_key && text == "<<" && style == ScalarStyle::Plain {
                    return self.set_key(Key::Merge);
                }
                let value = scalar(&text, style, tag.as_deref())?;
                self.weight = self.weight.saturating_add(value.weight());
                self.add(value, anchor)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(value) => {
                    self.weight = self.weight.saturating_add(value.weight());
                    self.add(value.clone(), 0)
                }
                None => Err("an alias refers to a value that contains it".to_owned()),
            },
            Event::SequenceStart(anchor, tag) => {
                check_tag(tag.as_deref(), "seq")?;
                self.open(Open::Sequence { anchor, items: Vec::new() })
            }
            Event::MappingStart(anchor, tag) => {
                check_tag(tag.as_deref(), "map")?;
                self.open(Open::Mapping { anchor, entries: BTreeMap::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::Sequence { anchor, items }) => self.add(Value::tuple(items), anchor),
                Some(Open::Mapping { anchor, entries, .. }) => self.add(Value::object(entries), anchor),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn open(&mut self, collection: Open) -> Result<(), String> {
        if matches!(self.open.last(), Some(Open::Mapping { key: None, .. })) {
            return Err("the key of a mapping must be a string".to_owned());
        }
        if self.open.len() >= MAX_NESTING {
            return Err(format!("it is nested more than {MAX_NESTING} levels deep"));
        }
        self.open.push(collection);
        Ok(())
    }

    fn set_key(&mut self, name: Key) -> Result<(), String> {
        if let Some(Open::Mapping { key, .. }) = self.open.last_mut() {
            *key = Some(name);
        }
        Ok(())
    }

    /// Adds a value to the innermost collection.
    fn add(&mut self, value: Value, anchor: usize) -> Result<(), String> {
        if self.weight > MAX_WEIGHT || value.weight() > MAX_WEIGHT {
            return Err(format!("it is too large: more than {MAX_WEIGHT} elements"));
        }
        if value.depth() > MAX_NESTING {
            return Err(format!("it is nested more than {MAX_NESTING} levels deep"));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open::Sequence { items, .. }) => items.push(value),
            Some(Open::Mapping { entries, key, .. }) => match key.take() {
                Some(Key::Name(name)) => {
                    entries.insert(name, value);
                }
                Some(Key::Merge) => {
                    let single = std::slice::from_ref(&value);
                    for map in value.items().unwrap_or(single) {
                        let Some(merged) = map.entries() else {
                            return Err("`<<` needs a mapping, or a list of mappings".to_owned());
                        };
                        entries.extend(merged.iter().map(|(key, value)| (key.clone(), value.clone())));
                    }
                }
                None => match value.to_text() {
                    Some(name) => *key = Some(Key::Name(name.to_string())),
                    None => return Err("the key of a mapping must be a string".to_owned()),
                },
            },
        }
        Ok(())
    }
}

/// Checks the tag of a collection.
fn check_tag(tag: Option<&Tag>, expected: &str) -> Result<(), String> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema() || tag.suffix != expected => unsupported(tag),
        _ => Ok(()),
    }
}

fn unsupported<T>(tag: &Tag) -> Result<T, String> {
    Err(format!("the tag `{}{}` is not supported", tag.handle, tag.suffix))
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let is_plain = style == ScalarStyle::Plain;
    match tag {
        Some(tag) if tag.is_yaml_core_schema() => match tag.suffix.as_str() {
            "str" | "binary" => Ok(Value::text(text)),
            "bool" | "float" | "int" | "null" | "timestamp" if !is_plain => Ok(Value::text(text)),
            "timestamp" => timestamp(text).ok_or_else(|| format!("{text:?} is not a time")),
            name @ ("bool" | "float" | "int" | "null") => {
                let value = plain(text)?;
                let fits = match name {
                    "bool" => matches!(value, Value::Bool(_)),
                    "null" => value.is_null(),
                    _ => matches!(value, Value::Number(_)),
                };
                if fits { Ok(value) } else { Err(format!("{text:?} has the tag `!!{name}`, but is not one")) }
            }
            _ => unsupported(tag),
        },
        // `!` alone means a string.
        Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Ok(Value::text(text)),
        Some(tag) => unsupported(tag),
        None if is_plain => plain(text),
        None => Ok(Value::text(text)),
    }
}

/// Returns the value of a scalar without quotes.
fn plain(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::null(),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Err("`.nan` is not a number here".to_owned()),
        _ if matches!(text.trim_start_matches(['-', '+']), ".inf" | ".Inf" | ".INF") => {
            return Err("numbers are finite here".to_owned());
        }
        _ => match number(text) {
            Some(number) => number?,
            None => timestamp(text).unwrap_or_else(|| Value::text(text)),
        },
    })
}

/// Returns the value of a text in the form of a number.
fn number(text: &str) -> Option<Result<Value, String>> {
    let number =
        |number: Option<Number>| Some(number.map(Value::Number).ok_or_else(|| "a number is out of range".to_owned()));
    for (prefix, base) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(base)) && digits.len() <= 300;
            let whole = num_bigint::BigInt::parse_bytes(digits.as_bytes(), base).filter(|_| is_number);
            return whole.and_then(|whole| number(Number::whole(whole)));
        }
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(a, b)| (a, Some(b)));
    let is_digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_mantissa = is_digits(whole) && is_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    if is_mantissa && is_exponent { number(Number::parse(text)) } else { None }
}

/// Returns a date or time as RFC 3339 defines it.
fn timestamp(text: &str) -> Option<Value> {
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (text.get(..at)?, Some(text.get(at + 1..)?.trim_start())),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let mut part = |lengths: std::ops::RangeInclusive<usize>| {
        let part = parts.next()?;
        let is_number = lengths.contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
        is_number.then(|| part.to_owned())
    };
    let (year, month, day) = (part(4..=4)?, part(1..=2)?, part(1..=2)?);
    if parts.next().is_some() {
        return None;
    }
    let (clock, zone) = match time {
        Some(time) => time.find(['Z', '+', '-']).and_then(|at| time.split_at_checked(at)).unwrap_or((time, "Z")),
        None => ("00:00:00", "Z"),
    };
    let (clock, fraction) = clock.split_once('.').map_or((clock, String::new()), |(a, b)| (a, format!(".{b}")));
    let clock: Vec<String> = clock.trim_end().split(':').map(|part| format!("{part:0>2}")).collect();
    let moment = Moment::parse(&format!("{year}-{month:0>2}-{day:0>2}T{}{fraction}{zone}", clock.join(":")))?;
    Some(Value::text(moment.to_string()))
}
