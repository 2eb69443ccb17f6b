//! The evaluated content of a Sym block, and its conversion to plain values.
//!
//! All type conversions, and the messages about values of a wrong type, are here; `resources` only names attributes.

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Body, Structure};

use super::evaluator::{Evaluator, Sink};
use super::known_values;
use super::module::BlockDecl;
use super::module_eval::strip_parentheses;
use super::resource_schema::{META_ATTRIBUTES, META_BLOCKS, Schema, nested};
use super::scope::{Binding, Scope, type_mismatch};
use super::value::{Id, Unknown, Value};
use crate::config::{Diagnostic, Integration, MODULE_INTEGRATION, Reference, SourceLocation, UnknownSetting};
use crate::suggest::did_you_mean;

/// The attributes that may hold the source of a Python handler.
const HANDLER_SOURCES: [&str; 2] = ["implementation", "on_change"];

/// The content of one block.
pub(super) struct DecodedBlock<'w> {
    evaluator: &'w Evaluator,
    /// The address of the resource, such as `sym_flow.prod`.
    resource: String,
    /// The name of the block in messages: the resource, or a block of it.
    pub(super) subject: String,
    pub(super) location: SourceLocation,
    attributes: BTreeMap<String, DecodedAttribute>,
    blocks: Vec<(&'static str, DecodedBlock<'w>)>,
}

/// The value of an attribute.
#[derive(Clone)]
pub(super) struct DecodedAttribute {
    pub(super) value: Value,
    pub(super) location: SourceLocation,
}

impl<'w> DecodedBlock<'w> {
    /// Creates an empty block of a kind; of the resource itself if no kind is given.
    fn new(evaluator: &'w Evaluator, resource: String, kind: Option<&str>, location: SourceLocation) -> Self {
        let subject = kind.map_or_else(|| resource.clone(), |kind| format!("`{kind}` of {resource}"));
        Self { evaluator, resource, subject, location, attributes: BTreeMap::new(), blocks: Vec::new() }
    }

    /// Decodes the block of a resource. `evaluate` returns the value of an attribute.
    pub(super) fn decode_resource(
        scope: Scope<'w>,
        declared: &BlockDecl,
        schema: &'static Schema,
        address: &str,
        evaluate: &dyn Fn(&Attribute) -> Value,
    ) -> Self {
        let mut decoded = Self::new(scope.evaluator, address.to_owned(), None, declared.location.clone());
        decoded.decode_body(scope, &declared.body, schema, evaluate);
        decoded
    }

    /// Decodes a nested block.
    fn decode_nested(&self, scope: Scope<'_>, body: &Body, schema: &'static Schema, location: SourceLocation) -> Self {
        let mut decoded = Self::new(self.evaluator, self.resource.clone(), Some(schema.kind), location);
        decoded.decode_body(scope, body, schema, &|attribute| scope.eval(&attribute.value));
        decoded
    }

    /// Decodes the entries of a map as attributes.
    fn decode_map(&self, map: &Value, schema: &'static Schema, location: &SourceLocation) -> Self {
        let mut decoded = Self::new(self.evaluator, self.resource.clone(), Some(schema.kind), location.clone());
        for (name, value) in map.entries().into_iter().flatten() {
            if schema.attributes.contains(&name.as_str()) {
                decoded
                    .attributes
                    .insert(name.clone(), DecodedAttribute { value: value.clone(), location: location.clone() });
            } else {
                decoded.report_unknown_name(name, schema, location.clone());
            }
        }
        decoded.require(schema);
        decoded
    }

