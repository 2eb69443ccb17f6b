//! Access: who has it, and its end.

use serde_json::json;
use sym_sdk::prelude::*;

use super::{By, Day, each, empty};
use crate::limit::within_limit;

#[test]
fn who_has_access_now() {
    within_limit(async {
        let day = Day::new().await;
        let called = day.get("/access").await;
        let command = day.command(&["access", "--json"]).await;
        command.ok();
        assert_eq!(command.json(), called);
        let mut users = each(&called["access"], "/user/username");
        users.sort();
        assert_eq!(users, ["ana@example.com", "ana@example.com", "vic@example.com"]);
        // That which should have ended is at the top.
        assert_eq!(called["access"][0]["run_id"], day.stuck.to_string());
        assert_eq!(called["access"][0]["is_stuck"], true);
        day.end().await;
    });
}

#[test]
fn what_does_ana_have() {
    within_limit(async {
        let day = Day::new().await;
        let called = day.get("/access?username=ana@example.com").await;
        let command = day.command(&["access", "--user", "ana@example.com", "--json"]).await;
        command.ok();
        assert_eq!(command.json(), called);
        let mut targets = each(&called["access"], "/target/name");
        targets.sort();
        assert_eq!(targets, ["revoke", "see"]);
        assert!(each(&called["access"], "/until").iter().all(|until| !until.is_empty()), "{called}");
        assert_eq!(day.get("/access?username=eve@example.com").await["access"], json!([]));
        day.end().await;
    });
}

#[test]
fn end_one_access() {
    within_limit(async {
        for by in By::BOTH {
            let day = Day::new().await;
            let held = day.held.to_string();
            match by {
                By::Command => drop(day.command(&["revoke", &held]).await.ok().to_owned()),
                By::Call => drop(day.call("POST", &format!("/runs/{held}/revoke"), empty()).await.ok()),
            }
            day.world.settle().await;
            assert_eq!(day.status(day.held).await, RunStatus::Deescalated, "{by:?}");
            assert_eq!(day.granted(), ["see: ana@example.com", "write-off: vic@example.com"], "{by:?}");
            day.end().await;
        }
    });
}

#[test]
fn end_all_of_anas() {
    within_limit(async {
        for by in By::BOTH {
            let day = Day::new().await;
            let body = json!({ "username": "ana@example.com" });
            let ended = match by {
                By::Command => {
                    let command = day.command(&["revoke", "--user", "ana@example.com", "--json"]).await;
                    command.ok();
                    command.json()
                }
                By::Call => day.call("POST", "/access/revoke", body.clone()).await.ok(),
            };
            let results = ended["results"].as_array().unwrap();
            assert!(results.len() == 2 && results.iter().all(|result| result["done"] == true), "{by:?}: {ended}");
            let ids = each(&ended["results"], "/run_id");
            assert!([day.held, day.also_held].iter().all(|run| ids.contains(&run.to_string())), "{by:?}: {ended}");
            // Sent again before the service has answered, it is done, and nothing has failed.
            let again = day.call("POST", "/access/revoke", body.clone()).await.ok();
            assert!(
                again["results"].as_array().unwrap().iter().all(|result| result["done"] == true),
                "{by:?}: {again}"
            );
            day.world.settle().await;
            assert_eq!(day.granted(), ["write-off: vic@example.com"], "{by:?}");
            assert!(!day.world.user("ana@example.com").await.is_locked(), "{by:?}");
            // There is nothing left.
            assert_eq!(day.call("POST", "/access/revoke", body).await.ok(), json!({ "results": [] }), "{by:?}");
            day.end().await;
        }
    });
}

