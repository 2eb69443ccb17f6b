//! The OpenAPI document, and the guide.

use std::collections::BTreeSet;

use serde_json::Value;
use sym_sdk::api::Api;

use super::TestApi;
use super::client::Call;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
const GUIDE: &str = include_str!("../../../docs/http-api.md");

/// A changed document is a changed API, to be reviewed as one. `UPDATE_EXPECT=1` writes the copy.
#[test]
fn the_document_is_that_of_the_repository() {
    let text = format!("{}\n", serde_json::to_string_pretty(&Api::openapi()).unwrap());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(DOCUMENT, &text).unwrap();
    }
    let copy = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert!(copy == text, "docs/openapi.json differs from the routes: rewrite it with UPDATE_EXPECT=1");
}

#[tokio::test]
async fn the_document_is_served_to_anybody() {
    let api = TestApi::start().await;
    let served = Call::get("/openapi.json").send(&api.routes).await.ok();
    assert_eq!(served, Api::openapi());
    assert_eq!(served["openapi"], "3.1.0");
}

/// Returns each method and path of the document.
fn operations() -> BTreeSet<(String, String)> {
    let document = Api::openapi();
    let paths = document["paths"].as_object().unwrap();
    let methods = |(path, item): (&String, &Value)| {
        let path = path.clone();
        let methods: Vec<_> =
            item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())).collect();
        methods
    };
    paths.iter().flat_map(methods).collect()
}

#[test]
fn references_of_the_document_lead_somewhere() {
    fn check(document: &Value, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let target = document.pointer(reference.trim_start_matches('#'));
                    assert!(target.is_some(), "{reference}");
                }
                members.values().for_each(|member| check(document, member));
            }
            Value::Array(items) => items.iter().for_each(|item| check(document, item)),
            _ => {}
        }
    }
    let document = Api::openapi();
    check(&document, &document);
}

/// Each call says what it is for, has an id of its own, and says what it answers when it refuses.
#[test]
fn calls_are_described() {
    let document = Api::openapi();
    let mut ids = BTreeSet::new();
    for (method, path) in operations() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        assert!(operation["summary"].is_string(), "{method} {path}");
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
            "{method} {path} has the id of another"
        );
        let responses = operation["responses"].as_object().unwrap();
        for status in ["400", "401", "403", "404", "429", "500", "503", "504"] {
            assert!(responses.contains_key(status), "{method} {path} {status}");
        }
    }
}

/// Each `curl` of the guide is a call that exists, and each call is in the guide.
#[test]
fn the_guide_shows_calls_that_exist() {
    let known = operations();
    let mut in_guide = BTreeSet::new();
    for command in GUIDE.split("curl ").skip(1).map(|rest| rest.split("```").next().unwrap()) {
        let Some(at) = command.find("/api/v1/") else { continue };
        let path = command[at + "/api/v1".len()..].split(['\'', '"', '?', '\n', ' ']).next().unwrap();
        let method = command.split("-X ").nth(1).map(|rest| rest.split(' ').next().unwrap());
        let has_body = command[..at].contains("--json") || command[..at].contains("-d ");
        let method = method.unwrap_or(if has_body { "POST" } else { "GET" });
        let matches = |(known_method, template): &&(String, String)| known_method == method && is_of(path, template);
        let operation = known.iter().find(matches).unwrap_or_else(|| panic!("{method} {path} is no call"));
        in_guide.insert(operation.clone());
    }
    assert!(in_guide.len() >= 10, "{in_guide:?}");
    let table: BTreeSet<_> = GUIDE
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split('`').next()?.split_once(' '))
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .collect();
    assert_eq!(table, known, "the table of calls in the guide");
}

fn is_of(path: &str, template: &str) -> bool {
    let (path, template): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len()
        && path.iter().zip(&template).all(|(part, known)| part == known || (known.starts_with('{') && !part.is_empty()))
}
