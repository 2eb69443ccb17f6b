//! The evaluated content of a Sym block, and what is read from it with which conversions.

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Body, Structure};

use super::instances::unwrapped;
use super::module::Declared;
use super::schema::{META_ATTRIBUTES, META_BLOCKS, PARAMS, PROMPT_FIELD, Schema};
use super::scope::{Name, Scope, misfit};
use super::value::{Id, Unknown, Value};
use super::world::{Sink, World};
use crate::config::{Diagnostic, Integration, Reference, SourceLocation};
use crate::suggest::did_you_mean;

/// Attributes that may hold the source of a Python handler.
const SOURCES: [&str; 2] = ["implementation", "on_change"];

/// The content of one block.
pub(super) struct Table<'w> {
    world: &'w World,
    /// The address of the resource, such as `sym_flow.prod`.
    resource: String,
    /// What messages call the block: the resource, or a block of it.
    pub(super) what: String,
    pub(super) location: SourceLocation,
    items: BTreeMap<String, Item>,
    blocks: Vec<(&'static str, Table<'w>)>,
}

/// The value of an attribute.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) value: Value,
    pub(super) location: SourceLocation,
}

impl<'w> Table<'w> {
    /// An empty table of the block of a kind; of the resource itself if no kind is given.
    fn new(world: &'w World, resource: String, kind: Option<&str>, location: SourceLocation) -> Self {
        let what = kind.map_or_else(|| resource.clone(), |kind| format!("`{kind}` of {resource}"));
        Self { world, resource, what, location, items: BTreeMap::new(), blocks: Vec::new() }
    }

    /// The content of a resource's block. `evaluate` gives the value of an attribute.
    pub(super) fn of_resource(
        scope: Scope<'w>,
        declared: &Declared,
        schema: &'static Schema,
        address: &str,
        evaluate: &dyn Fn(&Attribute) -> Value,
    ) -> Self {
        let mut table = Self::new(scope.world, address.to_owned(), None, declared.location.clone());
        table.take_body(scope, &declared.body, schema, evaluate);
        table
    }

    /// The content of a nested block.
    fn nested(&self, scope: Scope<'_>, body: &Body, schema: &'static Schema, location: SourceLocation) -> Self {
        let mut table = Self::new(self.world, self.resource.clone(), Some(schema.kind), location);
        table.take_body(scope, body, schema, &|attribute| scope.eval(&attribute.value));
        table
    }

    /// The entries of a map as attributes.
    fn of_map(&self, map: &Value, schema: &'static Schema, location: &SourceLocation) -> Self {
        let mut table = Self::new(self.world, self.resource.clone(), Some(schema.kind), location.clone());
        for (name, value) in map.entries().into_iter().flatten() {
            if schema.attributes.contains(&name.as_str()) {
                table.items.insert(name.clone(), Item { value: value.clone(), location: location.clone() });
            } else {
                table.unknown_name(name, schema, location.clone());
            }
        }
        table.require(schema);
        table
    }

