//! Requests: why they ended as they did, who could have decided, and one that a bot makes for somebody.

use secrecy::ExposeSecret as _;
use serde_json::json;
use sym_sdk::model::RunId;

use super::{By, Day, each};
use crate::limit::within_limit;
use crate::world::HOUR;

#[test]
fn why_was_this_denied_and_why_did_that_fail() {
    within_limit(async {
        let day = Day::new().await;
        let denied = day.get(&format!("/runs/{}", day.denied)).await;
        let (decision, by) = (&denied["decision"], &denied["decision"]["by"]["username"]);
        assert_eq!((&denied["status"], &decision["action"]), (&json!("denied"), &json!("deny")));
        assert_eq!((by, &decision["message"]), (&json!("ben@example.com"), &json!("use the replica")));
        let command = day.command(&["run", &day.denied.to_string(), "--json"]).await;
        command.ok();
        assert_eq!(command.json()["run"]["decision"], *decision);
        let shown = day.command(&["run", &day.denied.to_string()]).await;
        assert!(
            shown.ok().contains("deny by ben@example.com") && shown.out.contains("“use the replica”"),
            "{}",
            shown.out
        );

        let failed = day.get(&format!("/runs/{}", day.failed)).await;
        assert_eq!((&failed["status"], &failed["error"]["event"]), (&json!("errored"), &json!("escalate")), "{failed}");
        assert!(failed["error"]["message"].as_str().unwrap().contains("the service refuses"), "{failed}");
        let command = day.command(&["run", &day.failed.to_string(), "--json"]).await;
        assert_eq!(command.json()["run"]["error"], failed["error"]);
        let shown = day.command(&["run", &day.failed.to_string()]).await;
        assert!(shown.ok().contains("the service refuses"), "{}", shown.out);
        day.end().await;
    });
}

#[test]
fn who_could_have_approved() {
    within_limit(async {
        let day = Day::new().await;
        let called = day.get(&format!("/runs/{}/deciders", day.denied)).await;
        let mut users = each(&called["users"], "/username");
        users.sort();
        assert_eq!(users, ["ana@example.com", "ben@example.com", "dee@example.com"], "the flow admits no guests");
        assert!(called["reducer"].as_str().unwrap().starts_with("get_permissions ("), "{called}");
        assert_eq!(called["is_open"], false);
        let command = day.command(&["run", &day.denied.to_string(), "--json"]).await;
        command.ok();
        assert_eq!(command.json()["deciders"], called);
        // Of a request that is open, who can.
        let open = day.get(&format!("/runs/{}/deciders", day.open)).await;
        assert_eq!(open["is_open"], true, "{open}");
        let shown = day.command(&["run", &day.open.to_string()]).await;
        assert!(shown.ok().contains("ben@example.com"), "{}", shown.out);
        day.end().await;
    });
}

/// The record names both.
#[test]
fn open_a_request_for_somebody_by_a_bot() {
    within_limit(async {
        for by in By::BOTH {
            let day = Day::new().await;
            let ci = day.world.user("ci").await;
            let token = day.world.runtime().directory().issue_token(ci.id(), "test", HOUR).await.unwrap();
            let token = token.secret.expose_secret().to_owned();
            let run: RunId = match by {
                By::Command => {
                    let args =
                        ["request", "prod", "--to", "request", "--for", "1h", "--user", "eli@example.com", "--json"];
                    let command = day.command_as(&token, &args).await;
                    command.ok();
                    command.json()["run_id"].as_str().unwrap().parse().unwrap()
                }
                By::Call => {
                    let body = json!({
                        "flow_srn": "prod", "user_email": "eli@example.com",
                        "flow_inputs": { "target_srn": "request", "duration": "1h" },
                    });
                    let receipt = day.call_as(&token, "POST", "/events/request", body).await.ok();
                    receipt["run_id"].as_str().unwrap().parse().unwrap()
                }
            };
            day.world.settle().await;
            let shown = day.get(&format!("/runs/{run}")).await;
            assert_eq!(shown["requester"]["username"], "eli@example.com", "{by:?}: {shown}");
            assert_eq!(
                (&shown["status"], &shown["source"]["identifier"]),
                (&json!("requested"), &json!("bot:ci")),
                "{by:?}: {shown}"
            );
            day.end().await;
        }
    });
}
