//! Lists of Runs, one Run, and waiting for it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::TestApi;
use super::client::{Answer, Call};

fn ids(page: &Value) -> Vec<String> {
    let runs = page["runs"].as_array().unwrap();
    runs.iter().map(|run| run["run_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_have_the_runs_that_pass_all_filters_and_that_the_caller_may_see() {
    let mut api = TestApi::start().await;
    let first = api.request().await;
    api.harness.advance(Duration::from_secs(60)).await.unwrap();
    let second = api.request().await;
    api.approve(&second).await;
    let cases: [(&str, &[&String]); 16] = [
        ("", &[&second, &first]),
        ("?open=true", &[&first]),
        ("?holding=true", &[&second]),
        ("?stuck=true", &[]),
        ("?status=escalated", &[&second]),
        ("?flow=prod", &[&second, &first]),
        ("?flow=secret", &[]),
        ("?requester=ana@example.com&open=true", &[&first]),
        ("?requester=ben@example.com", &[]),
        ("?target=prod-db", &[&second, &first]),
        ("?target=staging", &[]),
        ("?source=sym", &[&second, &first]),
        ("?source=slack", &[]),
        ("?relation=mine", &[]),
        ("?relation=can_decide", &[&first]),
        ("?relation=decided", &[]),
    ];
    for (query, expected) in cases {
        let page = api.get(&api.ops, &format!("/runs{query}")).await.ok();
        let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(ids(&page), expected, "{query}");
    }
    api.harness.advance(Duration::from_secs(10)).await.unwrap();
    let stranger = api.token_of("stranger", sym_sdk::prelude::UserRole::Member).await;
    assert_eq!(ids(&api.get(&stranger, "/runs").await.ok()), Vec::<String>::new());
    let since = "/runs?since=2024-02-29T12:00:30Z";
    assert_eq!(ids(&api.get(&api.ops, since).await.ok()), std::slice::from_ref(&second));
    assert_eq!(ids(&api.get(&api.ops, &since.replace("since", "until")).await.ok()), [first]);
}

/// Runs that begin while somebody pages move nothing.
#[tokio::test]
async fn cursors_are_stable_under_inserts() {
    let mut api = TestApi::start().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        api.harness.advance(Duration::from_secs(60)).await.unwrap();
        all.push(api.request().await);
    }
    all.reverse();
    let first = api.get(&api.ops, "/runs?limit=2&flow=prod").await;
    let page = first.ok();
    assert_eq!(ids(&page), all[..2]);
    let link = first.header("link").unwrap().to_owned();
    let address = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
    assert!(link.ends_with("rel=\"next\"") && address.contains("limit=2"), "{link}");
    api.request().await;
    let second = api.get(&api.ops, &address).await.ok();
    assert_eq!(ids(&second), all[2..4]);
    let next = second["next"].as_str().unwrap();
    let last = api.get(&api.ops, &format!("/runs?limit=2&flow=prod&after={next}")).await.ok();
    assert_eq!((ids(&last), last.get("next")), (all[4..].to_vec(), None));

    // With other filters, a cursor would leave Runs out.
    for wrong in
        [format!("/runs?after={next}"), format!("/runs?flow=prod&after={next}x"), "/runs?after=1-2-3".to_owned()]
    {
        assert_eq!(api.get(&api.ops, &wrong).await.problem().0, 400, "{wrong}");
    }
}

/// A Run that one may not see is answered as one that never was, in each call.
#[tokio::test]
async fn hidden_runs_are_as_if_they_did_not_exist() {
    let mut api = TestApi::start().await;
    let stranger = api.token_of("stranger", sym_sdk::prelude::UserRole::Member).await;
    let hidden = api.request().await;
    let missing = "0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f";
    let same = |answer: Answer, run: &str| {
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("request_id");
        (answer.status, body.to_string().replace(run, "RUN"))
    };
    let calls = |run: &str| {
        let post = |action: &str| Call::post(&format!("/runs/{run}/{action}"), json!({}));
        [
            Call::get(&format!("/runs/{run}")),
            Call::get(&format!("/runs/{run}?version=1&wait=5")),
            Call::get(&format!("/runs/{run}/timeline")),
            Call::get(&format!("/runs/{run}/deciders")),
            Call::get(&format!("/runs/{run}/changes")),
            post("approve"),
            post("deny"),
            post("revoke"),
            Call::post(&format!("/runs/{run}/write-off"), json!({ "reason": "x" })),
            Call::post("/events/deescalate", json!({ "run_id": run })),
        ]
    };
    for (of_hidden, of_missing) in calls(&hidden).into_iter().zip(calls(missing)) {
        let of_hidden = same(of_hidden.token(&stranger).send(&api.routes).await, &hidden);
        let of_missing = same(of_missing.token(&stranger).send(&api.routes).await, missing);
        assert_eq!(of_hidden, of_missing);
        assert_eq!(of_hidden.0, 404);
    }
    let body =
        json!({ "decisions": [{ "run_id": hidden, "action": "approve" }, { "run_id": missing, "action": "deny" }] });
    let results = api.post(&stranger, "/runs/decide", body).await.ok();
    let codes: BTreeSet<_> = results["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| &result["problem"]["code"])
        .map(Value::to_string)
        .collect();
    assert_eq!(codes, BTreeSet::from(["\"SymSDK:UNKNOWN_RUN\"".to_owned()]));
}

/// Proxies make weak tags of strong ones, and append to them.
#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    let path = format!("/runs/{run}");
    let answer = api.get(&api.ops, &path).await;
    let version = answer.ok()["version"].as_u64().unwrap();
    assert_eq!(answer.header("etag"), Some(format!("W/\"{version}\"").as_str()));
    let other = version + 1;
    let table = [
        (format!("W/\"{version}\""), 304),
        (format!("\"{version}\""), 304),
        (format!("\"{version}-gzip\""), 304),
        (format!("\"x\", W/\"{version}\""), 304),
        ("*".to_owned(), 304),
        (format!("W/\"{other}\""), 200),
        (version.to_string(), 200),
        (String::new(), 200),
    ];
    for (tag, status) in table {
        let answer = Call::get(&path).token(&api.ops).header("if-none-match", &tag).send(&api.routes).await;
        assert_eq!(answer.status, status, "{tag}");
        assert!(answer.header("etag").is_some());
        assert_eq!(answer.text.is_empty(), status == 304);
    }
}

#[tokio::test]
async fn a_long_poll_is_answered_by_the_next_change() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    let path = format!("/runs/{run}");
    let version = api.get(&api.ops, &path).await.ok()["version"].as_u64().unwrap();
    let waits = [
        Call::get(&format!("{path}?version={version}&wait=25")),
        Call::get(&path)
            .header("if-none-match", &format!("W/\"{version}\""))
            .header("prefer", "respond-async, wait=20"),
    ];
    let mut waits = waits.map(|call| Box::pin(call.token(&api.ops).send(&api.routes)));
    for wait in &mut waits {
        assert!(futures_util::FutureExt::now_or_never(wait.as_mut()).is_none(), "nothing has changed yet");
    }
    let routes = api.routes.clone();
    let deny = Call::post(&format!("{path}/deny"), json!({ "message": "use the replica" })).token(&api.deployer);
    deny.send(&routes).await.ok();
    for wait in waits {
        let answer = wait.await.ok();
        assert!(answer["version"].as_u64().unwrap() > version);
    }
}

