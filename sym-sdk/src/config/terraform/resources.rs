//! Turns Sym's resources into declarations.

use std::rc::Rc;

use hcl_edit::expr::{Expression, TraversalOperator};

use super::decoded_block::DecodedBlock;
use super::evaluator::{Evaluator, ModuleInstance};
use super::functions;
use super::module::BlockDecl;
use super::resource_schema::{self, PARAMS, PROMPT_FIELD};
use super::value::{InstanceKey, InstanceRef, ResourceInstance, Unknown, Value};
use crate::config::{
    Config, Diagnostic, Environment, ErrorLogger, Flow, FlowParams, FlowsFilter, Implementation, Integration,
    LogDestination, PromptField, Secret, SecretSource, SourceLocation, Strategy, Target,
};
use crate::suggest::did_you_mean;

/// The only template that exists.
const TEMPLATE: &str = "sym:template:approval:1.0.0";

impl Evaluator {
    /// Declares every Sym resource of a module instance and of the local modules below it.
    pub(super) fn declare(&self, instance: &Rc<ModuleInstance>, config: &mut Config) {
        self.check_inputs(instance);
        self.validate_variables(instance);
        self.declare_organization(instance, config);
        let module = &instance.module;
        for declared in module.sym_resources() {
            if resource_schema::resource(&declared.kind).is_none() {
                let message = format!("`{}` is not a Sym resource", declared.kind);
                let hint = did_you_mean(&declared.kind, resource_schema::kinds());
                self.report(Diagnostic::error(declared.location.clone(), message).with_hint_if(hint));
                continue;
            }
            self.check_provider(instance, declared, config);
            for instance_ref in instance_refs(&self.resource(instance, declared)) {
                if let InstanceRef::Resource(resource) = &*instance_ref {
                    self.declare_resource(instance, resource, config);
                }
            }
        }
        self.check_conditions(instance);
        for call in module.calls.values() {
            for instance_ref in instance_refs(&self.children(instance, call)) {
                if let InstanceRef::Module { number, .. } = &*instance_ref
                    && let Some(child) = self.instance(*number)
                {
                    self.declare(&child, config);
                }
            }
        }
    }

    /// Takes the organization of the default provider; of the only one, if all have an alias. What the root module says takes precedence.
    fn declare_organization(&self, instance: &Rc<ModuleInstance>, config: &mut Config) {
        let mut providers = instance.module.providers.iter().filter(|provider| provider.name == "sym");
        let default = providers.clone().find(|provider| provider.alias().is_none());
        let Some(provider) = default.or_else(|| providers.next().filter(|_| providers.next().is_none())) else {
            return;
        };
        let organization = self.organization_of(instance, provider);
        if let Some(slug) = organization.filter(|_| !self.has_organization.get()) {
            self.has_organization.set(true);
            config.organization.slug = slug;
        }
    }

    /// Returns the warning about flows whose organization no provider names. Terraform refuses such a configuration.
    pub(super) fn unnamed_organization(&self, root: &Rc<ModuleInstance>, config: &Config) -> Option<Diagnostic> {
        if self.has_organization.get() || config.flows.is_empty() {
            return None;
        }
        let slug = &config.organization.slug;
        let mut providers = root.module.providers.iter().filter(|provider| provider.name == "sym");
        let (location, message) = match providers.next() {
            Some(provider) => {
                (provider.location.clone(), format!("provider `sym` has no `org`, so the organization is `{slug}`"))
            }
            None => (SourceLocation::default(), format!("no provider `sym` names the organization, so it is `{slug}`")),
        };
        let hint =
            "name it, because the SRNs of flows and targets start with it: `provider \"sym\" { org = \"acme\" }`";
        Some(Diagnostic::warning(location, message).with_hint(hint))
    }

    fn organization_of(&self, instance: &Rc<ModuleInstance>, provider: &BlockDecl) -> Option<String> {
        let org = provider.attribute("org")?;
        let value = self.scope(instance, &provider.source, &InstanceKey::Only).eval(&org.value);
        value.to_text().map(|slug| slug.to_string())
    }

    /// Warns about a resource that Terraform creates in another organization: here, there is only one.
    fn check_provider(&self, instance: &Rc<ModuleInstance>, declared: &BlockDecl, config: &Config) {
        let Some(attribute) = declared.attribute("provider") else { return };
        let Some((name, Some(alias))) = provider_name(&attribute.value) else { return };
        let location = declared.source.location(&attribute.value);
        let provider = instance
            .module
            .providers
            .iter()
            .find(|provider| provider.name == name && provider.alias() == Some(alias.as_str()));
        let organization = provider.and_then(|provider| self.organization_of(instance, provider));
        if let Some(slug) = organization.filter(|slug| *slug != config.organization.slug) {
            let message = format!(
                "{} is in the organization `{slug}` of the provider `{name}.{alias}`; here it is in `{}`, the only one",
                declared.reference(),
                config.organization.slug
            );
            self.warn(Diagnostic::warning(location, message));
        }
    }

