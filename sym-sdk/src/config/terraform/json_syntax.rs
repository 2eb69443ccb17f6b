//! Translates Terraform's JSON syntax to the native one, so that everything after parsing exists once.
//!
//! The meaning of a property depends on where it stands: a block, or several, in one place, and an attribute in another. A key may
//! repeat where it names blocks. A property `"//"` is a comment in a block, but a key like any other within a value. Strings are templates,
//! except where Terraform does not evaluate them, as in the default of a variable.

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::template::{Directive, Element, Template};
use hcl_edit::{Ident, Span};
use jsonc_parser::ast::{Array, Object, ObjectProp, ObjectPropName, StringLit, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};

use super::resource_schema::{self, Schema};
use super::source_file::{SourceBuilder, SourceFile};
use crate::config::Diagnostic;

/// The maximal nesting of values, which is that of the parser of the native syntax.
const MAX_DEPTH: usize = 64;

/// Translates a `.tf.json` file.
pub(super) fn translate(source: &Rc<SourceFile>) -> Result<SourceFile, Vec<Diagnostic>> {
    Translation::run(source, Context::File)
}

/// Translates a `.tfvars.json` file: names and values, which are not evaluated.
pub(super) fn translate_variables(source: &Rc<SourceFile>) -> Result<SourceFile, Vec<Diagnostic>> {
    Translation::run(source, Context::Values)
}