#[tokio::test]
async fn a_long_poll_ends_with_its_time() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    let version = api.get(&api.ops, &format!("/runs/{run}")).await.ok()["version"].as_u64().unwrap();
    let call = Call::get(&format!("/runs/{run}?version={version}&wait=10")).token(&api.ops);
    let routes = api.routes.clone();
    let mut wait = Box::pin(call.send(&routes));
    assert!(futures_util::FutureExt::now_or_never(wait.as_mut()).is_none());
    api.harness.advance(Duration::from_secs(10)).await.unwrap();
    assert_eq!(wait.await.status, 304);
}

#[tokio::test]
async fn a_timeline_tells_what_has_happened() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    api.approve(&run).await;
    let path = format!("/runs/{run}/timeline");
    let timeline = api.get(&api.ops, &path).await.ok();
    let entries = timeline["entries"].as_array().unwrap();
    let kinds: Vec<_> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert!(kinds.starts_with(&["received"]) && kinds.contains(&"granted"), "{kinds:?}");
    let called = entries.iter().find(|entry| entry["kind"] == "handler_called").unwrap();
    assert!(called["handler"].as_str().unwrap().starts_with("get_permissions ("), "{called}");
    assert_eq!(entries[0]["event"]["actor"]["username"], "ana@example.com");
    // The whole is the sum of its pages.
    let (mut after, mut paged) = (0, Vec::new());
    loop {
        let page = api.get(&api.ops, &format!("{path}?limit=3&after={after}")).await.ok();
        paged.extend(page["entries"].as_array().unwrap().clone());
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(paged, *entries);
}

#[tokio::test]
async fn deciders_are_named_with_their_reducer() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    let deciders = api.get(&api.ops, &format!("/runs/{run}/deciders")).await.ok();
    let users: Vec<_> =
        deciders["users"].as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap()).collect();
    assert_eq!(users, ["ben@example.com", "deployer"]);
    assert_eq!((&deciders["is_open"], &deciders["approvals_needed"]), (&json!(true), &json!(1)));
    assert_eq!(deciders["admins"][0]["username"], "ada@example.com");
    assert_eq!(
        (&deciders["barred"][0]["user"]["username"], &deciders["barred"][0]["code"]),
        (&json!("ana@example.com"), &json!("SymSDK:NOT_PERMITTED"))
    );
    assert!(deciders["reducer"].as_str().unwrap().contains("get_permissions"), "{deciders}");
}

#[tokio::test]
async fn access_is_listed_with_its_end() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    api.approve(&run).await;
    let access = api.get(&api.ops, "/access").await.ok();
    let held = &access["access"][0];
    assert_eq!(
        (&held["run_id"], &held["user"]["username"], &held["target"]["name"]),
        (&json!(run), &json!("ana@example.com"), &json!("prod-db"))
    );
    assert_eq!((&held["state"], &held["until"]), (&json!("held"), &json!("2024-02-29T13:00:00Z")));
    for (query, found) in [
        ("?username=Ana@example.com", 1),
        ("?username=ben@example.com", 0),
        ("?flow=secret", 0),
        ("?target=prod-db", 1),
    ] {
        let listed = api.get(&api.ops, &format!("/access{query}")).await.ok();
        assert_eq!(listed["access"].as_array().unwrap().len(), found, "{query}");
    }
    let other = api.token_of("other", sym_sdk::model::UserRole::Member).await;
    assert_eq!(api.get(&other, "/access").await.ok()["access"], json!([]), "it is not theirs to see");
}
