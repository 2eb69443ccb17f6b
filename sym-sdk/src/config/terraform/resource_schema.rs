//! The attributes and nested blocks of Sym's resources, as the Terraform provider defines them.

/// The schema of one kind of block.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) kind: &'static str,
    pub(super) required: &'static [&'static str],
    /// Every attribute, including the required ones.
    pub(super) attributes: &'static [&'static str],
    pub(super) blocks: &'static [&'static str],
}

/// The attributes that every resource may have, whatever its provider.
pub(super) const META_ATTRIBUTES: [&str; 4] = ["count", "depends_on", "for_each", "provider"];
/// The blocks that every resource may have.
pub(super) const META_BLOCKS: [&str; 5] = ["connection", "dynamic", "lifecycle", "provisioner", "timeouts"];

pub(super) const PARAMS: Schema = Schema {
    kind: "params",
    required: &[],
    attributes: &[
        "additional_header_text",
        // Not one of Sym's.
        "agent_grace_period",
        // Not one of Sym's.
        "allow_extension",
        "allow_guest_interaction",
        "allow_revoke",
        "allowed_sources",
        // Not one of Sym's.
        "expiry_warnings",
        "include_decision_message",
        // Not one of Sym's.
        "max_agent_duration",
        "prompt_field",
        // The form of provider versions 1 and 2.
        "prompt_fields_json",
        // Not one of Sym's.
        "request_lifetime",
        // Not one of Sym's.
        "require_denial_reason",
        "schedule_deescalation",
        "strategy_id",
    ],
    blocks: &["prompt_field"],
};

pub(super) const PROMPT_FIELD: Schema = Schema {
    kind: "prompt_field",
    required: &["name", "type"],
    attributes: &[
        "allowed_values",
        "default",
        "label",
        "name",
        "on_change",
        "prefetch",
        "prefetch_binds",
        "required",
        "type",
        "visible",
    ],
    blocks: &[],
};

const RESOURCES: [Schema; 11] = [
    Schema {
        kind: "sym_environment",
        required: &["name"],
        attributes: &["error_logger_id", "integrations", "label", "log_destination_ids", "name", "runtime_id"],
        blocks: &[],
    },
    Schema {
        kind: "sym_error_logger",
        required: &["destination", "integration_id"],
        attributes: &["destination", "integration_id"],
        blocks: &[],
    },
    Schema {
        kind: "sym_flow",
        required: &["name", "environment_id"],
        attributes: &["environment_id", "implementation", "label", "name", "params", "template", "vars"],
        blocks: &["params"],
    },
    Schema {
        kind: "sym_flows_filter",
        required: &[],
        attributes: &["implementation", "integrations", "vars"],
        blocks: &[],
    },
    Schema {
        kind: "sym_integration",
        required: &["type", "name"],
        attributes: &["external_id", "label", "name", "settings", "type"],
        blocks: &[],
    },
    Schema {
        kind: "sym_log_destination",
        required: &["type"],
        attributes: &["integration_id", "settings", "type"],
        blocks: &[],
    },
    Schema { kind: "sym_runtime", required: &["name"], attributes: &["context_id", "label", "name"], blocks: &[] },
    Schema {
        kind: "sym_secret",
        required: &["path", "source_id"],
        attributes: &["label", "path", "settings", "source_id"],
        blocks: &[],
    },
    Schema { kind: "sym_secrets", required: &["type", "name"], attributes: &["name", "settings", "type"], blocks: &[] },
    Schema {
        kind: "sym_strategy",
        required: &["type", "name", "targets"],
        attributes: &["implementation", "integration_id", "label", "name", "settings", "targets", "type"],
        blocks: &[],
    },
    Schema {
        kind: "sym_target",
        required: &["type", "name"],
        attributes: &["field_bindings", "label", "name", "settings", "type"],
        blocks: &[],
    },
];

/// Returns the schema of a kind of resource.
pub(super) fn resource(kind: &str) -> Option<&'static Schema> {
    RESOURCES.iter().find(|schema| schema.kind == kind)
}

/// Returns the schema of a nested block, if the outer block has it.
pub(super) fn nested(name: &str, outer: &Schema) -> Option<&'static Schema> {
    let schemas: [&'static Schema; 2] = [&PARAMS, &PROMPT_FIELD];
    schemas.into_iter().find(|schema| schema.kind == name && outer.blocks.contains(&name))
}

/// Returns the kinds of Sym's resources.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    RESOURCES.iter().map(|schema| schema.kind)
}
