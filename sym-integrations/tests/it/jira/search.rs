//! Searches and lists.

use serde_json::{Value, json};
use sym_integrations::field_options;
use sym_integrations::jira::{Jira, SimulatedJira};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;
use sym_sdk::model::User;

use super::failures::jira;
use crate::vendor_support::code;

const SEARCH: &str = "/rest/api/3/search/jql";

fn page(ids: &[&str], token: Value) -> Reply {
    let issues: Vec<_> = ids.iter().map(|id| json!({ "id": id, "key": format!("OPS-{id}"), "fields": null })).collect();
    Reply::json(json!({ "issues": issues, "nextPageToken": token, "isLast": false, "warningMessages": [] }))
}

/// JI01: pages end where there is no token, and nowhere else.
#[tokio::test]
async fn reads_all_pages_of_a_search() {
    let replay = Replay::new();
    let body = json!({ "jql": "project = OPS order by key", "fields": ["*navigable"], "maxResults": 100 });
    let at = |token: &str| {
        let mut body = body.clone();
        body["nextPageToken"] = token.into();
        body
    };
    replay.post(SEARCH).json(&body).reply(page(&["1", "2"], json!("a")));
    // An empty page, and one that repeats an issue.
    replay.post(SEARCH).json(at("a")).reply(page(&[], json!("b")));
    replay.post(SEARCH).json(at("b")).reply(page(&["2", "3"], json!("c")));
    replay.post(SEARCH).json(at("c")).reply(page(&["4"], json!(null)));
    let found = jira(&replay).search_issues("project = OPS order by key").await.unwrap();
    assert_eq!(found.iter().map(|issue| issue.id.as_str()).collect::<Vec<_>>(), ["1", "2", "3", "4"]);
    for last in [json!({ "issues": [], "nextPageToken": "" }), json!({ "issues": null, "isLast": true }), json!({})] {
        replay.post(SEARCH).reply(Reply::json(&last));
        assert!(jira(&replay).search_issues("project = OPS").await.unwrap().is_empty(), "{last}");
    }
    replay.check().unwrap();
}

/// JI01: a token that comes again is an error, and no end.
#[tokio::test]
async fn repeated_tokens_are_errors() {
    let replay = Replay::new();
    replay.post(SEARCH).times(2).reply(page(&["1"], json!("a")));
    let error = jira(&replay).search_issues("project = OPS").await.unwrap_err();
    assert_eq!(code(&error), "Jira:BAD_PAGING");
    replay.check().unwrap();
}

#[tokio::test]
async fn sends_fields_and_expansions() {
    let replay = Replay::new();
    let body = json!({
        "jql": "key = OPS-1", "fields": ["summary", "status"], "expand": "renderedFields,names", "maxResults": 100,
    });
    let issue = json!({ "id": "1", "key": "OPS-1", "fields": { "summary": "Disk", "status": { "name": "Done" } }, "names": {} });
    // A search changes nothing, so it is repeated.
    replay.post(SEARCH).json(&body).reply(Reply::connection_lost());
    replay.post(SEARCH).json(&body).reply(Reply::json(json!({ "issues": [issue], "isLast": true })));
    let found = jira(&replay)
        .search_issues("key = OPS-1")
        .fields(["summary", "status"])
        .expand(["renderedFields", "names"])
        .await
        .unwrap();
    assert_eq!((found[0].summary(), found[0].status()), (Some("Disk"), Some("Done")));
    assert!(found[0].raw()["names"].is_object());
    assert_eq!(field_options(&found).unwrap()[0].label(), "OPS-1 Disk");
    replay.check().unwrap();
}

#[tokio::test]
async fn rejects_empty_queries() {
    let replay = Replay::new();
    for jql in ["", " \t\n"] {
        let error = jira(&replay).search_issues(jql).await.unwrap_err();
        assert_eq!((error.kind(), code(&error)), (ErrorKind::InvalidInput, "Jira:EMPTY_QUERY".to_owned()));
    }
    assert!(replay.calls().is_empty());
}

#[tokio::test]
async fn projects_are_options() {
    let replay = Replay::new();
    let path = "/rest/api/3/project/search";
    let project = |id: &str, name: Value| json!({ "id": id, "key": format!("P{id}"), "name": name });
    let first = json!({ "values": [project("1", json!("Ops")), project("2", json!(null))], "startAt": 0, "isLast": false });
    replay.get(path).without_query("startAt").query("maxResults", 50).reply(Reply::json(first));
    replay.get(path).query("startAt", 2).reply(Reply::json(json!({ "values": [project("3", json!("Ops"))], "startAt": 2, "isLast": true })));
    let projects = jira(&replay).list_projects().await.unwrap();
    let options = field_options(&projects).unwrap();
    assert_eq!(options.iter().map(|option| option.label()).collect::<Vec<_>>(), ["Ops (P1)", "P2", "Ops (P3)"]);
    for end in [json!({ "values": [] }), json!({ "values": null, "isLast": null })] {
        replay.get(path).reply(Reply::json(end));
        assert!(jira(&replay).list_projects().await.unwrap().is_empty());
    }
    replay.check().unwrap();
}

/// JI03: a hit without this address is somebody else.
#[tokio::test]
async fn finds_people_by_the_address_that_they_show() {
    let replay = Replay::new();
    let path = "/rest/api/3/user/search";
    let hit = |id: &str, email: Value, active: bool| json!({ "accountId": id, "emailAddress": email, "active": active });
    let ana = User::from_email("ana@example.com").unwrap();
    let hidden = || hit("5b1", json!(null), true);
    for (hits, expected) in [
        (json!([hidden()]), Err("Identity:NOT_FOUND")),
        (json!([]), Err("Identity:NOT_FOUND")),
        (json!([{ "accountId": "5b1", "displayName": "ana@example.com" }]), Err("Identity:NOT_FOUND")),
        (json!([hidden(), hit("5b2", json!("Ana@Example.com"), true)]), Ok("5b2")),
        (json!([hit("5b3", json!("ana@example.com"), false)]), Err("Jira:USER_DEPROVISIONED")),
        (
            json!([hit("5b2", json!("ana@example.com"), true), hit("5b3", json!("ana@example.com"), true)]),
            Err("Jira:AMBIGUOUS_USER"),
        ),
    ] {
        replay.get(path).query("query", "ana@example.com").reply(Reply::json(&hits));
        let found = jira(&replay).account_id(&ana).await;
        assert_eq!(found.as_deref().map_err(code), expected.map_err(str::to_owned), "{hits}");
    }
    replay.check().unwrap();
}

#[tokio::test]
async fn simulates_a_site() {
    let jira: Jira = SimulatedJira::new("acme.atlassian.net").project("OPS").issue("OPS-7", "Disk full").build().unwrap();
    assert_eq!(jira.get_issue("OPS-7").await.unwrap().summary(), Some("Disk full"));
    assert_eq!(code(&jira.get_issue("OPS-9").await.unwrap_err()), "Jira:ISSUE_NOT_FOUND");
    let created = jira.create_issue("Access", "OPS", "Task").await.unwrap();
    assert_eq!(jira.get_issue(&created.key).await.unwrap().summary(), Some("Access"));
    jira.add_comment_to_issue(&created.key, "Approved").internal(true).await.unwrap();
    jira.transition_issue(&created.key, "done").await.unwrap();
    assert_eq!(jira.search_issues("project = OPS").await.unwrap().len(), 2);
    assert_eq!(jira.list_projects().await.unwrap()[0].key, "OPS");
}
