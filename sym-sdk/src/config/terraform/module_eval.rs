//! Evaluates the names of a module instance: locals, outputs, resources and child modules. See `variables` for its variables.

use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Attribute;

use super::evaluator::{Evaluator, MAX_INSTANCES, ModuleInstance, Sink, ThunkKind};
use super::module::{BlockDecl, LocalDecl};
use super::resource_schema::{self, META_ATTRIBUTES};
use super::scope::Scope;
use super::value::{Id, InstanceKey, InstanceRef, ResourceInstance, Unknown, Value};
use crate::config::{Diagnostic, SourceLocation};
use crate::suggest::did_you_mean;

impl Evaluator {
    pub(super) fn local(&self, instance: &Rc<ModuleInstance>, name: &str, local: &Rc<LocalDecl>) -> Value {
        self.memoize((instance.number, ThunkKind::Local, name.to_owned()), &local.location, || {
            self.scope(instance, &local.source, &InstanceKey::Only).eval(&local.value)
        })
    }

    /// Returns the instances of a resource or data source: one, a list for `count`, a map for `for_each`.
    pub(super) fn resource(&self, instance: &Rc<ModuleInstance>, declared: &Rc<BlockDecl>) -> Value {
        let kind = if declared.data { ThunkKind::Data } else { ThunkKind::Resource };
        let reference = declared.reference();
        self.memoize((instance.number, kind, reference.clone()), &declared.location, || {
            let prefix = self.address(instance);
            self.expand(instance, declared, declared.is_sym(), &reference, |key| {
                let address = format!("{prefix}{reference}{}", key.suffix());
                let declared = declared.clone();
                Ok(InstanceRef::Resource(ResourceInstance { module: instance.number, declared, key, address }))
            })
        })
    }

    /// Returns the instances that a `module` block creates. The outputs of a module that is not local are unknown.
    pub(super) fn children(&self, instance: &Rc<ModuleInstance>, declared: &Rc<BlockDecl>) -> Value {
        self.memoize((instance.number, ThunkKind::Module, declared.name.clone()), &declared.location, || {
            let reference = format!("module.{}", declared.name);
            let source = match declared.attribute("source") {
                Some(attribute) => self.scope(instance, &declared.source, &InstanceKey::Only).eval(&attribute.value),
                None => {
                    self.report(Diagnostic::error(
                        declared.location.clone(),
                        format!("module `{}` needs `source`", declared.name),
                    ));
                    return Value::invalid();
                }
            };
            let Some(source) = source.to_text() else { return Value::invalid() };
            let known = self.unknown(&reference);
            if !matches!(known, Value::Unknown(_)) {
                return known;
            }
            if !source.starts_with("./") && !source.starts_with("../") && *source != *"." && *source != *".." {
                let message = format!(
                    "module `{}` is not local, so it is not read: its resources and outputs are unknown",
                    declared.name
                );
                self.warn(Diagnostic::warning(declared.location.clone(), message));
                return Value::after_apply(reference);
            }
            self.expand(instance, declared, true, &reference, |key| {
                let child = self.add_child(instance, declared, &source, key)?;
                Ok(InstanceRef::Module { number: child.number, reference: reference.clone() })
            })
        })
    }

