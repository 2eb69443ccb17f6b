//! Conditions: `validation` of variables, `precondition` and `postcondition` of resources and outputs, `assert` of checks.
//!
//! As in Terraform, a condition that does not hold is an error; one of a `check` block is a warning. A condition that depends on an unknown
//! value, or on something that this reader does not support, is passed over with a warning.

use std::rc::Rc;

use hcl_edit::structure::Block;

use super::evaluator::{Evaluator, ModuleInstance, Sink};
use super::module::BlockDecl;
use super::scope::{Binding, Scope};
use super::value::{InstanceKey, InstanceRef, Unknown, Value};
use crate::config::{Diagnostic, Severity};

/// A kind of condition, and what it is about.
pub(super) struct Condition {
    /// The subject of messages: ``value of variable `name` ``.
    subject: String,
    severity: Severity,
    /// Whether a condition that cannot be checked is reported.
    is_reported_unknown: bool,
}

impl Condition {
    pub(super) fn of_variable(name: &str) -> Self {
        Self::required(format!("value of variable `{name}`"))
    }

    fn required(subject: String) -> Self {
        Self { subject, severity: Severity::Error, is_reported_unknown: true }
    }
}

impl Evaluator {
    /// Checks the conditions of the resources, outputs and checks of a module instance.
    pub(super) fn check_conditions(&self, instance: &Rc<ModuleInstance>) {
        let module = &instance.module;
        for declared in module.resources.values().chain(module.data.values()) {
            if declared.body.get_blocks("lifecycle").next().is_some() {
                self.check_instances(instance, declared, &self.resource(instance, declared));
            }
        }
        for output in module.outputs.values() {
            let scope = self.scope(instance, &output.source, &InstanceKey::Only);
            for condition in output.body.get_blocks("precondition") {
                let subject = format!("precondition of output `{}`", output.name);
                self.check_condition(scope, condition, &Condition::required(subject));
            }
        }
        for check in &module.checks {
            let scope = self.scope(instance, &check.source, &InstanceKey::Only);
            for assert in check.body.get_blocks("assert") {
                let subject = format!("check `{}`", check.name);
                let condition = Condition { subject, severity: Severity::Warning, is_reported_unknown: true };
                self.check_condition(scope, assert, &condition);
            }
        }
    }

    /// Checks the conditions of every instance of a resource.
    fn check_instances(&self, instance: &Rc<ModuleInstance>, declared: &Rc<BlockDecl>, instances: &Value) {
        let resource = match instances {
            Value::Object(instance_ref) => match &**instance_ref {
                InstanceRef::Resource(resource) => resource,
                InstanceRef::Module { .. } => return,
            },
            other => {
                let values = other.items().unwrap_or_default().iter();
                let values = values.chain(other.entries().into_iter().flat_map(|entries| entries.values()));
                return values.for_each(|value| self.check_instances(instance, declared, value));
            }
        };
        let scope = self.scope(instance, &declared.source, &resource.key);
        let itself = Binding { name: "self", value: instances.clone(), outer: None };
        for lifecycle in declared.body.get_blocks("lifecycle") {
            for block in lifecycle.body.blocks() {
                let scope = match block.ident.as_str() {
                    "precondition" => scope,
                    "postcondition" => scope.with(&itself),
                    _ => continue,
                };
                let condition = Condition {
                    // Most attributes of resources of other providers are unknown. That is for Terraform to check.
                    is_reported_unknown: declared.is_sym(),
                    ..Condition::required(format!("{} of {}", block.ident.as_str(), resource.address))
                };
                self.check_condition(scope, block, &condition);
            }
        }
    }

    /// Checks a condition in a scope.
    pub(super) fn check_condition(&self, scope: Scope<'_>, block: &Block, condition: &Condition) {
        let Condition { subject, severity, is_reported_unknown } = condition;
        let Some(attribute) = block.body.get_attribute("condition") else {
            let message = format!("{subject}: `{}` needs `condition`", block.ident.as_str());
            return self.report(Diagnostic::error(scope.location(block), message));
        };
        let problems = Sink::default();
        let hard_errors = self.hard_errors.get();
        let holds = scope.reporting_to(&problems).eval(&attribute.value);
        let problem = problems.into_inner().into_iter().next();
        let location = scope.location(&attribute.value);
        match (problem, &holds) {
            // Terraform may support what is not supported here.
            (Some(problem), _) if self.hard_errors.get() > hard_errors => {
                let message = format!("{subject} is not checked: {}", problem.message);
                self.warn(Diagnostic::warning(problem.location, message));
            }
            (Some(problem), _) => {
                let message = format!("{subject}: {}", problem.message);
                let hint = problem.hint;
                self.report_condition(*severity, Diagnostic::error(problem.location, message).with_hint_if(hint));
            }
            (None, Value::Unknown(unknown @ Unknown::AfterApply(_))) if *is_reported_unknown => {
                let message = format!("{subject} is not checked: {unknown}");
                self.warn(Diagnostic::warning(location, message));
            }
            // An invalid value was reported where it is.
            (None, Value::Unknown(_)) => {}
            (None, holds) => match holds.to_bool() {
                Some(true) => {}
                Some(false) => {
                    let message = match block.body.get_attribute("error_message") {
                        // Terraform does not display it either.
                        Some(message) if scope.is_sensitive(&message.value) => {
                            Some("the condition is not met; its `error_message` refers to a sensitive value".into())
                        }
                        Some(message) => scope.reporting_to(&Sink::default()).eval(&message.value).to_text(),
                        None => None,
                    };
                    let message = message.as_deref().unwrap_or("the condition is not met").trim_end().to_owned();
                    self.report_condition(*severity, Diagnostic::error(location, format!("{subject}: {message}")));
                }
                None => {
                    let message = format!("{subject}: expected a boolean as condition, got {}", holds.describe());
                    self.report(Diagnostic::error(location, message));
                }
            },
        }
    }

    fn report_condition(&self, severity: Severity, diagnostic: Diagnostic) {
        match severity {
            Severity::Error => self.report(diagnostic),
            Severity::Warning | Severity::Note => self.warn(Diagnostic { severity, ..diagnostic }),
        }
    }
}
