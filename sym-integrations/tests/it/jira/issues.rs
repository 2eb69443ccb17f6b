//! Issues, comments and transitions.

use serde_json::{Value, json};
use sym_integrations::jira::Document;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;

use super::failures::jira;
use crate::vendor_support::code;

const ISSUE: &str = "/rest/api/3/issue";
const COMMENT: &str = "/rest/api/3/issue/OPS-1/comment";

fn doc(text: &str) -> Value {
    json!({ "type": "doc", "version": 1, "content": [{ "type": "paragraph", "content": [{ "type": "text", "text": text }] }] })
}

fn created() -> Reply {
    Reply::json(json!({ "id": "10001", "key": "OPS-17", "self": "https://acme.atlassian.net/…" })).with_status(201)
}

#[tokio::test]
async fn creates_issues() {
    let replay = Replay::new();
    let fields = json!({
        "summary": "Access for Ana",
        "project": { "key": "OPS" },
        "issuetype": { "name": "Task" },
        "description": doc("Until noon"),
        "duedate": "2026-12-24",
        "labels": ["prod-access", "sym-run-1"],
        "parent": { "key": "OPS-1" },
        "priority": { "id": "2" },
        "reporter": { "id": "5b1" },
        "customfield_10010": { "value": "x" },
    });
    replay.post(ISSUE).json(json!({ "fields": fields })).reply(created());
    let jira = jira(&replay);
    let issue = jira
        .create_issue("Access for\r\nAna ", "OPS", "Task")
        .description("Until noon")
        .due_date("2026-12-24".parse().unwrap())
        // JI09: labels have no blanks.
        .labels(["prod access", " "])
        .parent("OPS-1")
        .priority_id("2")
        .reporter("5b1")
        .field("customfield_10010", json!({ "value": "x" }))
        .marker("sym run 1")
        .await
        .unwrap();
    assert_eq!((issue.id.as_str(), issue.key.as_str()), ("10001", "OPS-17"));

    replay.post(ISSUE).reply(created());
    jira.create_issue("Access", "OPS", "Task").parent("10000").await.unwrap();
    let sent: Value = serde_json::from_str(&replay.calls()[1].body).unwrap();
    assert_eq!(sent["fields"]["parent"], json!({ "id": "10000" }));
    let labels = sent["fields"]["labels"].as_array().unwrap();
    assert!(labels.len() == 1 && labels[0].as_str().unwrap().starts_with("sym-"), "{sent}");
    let error = jira.create_issue(" \n", "OPS", "Task").await.unwrap_err();
    assert_eq!(code(&error), "Jira:EMPTY_TEXT");
    replay.check().unwrap();
}

/// JI09: an issue whose creation has an unknown outcome is searched for, and never created twice.
#[tokio::test]
async fn finds_issues_whose_response_was_lost() {
    let replay = Replay::new();
    let search = "/rest/api/3/search/jql";
    let query = json!({ "jql": "project = \"OPS\" AND labels = \"sym-1\"", "fields": ["summary"], "maxResults": 100 });
    for lost in [Reply::connection_lost(), Reply::timed_out(), Reply::status(503)] {
        replay.post(ISSUE).reply(lost);
        replay.post(search).json(&query).reply(Reply::json(json!({ "issues": [] })));
        replay.post(search).json(&query).reply(Reply::json(json!({ "issues": [{ "id": "10001", "key": "OPS-17" }] })));
        let found = jira(&replay).create_issue("Access", "OPS", "Task").marker("sym-1").await.unwrap();
        assert_eq!(found.key, "OPS-17");
    }
    replay.post(ISSUE).reply(Reply::connection_lost());
    replay.post(search).times(3).reply(Reply::json(json!({ "issues": [] })));
    let error = jira(&replay).create_issue("Access", "OPS", "Task").marker("sym-1").await.unwrap_err();
    assert!(error.is_outcome_unknown() && error.hint().unwrap().contains("`sym-1`"), "{error}");
    // What Jira has refused is not searched for.
    replay.post(ISSUE).reply(Reply::json(json!({ "errors": { "project": "is required" } })).with_status(400));
    let error = jira(&replay).create_issue("Access", "OPS", "Task").await.unwrap_err();
    assert!(error.message().contains("project: is required"), "{error}");
    replay.check().unwrap();
}

#[tokio::test]
async fn adds_comments() {
    let replay = Replay::new();
    let jira = jira(&replay);
    replay
        .post(COMMENT)
        .without_query("expand")
        .json(json!({ "body": doc("Approved") }))
        .reply(Reply::json(json!({ "id": "7", "jsdPublic": true })).with_status(201));
    assert_eq!(jira.add_comment_to_issue("OPS-1", "Approved").await.unwrap().id, "7");
    replay.post(COMMENT).query("expand", "renderedBody").reply(Reply::json(json!({ "id": "8", "renderedBody": "<p>" })));
    let comment = jira.add_document_to_issue("OPS-1", Document::raw(doc("x"))).expand(["renderedBody"]).await.unwrap();
    assert_eq!(comment.raw()["renderedBody"], "<p>");
    replay.post(COMMENT).reply(Reply::json(json!({ "errorMessages": ["Issue does not exist"] })).with_status(404));
    let error = jira.add_comment_to_issue("OPS-1", "Approved").await.unwrap_err();
    assert_eq!(code(&error), "Jira:ISSUE_NOT_FOUND");
    // A comment is not repeated if it may have been added.
    replay.post(COMMENT).reply(Reply::connection_lost());
    assert!(jira.add_comment_to_issue("OPS-1", "Approved").await.unwrap_err().is_outcome_unknown());
    // JI06: nothing visible.
    for text in ["", " ", "\n\r\n\t", "\u{0}\u{7}"] {
        assert_eq!(code(&jira.add_comment_to_issue("OPS-1", text).await.unwrap_err()), "Jira:EMPTY_TEXT", "{text:?}");
    }
    replay.check().unwrap();
}