    fn declare_resource(&self, instance: &Rc<ModuleInstance>, resource: &ResourceInstance, config: &mut Config) {
        let declared = &resource.declared;
        let Some(schema) = resource_schema::resource(&declared.kind) else { return };
        let errors_before = self.diagnostics.borrow().len();
        let scope = self.scope(instance, &declared.source, &resource.key);
        let mut block = DecodedBlock::decode_resource(scope, declared, schema, &resource.address, &|attribute| {
            self.memoize_attribute(instance, resource, attribute.key.as_str(), || scope.eval(&attribute.value))
        });
        let invalid = block.is_invalid();
        self.declare_block(instance, resource, &mut block, config);
        if invalid || self.diagnostics.borrow().len() > errors_before {
            self.invalid_locations.borrow_mut().insert(declared.location.clone());
        }
    }

    fn declare_block(
        &self,
        instance: &Rc<ModuleInstance>,
        resource: &ResourceInstance,
        block: &mut DecodedBlock<'_>,
        config: &mut Config,
    ) {
        let Some(schema) = resource_schema::resource(&resource.declared.kind) else { return };
        let name = || self.derived_name(instance, resource);
        if resource.declared.data {
            // A data source is declared elsewhere; references to it need only its name.
            schema.required.iter().for_each(|attribute| drop(block.required_text(attribute)));
            return;
        }
        match schema.kind {
            "sym_environment" => config.environments.push(environment(block)),
            "sym_error_logger" => config.error_loggers.push(ErrorLogger {
                name: name(),
                integration: block.integration("integration_id"),
                destination: block.required_text("destination"),
                location: block.location.clone(),
            }),
            "sym_flow" => config.flows.push(flow(block)),
            "sym_flows_filter" => declare_filter(block, config),
            "sym_integration" => config.integrations.push(Integration {
                kind: block.required_text("type"),
                name: block.required_text("name"),
                label: block.text("label"),
                external_id: block.text("external_id").unwrap_or_default(),
                settings: block.map("settings"),
                location: block.location.clone(),
            }),
            "sym_log_destination" => config.log_destinations.push(LogDestination {
                kind: block.required_text("type"),
                name: name(),
                integration: block.integration("integration_id"),
                settings: block.map("settings"),
                location: block.location.clone(),
            }),
            // `sym_runtime` names a cloud role for Sym's hosted service. Here the process has credentials of its own.
            "sym_runtime" => {
                block.required_text("name");
                block.check_reference("context_id", "sym_integration");
            }
            "sym_secret" => config.secrets.push(secret(block, name())),
            "sym_secrets" => config.secret_sources.push(SecretSource {
                kind: block.required_text("type"),
                name: block.required_text("name"),
                settings: block.map("settings"),
                location: block.location.clone(),
            }),
            "sym_strategy" => config.strategies.push(strategy(block)),
            "sym_target" => config.targets.push(Target {
                kind: block.required_text("type"),
                name: block.required_text("name"),
                label: block.text("label"),
                settings: block.map("settings"),
                field_bindings: block.texts("field_bindings").unwrap_or_default(),
                location: block.location.clone(),
            }),
            _ => {}
        }
    }
}

/// Returns the instances in the value of a resource or module.
fn instance_refs(value: &Value) -> Vec<Rc<InstanceRef>> {
    match value {
        Value::Object(instance_ref) => vec![instance_ref.clone()],
        Value::List(_) => value.items().unwrap_or_default().iter().flat_map(instance_refs).collect(),
        Value::Map(_) => value.entries().into_iter().flatten().flat_map(|(_, value)| instance_refs(value)).collect(),
        _ => Vec::new(),
    }
}

/// Returns the name and alias that the `provider` of a resource refers to: a reference, or text in JSON.
fn provider_name(expr: &Expression) -> Option<(String, Option<String>)> {
    match expr {
        Expression::Variable(name) => Some((name.as_str().to_owned(), None)),
        Expression::String(text) => match text.split_once('.') {
            Some((name, alias)) => Some((name.to_owned(), Some(alias.to_owned()))),
            None => Some((text.to_string(), None)),
        },
        Expression::Traversal(traversal) => match (&traversal.expr, traversal.operators.first()?.value()) {
            (Expression::Variable(name), TraversalOperator::GetAttr(alias)) => {
                Some((name.as_str().to_owned(), Some(alias.as_str().to_owned())))
            }
            _ => None,
        },
        _ => None,
    }
}

