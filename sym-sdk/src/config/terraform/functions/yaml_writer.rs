//! Writes YAML with the quotes, line breaks and indents of Terraform.

use super::super::value::Value;
use super::FunctionError;

/// The column after which a quoted string may continue on the next line.
const BEST_WIDTH: usize = 80;

/// The maximal length of a key that is written without `? `.
const MAX_SIMPLE_KEY: usize = 128;

/// Writes a document.
pub(super) fn encode(value: &Value) -> Result<String, FunctionError> {
    let mut writer = Writer { yaml: String::new() };
    writer.node(value, 0)?;
    if !writer.yaml.ends_with('\n') {
        writer.yaml.push('\n');
    }
    // The end of a scalar without quotes has to be marked.
    if matches!(value, Value::Number(_) | Value::Bool(_) | Value::Null(_)) {
        writer.yaml.push_str("...\n");
    }
    Ok(writer.yaml)
}

struct Writer {
    yaml: String,
}

impl Writer {
    /// Begins a line.
    fn line(&mut self, indent: usize) {
        if !self.yaml.ends_with('\n') {
            self.yaml.push('\n');
        }
        self.yaml.push_str(&" ".repeat(indent));
    }

    /// Writes a value at the end of a line. Its other lines have the indent.
    fn node(&mut self, value: &Value, indent: usize) -> Result<(), FunctionError> {
        match value {
            Value::Unknown(unknown) => return Err(FunctionError::unknown(unknown)),
            Value::Object(_) => {
                return Err(FunctionError::new("a whole resource cannot be encoded").hint("select attributes of it"));
            }
            Value::List(_) | Value::Set(_) => match value.items() {
                Some([]) | None => self.yaml.push_str("[]"),
                Some(items) => {
                    for (index, item) in items.iter().enumerate() {
                        if index > 0 {
                            self.line(indent);
                        }
                        self.yaml.push_str("- ");
                        self.child(item, indent)?;
                    }
                }
            },
            Value::Map(_) => {
                let entries = value.entries().into_iter().flatten();
                let mut is_empty = true;
                for (key, value) in entries {
                    if !is_empty {
                        self.line(indent);
                    }
                    is_empty = false;
                    self.entry(key, value, indent)?;
                }
                if is_empty {
                    self.yaml.push_str("{}");
                }
            }
            Value::Null(_) => self.yaml.push_str("null"),
            Value::Bool(flag) => self.yaml.push_str(if *flag { "true" } else { "false" }),
            Value::Number(number) => self.yaml.push_str(&number.to_string()),
            Value::Text(text) => self.text(text, indent + 2),
            Value::Id(id) => self.text(&id.name, indent + 2),
        }
        Ok(())
    }

    /// Writes a value after `- ` or `: `.
    fn child(&mut self, value: &Value, indent: usize) -> Result<(), FunctionError> {
        let is_text = matches!(value, Value::Text(_) | Value::Id(_));
        self.node(value, if is_text { indent } else { indent + 2 })
    }

    fn entry(&mut self, key: &str, value: &Value, indent: usize) -> Result<(), FunctionError> {
        if key.contains('\n') || key.len() > MAX_SIMPLE_KEY {
            self.yaml.push_str("? ");
            self.text(key, indent + 2);
            self.line(indent);
            self.yaml.push_str(": ");
            return self.child(value, indent);
        }
        self.quoted(key, None);
        self.yaml.push(':');
        match value {
            Value::List(_) | Value::Set(_) if value.items().is_some_and(|items| !items.is_empty()) => {
                self.line(indent);
                self.node(value, indent)
            }
            Value::Map(_) if value.entries().is_some_and(|entries| !entries.is_empty()) => {
                self.line(indent + 2);
                self.node(value, indent + 2)
            }
            _ => {
                self.yaml.push(' ');
                self.child(value, indent)
            }
        }
    }

    /// Writes a string: as a block if it has several lines, else in quotes.
    fn text(&mut self, text: &str, indent: usize) {
        let can_be_block = text.contains('\n')
            && !text.ends_with(' ')
            && !text.contains(" \n")
            && text.chars().all(|c| c == '\n' || is_printable(c));
        if can_be_block { self.block(text, indent) } else { self.quoted(text, Some(indent)) }
    }

    fn block(&mut self, text: &str, indent: usize) {
        self.yaml.push('|');
        if text.starts_with([' ', '\n']) {
            self.yaml.push('2');
        }
        if !text.ends_with('\n') {
            self.yaml.push('-');
        } else if text == "\n" || text.ends_with("\n\n") {
            self.yaml.push('+');
        }
        self.yaml.push('\n');
        for line in text.split_inclusive('\n') {
            if line != "\n" {
                self.yaml.push_str(&" ".repeat(indent));
            }
            self.yaml.push_str(line);
        }
    }

    /// Writes a string in quotes. A long one continues on the next line, if that has an indent.
    fn quoted(&mut self, text: &str, indent: Option<usize>) {
        let line_start = self.yaml.rfind('\n').map_or(0, |at| at + 1);
        let mut column = self.yaml.get(line_start..).unwrap_or_default().chars().count() + 1;
        self.yaml.push('"');
        let last = text.chars().count().saturating_sub(1);
        let mut after_space = false;
        let mut chars = text.chars().enumerate().peekable();
        while let Some((at, c)) = chars.next() {
            if c == ' ' {
                match indent {
                    Some(indent) if !after_space && column > BEST_WIDTH && at > 0 && at < last => {
                        self.line(indent);
                        column = indent;
                        if chars.peek().is_some_and(|(_, next)| *next == ' ') {
                            self.yaml.push('\\');
                            column += 1;
                        }
                    }
                    _ => {
                        self.yaml.push(' ');
                        column += 1;
                    }
                }
                after_space = true;
                continue;
            }
            let before = self.yaml.len();
            self.escaped(c);
            column += self.yaml.get(before..).unwrap_or_default().chars().count();
            after_space = false;
        }
        self.yaml.push('"');
    }

    fn escaped(&mut self, c: char) {
        let short = match c {
            '\0' => "\\0",
            '\u{7}' => "\\a",
            '\u{8}' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\u{b}' => "\\v",
            '\u{c}' => "\\f",
            '\r' => "\\r",
            '\u{1b}' => "\\e",
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{85}' => "\\N",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            c if is_printable(c) => return self.yaml.push(c),
            _ => "",
        };
        self.yaml.push_str(short);
        if short.is_empty() {
            let code = u32::from(c);
            self.yaml.push_str(&match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
        }
    }
}

/// Returns `true` for characters that are written as they are.
fn is_printable(c: char) -> bool {
    matches!(c, '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}
