//! What the names of a module instance stand for: variables, locals, outputs, resources and child modules.

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block};

use super::module::{Declared, Local};
use super::resource::{Handle, Key, ResourceHandle};
use super::schema::{self, META_ATTRIBUTES};
use super::scope::Scope;
use super::types::Type;
use super::value::{Id, Unknown, Value};
use super::world::{Instance, MAX_INSTANCES, Sink, What, World};
use crate::config::{Diagnostic, SourceLocation};
use crate::suggest::did_you_mean;

/// Attributes of a `module` block that are not inputs.
const MODULE_ATTRIBUTES: [&str; 6] = ["count", "depends_on", "for_each", "providers", "source", "version"];

impl World {
    /// The value of a variable: given, or its default, converted to its type.
    pub(super) fn variable(&self, instance: &Rc<Instance>, declared: &Rc<Declared>) -> Value {
        let key = (instance.number, What::Variable, declared.name.clone());
        self.once(key, &declared.location, || self.evaluate_variable(instance, declared))
    }

    fn evaluate_variable(&self, instance: &Rc<Instance>, declared: &Rc<Declared>) -> Value {
        let scope = self.scope(instance, &declared.source, &Key::Only);
        let (value, location) = match self.input(instance, &declared.name) {
            Some((value, location)) if !matches!(value, Value::Null) || self.is_nullable(scope, declared) => {
                (value, location)
            }
            _ => match declared.attribute("default") {
                Some(default) => (scope.eval(&default.value), scope.location(&default.value)),
                None => return self.missing_input(instance, declared),
            },
        };
        let Some(attribute) = declared.attribute("type") else { return value };
        let kind = match Type::read(&attribute.value, &|expr| scope.eval(expr)) {
            Ok(kind) => kind,
            Err(bad) => {
                let diagnostic =
                    Diagnostic::error(scope.location(&attribute.value), format!("`type`: {}", bad.message));
                return scope.faulty(diagnostic.with_hint_if(bad.hint));
            }
        };
        kind.convert(&value, &|handle, names| self.pick(handle, names)).unwrap_or_else(|why| {
            scope.faulty(Diagnostic::error(location, format!("value of variable `{}`: {why}", declared.name)))
        })
    }

    /// Whether the variable takes null for what it is, and not for its default.
    fn is_nullable(&self, scope: Scope<'_>, declared: &Declared) -> bool {
        let nullable = declared.attribute("nullable").map(|attribute| scope.eval(&attribute.value));
        nullable.and_then(|value| value.to_bool()) != Some(false)
    }

    /// The value that is given to a variable, and where.
    fn input(&self, instance: &Rc<Instance>, name: &str) -> Option<(Value, SourceLocation)> {
        let Some(call) = &instance.call else {
            return self.given.borrow().get(name).cloned();
        };
        let attribute = call.declared.attribute(name)?;
        let parent = self.instance(call.parent)?;
        let scope = self.scope(&parent, &call.declared.source, &call.key);
        Some((scope.eval(&attribute.value), scope.location(&attribute.value)))
    }

    /// Holds the variables to what their `validation` blocks ask for.
    pub(super) fn validate_variables(&self, instance: &Rc<Instance>) {
        for declared in instance.module.variables.values() {
            let has_value = self.input(instance, &declared.name).is_some() || declared.attribute("default").is_some();
            for validation in declared.body.get_blocks("validation").filter(|_| has_value) {
                self.validate(instance, declared, validation);
            }
        }
    }

    fn validate(&self, instance: &Rc<Instance>, declared: &Declared, validation: &Block) {
        let Some(condition) = validation.body.get_attribute("condition") else { return };
        let unheard = Sink::default();
        let scope = self.scope(instance, &declared.source, &Key::Only);
        let holds = scope.reporting_to(&unheard).eval(&condition.value);
        let about = format!("value of variable `{}`", declared.name);
        if let Some(diagnostic) = unheard.take().into_iter().next() {
            // Terraform may well know how, so the value is not refused.
            self.warn(Diagnostic::warning(
                diagnostic.location,
                format!("{about} is not validated: {}", diagnostic.message),
            ));
        } else if holds.to_bool() == Some(false) {
            let message = validation.body.get_attribute("error_message").map(|message| scope.eval(&message.value));
            let message = message.and_then(|message| message.to_text());
            let message = message.as_deref().unwrap_or("the condition of its `validation` does not hold");
            self.diagnostic(Diagnostic::error(scope.location(&condition.value), format!("{about}: {message}")));
        }
    }