fn environment(block: &DecodedBlock<'_>) -> Environment {
    block.check_reference("runtime_id", "sym_runtime");
    Environment {
        name: block.required_text("name"),
        label: block.text("label"),
        integrations: block.integrations("integrations"),
        error_logger: block.reference("error_logger_id", "sym_error_logger").map(|logger| logger.name),
        log_destinations: block.references("log_destination_ids", "sym_log_destination"),
        location: block.location.clone(),
    }
}

fn secret(block: &DecodedBlock<'_>, name: String) -> Secret {
    let mut settings = block.map("settings");
    let json_key = settings.remove("json_key");
    for key in settings.keys() {
        let hint = did_you_mean(key, ["json_key"]);
        block.error(&block.location_of("settings"), format!("`settings` of {} has no `{key}`", block.subject), hint);
    }
    Secret {
        name,
        label: block.text("label"),
        path: block.required_text("path"),
        source: block.reference("source_id", "sym_secrets").unwrap_or_default(),
        json_key,
        location: block.location.clone(),
    }
}

fn strategy(block: &DecodedBlock<'_>) -> Strategy {
    if block.attribute("implementation").is_some() {
        let message = format!("`implementation` of {} is ignored: register the strategy's type in Rust", block.subject);
        block.warn(&block.location_of("implementation"), message);
    }
    Strategy {
        kind: block.required_text("type"),
        name: block.required_text("name"),
        label: block.text("label"),
        integration: block.integration("integration_id"),
        targets: block.references("targets", "sym_target"),
        settings: block.map("settings"),
        location: block.location.clone(),
    }
}

fn declare_filter(block: &DecodedBlock<'_>, config: &mut Config) {
    let filter = FlowsFilter {
        implementation: implementation(block),
        vars: vars(block),
        integrations: block.integrations("integrations"),
        location: block.location.clone(),
    };
    match &config.flows_filter {
        Some(first) => {
            let hint = format!("the first one is at {}", first.location);
            block.error(&block.location, "an organization can have only one `sym_flows_filter`".to_owned(), Some(hint));
        }
        None => config.flows_filter = Some(filter),
    }
}

fn flow(block: &mut DecodedBlock<'_>) -> Flow {
    let mut blocks = block.take_blocks(&PARAMS);
    if let Some(second) = blocks.get(1) {
        block.error(&second.location, format!("{} has more than one `params` block", block.subject), None);
    }
    if let Some(template) = block.text("template")
        && template != TEMPLATE
    {
        let message = format!("`template` of {} is {template:?}, but only {TEMPLATE:?} exists", block.subject);
        block.error(&block.location_of("template"), message, None);
    }
    Flow {
        name: block.required_text("name"),
        label: block.text("label"),
        implementation: implementation(block),
        environment: block.reference("environment_id", "sym_environment").unwrap_or_default().name,
        vars: vars(block),
        params: blocks.first_mut().map(params).unwrap_or_default(),
        location: block.location.clone(),
    }
}

fn params(block: &mut DecodedBlock<'_>) -> FlowParams {
    let mut fields = block.take_blocks(&PROMPT_FIELD);
    if let Some(item) = block.attribute("prompt_fields_json") {
        match item.value.to_text().map(|text| functions::decode_json(&text)) {
            Some(Ok(fields_json)) if fields_json.items().is_some() => {
                let mut list = item.clone();
                list.value = fields_json;
                fields.extend(block.decode_list(&list, &PROMPT_FIELD));
                let message =
                    format!("`prompt_fields_json` of {} is deprecated: write `prompt_field` blocks", block.subject);
                block.warn(&list.location, message);
            }
            _ if matches!(item.value, Value::Unknown(Unknown::Invalid)) => {}
            _ => {
                let message = format!("`prompt_fields_json` of {}: expected a list of fields as JSON", block.subject);
                block.error(&item.location, message, None);
            }
        }
    }
    let defaults = FlowParams::default();
    FlowParams {
        strategy: block.reference("strategy_id", "sym_strategy"),
        allow_revoke: block.flag("allow_revoke", defaults.allow_revoke),
        schedule_deescalation: block.flag("schedule_deescalation", defaults.schedule_deescalation),
        allow_extension: block.flag("allow_extension", defaults.allow_extension),
        allowed_sources: block.texts("allowed_sources"),
        include_decision_message: block.flag("include_decision_message", defaults.include_decision_message),
        require_denial_reason: block.flag("require_denial_reason", defaults.require_denial_reason),
        additional_header_text: block.text("additional_header_text"),
        allow_guest_interaction: block.flag("allow_guest_interaction", defaults.allow_guest_interaction),
        request_lifetime: block.text("request_lifetime"),
        expiry_warnings: block.texts("expiry_warnings"),
        max_agent_duration: block.text("max_agent_duration"),
        agent_grace_period: block.text("agent_grace_period"),
        prompt_fields: fields.iter().map(prompt_field).collect(),
    }
}