    /// Evaluates a body. Reports attributes and blocks that the schema does not have, and those that it requires.
    fn decode_body(
        &mut self,
        scope: Scope<'_>,
        body: &Body,
        schema: &'static Schema,
        evaluate: &dyn Fn(&Attribute) -> Value,
    ) {
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => self.decode_attribute(scope, attribute, schema, evaluate),
                Structure::Block(block) => self.decode_block(scope, block, schema),
            }
        }
        self.require(schema);
    }

    fn decode_attribute(
        &mut self,
        scope: Scope<'_>,
        attribute: &Attribute,
        schema: &'static Schema,
        evaluate: &dyn Fn(&Attribute) -> Value,
    ) {
        let name = attribute.key.as_str();
        if schema.attributes.contains(&name) {
            let value = if HANDLER_SOURCES.contains(&name) {
                eval_handler_source(scope, attribute)
            } else {
                evaluate(attribute)
            };
            self.attributes
                .insert(name.to_owned(), DecodedAttribute { value, location: scope.location(&attribute.value) });
        } else if !META_ATTRIBUTES.contains(&name) {
            self.report_unknown_name(name, schema, scope.location(attribute));
        }
    }

    fn decode_block(&mut self, scope: Scope<'_>, block: &Block, schema: &'static Schema) {
        let ident = block.ident.as_str();
        let label = block.labels.first().map(|label| label.as_str());
        if let Some(schema) = nested(ident, schema) {
            let decoded = self.decode_nested(scope, &block.body, schema, scope.location(block));
            self.blocks.push((schema.kind, decoded));
        } else if ident == "dynamic"
            && let Some(schema) = label.and_then(|label| nested(label, schema))
        {
            self.decode_dynamic(scope, block, schema);
        } else if ident == "dynamic" || !META_BLOCKS.contains(&ident) {
            let name = if ident == "dynamic" { label.unwrap_or_default() } else { ident };
            self.report_unknown_name(name, schema, scope.location(block));
        }
    }

    /// Decodes one block for each element of a `dynamic` block.
    fn decode_dynamic(&mut self, scope: Scope<'_>, block: &Block, schema: &'static Schema) {
        let (Some(each), Some(content)) =
            (block.body.get_attribute("for_each"), block.body.get_blocks("content").next())
        else {
            let diagnostic = Diagnostic::error(
                scope.location(block),
                format!("`dynamic {:?}` needs `for_each` and `content`", schema.kind),
            );
            return scope.report(diagnostic);
        };
        let iterator = match block.body.get_attribute("iterator").map(|attribute| &attribute.value) {
            Some(Expression::Variable(name)) => name.as_str(),
            _ => schema.kind,
        };
        let collection = scope.eval(&each.value);
        let Some(pairs) = scope.pairs(&collection) else {
            if let Value::Unknown(unknown @ Unknown::AfterApply(_)) = &collection {
                let diagnostic =
                    Diagnostic::error(scope.location(&each.value), format!("`for_each` must be known: {unknown}"));
                return scope.report(diagnostic);
            }
            type_mismatch(scope, &each.value, "`for_each`", "a list, set or map", &collection);
            return;
        };
        for (key, value) in pairs {
            let entry = Value::object(BTreeMap::from([("key".to_owned(), key), ("value".to_owned(), value)]));
            let name = Binding { name: iterator, value: entry, outer: scope.bindings };
            let decoded = self.decode_nested(scope.with(&name), &content.body, schema, scope.location(content));
            self.blocks.push((schema.kind, decoded));
        }
    }

    fn report_unknown_name(&self, name: &str, schema: &Schema, location: SourceLocation) {
        let diagnostic = Diagnostic::error(location, format!("{} has no `{name}`", self.subject));
        let hint = if schema.attributes.contains(&name) {
            Some(format!("it is an attribute: write `{name} = …`"))
        } else {
            did_you_mean(name, schema.attributes.iter().chain(schema.blocks))
        };
        self.evaluator.report(diagnostic.with_hint_if(hint));
    }

    fn require(&self, schema: &Schema) {
        for name in schema.required {
            if !self.attributes.contains_key(*name) {
                self.evaluator
                    .report(Diagnostic::error(self.location.clone(), format!("{} needs `{name}`", self.subject)));
            }
        }
    }

    /// Returns `true` if a value in the block is invalid.
    pub(super) fn is_invalid(&self) -> bool {
        self.attributes.values().any(|item| item.value.is_invalid())
            || self.blocks.iter().any(|(_, decoded)| decoded.is_invalid())
    }

    pub(super) fn error(&self, location: &SourceLocation, message: String, hint: Option<String>) {
        self.evaluator.report(Diagnostic::error(location.clone(), message).with_hint_if(hint));
    }

    pub(super) fn warn(&self, location: &SourceLocation, message: String) {
        self.evaluator.warn(Diagnostic::warning(location.clone(), message));
    }

    /// Removes the nested blocks of a kind, whether they were written as blocks or, as in JSON, as an attribute.
    pub(super) fn take_blocks(&mut self, schema: &'static Schema) -> Vec<DecodedBlock<'w>> {
        let (taken, kept) = std::mem::take(&mut self.blocks).into_iter().partition(|(kind, _)| *kind == schema.kind);
        self.blocks = kept;
        let taken: Vec<(&'static str, DecodedBlock<'w>)> = taken;
        let mut decoded: Vec<DecodedBlock<'w>> = taken.into_iter().map(|(_, decoded)| decoded).collect();
        if let Some(item) = self.attributes.remove(schema.kind) {
            let single = std::slice::from_ref(&item.value);
            for value in item.value.items().unwrap_or(single) {
                match value {
                    Value::Map(_) => decoded.push(self.decode_map(value, schema, &item.location)),
                    Value::Unknown(Unknown::Invalid) | Value::Null(_) => {}
                    other => self.report_mismatch(schema.kind, &item.location, "a block", other),
                }
            }
        }
        decoded
    }

    /// Decodes a list of maps as blocks.
    pub(super) fn decode_list(&self, list: &DecodedAttribute, schema: &'static Schema) -> Vec<DecodedBlock<'w>> {
        let maps = list.value.items().unwrap_or_default().iter();
        maps.map(|map| self.decode_map(map, schema, &list.location)).collect()
    }

    /// Returns the attribute, unless it is null.
    pub(super) fn attribute(&self, name: &str) -> Option<&DecodedAttribute> {
        self.attributes.get(name).filter(|item| !item.value.is_null())
    }

    pub(super) fn location_of(&self, name: &str) -> SourceLocation {
        self.attributes.get(name).map_or_else(|| self.location.clone(), |item| item.location.clone())
    }

    /// Reports a value of the wrong type, unless it was reported before.
    fn report_mismatch(&self, name: &str, location: &SourceLocation, expected: &str, got: &Value) {
        match got {
            Value::Unknown(Unknown::Invalid) => {}
            Value::Unknown(unknown @ Unknown::AfterApply(expression)) => {
                let message = format!("`{name}` of {} must be known: {unknown}", self.subject);
                self.error(location, message, Some(known_values::hint(expression)));
            }
            _ => {
                let message = format!("`{name}` of {}: expected {expected}, got {}", self.subject, got.describe());
                self.error(location, message, None);
            }
        }
    }

    /// Warns about a value that is left unset because it is unknown.
    fn warn_unset(&self, name: &str, location: &SourceLocation, unknown: &Unknown) {
        if let Unknown::AfterApply(expression) = unknown {
            let message = format!("`{name}` of {} stays unset: {unknown}", self.subject);
            let hint = known_values::hint(expression);
            if let Some(setting) = name.strip_prefix("settings.").or_else(|| name.strip_prefix("vars.")) {
                self.evaluator.unknown_settings.borrow_mut().push(UnknownSetting {
                    location: self.location.clone(),
                    name: setting.to_owned(),
                    reference: expression.to_string(),
                    hint: hint.clone(),
                });
            }
            self.evaluator.warn(Diagnostic::warning(location.clone(), message).with_hint(hint));
        }
    }

    /// Returns the text that stands for an unknown value, if placeholders are wanted.
    fn placeholder(&self, name: &str, location: &SourceLocation, value: &Value) -> Option<String> {
        let Value::Unknown(unknown @ Unknown::AfterApply(expression)) = value else { return None };
        if !self.evaluator.has_placeholders {
            return None;
        }
        let text = known_values::placeholder(expression);
        let message = format!("`{name}` of {}: {unknown}; {text:?} stands for it", self.subject);
        let note = Diagnostic::warning(location.clone(), message).with_hint(known_values::hint(expression));
        self.evaluator.placeholder_notes.borrow_mut().push(note);
        Some(text)
    }

    /// Returns a required string; empty if it is invalid.
    pub(super) fn required_text(&self, name: &str) -> String {
        match self.attributes.get(name) {
            Some(item) => match item.value.to_text() {
                Some(text) => text.to_string(),
                None => self.placeholder(name, &item.location, &item.value).unwrap_or_else(|| {
                    self.report_mismatch(name, &item.location, "a string", &item.value);
                    String::new()
                }),
            },
            None => String::new(),
        }
    }

    /// Returns an optional string, which stays unset if it is unknown.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let item = self.attribute(name)?;
        match (&item.value, item.value.to_text()) {
            (_, Some(text)) => Some(text.to_string()),
            (Value::Unknown(unknown), None) => self.placeholder(name, &item.location, &item.value).or_else(|| {
                self.warn_unset(name, &item.location, unknown);
                None
            }),
            (other, None) => {
                self.report_mismatch(name, &item.location, "a string", other);
                None
            }
        }
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        let Some(item) = self.attribute(name) else { return default };
        item.value.to_bool().unwrap_or_else(|| {
            self.report_mismatch(name, &item.location, "a boolean", &item.value);
            default
        })
    }

    /// Returns a list of strings.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let item = self.attribute(name)?;
        let Some(items) = item.value.items() else {
            self.report_mismatch(name, &item.location, "a list of strings", &item.value);
            return None;
        };
        let mut texts = Vec::new();
        for value in items {
            match value.to_text() {
                Some(text) => texts.push(text.to_string()),
                None => match self.placeholder(name, &item.location, value) {
                    Some(text) => texts.push(text),
                    None => self.report_mismatch(name, &item.location, "a list of strings", value),
                },
            }
        }
        Some(texts)
    }

    /// Returns a map of strings. Unknown entries stay unset.
    pub(super) fn map(&self, name: &str) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for (key, value, location) in self.entries(name) {
            match (value.to_text(), &value) {
                (Some(text), _) => {
                    texts.insert(key, text.to_string());
                }
                (None, Value::Null(_)) => {}
                (None, Value::Unknown(unknown)) => {
                    let name = format!("{name}.{key}");
                    match self.placeholder(&name, &location, &value) {
                        Some(text) => drop(texts.insert(key, text)),
                        None => self.warn_unset(&name, &location, unknown),
                    }
                }
                (None, other) => self.report_mismatch(&format!("{name}.{key}"), &location, "a string", other),
            }
        }
        texts
    }

    /// Returns the entries of a map, each with the location of the map.
    fn entries(&self, name: &str) -> Vec<(String, Value, SourceLocation)> {
        let Some(item) = self.attribute(name) else { return Vec::new() };
        match (&item.value, item.value.entries()) {
            (_, Some(entries)) => {
                entries.iter().map(|(key, value)| (key.clone(), value.clone(), item.location.clone())).collect()
            }
            (Value::Unknown(unknown), None) => {
                self.warn_unset(name, &item.location, unknown);
                Vec::new()
            }
            (other, None) => {
                self.report_mismatch(name, &item.location, "a map", other);
                Vec::new()
            }
        }
    }

    /// Returns a reference to a Sym resource of a kind: its `id`, or its name as text.
    pub(super) fn reference(&self, name: &str, kind: &str) -> Option<Reference> {
        let item = self.attribute(name)?;
        self.resolve_reference(name, &item.location, &item.value, kind)
    }

    /// Checks a reference that no declaration uses; it may be unknown.
    pub(super) fn check_reference(&self, name: &str, kind: &str) {
        if let Some(item) = self.attribute(name)
            && !matches!(item.value, Value::Unknown(_))
        {
            self.resolve_reference(name, &item.location, &item.value, kind);
        }
    }

    /// Returns a list of references.
    pub(super) fn references(&self, name: &str, kind: &str) -> Vec<Reference> {
        let Some(item) = self.attribute(name) else { return Vec::new() };
        let Some(items) = item.value.items() else {
            self.report_mismatch(name, &item.location, "a list of ids", &item.value);
            return Vec::new();
        };
        items.iter().filter_map(|value| self.resolve_reference(name, &item.location, value, kind)).collect()
    }

    /// Returns a reference to an integration. For one that a module from elsewhere creates, adds a placeholder.
    pub(super) fn integration(&self, name: &str) -> Option<Reference> {
        let item = self.attribute(name)?;
        self.integration_reference(name, &item.location, &item.value)
    }

    /// Returns a map of integrations. Sym's key `slack_id` becomes `slack`.
    pub(super) fn integrations(&self, name: &str) -> BTreeMap<String, Reference> {
        let mut references = BTreeMap::new();
        for (key, value, location) in self.entries(name) {
            let service = key.strip_suffix("_id").unwrap_or(&key);
            if let Some(reference) = self.integration_reference(&format!("{name}.{key}"), &location, &value) {
                references.insert(service.to_owned(), reference);
            }
        }
        references
    }

    fn integration_reference(&self, name: &str, location: &SourceLocation, value: &Value) -> Option<Reference> {
        let Value::Unknown(unknown @ Unknown::AfterApply(expression)) = value else {
            return self.resolve_reference(name, location, value, "sym_integration");
        };
        // Sym's connector modules create the integration themselves.
        let Some(module) = expression.strip_prefix("module.").and_then(|rest| rest.split(['.', '[']).next()) else {
            self.report_mismatch(name, location, "the id of a resource", value);
            return None;
        };
        let message =
            format!("`{name}` of {}: {unknown}; a placeholder `{MODULE_INTEGRATION}.{module}` is used", self.subject);
        self.warn(location, message);
        let kind = MODULE_INTEGRATION.to_owned();
        let integration = Integration { kind, name: module.to_owned(), ..Integration::default() };
        self.evaluator.placeholders.borrow_mut().insert(module.to_owned(), integration);
        Some(Reference::typed(MODULE_INTEGRATION, module))
    }

    fn resolve_reference(&self, name: &str, location: &SourceLocation, value: &Value, kind: &str) -> Option<Reference> {
        match value {
            Value::Id(id) if id.resource == kind => Some(reference(id)),
            Value::Id(id) => {
                let message = format!("`{name}` of {} refers to `{}`, expected a `{kind}`", self.subject, id.address);
                self.error(location, message, None);
                None
            }
            Value::Object(_) => {
                let message = format!("`{name}` of {} refers to a whole resource, expected its id", self.subject);
                self.error(location, message, Some("append `.id`".to_owned()));
                None
            }
            Value::Null(_) => None,
            other => match other.to_text() {
                Some(text) => Some(Reference::named(&*text)),
                None => {
                    self.report_mismatch(name, location, "the id of a resource", other);
                    None
                }
            },
        }
    }
}

fn reference(id: &Rc<Id>) -> Reference {
    Reference { kind: id.kind.clone(), name: id.name.clone() }
}

/// Evaluates the source of a handler. A Python file does not need to exist, because its handlers are Rust here.
fn eval_handler_source(scope: Scope<'_>, attribute: &Attribute) -> Value {
    let diagnostics = Sink::default();
    let value = scope.reporting_to(&diagnostics).eval(&attribute.value);
    let diagnostics = diagnostics.into_inner();
    if !diagnostics.is_empty()
        && let Expression::FuncCall(call) = strip_parentheses(&attribute.value)
        && matches!(call.name.name.as_str(), "file" | "filebase64")
        && let Some(argument) = call.args.get(0)
        && let Some(path) = scope.reporting_to(&Sink::default()).eval(argument).to_text()
        && path.ends_with(".py")
    {
        return Value::after_apply(format!("file({path:?})"));
    }
    diagnostics.into_iter().for_each(|diagnostic| scope.report(diagnostic));
    value
}
