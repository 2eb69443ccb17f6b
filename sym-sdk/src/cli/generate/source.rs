//! The source of the generated module, formatted as rustfmt does.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::identifiers::{Identifiers, is_name};
use crate::forms::{FieldSpec, FieldType, FieldValue};
use crate::model::Flow;

/// The width of an attribute's arguments beyond which rustfmt breaks the line.
const MAX_ATTRIBUTE_WIDTH: usize = 70;

/// The number of hexadecimal digits of a hash.
const HASH_LEN: usize = 16;

/// The names of types that the code of a module uses.
const TYPES: &[&str] =
    &["Deserialize", "Duration", "FlowVars", "Form", "Option", "SlackUserSelection", "String", "Vec"];

/// Fields of the form that a request does not have among its fields.
const SPECIAL: [&str; 2] = ["target_id", "duration"];

/// The beginning of the line that says how to generate the file again.
pub(super) const COMMAND_LINE: &str = "//! @generated";

/// Returns the file. `command` generates it again.
pub(super) fn file<'a>(flows: impl IntoIterator<Item = &'a std::sync::Arc<Flow>>, command: &str) -> String {
    let modules = modules(flows);
    let mut file = format!(
        "//! Types of the fields and vars of each flow.\n\
         //!\n\
         {COMMAND_LINE} from the configuration: do not edit. Generate it again with `{command}`.\n\
         \n\
         #![allow(clippy::all, dead_code, unreachable_pub)]\n"
    );
    for module in modules.values() {
        let _ = write!(file, "\n{module}");
    }
    let _ = writeln!(file, "\n::sym_sdk::generated_types! {{");
    for (flow, module) in &modules {
        let _ = writeln!(file, "    {flow:?} => {:?},", hash(module));
    }
    file + "}\n"
}

/// Returns the hash of each flow's types.
pub(super) fn hashes<'a>(flows: impl IntoIterator<Item = &'a std::sync::Arc<Flow>>) -> BTreeMap<String, String> {
    modules(flows).into_iter().map(|(flow, module)| (flow, hash(&module))).collect()
}

fn hash(module: &str) -> String {
    let digest = Sha256::digest(module.as_bytes());
    let mut hash: String = digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    hash.truncate(HASH_LEN);
    hash
}

/// Returns the module of each flow, sorted by the names of the flows.
fn modules<'a>(flows: impl IntoIterator<Item = &'a std::sync::Arc<Flow>>) -> BTreeMap<String, String> {
    let mut flows: Vec<_> = flows.into_iter().collect();
    flows.sort_by(|a, b| a.name().cmp(b.name()));
    let mut names = Identifiers::default();
    let mut modules = BTreeMap::new();
    for flow in flows {
        modules.insert(flow.name().to_string(), module(flow, &names.snake_case(flow.name(), "flow")));
    }
    modules
}

fn module(flow: &Flow, name: &str) -> String {
    let mut module = Module::default();
    let mut form = Vec::new();
    let mut members = Identifiers::default();
    let is_special = |field: &&FieldSpec| flow.strategy().is_some() && SPECIAL.contains(&field.name());
    for field in flow.fields().iter().filter(|field| !is_special(field)) {
        let ty = module.field_type(field);
        form.push(member(&mut members, field.name(), &doc(field), &ty, "field"));
    }
    let mut members = Identifiers::default();
    let vars =
        flow.vars().keys().map(|var| member(&mut members, var, &format!("The var `{}`.", line(var)), "String", "var"));
    let vars: Vec<String> = vars.collect();
    let mut text = String::new();
    let _ = write!(
        text,
        "/// {}\npub mod {name} {{\n    use sym_sdk::prelude::*;\n\n{}",
        sentence(flow.label()),
        item("The fields of a request.", "Clone, Debug, PartialEq, Eq, Deserialize", "struct", "Form", &form)
    );
    for choice in &module.enums {
        let _ = write!(text, "\n{choice}");
    }
    let vars = item("The vars of the flow.", "Clone, Debug, PartialEq, Eq, Deserialize", "struct", "FlowVars", &vars);
    let _ = writeln!(text, "\n{vars}}}");
    text
}

