//! Directories of Terraform files, each with what reading and checking it gives.
//!
//! A directory of `tests/data/terraform-directories` may have a file `options.json`: what the caller sets. `expected.json` is written by
//! `UPDATE_EXPECT=1 cargo test`. `tests/conformance` compares the same directories with another reader.

use std::path::{Path, PathBuf};

use expect_test::expect_file;
use serde_json::{Map, Value, json};
use sym_sdk::config::{Config, Diagnostic, TerraformReader};

fn directories() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/terraform-directories")
}

/// Reads a directory with its options.
fn reader(dir: &Path) -> TerraformReader {
    let options = std::fs::read_to_string(dir.join("options.json")).unwrap_or_else(|_| "{}".to_owned());
    let options: Map<String, Value> = serde_json::from_str(&options).unwrap();
    let mut reader = TerraformReader::new();
    for (option, value) in &options {
        reader = match option.as_str() {
            "assign" => value.as_array().unwrap().iter().fold(reader, |reader, assignment| {
                match assignment.as_str().unwrap().split_once(':').unwrap() {
                    ("file", path) => reader.variable_file(dir.join(path)),
                    (_, assignment) => {
                        let (name, value) = assignment.split_once('=').unwrap();
                        reader.variable(name, value)
                    }
                }
            }),
            "environment" => {
                let variables = value.as_object().unwrap().iter();
                reader.environment(variables.map(|(name, value)| (name.as_str(), value.as_str().unwrap())))
            }
            "known_values" => reader.known_values_file(dir.join(value.as_str().unwrap())),
            "placeholders" => reader.placeholders(),
            "workspace" => reader.workspace(value.as_str().unwrap()),
            other => panic!("no such option: {other}"),
        };
    }
    reader
}

/// Reads and checks a directory.
fn outcome(dir: &Path) -> Value {
    let texts = |found: &[Diagnostic]| {
        let prefix = format!("{}/", dir.display());
        let texts = found.iter().map(|diagnostic| diagnostic.to_string().replace(&prefix, ""));
        let texts = texts.map(|text| text.replace(&dir.display().to_string(), "."));
        Value::from(texts.collect::<Vec<_>>())
    };
    let mut outcome = Map::new();
    match reader(dir).read(dir) {
        Ok(read) => {
            outcome.insert("warnings".into(), texts(&read.warnings));
            outcome.insert("placeholders".into(), texts(&read.placeholders));
            if let Err(errors) = read.config.check() {
                outcome.insert("errors".into(), texts(errors.as_slice()));
            }
            outcome.insert("organization".into(), read.config.organization.slug.as_str().into());
            outcome.insert("resources".into(), resources(&read.config));
        }
        Err(errors) => drop(outcome.insert("errors".into(), texts(errors.as_slice()))),
    }
    outcome.retain(|_, value| value.as_array().is_none_or(|items| !items.is_empty()));
    Value::Object(outcome)
}

fn resources(config: &Config) -> Value {
    let flows = config.flows.iter().map(|flow| {
        let fields = flow.params.prompt_fields.iter().map(|field| format!("{}: {}", field.name, field.field_type));
        json!({
            "resource": "sym_flow", "name": flow.name, "label": flow.label, "vars": flow.vars,
            "allow_revoke": flow.params.allow_revoke, "fields": fields.collect::<Vec<_>>(),
        })
    });
    let targets = config.targets.iter().map(|target| {
        json!({
            "resource": "sym_target", "type": target.kind, "name": target.name, "label": target.label,
            "settings": target.settings,
        })
    });
    let integrations = config.integrations.iter().map(|integration| {
        json!({
            "resource": "sym_integration", "type": integration.kind, "name": integration.name,
            "settings": integration.settings,
        })
    });
    Value::from(flows.chain(targets).chain(integrations).collect::<Vec<_>>())
}

#[test]
fn directories_are_read_as_expected() {
    let mut names: Vec<_> = std::fs::read_dir(directories()).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() >= 40, "{} directories", names.len());
    for dir in names {
        let outcome = serde_json::to_string_pretty(&outcome(&dir)).unwrap();
        expect_file![dir.join("expected.json")].assert_eq(&format!("{outcome}\n"));
    }
}