fn prompt_field(block: &DecodedBlock<'_>) -> PromptField {
    let defaults = PromptField::default();
    PromptField {
        name: block.required_text("name"),
        field_type: block.required_text("type"),
        label: block.text("label"),
        required: block.flag("required", defaults.required),
        visible: block.flag("visible", defaults.visible),
        default: block.text("default"),
        allowed_values: block.texts("allowed_values"),
        prefetch: block.flag("prefetch", defaults.prefetch),
        prefetch_binds: block.flag("prefetch_binds", defaults.prefetch_binds),
        on_change: on_change(block),
        location: block.location.clone(),
    }
}

/// Returns `true` if the field has a handler: a boolean here, Python source in Sym.
fn on_change(block: &DecodedBlock<'_>) -> bool {
    let Some(item) = block.attribute("on_change") else { return false };
    if let Some(flag) = item.value.to_bool() {
        return flag;
    }
    let field = block.required_text("name");
    if let Some(path) = python_path(&item.value) {
        let message = format!("`on_change` of {} is the path {path:?}, expected a boolean", block.subject);
        let hint = format!("write `true`, and a handler `#[on_change(field = {field:?})]`");
        block.error(&item.location, message, Some(hint));
    } else if !matches!(item.value, Value::Unknown(Unknown::Invalid)) {
        let handler = format!("`#[on_change(field = {field:?})]`");
        block.warn(
            &item.location,
            format!("`on_change` of {} is Python and is not run: write a handler {handler}", block.subject),
        );
    }
    true
}

/// Returns the vars. Those that look like a number or a boolean are still strings to handlers, which is worth a warning.
fn vars(block: &DecodedBlock<'_>) -> std::collections::BTreeMap<String, String> {
    let vars = block.map("vars");
    for (name, value) in &vars {
        let looks = match value.as_str() {
            "true" | "false" => "a boolean",
            text if text.parse::<i64>().is_ok() => "an integer",
            _ => continue,
        };
        let message = format!(
            "var `{name}` of {} looks like {looks}: handlers receive the string {value:?}, and `Vars<T>` parses it",
            block.subject
        );
        block.warn(&block.location_of("vars"), message);
    }
    vars
}

fn implementation(block: &DecodedBlock<'_>) -> Implementation {
    let Some(item) = block.attribute("implementation") else { return Implementation::All };
    let text = item.value.to_text();
    let trimmed = text.as_deref().map(str::trim).unwrap_or_default();
    if let Some(path) = python_path(&item.value) {
        let message = format!("`implementation` of {} is the path {path:?}", block.subject);
        let hint =
            r#"write the path of a Rust module, such as "my_flows::prod", or Python source with `file("impl.py")`"#;
        block.error(&item.location, message, Some(hint.to_owned()));
        return Implementation::All;
    }
    match &item.value {
        Value::Unknown(Unknown::Invalid) => return Implementation::All,
        Value::Unknown(_) => {}
        Value::Text(_) if is_module(trimmed) => return Implementation::Module(trimmed.to_owned()),
        // If a mistyped path were taken for Python source, the flow would get every handler of the program.
        Value::Text(_) if trimmed.contains("::") && !trimmed.contains(char::is_whitespace) => {
            let message = format!("`implementation` of {} is {trimmed:?}, which is not a Rust module", block.subject);
            let hint = r#"a path consists of identifiers, as in "my_flows::prod""#;
            block.error(&item.location, message, Some(hint.to_owned()));
            return Implementation::All;
        }
        Value::Text(_) => {}
        other => {
            let message = format!("`implementation` of {}: expected a string, got {}", block.subject, other.describe());
            block.error(&item.location, message, None);
            return Implementation::All;
        }
    }
    let message = format!(
        "`implementation` of {} is Python and is not run: the flow takes the Rust handlers of the module with its name, or all",
        block.subject
    );
    block.warn(&item.location, message);
    Implementation::ByName
}

/// Returns the path, if the value is the path of a Python file and not its content.
fn python_path(value: &Value) -> Option<String> {
    let text = value.to_text()?;
    let text = text.trim();
    (text.ends_with(".py") && !text.contains('\n')).then(|| text.to_owned())
}

/// Returns `true` if the text is the path of a Rust module.
fn is_module(text: &str) -> bool {
    let identifier = |segment: &str| {
        segment.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && segment.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    !text.is_empty() && text.split("::").all(identifier)
}
