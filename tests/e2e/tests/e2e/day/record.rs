//! The record: verified, searched, exported.

use sym_sdk::audit::verify_lines;

use super::{Day, each};
use crate::limit::within_limit;

#[test]
fn verify_the_log() {
    within_limit(async {
        let day = Day::new().await;
        let head = day.get("/audit/head").await;
        let seq = head["seq"].as_u64().unwrap();
        let command = day.command(&["audit", "verify", "--server", day.world.server()]).await;
        assert!(command.ok().contains(&format!("entries 1 to {seq} verified")), "{}", command.out);

        let lines = day.call("GET", "/audit/export?format=jsonl", serde_json::Value::Null).await;
        assert!(lines.status.is_success());
        let verify = |lines: &str| verify_lines(lines.as_bytes());
        assert_eq!(verify(&lines.text).unwrap().head.seq, seq);
        let forged = lines.text.replacen("use the replica", "use the primary", 1);
        assert_ne!(forged, lines.text);
        assert!(verify(&forged).is_err());
        day.end().await;
    });
}

#[test]
fn find_in_the_log_by_person_flow_and_time() {
    within_limit(async {
        let day = Day::new().await;
        let called = day.get("/audit?actor=ben@example.com&flow=prod&since=2020-01-01T00:00:00Z&limit=200").await;
        let actors = each(&called["entries"], "/event/actor/username");
        assert!(actors.len() > 3 && actors.iter().all(|actor| actor == "ben@example.com"), "{actors:?}");
        let search = ["audit", "search", "--actor", "ben@example.com", "--flow", "prod", "--since", "30d"];
        let command = day.command(&[&search[..], &["--all", "--json"]].concat()).await;
        command.ok();
        assert_eq!(command.json()["entries"], called["entries"]);
        for nothing in ["actor=ben@example.com&flow=guests", "until=2020-01-01T00:00:00Z"] {
            assert_eq!(day.get(&format!("/audit?{nothing}")).await["entries"], serde_json::json!([]), "{nothing}");
        }
        day.end().await;
    });
}

#[test]
fn export_a_month_as_csv() {
    within_limit(async {
        let day = Day::new().await;
        let month = "/audit/export?format=csv&since=2020-01-01T00:00:00Z&until=2100-01-01T00:00:00Z";
        let called = day.call("GET", month, serde_json::Value::Null).await;
        assert!(called.status.is_success(), "{}", called.text);
        assert!(called.text.starts_with("seq,at,run_id,flow,"), "{}", called.text);
        let period = ["--since", "2020-01-01", "--until", "2100-01-01"];
        let command = day.command(&[&["audit", "export", "--format", "csv"][..], &period].concat()).await;
        assert_eq!(command.ok(), called.text);
        let count = day.get("/audit/head").await["seq"].as_u64().unwrap();
        assert_eq!(u64::try_from(called.text.lines().count()).unwrap(), count + 1);
        day.end().await;
    });
}