    /// Creates the instances for `count` or `for_each`. `needed` says whether their number must be known.
    fn expand(
        &self,
        instance: &Rc<ModuleInstance>,
        declared: &Rc<BlockDecl>,
        needed: bool,
        reference: &str,
        create: impl Fn(InstanceKey) -> Result<InstanceRef, Diagnostic>,
    ) -> Value {
        let scope = self.scope(instance, &declared.source, &InstanceKey::Only);
        let create = |key: InstanceKey| {
            if !self.count_instance() {
                let message = format!("`{reference}` creates too many instances: more than {MAX_INSTANCES} in total");
                return scope.invalid(Diagnostic::error(declared.location.clone(), message));
            }
            match create(key) {
                Ok(instance_ref) => Value::Object(Rc::new(instance_ref)),
                Err(diagnostic) => scope.invalid(diagnostic),
            }
        };
        let (attribute, is_counted) = match (declared.attribute("count"), declared.attribute("for_each")) {
            (None, None) => return create(InstanceKey::Only),
            (Some(attribute), None) => (attribute, true),
            (None, Some(attribute)) => (attribute, false),
            (Some(_), Some(attribute)) => {
                let message = format!("`{reference}` has both `count` and `for_each`");
                return scope.invalid(Diagnostic::error(scope.location(attribute), message));
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
        if is_counted {
            self.create_counted(scope, attribute, &value, create)
        } else {
            self.create_keyed(scope, attribute, &value, create)
        }
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
            Unknown::Invalid => Value::invalid(),
            Unknown::AfterApply(_) if !needed => Value::after_apply(reference),
            Unknown::AfterApply(_) => {
                let message = format!("`{}` of `{reference}` must be known: {unknown}", attribute.key.as_str());
                scope.invalid(Diagnostic::error(scope.location(&attribute.value), message))
            }
        }
    }

    fn create_counted(
        &self,
        scope: Scope<'_>,
        attribute: &Attribute,
        count: &Value,
        create: impl Fn(InstanceKey) -> Value,
    ) -> Value {
        match count.to_number().and_then(|number| number.as_index()) {
            Some(count) if count <= MAX_INSTANCES => {
                Value::tuple((0..count).map(|index| create(InstanceKey::Index(index))).collect())
            }
            Some(count) => {
                let message = format!("`count` is {count}, but at most {MAX_INSTANCES} instances are supported");
                scope.invalid(Diagnostic::error(scope.location(&attribute.value), message))
            }
            None => {
                let got = count.to_number().map_or_else(|| count.describe().to_owned(), |number| number.to_string());
                let message = format!("`count`: expected a non-negative whole number, got {got}");
                scope.invalid(Diagnostic::error(scope.location(&attribute.value), message))
            }
        }
    }

    fn create_keyed(
        &self,
        scope: Scope<'_>,
        attribute: &Attribute,
        each: &Value,
        create: impl Fn(InstanceKey) -> Value,
    ) -> Value {
        let location = scope.location(&attribute.value);
        let attributes = match each {
            Value::Object(instance_ref) => self.attribute_map(instance_ref),
            other => other.clone(),
        };
        let entries: Option<BTreeMap<String, Value>> = match &attributes {
            Value::Map(_) => attributes.entries().cloned(),
            Value::Set(_) => {
                let keys = attributes.items().unwrap_or_default().iter();
                keys.map(|key| Some((key.to_text()?.to_string(), key.clone()))).collect()
            }
            Value::List(_) => {
                let diagnostic =
                    Diagnostic::error(location, "`for_each`: expected a map or a set of strings, got a list");
                return scope.invalid(diagnostic.with_hint("make it a set: `toset(…)`"));
            }
            _ => None,
        };
        match entries {
            Some(entries) if entries.len() <= MAX_INSTANCES => {
                let instances =
                    entries.into_iter().map(|(key, value)| (key.clone(), create(InstanceKey::Each { key, value })));
                Value::object(instances.collect())
            }
            Some(entries) => {
                let message = format!(
                    "`for_each` has {} entries, but at most {MAX_INSTANCES} instances are supported",
                    entries.len()
                );
                scope.invalid(Diagnostic::error(location, message))
            }
            None => {
                let message = format!("`for_each`: expected a map or a set of strings, got {}", each.describe());
                scope.invalid(Diagnostic::error(location, message))
            }
        }
    }

    /// Returns an attribute of a resource or an output of a module. The caller sets the location of the error.
    pub(super) fn attribute(&self, instance_ref: &InstanceRef, name: &str) -> Result<Value, Diagnostic> {
        let Some(instance) = self.module_of(instance_ref) else { return Ok(Value::invalid()) };
        match instance_ref {
            InstanceRef::Module { reference, .. } => match instance.module.outputs.get(name) {
                Some(output) => Ok(self.output(&instance, output)),
                None if instance.module.may_declare(name) => Ok(Value::invalid()),
                None => {
                    let hint = did_you_mean(name, instance.module.outputs.keys());
                    Err(unlocated(format!("`{reference}` has no output `{name}`")).with_hint_if(hint))
                }
            },
            InstanceRef::Resource(resource) if resource.declared.is_sym() => {
                self.sym_attribute(&instance, resource, name)
            }
            InstanceRef::Resource(resource) => {
                let expression = format!("{}.{name}", resource.address);
                let Some(attribute) = resource.declared.attribute(name) else {
                    return Ok(self.unknown(expression));
                };
                // Errors in another provider's resource are left to Terraform.
                let discarded = Sink::default();
                let scope = self.scope(&instance, &resource.declared.source, &resource.key).reporting_to(&discarded);
                Ok(match self.memoize_attribute(&instance, resource, name, || scope.eval(&attribute.value)) {
                    Value::Unknown(Unknown::Invalid) => self.unknown(expression),
                    value => value,
                })
            }
        }
    }

    fn output(&self, instance: &Rc<ModuleInstance>, output: &Rc<BlockDecl>) -> Value {
        self.memoize((instance.number, ThunkKind::Output, output.name.clone()), &output.location, || {
            match output.attribute("value") {
                Some(value) => self.scope(instance, &output.source, &InstanceKey::Only).eval(&value.value),
                None => {
                    self.report(Diagnostic::error(
                        output.location.clone(),
                        format!("output `{}` needs `value`", output.name),
                    ));
                    Value::invalid()
                }
            }
        })
    }

    fn sym_attribute(
        &self,
        instance: &Rc<ModuleInstance>,
        resource: &ResourceInstance,
        name: &str,
    ) -> Result<Value, Diagnostic> {
        if name == "id" {
            return Ok(self.id(resource));
        }
        if let Some(attribute) = resource.declared.attribute(name) {
            let scope = self.scope(instance, &resource.declared.source, &resource.key);
            return Ok(self.memoize_attribute(instance, resource, name, || scope.eval(&attribute.value)));
        }
        let known =
            resource_schema::resource(&resource.declared.kind).map(|schema| schema.attributes).unwrap_or_default();
        if known.contains(&name) {
            return Ok(Value::null());
        }
        let hint = did_you_mean(name, known.iter().copied().chain(["id"]));
        Err(unlocated(format!("`{}` has no attribute `{name}`", resource.address)).with_hint_if(hint))
    }

    /// Evaluates an attribute of a resource at most once.
    pub(super) fn memoize_attribute(
        &self,
        instance: &Rc<ModuleInstance>,
        resource: &ResourceInstance,
        name: &str,
        evaluate: impl FnOnce() -> Value,
    ) -> Value {
        let key = (instance.number, ThunkKind::Attribute, format!("{}.{name}", resource.address));
        self.memoize(key, &resource.declared.location, evaluate)
    }

    /// Returns the identity of a Sym resource; invalid if its name is, which is reported at its declaration.
    pub(super) fn id(&self, resource: &ResourceInstance) -> Value {
        let Some(instance) = self.instance(resource.module) else { return Value::invalid() };
        let text = |name: &str| match self.sym_attribute(&instance, resource, name) {
            Ok(value) => value.to_text().map(|text| text.to_string()),
            Err(_) => None,
        };
        let kind = text("type");
        let name = match resource_schema::resource(&resource.declared.kind) {
            Some(schema) if schema.attributes.contains(&"name") => text("name"),
            _ => Some(self.derived_name(&instance, resource)),
        };
        match name {
            Some(name) => {
                let id = Id { resource: resource.declared.kind.clone(), address: resource.address.clone(), kind, name };
                Value::Id(Rc::new(id))
            }
            None => Value::invalid(),
        }
    }

    /// Derives the name of a resource that declares none from its address.
    pub(super) fn derived_name(&self, instance: &ModuleInstance, resource: &ResourceInstance) -> String {
        let mut path_segments = self.path_segments(instance);
        path_segments.push(resource.declared.name.clone());
        path_segments.extend(resource.key.segment());
        let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' };
        path_segments.join("-").chars().map(allowed).collect()
    }

    /// Returns every attribute that the block of a resource sets, and `id`; or every output of a module.
    pub(super) fn attribute_map(&self, instance_ref: &InstanceRef) -> Value {
        match instance_ref {
            InstanceRef::Module { .. } => {
                let module = self.module_of(instance_ref).map(|instance| instance.module.clone()).unwrap_or_default();
                self.select_attributes(instance_ref, &mut module.outputs.keys().map(String::as_str))
            }
            InstanceRef::Resource(resource) => {
                let set = resource.declared.body.attributes().map(|attribute| attribute.key.as_str());
                let set = set.filter(|name| !META_ATTRIBUTES.contains(name) && *name != "id");
                self.select_attributes(instance_ref, &mut set.chain(["id"]))
            }
        }
    }

    /// Returns those of the named attributes or outputs that exist.
    pub(super) fn select_attributes(&self, instance_ref: &InstanceRef, names: &mut dyn Iterator<Item = &str>) -> Value {
        let there = names.filter_map(|name| Some((name.to_owned(), self.attribute(instance_ref, name).ok()?)));
        Value::object(there.collect())
    }
}

/// Creates an error whose location the caller sets.
fn unlocated(message: String) -> Diagnostic {
    Diagnostic::error(SourceLocation::default(), message)
}

/// Returns the expression inside any parentheses.
pub(super) fn strip_parentheses(mut expr: &Expression) -> &Expression {
    while let Expression::Parenthesis(inner) = expr {
        expr = inner.inner();
    }
    expr
}