    fn missing_input(&self, instance: &Rc<Instance>, declared: &Rc<Declared>) -> Value {
        let diagnostic = match &instance.call {
            None => {
                let hint = format!("give it a default, or set it in terraform.tfvars or as TF_VAR_{}", declared.name);
                Diagnostic::error(declared.location.clone(), format!("variable `{}` has no value", declared.name))
                    .with_hint(hint)
            }
            Some(call) => {
                let message = format!("module `{}` needs `{}`", call.declared.name, declared.name);
                let hint = format!("the variable is declared at {}", declared.location);
                Diagnostic::error(call.declared.location.clone(), message).with_hint(hint)
            }
        };
        self.diagnostic(diagnostic);
        Value::faulty()
    }

    pub(super) fn local(&self, instance: &Rc<Instance>, name: &str, local: &Rc<Local>) -> Value {
        self.once((instance.number, What::Local, name.to_owned()), &local.location, || {
            self.scope(instance, &local.source, &Key::Only).eval(&local.value)
        })
    }

    /// The instances of a resource or data source: one, a list for `count`, a map for `for_each`.
    pub(super) fn resource(&self, instance: &Rc<Instance>, declared: &Rc<Declared>) -> Value {
        let what = if declared.data { What::Data } else { What::Resource };
        let reference = declared.reference();
        self.once((instance.number, what, reference.clone()), &declared.location, || {
            let prefix = self.address(instance);
            self.expand(instance, declared, declared.is_sym(), &reference, |key| {
                let address = format!("{prefix}{reference}{}", key.suffix());
                let declared = declared.clone();
                Ok(Handle::Resource(ResourceHandle { module: instance.number, declared, key, address }))
            })
        })
    }

    /// The instances that a `module` block makes. The outputs of a module that is not local are not known.
    pub(super) fn children(&self, instance: &Rc<Instance>, declared: &Rc<Declared>) -> Value {
        self.once((instance.number, What::Module, declared.name.clone()), &declared.location, || {
            let reference = format!("module.{}", declared.name);
            let source = match declared.attribute("source") {
                Some(attribute) => self.scope(instance, &declared.source, &Key::Only).eval(&attribute.value),
                None => {
                    self.diagnostic(Diagnostic::error(
                        declared.location.clone(),
                        format!("module `{}` needs `source`", declared.name),
                    ));
                    return Value::faulty();
                }
            };
            let Some(source) = source.to_text() else { return Value::faulty() };
            if !source.starts_with("./") && !source.starts_with("../") && *source != *"." && *source != *".." {
                let message =
                    format!("module `{}` is not local: what it makes and tells is not known here", declared.name);
                self.warn(Diagnostic::warning(declared.location.clone(), message));
                return Value::foreign(reference);
            }
            self.expand(instance, declared, true, &reference, |key| {
                let child = self.add_child(instance, declared, &source, key)?;
                Ok(Handle::Module { number: child.number, reference: reference.clone() })
            })
        })
    }

    /// Makes the instances that `count` or `for_each` ask for. `needed` tells whether their number must be known.
    fn expand(
        &self,
        instance: &Rc<Instance>,
        declared: &Rc<Declared>,
        needed: bool,
        reference: &str,
        make: impl Fn(Key) -> Result<Handle, Diagnostic>,
    ) -> Value {
        let scope = self.scope(instance, &declared.source, &Key::Only);
        let made = |key: Key| {
            if !self.make() {
                let message = format!("`{reference}` makes too many instances: more than {MAX_INSTANCES} in all");
                return scope.faulty(Diagnostic::error(declared.location.clone(), message));
            }
            match make(key) {
                Ok(handle) => Value::Object(Rc::new(handle)),
                Err(diagnostic) => scope.faulty(diagnostic),
            }
        };
        let (attribute, counted) = match (declared.attribute("count"), declared.attribute("for_each")) {
            (None, None) => return made(Key::Only),
            (Some(attribute), None) => (attribute, true),
            (None, Some(attribute)) => (attribute, false),
            (Some(_), Some(attribute)) => {
                let message = format!("`{reference}` has both `count` and `for_each`");
                return scope.faulty(Diagnostic::error(scope.location(attribute), message));
            }
        };
        let value = scope.eval(&attribute.value);
        let unknown = match &value {
            Value::Unknown(unknown) => Some(unknown),
            // The values of a map may be unknown, its keys are not.
            Value::Set(_) => value.first_unknown(),
            _ => None,
        };
        if let Some(unknown) = unknown {
            return self.unknown_number(scope, attribute, needed, reference, unknown);
        }
        if counted { self.counted(scope, attribute, &value, made) } else { self.keyed(scope, attribute, &value, made) }
    }