/// The place of a body, which decides what its properties mean.
#[derive(Clone, Copy)]
enum Context {
    /// The top level of a file.
    File,
    /// A body of attributes only.
    Attributes,
    /// A body of attributes with strings that are no templates.
    Values,
    Variable,
    Module,
    Output,
    Check,
    /// A resource, with the schema of Sym's.
    Resource(Option<&'static Schema>),
    Lifecycle,
    /// A block of a schema.
    Nested(&'static Schema),
    /// A `dynamic` block, with the schema of the blocks that it generates.
    Dynamic(Option<&'static Schema>),
}

impl Context {
    /// Returns the number of labels of the blocks that a property declares, if it declares blocks.
    fn labels_of(self, property: &str) -> Option<usize> {
        match (self, property) {
            (Self::File, "data" | "resource") | (Self::Check, "data") => Some(2),
            (Self::File, "check" | "module" | "output" | "provider" | "variable") => Some(1),
            // Other blocks are passed over, or reported, by their name alone.
            (Self::File, _)
            | (Self::Check, "assert")
            | (Self::Variable, "validation")
            | (Self::Output, "precondition")
            | (Self::Lifecycle, "precondition" | "postcondition")
            | (Self::Dynamic(_), "content")
            | (Self::Resource(_), "connection" | "lifecycle" | "timeouts") => Some(0),
            (Self::Resource(_) | Self::Nested(_), "dynamic") | (Self::Resource(_), "provisioner") => Some(1),
            (Self::Resource(Some(schema)) | Self::Nested(schema), name) => schema.blocks.contains(&name).then_some(0),
            _ => None,
        }
    }

    /// Returns the place of the body of such a block.
    fn within(self, property: &str, labels: &[&StringLit<'_>]) -> Self {
        let label = labels.first().map(|label| &*label.value).unwrap_or_default();
        match (self, property) {
            (Self::File | Self::Check, "data" | "resource") => Self::Resource(resource_schema::resource(label)),
            (Self::File, "check") => Self::Check,
            (Self::File, "module") => Self::Module,
            (Self::File, "output") => Self::Output,
            (Self::File, "variable") => Self::Variable,
            (Self::Resource(_), "lifecycle") => Self::Lifecycle,
            (Self::Resource(outer), "dynamic") => {
                Self::Dynamic(outer.and_then(|outer| resource_schema::nested(label, outer)))
            }
            (Self::Nested(outer), "dynamic") => Self::Dynamic(resource_schema::nested(label, outer)),
            (Self::Resource(Some(outer)) | Self::Nested(outer), name) => {
                resource_schema::nested(name, outer).map_or(Self::Attributes, Self::Nested)
            }
            (Self::Dynamic(Some(schema)), _) => Self::Nested(schema),
            _ => Self::Attributes,
        }
    }

    /// Returns `true` if the strings in an attribute are no templates.
    fn is_literal(self, attribute: &str) -> bool {
        match self {
            Self::Values | Self::Variable => true,
            Self::Module => matches!(attribute, "source" | "version"),
            _ => false,
        }
    }
}

struct Translation<'a> {
    source: &'a Rc<SourceFile>,
    output: SourceBuilder,
    errors: Vec<Diagnostic>,
}

impl<'a> Translation<'a> {
    fn run(source: &'a Rc<SourceFile>, context: Context) -> Result<SourceFile, Vec<Diagnostic>> {
        let value = parse(source).map_err(|diagnostic| vec![diagnostic])?;
        let mut translation = Self { source, output: SourceBuilder::default(), errors: Vec::new() };
        match value {
            value @ (Value::Object(_) | Value::Array(_)) => translation.body(context, "the file", &value),
            other => translation.error(other.start(), "expected a JSON object"),
        }
        if translation.errors.is_empty() { Ok(translation.output.finish(source)) } else { Err(translation.errors) }
    }

    fn error(&mut self, offset: usize, message: impl AsRef<str>) {
        let message = format!("syntax error: {}", message.as_ref());
        self.errors.push(Diagnostic::error(self.source.at_offset(offset), message));
    }

    /// Translates the properties of a body. An array holds the properties of all its objects.
    fn body(&mut self, context: Context, name: &str, value: &Value<'_>) {
        let mut properties = Vec::new();
        self.collect(name, value, &mut properties);
        let mut attributes: BTreeMap<&str, usize> = BTreeMap::new();
        for property in properties {
            let key = property.name.as_str();
            match context.labels_of(key) {
                _ if key == "//" => {}
                Some(labels) if is_container(&property.value) || matches!(context, Context::File) => {
                    self.blocks(context, property, labels, &mut Vec::new(), &property.value);
                }
                _ if Ident::try_new(key).is_err() => {
                    self.error(property.start(), format!("`{key}` is not an identifier"));
                }
                _ => match attributes.insert(key, property.start()) {
                    Some(first) => {
                        let first = self.source.at_offset(first);
                        self.error(property.start(), format!("`{key}` is set twice, first at {first}"));
                    }
                    None => self.attribute(context, property),
                },
            }
        }
    }

    /// Collects the properties of an object, or of all objects in an array.
    fn collect<'v>(&mut self, name: &str, value: &'v Value<'v>, into: &mut Vec<&'v ObjectProp<'v>>) {
        match value {
            Value::Object(object) => into.extend(&object.properties),
            Value::Array(items) => {
                for item in &items.elements {
                    match item {
                        Value::Object(object) => into.extend(&object.properties),
                        Value::NullKeyword(_) => {}
                        other => self.error(other.start(), format!("`{name}` must be an object")),
                    }
                }
            }
            Value::NullKeyword(_) => {}
            other => self.error(other.start(), format!("`{name}` must be an object")),
        }
    }

    /// Translates the blocks that a property declares, below the labels that are known so far.
    fn blocks<'v>(
        &mut self,
        context: Context,
        property: &'v ObjectProp<'v>,
        missing: usize,
        labels: &mut Vec<&'v StringLit<'v>>,
        value: &'v Value<'v>,
    ) {
        let name = property.name.as_str();
        if let Some(missing) = missing.checked_sub(1) {
            let mut properties = Vec::new();
            self.collect(name, value, &mut properties);
            for inner in properties {
                if let ObjectPropName::String(label) = &inner.name {
                    labels.push(label);
                    self.blocks(context, property, missing, labels, &inner.value);
                    labels.pop();
                }
            }
            return;
        }
        match value {
            Value::NullKeyword(_) => {}
            Value::Array(items) => items.elements.iter().for_each(|item| self.block(context, property, labels, item)),
            _ => self.block(context, property, labels, value),
        }
    }

    fn block(&mut self, context: Context, property: &ObjectProp<'_>, labels: &[&StringLit<'_>], value: &Value<'_>) {
        let name = property.name.as_str();
        if Ident::try_new(name).is_err() {
            return self.error(property.start(), format!("`{name}` is not an identifier"));
        }
        // The last label, or the block itself, is what an author looks for.
        let start = labels.last().map_or(property.start(), |label| label.start());
        self.output.write(self.source, start, name);
        for label in labels {
            self.output.punctuate(" ");
            self.output.write(self.source, start, &quoted(&label.value));
        }
        self.output.punctuate(" {\n");
        // What is in a block that this reader passes over is of no interest.
        let is_opaque = matches!(context, Context::File) && labels.is_empty() && name != "locals";
        if !is_opaque {
            self.body(context.within(name, labels), name, value);
        }
        self.output.punctuate("}\n");
    }

    fn attribute(&mut self, context: Context, property: &ObjectProp<'_>) {
        let name = property.name.as_str();
        self.output.write(self.source, property.start(), name);
        self.output.punctuate(" = ");
        match (context, &property.value) {
            // A name, which cannot be computed.
            (Context::Dynamic(_), Value::StringLit(text))
                if name == "iterator" && Ident::try_new(&*text.value).is_ok() =>
            {
                self.output.write(self.source, text.start(), &text.value);
            }
            (_, value) => self.expression(value, context.is_literal(name), 0),
        }
        self.output.punctuate("\n");
    }