/// Nobody is named by mistake, and nobody ends what they could not end one by one.
#[test]
fn all_access_is_ended_of_one_user_and_as_far_as_the_caller_may() {
    within_limit(async {
        let day = Day::new().await;
        for body in [empty(), json!({ "flow": "prod" }), json!({ "usrname": "ana@example.com" }), json!([])] {
            let refused = day.call("POST", "/access/revoke", body.clone()).await;
            assert_eq!(refused.status.as_u16(), 400, "{body}: {}", refused.text);
        }
        let ci = day.call("POST", "/bots", json!({ "name": "other" })).await.ok();
        let tokens = format!("/bots/{}/tokens", ci["id"].as_str().unwrap());
        let token = day.call("POST", &tokens, json!({ "label": "x", "for": "1d" })).await.ok();
        let token = token["token"].as_str().unwrap();
        // A bot that may not see the access ends none of it.
        let body = json!({ "username": "ana@example.com" });
        let none = day.call_as(token, "POST", "/access/revoke", body.clone()).await;
        assert_eq!(none.ok(), json!({ "results": [] }));
        let nobody = day.call_as("", "POST", "/access/revoke", body).await;
        assert_eq!(nobody.status.as_u16(), 401);
        let of_target = json!({ "username": "ana@example.com", "target": "see" });
        let ended = day.call("POST", "/access/revoke", of_target).await.ok();
        assert_eq!(each(&ended["results"], "/run_id"), [day.also_held.to_string()]);
        day.world.settle().await;
        assert_eq!(day.granted(), ["revoke: ana@example.com", "write-off: vic@example.com"]);
        day.end().await;
    });
}

#[test]
fn lock_ana_out_and_let_her_in_again() {
    within_limit(async {
        for by in By::BOTH {
            let day = Day::new().await;
            let path = format!("/users/{}", day.id_of("ana@example.com").await);
            let reason = "lost her laptop";
            match by {
                By::Command => {
                    let lock = day.command(&["users", "lock", "ana@example.com", "--reason", reason]).await;
                    assert!(lock.ok().contains(&day.held.to_string()), "{}", lock.out);
                }
                By::Call => {
                    let lock = day.call("PATCH", &path, json!({ "is_locked": true, "reason": reason })).await.ok();
                    assert!(lock["ended"]["revoking"].to_string().contains(&day.held.to_string()), "{lock}");
                }
            }
            day.world.settle().await;
            assert_eq!(day.granted(), ["write-off: vic@example.com"], "{by:?}");
            assert!(day.world.user("ana@example.com").await.is_locked(), "{by:?}");
            match by {
                By::Command => drop(
                    day.command(&["users", "unlock", "ana@example.com", "--reason", "found it"]).await.ok().to_owned(),
                ),
                By::Call => {
                    drop(day.call("PATCH", &path, json!({ "is_locked": false, "reason": "found it" })).await.ok());
                }
            }
            assert!(!day.world.user("ana@example.com").await.is_locked(), "{by:?}");
            day.end().await;
        }
    });
}

#[test]
fn what_is_stuck() {
    within_limit(async {
        let day = Day::new().await;
        let called = day.get("/runs?stuck=true").await;
        let command = day.command(&["runs", "--stuck", "--json"]).await;
        command.ok();
        assert_eq!(command.json()["runs"], called["runs"]);
        assert_eq!(each(&called["runs"], "/run_id"), [day.stuck.to_string()]);
        assert_eq!(called["runs"][0]["access"]["failed_attempts"], 1, "{called}");
        assert!(called["runs"][0]["access"]["next_attempt_at"].is_string(), "{called}");
        day.end().await;
    });
}

#[test]
fn write_one_off() {
    within_limit(async {
        for by in By::BOTH {
            let day = Day::new().await;
            let (stuck, reason) = (day.stuck.to_string(), "the server was scrapped");
            match by {
                By::Command => drop(day.command(&["write-off", &stuck, "--reason", reason]).await.ok().to_owned()),
                By::Call => {
                    drop(day.call("POST", &format!("/runs/{stuck}/write-off"), json!({ "reason": reason })).await.ok());
                }
            }
            assert_eq!(day.get("/runs?stuck=true").await["runs"], json!([]), "{by:?}");
            let found = day.get(&format!("/audit?run={stuck}&kind=written_off")).await;
            assert!(found["entries"][0].to_string().contains(reason), "{by:?}: {found}");
            day.end().await;
        }
    });
}