    fn unknown_number(
        &self,
        scope: Scope<'_>,
        attribute: &Attribute,
        needed: bool,
        reference: &str,
        unknown: &Unknown,
    ) -> Value {
        match unknown {
            Unknown::Faulty => Value::faulty(),
            Unknown::Foreign(_) if !needed => Value::foreign(reference),
            Unknown::Foreign(_) => {
                let message = format!("`{}` of `{reference}` must be known: {unknown}", attribute.key.as_str());
                scope.faulty(Diagnostic::error(scope.location(&attribute.value), message))
            }
        }
    }

    fn counted(&self, scope: Scope<'_>, attribute: &Attribute, count: &Value, made: impl Fn(Key) -> Value) -> Value {
        match count.to_number().and_then(|number| number.as_index()) {
            Some(count) if count <= MAX_INSTANCES => {
                Value::list((0..count).map(|index| made(Key::Index(index))).collect())
            }
            Some(count) => {
                let message = format!("`count` is {count}, at most {MAX_INSTANCES} is supported");
                scope.faulty(Diagnostic::error(scope.location(&attribute.value), message))
            }
            None => {
                let got = count.to_number().map_or_else(|| count.describe().to_owned(), |number| number.to_string());
                let message = format!("`count`: expected a whole number from 0, got {got}");
                scope.faulty(Diagnostic::error(scope.location(&attribute.value), message))
            }
        }
    }

    fn keyed(&self, scope: Scope<'_>, attribute: &Attribute, each: &Value, made: impl Fn(Key) -> Value) -> Value {
        let location = scope.location(&attribute.value);
        let spelled = match each {
            Value::Object(handle) => self.spell_out(handle),
            other => other.clone(),
        };
        let entries: Option<BTreeMap<String, Value>> = match &spelled {
            Value::Map(_) => spelled.entries().cloned(),
            Value::Set(_) => {
                let keys = spelled.items().unwrap_or_default().iter();
                keys.map(|key| Some((key.to_text()?.to_string(), key.clone()))).collect()
            }
            Value::List(_) => {
                let diagnostic =
                    Diagnostic::error(location, "`for_each`: expected a map or a set of strings, got a list");
                return scope.faulty(diagnostic.with_hint("make it a set: `toset(…)`"));
            }
            _ => None,
        };
        match entries {
            Some(entries) if entries.len() <= MAX_INSTANCES => {
                let made = entries.into_iter().map(|(key, value)| (key.clone(), made(Key::Each { key, value })));
                Value::map(made.collect())
            }
            Some(entries) => {
                let message =
                    format!("`for_each` has {} entries, at most {MAX_INSTANCES} are supported", entries.len());
                scope.faulty(Diagnostic::error(location, message))
            }
            None => {
                let message = format!("`for_each`: expected a map or a set of strings, got {}", each.describe());
                scope.faulty(Diagnostic::error(location, message))
            }
        }
    }

    /// An attribute of a resource, or an output of a module. The fault's place is the caller's to say.
    pub(super) fn attribute(&self, handle: &Handle, name: &str) -> Result<Value, Diagnostic> {
        let Some(instance) = self.module_of(handle) else { return Ok(Value::faulty()) };
        match handle {
            Handle::Module { reference, .. } => match instance.module.outputs.get(name) {
                Some(output) => Ok(self.output(&instance, output)),
                None if instance.module.may_declare(name) => Ok(Value::faulty()),
                None => {
                    let hint = did_you_mean(name, instance.module.outputs.keys());
                    Err(nowhere(format!("`{reference}` has no output `{name}`")).with_hint_if(hint))
                }
            },
            Handle::Resource(resource) if resource.declared.is_sym() => self.sym_attribute(&instance, resource, name),
            Handle::Resource(resource) => {
                let expression = format!("{}.{name}", resource.address);
                let Some(attribute) = resource.declared.attribute(name) else { return Ok(Value::foreign(expression)) };
                // What Terraform makes of another provider's resource is not ours to judge.
                let unheard = Sink::default();
                let scope = self.scope(&instance, &resource.declared.source, &resource.key).reporting_to(&unheard);
                Ok(match self.once_attribute(&instance, resource, name, || scope.eval(&attribute.value)) {
                    Value::Unknown(Unknown::Faulty) => Value::foreign(expression),
                    value => value,
                })
            }
        }
    }

    fn output(&self, instance: &Rc<Instance>, output: &Rc<Declared>) -> Value {
        self.once((instance.number, What::Output, output.name.clone()), &output.location, || {
            match output.attribute("value") {
                Some(value) => self.scope(instance, &output.source, &Key::Only).eval(&value.value),
                None => {
                    self.diagnostic(Diagnostic::error(
                        output.location.clone(),
                        format!("output `{}` needs `value`", output.name),
                    ));
                    Value::faulty()
                }
            }
        })
    }

