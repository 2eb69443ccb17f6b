//! The program itself: its handlers, metrics, upgrades and backups.

use serde_json::{Value, json};
use sym_sdk::config::{Config, Flow};
use sym_sdk::prelude::*;
use sym_sdk::server::{CancellationToken, PrometheusMetrics, listen};

use super::{Day, each};
use crate::call;
use crate::limit::within_limit;
use crate::program::{run, run_changed};
use crate::world::config;

#[test]
fn which_flows_and_handlers_are_there_and_when_did_each_last_fail() {
    within_limit(async {
        let day = Day::new().await;
        let called = day.get("/operations").await;
        assert_eq!(each(&called["flows"], "/name"), ["guests", "pair", "prod"]);
        let handlers = called["flows"][2]["handlers"].as_array().unwrap();
        let find = |name: &str| {
            let is_named = |handler: &&Value| handler["handler"].as_str().unwrap().starts_with(&format!("{name} ("));
            handlers.iter().find(is_named).unwrap_or_else(|| panic!("{called}"))
        };
        assert_eq!(handlers.len(), 3, "{called}");
        for good in ["get_permissions", "get_request_notifications"] {
            assert!(find(good).get("last_failed_at").is_none(), "{called}");
        }
        // What it was when Ben denied the request of Cleo.
        let failed = find("after_deny");
        let error = &called["handler_errors"][0];
        assert_eq!((&error["handler"], &error["last_at"]), (&failed["handler"], &failed["last_failed_at"]), "{called}");
        assert_eq!((&error["last_run_id"], &error["count"]), (&json!(day.denied), &json!(1)), "{called}");
        let at: jiff::Timestamp = failed["last_failed_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(at, day.world.now());

        let command = day.command(&["operations", "--json"]).await;
        command.ok();
        assert_eq!(
            (&command.json()["flows"], &command.json()["handler_errors"]),
            (&called["flows"], &called["handler_errors"])
        );
        let shown = day.command(&["operations"]).await;
        let handler = error["handler"].as_str().unwrap();
        assert!(shown.ok().contains(&format!("failed       {handler}: 1 failure, last ")), "{}", shown.out);
        assert!(
            shown.out.contains(&day.denied.to_string()) && shown.out.contains("the tickets are closed"),
            "{}",
            shown.out
        );
        assert!(shown.out.contains("flow         prod: get_permissions ("), "{}", shown.out);

        // The file tells the same, beside the program.
        let db = day.world.db();
        let of_file = run(&["operations", "--json", "--db", db.to_str().unwrap()], &[]).await;
        of_file.ok();
        assert_eq!(of_file.json()["flows"], called["flows"]);
        let of_program = run(&["handlers", "--json"], &[]).await;
        assert_eq!(each(&of_program.json(), "/name").len(), 3);
        day.end().await;
    });
}

/// Access that the new configuration has no strategy for.
#[test]
fn what_is_left_open_by_an_upgrade() {
    within_limit(async {
        let mut day = Day::new().await;
        let before = day.get("/operations").await;
        assert_eq!((&before["blocked_access"], &before["unavailable"]), (&json!([]), &json!([])));
        day.world.restart(upgraded()).await;
        let called = day.get("/operations").await;
        let mut blocked = each(&called["blocked_access"], "/run");
        let mut left = [day.held, day.also_held, day.stuck].map(|run| run.to_string());
        blocked.sort();
        left.sort();
        assert_eq!(blocked, left, "{called}");
        let command = day.command(&["operations", "--json"]).await;
        command.ok();
        assert_eq!(command.json()["blocked_access"], called["blocked_access"]);
        let shown = day.command(&["operations"]).await;
        assert!(left.iter().all(|run| shown.ok().contains(&format!("blocked      Run {run}: "))), "{}", shown.out);
        assert!(shown.out.contains("unavailable  removed flow prod: "), "{}", shown.out);
        // Of the flow that is gone, nothing waits for a decision.
        day.world.settle().await;
        assert_eq!(day.get("/runs?open=true").await["runs"], json!([]));
        // With the former configuration, access ends again.
        day.world.restart(config()).await;
        assert_eq!(day.get("/operations").await["blocked_access"], json!([]));
        day.end().await;
    });
}

/// A configuration without the flows, the strategy and the integration there were.
fn upgraded() -> Config {
    let mut config = config();
    config.flows = vec![Flow { name: "support".into(), environment: "main".into(), ..Flow::default() }];
    config.strategies.clear();
    config.targets.clear();
    config.integrations.clear();
    config
}

/// The metrics have a listener of their own, and an alert goes to the error destination.
#[test]
fn metrics_and_alerts() {
    within_limit(async {
        let metrics = PrometheusMetrics::install().unwrap();
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let serving = tokio::spawn(metrics.serve(listener, stop.clone()));
        let day = Day::new().await;
        let command = day.command(&["operations", "--json"]).await;
        command.ok();
        assert_eq!((&command.json()["access"]["stuck"], &command.json()["backlog"]["stuck"]), (&json!(1), &json!(1)));
        let scraped = call::send(&format!("http://{address}"), "", "GET", "/metrics", &Value::Null).await;
        assert!(scraped.status.is_success());
        for line in ["sym_stuck 1", "sym_late 0"] {
            assert!(scraped.text.lines().any(|other| other == line), "{line}: {}", scraped.text);
        }
        let alerts = day.world.delivery.alerts();
        assert!(alerts.iter().any(|alert| alert.message.contains("the service is down")), "{alerts:?}");
        assert!(alerts.iter().any(|alert| alert.message.contains("the tickets are closed")), "{alerts:?}");
        stop.cancel();
        serving.await.unwrap();
        day.end().await;
    });
}

/// The copy is made beside the program that runs, and has all of it up to then.
#[test]
fn a_backup_and_starting_from_it() {
    within_limit(async {
        let mut day = Day::new().await;
        let (db, copy) = (day.world.db(), day.world.dir.path().join("copy.db"));
        let (from, to) = (db.to_str().unwrap(), copy.to_str().unwrap());
        run(&["backup", "--db", from, to], &[]).await.ok();
        let again = run(&["backup", "--db", from, to], &[]).await;
        assert_eq!(again.code, 1, "nothing is overwritten: {}", again.out);
        let verified = run(&["audit", "verify", "--db", to], &[]).await;
        assert!(verified.ok().contains("entries"), "{}", verified.out);

        // What comes after it is lost with the machine.
        day.command(&["users", "role", "ben@example.com", "admin"]).await.ok();
        day.world.start_from(&copy).await;
        assert_eq!(day.world.user("ben@example.com").await.role(), UserRole::Member);
        let held = day.get("/access?username=ana@example.com").await;
        assert_eq!(held["access"].as_array().unwrap().len(), 2, "{held}");
        assert_eq!(day.status(day.open).await, RunStatus::Requested);
        // Access ends when it was to.
        day.world.clock.advance(2 * crate::world::HOUR);
        day.world.settle().await;
        assert_eq!(day.granted(), [""; 0]);
        day.end().await;
    });
}

/// The handlers of another program decide what was recorded.
#[test]
fn what_would_a_changed_handler_have_done_last_month() {
    within_limit(async {
        let day = Day::new().await;
        let db = day.world.db();
        let args = ["replay", "--db", db.to_str().unwrap(), "--since", "30d", "--json"];
        let same = run(&args, &[]).await;
        assert_eq!(same.code, 0, "{}{}", same.out, same.err);
        let changed = run_changed(&args).await;
        assert_eq!(changed.code, 1, "{}{}", changed.out, changed.err);
        let replayed = changed.json();
        let of_ana = replayed["requests"].as_array().unwrap().iter();
        let of_ana = of_ana.filter(|request| request["run_id"] == json!(day.held)).collect::<Vec<_>>();
        assert_eq!(of_ana.len(), 1, "{replayed}");
        assert!(!of_ana[0]["differences"].as_array().unwrap().is_empty(), "{replayed}");
        let shown = run_changed(&args[..5]).await;
        assert!(shown.out.contains(&day.held.to_string()), "{}", shown.out);
        day.end().await;
    });
}
