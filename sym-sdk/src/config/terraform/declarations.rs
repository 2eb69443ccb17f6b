//! Makes declarations of Sym's resources.

use std::rc::Rc;

use super::functions;
use super::module::Declared;
use super::resource::{Handle, Key, ResourceHandle};
use super::schema::{self, PARAMS, PROMPT_FIELD};
use super::table::{Table, integration_kind};
use super::value::{Unknown, Value};
use super::world::{Instance, World};
use crate::config::{
    Config, Diagnostic, Environment, ErrorLogger, Flow, FlowParams, FlowsFilter, Implementation, Integration,
    LogDestination, PromptField, Secret, SecretSource, Strategy, Target,
};
use crate::suggest::did_you_mean;

/// The only template that exists.
const TEMPLATE: &str = "sym:template:approval:1.0.0";

impl World {
    /// Reads every Sym resource of a module instance and of the local modules below it.
    pub(super) fn declare(&self, instance: &Rc<Instance>, config: &mut Config) {
        self.check_inputs(instance);
        self.validate_variables(instance);
        let module = &instance.module;
        for provider in module.providers.iter().filter(|provider| provider.name == "sym") {
            self.declare_organization(instance, provider, config);
        }
        for declared in module.sym_resources() {
            if schema::resource(&declared.kind).is_none() {
                let message = format!("`{}` is not a resource of Sym's", declared.kind);
                let hint = did_you_mean(&declared.kind, schema::kinds());
                self.diagnostic(Diagnostic::error(declared.location.clone(), message).with_hint_if(hint));
                continue;
            }
            for handle in handles(&self.resource(instance, declared)) {
                if let Handle::Resource(resource) = &*handle {
                    self.declare_resource(instance, resource, config);
                }
            }
        }
        for call in module.calls.values() {
            for handle in handles(&self.children(instance, call)) {
                if let Handle::Module { number, .. } = &*handle
                    && let Some(child) = self.instance(*number)
                {
                    self.declare(&child, config);
                }
            }
        }
    }

    fn declare_organization(&self, instance: &Rc<Instance>, provider: &Declared, config: &mut Config) {
        if let Some(org) = provider.attribute("org") {
            let value = self.scope(instance, &provider.source, &Key::Only).eval(&org.value);
            if let Some(slug) = value.to_text() {
                config.organization.slug = slug.to_string();
            }
        }
    }

    fn declare_resource(&self, instance: &Rc<Instance>, resource: &ResourceHandle, config: &mut Config) {
        let declared = &resource.declared;
        let Some(schema) = schema::resource(&declared.kind) else { return };
        let faults_before = self.diagnostics.borrow().len();
        let scope = self.scope(instance, &declared.source, &resource.key);
        let mut table = Table::of_resource(scope, declared, schema, &resource.address, &|attribute| {
            self.once_attribute(instance, resource, attribute.key.as_str(), || scope.eval(&attribute.value))
        });
        let faulty = table.is_faulty();
        self.declare_table(instance, resource, &mut table, config);
        if faulty || self.diagnostics.borrow().len() > faults_before {
            self.spoilt.borrow_mut().insert(declared.location.clone());
        }
    }

    fn declare_table(
        &self,
        instance: &Rc<Instance>,
        resource: &ResourceHandle,
        table: &mut Table<'_>,
        config: &mut Config,
    ) {
        let Some(schema) = schema::resource(&resource.declared.kind) else { return };
        let name = || self.derived_name(instance, resource);
        if resource.declared.data {
            // It is declared elsewhere in the configuration; what refers to it needs its name only.
            schema.required.iter().for_each(|attribute| drop(table.needed_text(attribute)));
            return;
        }
        match schema.kind {
            "sym_environment" => config.environments.push(environment(table)),
            "sym_error_logger" => config.error_loggers.push(ErrorLogger {
                name: name(),
                integration: table.integration("integration_id", "slack"),
                destination: table.needed_text("destination"),
                location: table.location.clone(),
            }),
            "sym_flow" => config.flows.push(flow(table)),
            "sym_flows_filter" => declare_filter(table, config),
            "sym_integration" => config.integrations.push(Integration {
                kind: table.needed_text("type"),
                name: table.needed_text("name"),
                label: table.text("label"),
                external_id: table.text("external_id").unwrap_or_default(),
                settings: table.map("settings"),
                location: table.location.clone(),
            }),
            "sym_log_destination" => config.log_destinations.push(LogDestination {
                kind: table.needed_text("type"),
                name: name(),
                integration: table.integration("integration_id", "permission_context"),
                settings: table.map("settings"),
                location: table.location.clone(),
            }),
            // It names a cloud role for Sym's own service: here the process has its own.
            "sym_runtime" => {
                table.needed_text("name");
                table.known_reference("context_id", "sym_integration");
            }
            "sym_secret" => config.secrets.push(secret(table, name())),
            "sym_secrets" => config.secret_sources.push(SecretSource {
                kind: table.needed_text("type"),
                name: table.needed_text("name"),
                settings: table.map("settings"),
                location: table.location.clone(),
            }),
            "sym_strategy" => config.strategies.push(strategy(table)),
            "sym_target" => config.targets.push(Target {
                kind: table.needed_text("type"),
                name: table.needed_text("name"),
                label: table.text("label"),
                settings: table.map("settings"),
                field_bindings: table.texts("field_bindings").unwrap_or_default(),
                location: table.location.clone(),
            }),
            _ => {}
        }
    }
}