    fn sym_attribute(
        &self,
        instance: &Rc<Instance>,
        resource: &ResourceHandle,
        name: &str,
    ) -> Result<Value, Diagnostic> {
        if name == "id" {
            return Ok(self.id(resource));
        }
        if let Some(attribute) = resource.declared.attribute(name) {
            let scope = self.scope(instance, &resource.declared.source, &resource.key);
            return Ok(self.once_attribute(instance, resource, name, || scope.eval(&attribute.value)));
        }
        let known = schema::resource(&resource.declared.kind).map(|schema| schema.attributes).unwrap_or_default();
        if known.contains(&name) {
            return Ok(Value::Null);
        }
        let hint = did_you_mean(name, known.iter().copied().chain(["id"]));
        Err(nowhere(format!("`{}` has no attribute `{name}`", resource.address)).with_hint_if(hint))
    }

    /// Evaluates an attribute of a resource once.
    pub(super) fn once_attribute(
        &self,
        instance: &Rc<Instance>,
        resource: &ResourceHandle,
        name: &str,
        evaluate: impl FnOnce() -> Value,
    ) -> Value {
        let key = (instance.number, What::Attribute, format!("{}.{name}", resource.address));
        self.once(key, &resource.declared.location, evaluate)
    }

    /// The identity of a Sym resource; faulty if its name is, which is reported where it is declared.
    pub(super) fn id(&self, resource: &ResourceHandle) -> Value {
        let Some(instance) = self.instance(resource.module) else { return Value::faulty() };
        let text = |name: &str| match self.sym_attribute(&instance, resource, name) {
            Ok(value) => value.to_text().map(|text| text.to_string()),
            Err(_) => None,
        };
        let kind = text("type");
        let name = match schema::resource(&resource.declared.kind) {
            Some(schema) if schema.attributes.contains(&"name") => text("name"),
            _ => Some(self.derived_name(&instance, resource)),
        };
        match name {
            Some(name) => {
                let id = Id { resource: resource.declared.kind.clone(), address: resource.address.clone(), kind, name };
                Value::Id(Rc::new(id))
            }
            None => Value::faulty(),
        }
    }

    /// The name of a resource that declares none: its address, in the letters of a name.
    pub(super) fn derived_name(&self, instance: &Instance, resource: &ResourceHandle) -> String {
        let mut words = self.words(instance);
        words.push(resource.declared.name.clone());
        words.extend(resource.key.word());
        let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' };
        words.join("-").chars().map(allowed).collect()
    }

    /// Every attribute of a resource that its block sets, and `id`; every output of a module.
    pub(super) fn spell_out(&self, handle: &Handle) -> Value {
        match handle {
            Handle::Module { .. } => {
                let module = self.module_of(handle).map(|instance| instance.module.clone()).unwrap_or_default();
                self.pick(handle, &mut module.outputs.keys().map(String::as_str))
            }
            Handle::Resource(resource) => {
                let set = resource.declared.body.attributes().map(|attribute| attribute.key.as_str());
                let set = set.filter(|name| !META_ATTRIBUTES.contains(name) && *name != "id");
                self.pick(handle, &mut set.chain(["id"]))
            }
        }
    }

    /// Some attributes of a resource, or outputs of a module: those there are.
    fn pick(&self, handle: &Handle, names: &mut dyn Iterator<Item = &str>) -> Value {
        let there = names.filter_map(|name| Some((name.to_owned(), self.attribute(handle, name).ok()?)));
        Value::map(there.collect())
    }

    /// Reports what a `module` block gives without a variable to take it.
    pub(super) fn check_inputs(&self, child: &Instance) {
        let Some(call) = &child.call else { return };
        for attribute in call.declared.body.attributes() {
            let name = attribute.key.as_str();
            if MODULE_ATTRIBUTES.contains(&name)
                || child.module.variables.contains_key(name)
                || child.module.may_declare(name)
            {
                continue;
            }
            let message = format!("module `{}` has no variable `{name}`", call.declared.name);
            let hint = did_you_mean(name, child.module.variables.keys());
            self.diagnostic(Diagnostic::error(call.declared.source.location(attribute), message).with_hint_if(hint));
        }
    }
}

/// A fault whose place is not known here.
fn nowhere(message: String) -> Diagnostic {
    Diagnostic::error(SourceLocation::default(), message)
}

/// The expression within any parentheses.
pub(super) fn unwrapped(mut expr: &Expression) -> &Expression {
    while let Expression::Parenthesis(inner) = expr {
        expr = inner.inner();
    }
    expr
}
