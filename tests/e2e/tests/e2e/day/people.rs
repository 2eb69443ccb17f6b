//! People and bots.

use serde_json::json;
use sym_sdk::prelude::*;

use super::{By, Day};
use crate::limit::within_limit;

#[test]
fn a_token_for_ci_and_its_end() {
    within_limit(async {
        for by in By::BOTH {
            let day = Day::new().await;
            let (secret, id) = match by {
                By::Command => {
                    let args = ["tokens", "issue", "ci", "--for", "30d", "--label", "builds", "--json"];
                    let issued = day.command(&args).await;
                    issued.ok();
                    (issued.json()["token"].clone(), issued.json()["id"].clone())
                }
                By::Call => {
                    let tokens = format!("/bots/{}/tokens", day.id_of("ci").await);
                    let issued = day.call("POST", &tokens, json!({ "label": "builds", "for": "30d" })).await.ok();
                    (issued["token"].clone(), issued["id"].clone())
                }
            };
            let (secret, id) = (secret.as_str().unwrap(), id.as_str().unwrap());
            let me = day.call_as(secret, "GET", "/me", serde_json::Value::Null).await;
            assert_eq!(me.ok()["user"]["username"], "ci", "{by:?}");
            match by {
                By::Command => drop(day.command(&["tokens", "revoke", id]).await.ok().to_owned()),
                By::Call => drop(day.call("DELETE", &format!("/tokens/{id}"), serde_json::Value::Null).await.ok()),
            }
            let me = day.call_as(secret, "GET", "/me", serde_json::Value::Null).await;
            assert_eq!(me.status.as_u16(), 401, "{by:?}");
            assert_eq!(day.command_as(secret, &["whoami"]).await.code, 5, "{by:?}");
            day.end().await;
        }
    });
}

#[test]
fn make_somebody_an_admin() {
    within_limit(async {
        for by in By::BOTH {
            let day = Day::new().await;
            match by {
                By::Command => {
                    let command = ["users", "role", "ben@example.com", "admin", "--reason", "leads the team"];
                    drop(day.command(&command).await.ok().to_owned());
                }
                By::Call => {
                    let path = format!("/users/{}", day.id_of("ben@example.com").await);
                    let body = json!({ "role": "admin", "reason": "leads the team" });
                    drop(day.call("PATCH", &path, body).await.ok());
                }
            }
            assert_eq!(day.world.user("ben@example.com").await.role(), UserRole::Admin, "{by:?}");
            let record = day.call("GET", "/audit?kind=role_changed", serde_json::Value::Null).await.ok();
            assert!(record.to_string().contains("leads the team"), "{by:?}: {record}");
            day.end().await;
        }
    });
}