/// The items of a module besides the two structs.
struct Module {
    types: Identifiers,
    enums: Vec<String>,
}

impl Default for Module {
    fn default() -> Self {
        Self { types: Identifiers::with_taken(TYPES), enums: Vec::new() }
    }
}

impl Module {
    /// Returns the type of a field, after adding its enum if it has one.
    fn field_type(&mut self, field: &FieldSpec) -> String {
        let values = field.allowed_values().iter().filter_map(|value| match value {
            FieldValue::Text(text) => Some(text.as_str()),
            _ => None,
        });
        let values: Vec<&str> = values.collect();
        let text = if values.is_empty() { "String".to_owned() } else { self.add_enum(field.name(), &values) };
        let ty = match field.field_type() {
            FieldType::String => text,
            FieldType::StrList => format!("Vec<{text}>"),
            FieldType::Int => "i64".to_owned(),
            FieldType::Bool => "bool".to_owned(),
            FieldType::Duration => "Duration".to_owned(),
            FieldType::SlackUser => "SlackUserSelection".to_owned(),
            FieldType::SlackUserList => "Vec<SlackUserSelection>".to_owned(),
            FieldType::IntList => "Vec<i64>".to_owned(),
        };
        if field.is_required() && field.is_visible() { ty } else { format!("Option<{ty}>") }
    }

    fn add_enum(&mut self, field: &str, values: &[&str]) -> String {
        let name = self.types.camel_case(field, "Field");
        let mut variants = Identifiers::default();
        let variants: Vec<String> = values
            .iter()
            .map(|value| {
                let variant = variants.camel_case(value, "Value");
                let rename = rename(&variant, value);
                format!("        /// The value `{}`.\n{rename}        {variant},\n", line(value))
            })
            .collect();
        let doc = format!("The allowed values of the field `{field}`.");
        let derives = "Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize";
        self.enums.push(item(&doc, derives, "enum", &name, &variants));
        name
    }
}

/// Formats a struct or an enum.
fn item(doc: &str, derives: &str, keyword: &str, name: &str, members: &[String]) -> String {
    let head = format!("    /// {doc}\n    #[derive({derives})]\n    pub {keyword} {name} {{");
    if members.is_empty() { format!("{head}}}\n") } else { format!("{head}\n{}    }}\n", members.concat()) }
}

/// Formats the member of a struct.
fn member(members: &mut Identifiers, name: &str, doc: &str, ty: &str, fallback: &str) -> String {
    let member = members.snake_case(name, fallback);
    format!("        /// {doc}\n{}        pub {member}: {ty},\n", rename(&member, name))
}

/// Returns the attribute that gives an item its name in the configuration, if that is another one.
fn rename(identifier: &str, name: &str) -> String {
    if is_name(identifier, name) {
        return String::new();
    }
    let argument = format!("rename = {name:?}");
    if argument.chars().count() > MAX_ATTRIBUTE_WIDTH {
        format!("        #[serde(\n            {argument}\n        )]\n")
    } else {
        format!("        #[serde({argument})]\n")
    }
}

fn doc(field: &FieldSpec) -> String {
    if field.label() == field.name() { format!("The field `{}`.", field.name()) } else { sentence(field.label()) }
}

/// Returns text on one line, with a full stop at its end unless it has another mark.
fn sentence(text: &str) -> String {
    let text = line(text);
    if text.ends_with(['.', '!', '?', '…', ':']) { text } else { text + "." }
}

/// Returns text on one line, without the characters that change the direction of text, which the compiler denies in comments.
fn line(text: &str) -> String {
    let changes_direction = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.split(|c: char| c.is_control() || c.is_whitespace() || changes_direction(c))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