    fn expression(&mut self, value: &Value<'_>, is_literal: bool, depth: usize) {
        if depth >= MAX_DEPTH {
            return self.error(value.start(), format!("the value is nested more than {MAX_DEPTH} levels deep"));
        }
        match value {
            Value::NullKeyword(_) => self.output.write(self.source, value.start(), "null"),
            Value::BooleanLit(flag) => {
                self.output.write(self.source, value.start(), if flag.value { "true" } else { "false" });
            }
            Value::NumberLit(number) => self.output.write(self.source, value.start(), number.value),
            Value::StringLit(text) => self.string(text, is_literal),
            Value::Array(items) => self.array(items, is_literal, depth),
            Value::Object(object) => self.object(object, is_literal, depth),
        }
    }

    fn array(&mut self, items: &Array<'_>, is_literal: bool, depth: usize) {
        self.output.write(self.source, items.start(), "[");
        for item in &items.elements {
            self.expression(item, is_literal, depth + 1);
            self.output.punctuate(", ");
        }
        self.output.punctuate("]");
    }

    fn object(&mut self, object: &Object<'_>, is_literal: bool, depth: usize) {
        self.output.write(self.source, object.start(), "{\n");
        let mut keys: BTreeMap<&str, usize> = BTreeMap::new();
        for property in &object.properties {
            let key = property.name.as_str();
            if let Some(first) = keys.insert(key, property.start()) {
                let first = self.source.at_offset(first);
                self.error(property.start(), format!("the key `{key}` is there twice, first at {first}"));
            } else if let ObjectPropName::String(text) = &property.name {
                self.string(text, is_literal);
                self.output.punctuate(" = ");
                self.expression(&property.value, is_literal, depth + 1);
                self.output.punctuate("\n");
            }
        }
        self.output.punctuate("}");
    }

    fn string(&mut self, text: &StringLit<'_>, is_literal: bool) {
        if is_literal {
            return self.output.write(self.source, text.start(), &quoted(&text.value));
        }
        match hcl_edit::parser::parse_template(&text.value) {
            Ok(template) => {
                let mut literals = Vec::new();
                literal_parts(&template, &mut literals);
                self.output.write(self.source, text.start(), &quoted_template(&text.value, &literals));
            }
            Err(error) => self.error(text.start(), format!("in the string: {}", error.message())),
        }
    }
}

fn parse(source: &SourceFile) -> Result<Value<'_>, Diagnostic> {
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    match parse_to_ast(source.text(), &collect, &strict) {
        Ok(parsed) => {
            parsed.value.ok_or_else(|| Diagnostic::error(source.at_line(1, 1), "syntax error: expected a JSON object"))
        }
        Err(error) => {
            let message = error.kind().to_string();
            let (first, rest) = message.split_at(message.chars().next().map_or(0, char::len_utf8));
            let location = source.at_line(error.line_display(), error.column_display());
            Err(Diagnostic::error(location, format!("syntax error: {}{rest}", first.to_lowercase())))
        }
    }
}

fn is_container(value: &Value<'_>) -> bool {
    matches!(value, Value::Object(_) | Value::Array(_) | Value::NullKeyword(_))
}

/// Returns a string of the native syntax that is not a template.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    escape(&text.replace("${", "$${").replace("%{", "%%{"), &mut quoted);
    quoted.push('"');
    quoted
}

/// Returns the template as a string of the native syntax. Only its literal parts are escaped there.
fn quoted_template(text: &str, literals: &[std::ops::Range<usize>]) -> String {
    let mut quoted = String::from("\"");
    let mut end = 0;
    for literal in literals {
        quoted.push_str(text.get(end..literal.start).unwrap_or_default());
        escape(text.get(literal.clone()).unwrap_or_default(), &mut quoted);
        end = literal.end;
    }
    quoted.push_str(text.get(end..).unwrap_or_default());
    quoted.push('"');
    quoted
}

/// Collects the positions of the literal parts of a template, in order.
fn literal_parts(template: &Template, into: &mut Vec<std::ops::Range<usize>>) {
    for element in template {
        match element {
            Element::Literal(literal) => into.extend(literal.span()),
            Element::Interpolation(_) => {}
            Element::Directive(directive) => match &**directive {
                Directive::If(directive) => {
                    literal_parts(&directive.if_expr.template, into);
                    if let Some(otherwise) = &directive.else_expr {
                        literal_parts(&otherwise.template, into);
                    }
                }
                Directive::For(directive) => literal_parts(&directive.for_expr.template, into),
            },
        }
    }
}

fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        match c {
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            c if c.is_control() => into.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => into.push(c),
        }
    }
}