    /// Evaluates a body. What the schema does not know, or misses, is a fault.
    fn take_body(
        &mut self,
        scope: Scope<'_>,
        body: &Body,
        schema: &'static Schema,
        evaluate: &dyn Fn(&Attribute) -> Value,
    ) {
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => self.take_attribute(scope, attribute, schema, evaluate),
                Structure::Block(block) => self.take_block(scope, block, schema),
            }
        }
        self.require(schema);
    }

    fn take_attribute(
        &mut self,
        scope: Scope<'_>,
        attribute: &Attribute,
        schema: &'static Schema,
        evaluate: &dyn Fn(&Attribute) -> Value,
    ) {
        let name = attribute.key.as_str();
        if schema.attributes.contains(&name) {
            let value = if SOURCES.contains(&name) { source(scope, attribute) } else { evaluate(attribute) };
            self.items.insert(name.to_owned(), Item { value, location: scope.location(&attribute.value) });
        } else if !META_ATTRIBUTES.contains(&name) {
            self.unknown_name(name, schema, scope.location(attribute));
        }
    }

    fn take_block(&mut self, scope: Scope<'_>, block: &Block, schema: &'static Schema) {
        let ident = block.ident.as_str();
        let label = block.labels.first().map(|label| label.as_str());
        if let Some(schema) = nested(ident, schema) {
            let table = self.nested(scope, &block.body, schema, scope.location(block));
            self.blocks.push((schema.kind, table));
        } else if ident == "dynamic"
            && let Some(schema) = label.and_then(|label| nested(label, schema))
        {
            self.take_dynamic(scope, block, schema);
        } else if ident == "dynamic" || !META_BLOCKS.contains(&ident) {
            let name = if ident == "dynamic" { label.unwrap_or_default() } else { ident };
            self.unknown_name(name, schema, scope.location(block));
        }
    }

    /// Makes a block of each element that a `dynamic` block walks.
    fn take_dynamic(&mut self, scope: Scope<'_>, block: &Block, schema: &'static Schema) {
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
            if let Value::Unknown(unknown @ Unknown::Foreign(_)) = &collection {
                let diagnostic =
                    Diagnostic::error(scope.location(&each.value), format!("`for_each` must be known: {unknown}"));
                return scope.report(diagnostic);
            }
            misfit(scope, &each.value, "`for_each`", "a list, set or map", &collection);
            return;
        };
        for (key, value) in pairs {
            let entry = Value::map(BTreeMap::from([("key".to_owned(), key), ("value".to_owned(), value)]));
            let name = Name { name: iterator, value: entry, outer: scope.names };
            let table = self.nested(scope.with(&name), &content.body, schema, scope.location(content));
            self.blocks.push((schema.kind, table));
        }
    }

    fn unknown_name(&self, name: &str, schema: &Schema, location: SourceLocation) {
        let diagnostic = Diagnostic::error(location, format!("{} has no `{name}`", self.what));
        let hint = if schema.attributes.contains(&name) {
            Some(format!("it is an attribute: write `{name} = …`"))
        } else {
            did_you_mean(name, schema.attributes.iter().chain(schema.blocks))
        };
        self.world.diagnostic(diagnostic.with_hint_if(hint));
    }

    fn require(&self, schema: &Schema) {
        for name in schema.required {
            if !self.items.contains_key(*name) {
                self.world
                    .diagnostic(Diagnostic::error(self.location.clone(), format!("{} needs `{name}`", self.what)));
            }
        }
    }

    /// Whether a value in it is faulty.
    pub(super) fn is_faulty(&self) -> bool {
        self.items.values().any(|item| item.value.is_faulty()) || self.blocks.iter().any(|(_, table)| table.is_faulty())
    }

    pub(super) fn diagnostic(&self, location: &SourceLocation, message: String, hint: Option<String>) {
        self.world.diagnostic(Diagnostic::error(location.clone(), message).with_hint_if(hint));
    }

    pub(super) fn warn(&self, location: &SourceLocation, message: String) {
        self.world.warn(Diagnostic::warning(location.clone(), message));
    }

    /// The tables of the nested blocks of a kind, written as blocks or, as in JSON, as an attribute.
    pub(super) fn take_blocks(&mut self, schema: &'static Schema) -> Vec<Table<'w>> {
        let (taken, kept) = std::mem::take(&mut self.blocks).into_iter().partition(|(kind, _)| *kind == schema.kind);
        self.blocks = kept;
        let taken: Vec<(&'static str, Table<'w>)> = taken;
        let mut tables: Vec<Table<'w>> = taken.into_iter().map(|(_, table)| table).collect();
        if let Some(item) = self.items.remove(schema.kind) {
            let single = std::slice::from_ref(&item.value);
            for value in item.value.items().unwrap_or(single) {
                match value {
                    Value::Map(_) => tables.push(self.of_map(value, schema, &item.location)),
                    Value::Unknown(Unknown::Faulty) | Value::Null => {}
                    other => self.wrong(schema.kind, &item.location, "a block", other),
                }
            }
        }
        tables
    }

    /// The tables of a list of maps.
    pub(super) fn of_list(&self, list: &Item, schema: &'static Schema) -> Vec<Table<'w>> {
        let maps = list.value.items().unwrap_or_default().iter();
        maps.map(|map| self.of_map(map, schema, &list.location)).collect()
    }

    /// The attribute, if it is set to anything but null.
    pub(super) fn item(&self, name: &str) -> Option<&Item> {
        self.items.get(name).filter(|item| !matches!(item.value, Value::Null))
    }

    pub(super) fn location_of(&self, name: &str) -> SourceLocation {
        self.items.get(name).map_or_else(|| self.location.clone(), |item| item.location.clone())
    }

    /// Reports a value of the wrong type, unless it was reported before.
    fn wrong(&self, name: &str, location: &SourceLocation, expected: &str, got: &Value) {
        match got {
            Value::Unknown(Unknown::Faulty) => {}
            Value::Unknown(unknown) => {
                let message = format!("`{name}` of {} must be known: {unknown}", self.what);
                self.diagnostic(location, message, Some("write its value, or make it a variable".to_owned()));
            }
            _ => {
                let message = format!("`{name}` of {}: expected {expected}, got {}", self.what, got.describe());
                self.diagnostic(location, message, None);
            }
        }
    }

    /// Notes a value that is left unset because it is not known.
    fn leave_out(&self, name: &str, location: &SourceLocation, unknown: &Unknown) {
        if let Unknown::Foreign(_) = unknown {
            self.warn(location, format!("`{name}` of {} stays unset: {unknown}", self.what));
        }
    }

    /// A string that the block cannot do without; empty if it is faulty.
    pub(super) fn needed_text(&self, name: &str) -> String {
        match self.items.get(name) {
            Some(item) => match item.value.to_text() {
                Some(text) => text.to_string(),
                None => {
                    self.wrong(name, &item.location, "a string", &item.value);
                    String::new()
                }
            },
            None => String::new(),
        }
    }

    /// A string that may be left out, or stay unset if it is not known.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let item = self.item(name)?;
        match (&item.value, item.value.to_text()) {
            (_, Some(text)) => Some(text.to_string()),
            (Value::Unknown(unknown), None) => {
                self.leave_out(name, &item.location, unknown);
                None
            }
            (other, None) => {
                self.wrong(name, &item.location, "a string", other);
                None
            }
        }
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        let Some(item) = self.item(name) else { return default };
        item.value.to_bool().unwrap_or_else(|| {
            self.wrong(name, &item.location, "a boolean", &item.value);
            default
        })
    }

    /// A list of strings.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let item = self.item(name)?;
        let Some(items) = item.value.items() else {
            self.wrong(name, &item.location, "a list of strings", &item.value);
            return None;
        };
        let mut texts = Vec::new();
        for value in items {
            match value.to_text() {
                Some(text) => texts.push(text.to_string()),
                None => self.wrong(name, &item.location, "a list of strings", value),
            }
        }
        Some(texts)
    }

    /// A map of strings; entries that are not known stay unset.
    pub(super) fn map(&self, name: &str) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for (key, value, location) in self.entries(name) {
            match (value.to_text(), &value) {
                (Some(text), _) => {
                    texts.insert(key, text.to_string());
                }
                (None, Value::Null) => {}
                (None, Value::Unknown(unknown)) => self.leave_out(&format!("{name}.{key}"), &location, unknown),
                (None, other) => self.wrong(&format!("{name}.{key}"), &location, "a string", other),
            }
        }
        texts
    }

    /// The entries of a map, with the place of the map.
    fn entries(&self, name: &str) -> Vec<(String, Value, SourceLocation)> {
        let Some(item) = self.item(name) else { return Vec::new() };
        match (&item.value, item.value.entries()) {
            (_, Some(entries)) => {
                entries.iter().map(|(key, value)| (key.clone(), value.clone(), item.location.clone())).collect()
            }
            (Value::Unknown(unknown), None) => {
                self.leave_out(name, &item.location, unknown);
                Vec::new()
            }
            (other, None) => {
                self.wrong(name, &item.location, "a map", other);
                Vec::new()
            }
        }
    }

    /// A reference to a Sym resource of a kind: its `id`, or its name as text.
    pub(super) fn reference(&self, name: &str, kind: &str) -> Option<Reference> {
        let item = self.item(name)?;
        self.refer(name, &item.location, &item.value, kind)
    }

    /// Checks a reference that nothing here depends on; one that is not known will do.
    pub(super) fn known_reference(&self, name: &str, kind: &str) {
        if let Some(item) = self.item(name)
            && !matches!(item.value, Value::Unknown(_))
        {
            self.refer(name, &item.location, &item.value, kind);
        }
    }

    /// A list of references.
    pub(super) fn references(&self, name: &str, kind: &str) -> Vec<Reference> {
        let Some(item) = self.item(name) else { return Vec::new() };
        let Some(items) = item.value.items() else {
            self.wrong(name, &item.location, "a list of ids", &item.value);
            return Vec::new();
        };
        items.iter().filter_map(|value| self.refer(name, &item.location, value, kind)).collect()
    }

    /// A reference to an integration. One that another module makes is stood in for by one of the given type.
    pub(super) fn integration(&self, name: &str, kind: &str) -> Option<Reference> {
        let item = self.item(name)?;
        self.integration_in(name, &item.location, &item.value, kind)
    }

    /// A map of integrations; Sym's key `slack_id` is read as `slack`.
    pub(super) fn integrations(&self, name: &str) -> BTreeMap<String, Reference> {
        let mut references = BTreeMap::new();
        for (key, value, location) in self.entries(name) {
            let service = key.strip_suffix("_id").unwrap_or(&key);
            let kind = integration_kind(service);
            if let Some(reference) = self.integration_in(&format!("{name}.{key}"), &location, &value, kind) {
                references.insert(service.to_owned(), reference);
            }
        }
        references
    }

    fn integration_in(&self, name: &str, location: &SourceLocation, value: &Value, kind: &str) -> Option<Reference> {
        let Value::Unknown(unknown @ Unknown::Foreign(expression)) = value else {
            return self.refer(name, location, value, "sym_integration");
        };
        // Sym's connector modules make the integration themselves.
        let Some(module) = expression.strip_prefix("module.").and_then(|rest| rest.split(['.', '[']).next()) else {
            self.wrong(name, location, "the id of a resource", value);
            return None;
        };
        let message = format!("`{name}` of {}: {unknown}; integration `{kind}.{module}` stands in", self.what);
        self.warn(location, message);
        let integration = Integration { kind: kind.to_owned(), name: module.to_owned(), ..Integration::default() };
        self.world.stand_ins.borrow_mut().insert((kind.to_owned(), module.to_owned()), integration);
        Some(Reference::typed(kind, module))
    }

    fn refer(&self, name: &str, location: &SourceLocation, value: &Value, kind: &str) -> Option<Reference> {
        match value {
            Value::Id(id) if id.resource == kind => Some(reference(id)),
            Value::Id(id) => {
                let message = format!("`{name}` of {} refers to `{}`, expected a `{kind}`", self.what, id.address);
                self.diagnostic(location, message, None);
                None
            }
            Value::Object(_) => {
                let message = format!("`{name}` of {} refers to a whole resource, expected its id", self.what);
                self.diagnostic(location, message, Some("put `.id` after it".to_owned()));
                None
            }
            Value::Null => None,
            other => match other.to_text() {
                Some(text) => Some(Reference::named(&*text)),
                None => {
                    self.wrong(name, location, "the id of a resource", other);
                    None
                }
            },
        }
    }
}