/// The instances in what a resource or module evaluates to.
fn handles(value: &Value) -> Vec<Rc<Handle>> {
    match value {
        Value::Object(handle) => vec![handle.clone()],
        Value::List(_) => value.items().unwrap_or_default().iter().flat_map(handles).collect(),
        Value::Map(_) => value.entries().into_iter().flatten().flat_map(|(_, value)| handles(value)).collect(),
        _ => Vec::new(),
    }
}

fn environment(table: &Table<'_>) -> Environment {
    table.known_reference("runtime_id", "sym_runtime");
    Environment {
        name: table.needed_text("name"),
        label: table.text("label"),
        integrations: table.integrations("integrations"),
        error_logger: table.reference("error_logger_id", "sym_error_logger").map(|logger| logger.name),
        log_destinations: table.references("log_destination_ids", "sym_log_destination"),
        location: table.location.clone(),
    }
}

fn secret(table: &Table<'_>, name: String) -> Secret {
    let mut settings = table.map("settings");
    let json_key = settings.remove("json_key");
    for key in settings.keys() {
        let hint = did_you_mean(key, ["json_key"]);
        table.diagnostic(&table.location_of("settings"), format!("`settings` of {} has no `{key}`", table.what), hint);
    }
    Secret {
        name,
        label: table.text("label"),
        path: table.needed_text("path"),
        source: table.reference("source_id", "sym_secrets").unwrap_or_default(),
        json_key,
        location: table.location.clone(),
    }
}

fn strategy(table: &Table<'_>) -> Strategy {
    if table.item("implementation").is_some() {
        let message = format!("`implementation` of {} is not read: a strategy is Rust code here", table.what);
        table.warn(&table.location_of("implementation"), message);
    }
    let kind = table.needed_text("type");
    Strategy {
        name: table.needed_text("name"),
        label: table.text("label"),
        integration: table.integration("integration_id", integration_kind(&kind)),
        kind,
        targets: table.references("targets", "sym_target"),
        settings: table.map("settings"),
        location: table.location.clone(),
    }
}

fn declare_filter(table: &Table<'_>, config: &mut Config) {
    let filter = FlowsFilter {
        implementation: implementation(table),
        vars: vars(table),
        integrations: table.integrations("integrations"),
        location: table.location.clone(),
    };
    match &config.flows_filter {
        Some(first) => {
            let hint = format!("the first is at {}", first.location);
            table.diagnostic(
                &table.location,
                "an organization has one `sym_flows_filter` at most".to_owned(),
                Some(hint),
            );
        }
        None => config.flows_filter = Some(filter),
    }
}

fn flow(table: &mut Table<'_>) -> Flow {
    let mut blocks = table.take_blocks(&PARAMS);
    if let Some(second) = blocks.get(1) {
        table.diagnostic(&second.location, format!("{} has more than one `params` block", table.what), None);
    }
    if let Some(template) = table.text("template")
        && template != TEMPLATE
    {
        let message = format!("`template` of {} is {template:?}, only {TEMPLATE:?} exists", table.what);
        table.diagnostic(&table.location_of("template"), message, None);
    }
    Flow {
        name: table.needed_text("name"),
        label: table.text("label"),
        implementation: implementation(table),
        environment: table.reference("environment_id", "sym_environment").unwrap_or_default().name,
        vars: vars(table),
        params: blocks.first_mut().map(params).unwrap_or_default(),
        location: table.location.clone(),
    }
}

fn params(table: &mut Table<'_>) -> FlowParams {
    let mut fields = table.take_blocks(&PROMPT_FIELD);
    if let Some(item) = table.item("prompt_fields_json") {
        match item.value.to_text().map(|text| serde_json::from_str::<serde_json::Value>(&text)) {
            Some(Ok(json)) if json.is_array() => {
                let mut list = item.clone();
                list.value = functions::from_json(&json);
                fields.extend(table.of_list(&list, &PROMPT_FIELD));
                let message =
                    format!("{} has `prompt_fields_json`, of version 2: prefer `prompt_field` blocks", table.what);
                table.warn(&list.location, message);
            }
            _ if matches!(item.value, Value::Unknown(Unknown::Faulty)) => {}
            _ => {
                let message = format!("`prompt_fields_json` of {}: expected a list of fields as JSON", table.what);
                table.diagnostic(&item.location, message, None);
            }
        }
    }
    let defaults = FlowParams::default();
    FlowParams {
        strategy: table.reference("strategy_id", "sym_strategy"),
        allow_revoke: table.flag("allow_revoke", defaults.allow_revoke),
        schedule_deescalation: table.flag("schedule_deescalation", defaults.schedule_deescalation),
        allowed_sources: table.texts("allowed_sources"),
        include_decision_message: table.flag("include_decision_message", defaults.include_decision_message),
        additional_header_text: table.text("additional_header_text"),
        allow_guest_interaction: table.flag("allow_guest_interaction", defaults.allow_guest_interaction),
        prompt_fields: fields.iter().map(prompt_field).collect(),
    }
}

