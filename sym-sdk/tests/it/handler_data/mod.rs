//! The data that handlers read, compared with the flows that use them: finding S2.
//!
//! The diagnostics are those of `check`, `simulate`, `serve` and the harness, which all build with the same builder.

mod fields;
mod literals;
mod vars;

use std::collections::BTreeMap;
use std::sync::Arc;

use expect_test::Expect;
use sym_sdk::config::{Config, Flow, FlowParams, Implementation, PromptField, SourceLocation};
use sym_sdk::handler::Registry;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Runtime;

#[reducer]
pub(crate) fn get_permissions() -> RequestPermission {
    RequestPermission::admins_only()
}

fn line(line: u32) -> SourceLocation {
    SourceLocation { file: Some(Arc::new("flow.tf".into())), line, column: 3 }
}

/// A required field of a type. The line of its declaration is 10.
fn field(name: &str, field_type: &str) -> PromptField {
    PromptField { name: name.into(), field_type: field_type.into(), location: line(10), ..PromptField::default() }
}

fn optional(name: &str, field_type: &str) -> PromptField {
    PromptField { required: false, ..field(name, field_type) }
}

/// A field of type `string` with these allowed values.
fn choice(name: &str, values: &[&str]) -> PromptField {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    PromptField { allowed_values: Some(values), ..field(name, "string") }
}

fn flow(name: &str, prompt_fields: Vec<PromptField>) -> Flow {
    Flow {
        name: name.into(),
        implementation: Implementation::All,
        environment: "main".into(),
        params: FlowParams { prompt_fields, ..FlowParams::default() },
        location: line(1),
        ..Flow::default()
    }
}

fn with_vars(flow: Flow, vars: &[(&str, &str)]) -> Flow {
    let vars: BTreeMap<_, _> = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Flow { vars, ..flow }
}

fn config(flows: Vec<Flow>) -> Config {
    Config { flows, ..crate::support::flows(&[]) }
}

/// Returns all diagnostics, one after the other. Handlers are shown without their lines.
fn diagnostics(config: Config, registry: Registry) -> String {
    let builder = Runtime::builder(config).registry(registry.merge(sym_sdk::handlers![get_permissions]));
    let errors = builder.check().err().into_iter().flatten();
    let found: Vec<_> = errors.chain(builder.warnings()).map(|found| format!("{}: {found}", found.severity)).collect();
    let lines =
        found.iter().flat_map(|found| found.lines()).map(|line| match line.split_once("tests/it/handler_data/") {
            Some((before, rest)) => {
                let (file, rest) = rest.split_once(':').unwrap_or((rest, ""));
                let message = rest.split_once(": ").map_or(rest, |(_, message)| message);
                format!("{}{file}: {message}", before.replace("sym-sdk/", ""))
            }
            None => line.to_owned(),
        });
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") }
}

fn check(flow: Flow, registry: Registry, expected: &Expect) {
    expected.assert_eq(&diagnostics(config(vec![flow]), registry));
}