fn reference(id: &Rc<Id>) -> Reference {
    Reference { kind: id.kind.clone(), name: id.name.clone() }
}

/// The type of integration that a strategy of a type uses, or that an environment has under a key.
pub(super) fn integration_kind(service: &str) -> &str {
    match service {
        "aws_iam" | "aws_lambda" | "aws_sso" => "permission_context",
        "google_group" => "google",
        other => other,
    }
}

/// The schema of a nested block, if the outer one has it.
fn nested(name: &str, outer: &Schema) -> Option<&'static Schema> {
    let schemas: [&'static Schema; 2] = [&PARAMS, &PROMPT_FIELD];
    schemas.into_iter().find(|schema| schema.kind == name && outer.blocks.contains(&name))
}

/// The source of a handler. A Python file need not be there: its handlers are Rust here.
fn source(scope: Scope<'_>, attribute: &Attribute) -> Value {
    let diagnostics = Sink::default();
    let value = scope.reporting_to(&diagnostics).eval(&attribute.value);
    let diagnostics = diagnostics.into_inner();
    if !diagnostics.is_empty()
        && let Expression::FuncCall(call) = unwrapped(&attribute.value)
        && matches!(call.name.name.as_str(), "file" | "filebase64")
        && let Some(argument) = call.args.get(0)
        && let Some(path) = scope.reporting_to(&Sink::default()).eval(argument).to_text()
        && path.ends_with(".py")
    {
        return Value::foreign(format!("file({path:?})"));
    }
    diagnostics.into_iter().for_each(|diagnostic| scope.report(diagnostic));
    value
}