/// JI04: a comment that customers can read although it was to be internal is deleted, and reported.
#[tokio::test]
async fn internal_comments_stay_internal() {
    let replay = Replay::new();
    let jira = jira(&replay);
    let body = json!({
        "body": doc("Approved"),
        "properties": [{ "key": "sd.public.comment", "value": { "internal": true } }],
    });
    for (public, expected) in [(json!(false), None), (json!(null), None), (json!(true), Some("was deleted again"))] {
        replay.post(COMMENT).json(&body).reply(Reply::json(json!({ "id": "7", "jsdPublic": public })));
        if expected.is_some() {
            replay.delete(format!("{COMMENT}/7")).reply(Reply::status(204));
        }
        let added = jira.add_comment_to_issue("OPS-1", "Approved").internal(true).await;
        match expected {
            None => drop(added.unwrap()),
            Some(expected) => {
                let error = added.unwrap_err();
                assert_eq!((error.kind(), code(&error)), (ErrorKind::Conflict, "Jira:COMMENT_IS_PUBLIC".to_owned()));
                assert!(error.message().contains(expected), "{error}");
            }
        }
    }
    replay.post(COMMENT).reply(Reply::json(json!({ "id": "7", "jsdPublic": true })));
    replay.delete(format!("{COMMENT}/7")).reply(Reply::status(403));
    let error = jira.add_comment_to_issue("OPS-1", "Approved").internal(true).await.unwrap_err();
    assert!(error.message().contains("COULD NOT BE DELETED"), "{error}");
    replay.check().unwrap();
}

/// JI05: a text that the site finds too long is sent once more in half its length.
#[tokio::test]
async fn shortens_texts_for_sites_with_lower_limits() {
    let replay = Replay::new();
    let too_long = || {
        let errors = json!({ "comment": "The entered text is too long. It exceeds the allowed limit of 20,000 characters." });
        Reply::json(json!({ "errorMessages": [], "errors": errors })).with_status(400)
    };
    let jira = jira(&replay);
    let text = "a".repeat(40_000);
    replay.post(COMMENT).reply(too_long());
    replay.post(COMMENT).reply(Reply::json(json!({ "id": "7" })));
    jira.add_comment_to_issue("OPS-1", &text).await.unwrap();
    let sent = |at: usize| {
        let body: Value = serde_json::from_str(&replay.calls()[at].body).unwrap();
        body["body"]["content"][0]["content"][0]["text"].as_str().unwrap().chars().count()
    };
    assert_eq!((sent(0), sent(1)), (30_000, 15_000));
    // Once, and for this reason alone.
    replay.post(COMMENT).times(2).reply(too_long());
    assert_eq!(code(&jira.add_comment_to_issue("OPS-1", &text).await.unwrap_err()), "Jira:INVALID_REQUEST");
    replay.post(COMMENT).reply(Reply::json(json!({ "errorMessages": ["INVALID_INPUT"] })).with_status(400));
    jira.add_comment_to_issue("OPS-1", &text).await.unwrap_err();
    replay.post(ISSUE).reply(too_long());
    replay.post(ISSUE).reply(created());
    jira.create_issue("Access", "OPS", "Task").description(&text).await.unwrap();
    replay.check().unwrap();
}

#[tokio::test]
async fn makes_transitions_by_name_or_id() {
    let replay = Replay::new();
    let jira = jira(&replay);
    let path = "/rest/api/3/issue/OPS-1/transitions";
    let known = json!([
        { "id": "11", "name": "To Do" }, { "id": "21", "name": "Done" }, { "id": "31", "name": "done " }, { "id": "41", "name": null },
    ]);
    replay.get(path).always().reply(Reply::json(json!({ "transitions": known })));
    for wanted in ["11", "to do"] {
        replay.post(path).json(json!({ "transition": { "id": "11" } })).reply(Reply::status(204));
        jira.transition_issue("OPS-1", wanted).await.unwrap();
    }
    for wanted in ["Done", "Closed"] {
        let error = jira.transition_issue("OPS-1", wanted).await.unwrap_err();
        assert_eq!(code(&error), "Jira:TRANSITION_NOT_FOUND");
        assert!(error.hint().unwrap().contains("done  (`31`), – (`41`)"), "{:?}", error.hint());
    }
    replay.post(path).reply(Reply::text("<html>").header("content-type", "text/html"));
    assert_eq!(code(&jira.transition_issue("OPS-1", "31").await.unwrap_err()), "Jira:INVALID_RESPONSE");
    replay.check().unwrap();
}