fn prompt_field(table: &Table<'_>) -> PromptField {
    let defaults = PromptField::default();
    PromptField {
        name: table.needed_text("name"),
        field_type: table.needed_text("type"),
        label: table.text("label"),
        required: table.flag("required", defaults.required),
        visible: table.flag("visible", defaults.visible),
        default: table.text("default"),
        allowed_values: table.texts("allowed_values"),
        prefetch: table.flag("prefetch", defaults.prefetch),
        on_change: on_change(table),
        location: table.location.clone(),
    }
}

/// Whether the field has a handler: told by a boolean here, by Python source in Sym.
fn on_change(table: &Table<'_>) -> bool {
    let Some(item) = table.item("on_change") else { return false };
    if let Some(flag) = item.value.to_bool() {
        return flag;
    }
    let field = table.needed_text("name");
    if let Some(path) = python_path(&item.value) {
        let message = format!("`on_change` of {} is the path {path:?}, expected a boolean", table.what);
        let hint = format!("write `true`, and a handler `#[on_change(field = {field:?})]`");
        table.diagnostic(&item.location, message, Some(hint));
    } else if !matches!(item.value, Value::Unknown(Unknown::Faulty)) {
        let handler = format!("`#[on_change(field = {field:?})]`");
        table.warn(
            &item.location,
            format!("`on_change` of {} is Python: a handler {handler} takes its place", table.what),
        );
    }
    true
}

/// Values that look like a number or a boolean reach handlers as strings.
fn vars(table: &Table<'_>) -> std::collections::BTreeMap<String, String> {
    let vars = table.map("vars");
    for (name, value) in &vars {
        let looks = match value.as_str() {
            "true" | "false" => "a boolean",
            text if text.parse::<i64>().is_ok() => "an integer",
            _ => continue,
        };
        let message = format!(
            "var `{name}` of {} looks like {looks}: handlers see the string {value:?}, and `Vars<T>` parses it",
            table.what
        );
        table.warn(&table.location_of("vars"), message);
    }
    vars
}

fn implementation(table: &Table<'_>) -> Implementation {
    let Some(item) = table.item("implementation") else { return Implementation::All };
    let text = item.value.to_text();
    let trimmed = text.as_deref().map(str::trim).unwrap_or_default();
    if let Some(path) = python_path(&item.value) {
        let message = format!("`implementation` of {} is the path {path:?}", table.what);
        let hint = r#"name a Rust module, as in "my_flows::prod", or give Python source with `file("impl.py")`"#;
        table.diagnostic(&item.location, message, Some(hint.to_owned()));
        return Implementation::All;
    }
    match &item.value {
        Value::Unknown(Unknown::Faulty) => return Implementation::All,
        Value::Unknown(_) => {}
        Value::Text(_) if is_module(trimmed) => return Implementation::Module(trimmed.to_owned()),
        // Taken for Python, a slip in the path would give the flow every handler there is.
        Value::Text(_) if trimmed.contains("::") && !trimmed.contains(char::is_whitespace) => {
            let message = format!("`implementation` of {} is {trimmed:?}, which is not a Rust module", table.what);
            let hint = r#"a path is made of identifiers, as in "my_flows::prod""#;
            table.diagnostic(&item.location, message, Some(hint.to_owned()));
            return Implementation::All;
        }
        Value::Text(_) => {}
        other => {
            let message = format!("`implementation` of {}: expected a string, got {}", table.what, other.describe());
            table.diagnostic(&item.location, message, None);
            return Implementation::All;
        }
    }
    let message = format!(
        "`implementation` of {} is Python: the Rust handlers of the module with its name, or all, take its place",
        table.what
    );
    table.warn(&item.location, message);
    Implementation::ByName
}

/// The path, if the value is the path of a Python file and not its content.
fn python_path(value: &Value) -> Option<String> {
    let text = value.to_text()?;
    let text = text.trim();
    (text.ends_with(".py") && !text.contains('\n')).then(|| text.to_owned())
}

/// Whether the text is the path of a Rust module.
fn is_module(text: &str) -> bool {
    let identifier = |segment: &str| {
        segment.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && segment.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    !text.is_empty() && text.split("::").all(identifier)
}
