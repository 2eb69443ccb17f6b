//! The tools that look at flows, and their schemas.

use serde_json::{Value, json};

use super::{World, prod};

/// QD06: what is valid and not accepted by all clients.
#[tokio::test]
async fn schemas_are_plain() {
    let world = World::start().await;
    let token = world.token_of("coder").await;
    let agent = world.connect(&token).await;
    let tools = agent.client.list_all_tools().await.unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool.name.to_string()).collect();
    assert_eq!(
        names,
        [
            "list_flows",
            "describe_flow",
            "find_options",
            "preview_request",
            "request_access",
            "wait_for_request",
            "list_requests",
            "list_access",
            "give_back",
        ]
    );
    for tool in &tools {
        let schema = tool.schema_as_json_value();
        assert_eq!(schema["type"], "object");
        assert!(tool.output_schema.is_none());
        check_schema(&schema);
    }
}

fn check_schema(schema: &Value) {
    let Value::Object(members) = schema else { panic!("a schema is an object: {schema}") };
    assert!(members["type"].is_string(), "{schema}");
    for (name, value) in members {
        match name.as_str() {
            "type" | "description" => assert!(value.is_string(), "{schema}"),
            "required" => assert!(value.is_array(), "{schema}"),
            "items" => check_schema(value),
            "properties" => {
                for (name, property) in value.as_object().unwrap() {
                    assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
                    check_schema(property);
                }
            }
            other => panic!("`{other}` is not known to all clients"),
        }
    }
}

#[tokio::test]
async fn lists_and_describes_what_admits_agents() {
    let world =
        World::with(|builder| builder.declare(|config| config.flows[0].params.max_agent_duration = Some("10m".into())))
            .await;
    let token = world.token_of("coder").await;
    let agent = world.connect(&token).await;
    let listed = agent.call("list_flows", json!({})).await;
    let names: Vec<_> = listed["flows"].as_array().unwrap().iter().map(|flow| flow["name"].clone()).collect();
    assert_eq!(names, ["plan", "prod"]);
    let flow = agent.call("describe_flow", json!({ "flow": "prod" })).await;
    assert_eq!(flow["targets"][0]["name"], "prod-db");
    assert_eq!(flow["durations"], json!(["30s", "10m"]));
    assert_eq!(flow["longest_duration"], "10m");
    assert_eq!(flow["given_back_when_silent_for_seconds"], 3_600);
    for hidden in ["people", "nothing"] {
        assert_eq!(agent.code("describe_flow", json!({ "flow": hidden })).await, "SymSDK:UNKNOWN_FLOW");
        assert_eq!(agent.code("request_access", json!({ "flow": hidden })).await, "SymSDK:UNKNOWN_FLOW");
    }
}

#[tokio::test]
async fn previews_tell_who_decides() {
    let world = World::start().await;
    let token = world.token_of("coder").await;
    let agent = world.connect(&token).await;
    let preview = agent.call("preview_request", prod("1h")).await;
    assert_eq!((&preview["is_valid"], &preview["errors"]), (&json!(true), &json!([])));
    // Ana does not decide about her own agent.
    assert_eq!(preview["decided_by"]["people"], json!(["ben@example.com"]));
    let preview = agent.call("preview_request", json!({ "flow": "prod", "duration": "2d" })).await;
    assert_eq!(preview["is_valid"], false);
    assert!(!preview["errors"].as_array().unwrap().is_empty());
    assert_eq!(world.runs().await, 0);
}

#[tokio::test]
async fn arguments_that_no_tool_has_are_refused() {
    let world = World::start().await;
    let token = world.token_of("coder").await;
    let agent = world.connect(&token).await;
    let invalid = "SymSDK:INVALID_PARAMETER";
    for (tool, arguments) in [
        ("list_flows", json!({ "user": "ana@example.com" })),
        ("request_access", json!({ "flow": "prod", "for_user": "ben@example.com" })),
        ("request_access", json!({})),
        ("wait_for_request", json!({ "run_id": "0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f", "seconds": "soon" })),
        ("give_back", json!({})),
        ("give_back", json!({ "everything": true, "run_id": "0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f" })),
        (
            "request_access",
            json!({ "flow": "plan", "fields": [{ "name": "a", "value": "1" }, { "name": "a", "value": "2" }] }),
        ),
        ("request_access", json!({ "flow": "plan", "key": "ключ" })),
    ] {
        assert_eq!(agent.code(tool, arguments.clone()).await, invalid, "{tool} {arguments}");
    }
    let code = agent.code("wait_for_request", json!({ "run_id": "x" })).await;
    assert_eq!(code, "SymSDK:INVALID_ID");
    assert_eq!(world.runs().await, 0);
    let unknown = rmcp::model::CallToolRequestParams::new("approve");
    let error = agent.client.call_tool(unknown).await.unwrap_err();
    assert!(error.to_string().contains("there is no such tool"), "{error}");
}

#[tokio::test]
async fn options_are_found() {
    let world = World::start().await;
    let token = world.token_of("coder").await;
    let agent = world.connect(&token).await;
    let found = agent.call("find_options", json!({ "flow": "prod", "field": "target_id", "text": "stag" })).await;
    assert_eq!(found["options"].as_array().unwrap().len(), 1, "{found}");
    let code = agent.code("find_options", json!({ "flow": "prod", "field": "nothing" })).await;
    assert_eq!(code, "SymSDK:UNKNOWN_FIELD");
}
