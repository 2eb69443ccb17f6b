//! Runs the program as its README and the repository's README show.
#![allow(clippy::expect_used, clippy::panic, reason = "clippy's exception for tests leaves out their helpers")]

mod served;

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use expect_test::{Expect, ExpectFile, expect, expect_file};

fn quickstart(args: &[&str]) -> Output {
    // Not the directory of the package: the program must find its configuration from anywhere.
    quickstart_in(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"), args)
}

fn quickstart_in(dir: &str, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    command.current_dir(dir).args(args).env_remove("RUST_LOG").output().expect("the program starts")
}

/// Returns the output of a run without errors or warnings.
fn output(args: &[&str], exit: i32) -> String {
    let (text, log) = output_and_log(args, exit);
    assert_eq!(log, "");
    text
}

/// Returns the output of a run, and its log.
fn output_and_log(args: &[&str], exit: i32) -> (String, String) {
    let output = quickstart(args);
    let log = String::from_utf8(output.stderr).expect("the log is text");
    let text = String::from_utf8(output.stdout).expect("the output is text");
    assert_eq!(output.status.code(), Some(exit), "{text}");
    (text, log)
}

fn prints(args: &[&str], exit: i32, expected: &ExpectFile) {
    expected.assert_eq(&output(args, exit));
}

fn fails(args: &[&str], exit: i32, expected: &Expect) {
    let output = quickstart(args);
    expected.assert_eq(&String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert_eq!(output.status.code(), Some(exit));
}

#[test]
fn simulates_both_demo_requests() {
    prints(&[], 0, &expect_file!["golden/demo.txt"]);
}

#[test]
fn its_configuration_has_no_errors() {
    expect!["1 flow, 6 handlers, 3 integrations: no errors\n"].assert_eq(&output(&["check"], 0));
}

/// Finding S2: each mistake is told with the place of the handler and that in the configuration.
#[test]
fn a_configuration_without_what_the_handlers_read_is_refused() {
    let mut text = include_str!("../flow.tf").to_owned();
    for (from, to) in [
        ("request_channel =", "requests_channel ="),
        (r#"["Normal", "Urgent"]"#, r#"["normal", "urgent"]"#),
        (r#""reason""#, r#""cause""#),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let dir = env!("CARGO_TARGET_TMPDIR");
    std::fs::create_dir_all(format!("{dir}/mismatched")).expect("a directory");
    std::fs::write(format!("{dir}/mismatched/flow.tf"), text).expect("a file");
    let checked = quickstart_in(dir, &["check", "--config", "mismatched"]);
    assert_eq!(checked.status.code(), Some(1));
    expect![[r#"
        error: examples/quickstart/src/main.rs:37:1: reducer `get_request_notifications` cannot read allowed values `normal` and `urgent` of field `urgency` of flow `repository-access` at mismatched/flow.tf:29:5 into `Form`: unknown variant `normal`, expected `Normal` or `Urgent`
          help: the names differ in how they are written only: add `#[serde(rename = "…")]` to the variants, or `#[serde(rename_all = "…")]` to the enum
        error: examples/quickstart/src/main.rs:37:1: reducer `get_request_notifications` reads the var `request_channel` into `FlowVars`, which flow `repository-access` at mismatched/flow.tf:7:1 does not have
          help: did you mean `requests_channel` at mismatched/flow.tf:7:1?
        error: examples/quickstart/src/main.rs:59:1: hook `on_request` cannot read allowed values `normal` and `urgent` of field `urgency` of flow `repository-access` at mismatched/flow.tf:29:5 into `Form`: unknown variant `normal`, expected `Normal` or `Urgent`
          help: the names differ in how they are written only: add `#[serde(rename = "…")]` to the variants, or `#[serde(rename_all = "…")]` to the enum
        error: examples/quickstart/src/main.rs:69:1: hook `after_approve` reads the var `request_channel` into `FlowVars`, which flow `repository-access` at mismatched/flow.tf:7:1 does not have
          help: did you mean `requests_channel` at mismatched/flow.tf:7:1?
        warning: examples/quickstart/src/flow_types.rs: the generated types of flow `repository-access` are stale
          help: run `generate types`
        1 flow, 6 handlers, 3 integrations: 4 errors, 1 warning
    "#]].assert_eq(&String::from_utf8_lossy(&checked.stdout));
    let request = concat!(env!("CARGO_MANIFEST_DIR"), "/requests/normal.json");
    let refused = quickstart_in(dir, &["simulate", request, "--config", "mismatched"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("did you mean `requests_channel`"));
}

#[test]
fn its_generated_types_are_fresh() {
    let args = ["generate", "types", "--check", "--out", "../src/flow_types.rs"];
    expect![["../src/flow_types.rs: types of 1 flow, unchanged\n"]].assert_eq(&output(&args, 0));
}

#[test]
fn lists_its_handlers() {
    prints(&["handlers"], 0, &expect_file!["golden/handlers.txt"]);
    prints(&["handlers", "--json"], 0, &expect_file!["golden/handlers.json"]);
}

#[test]
fn an_unanswered_urgent_request_is_forwarded_to_the_channel() {
    let request = "../requests/urgent-not-on-call.json";
    prints(&["simulate", request, "--source", "api"], 0, &expect_file!["golden/urgent-not-on-call.txt"]);
}

#[test]
fn scripted_failures_are_in_the_timeline() {
    let request = "../requests/normal.json";
    prints(&["simulate", request, "--grant", "unknown"], 0, &expect_file!["golden/grant-unknown.txt"]);
    let twice = ["simulate", request, "--grant", "fails:2", "--revocation", "fails:2"];
    prints(&twice, 0, &expect_file!["golden/failing-twice.txt"]);
    prints(&["simulate", request, "--grant", "refused"], 0, &expect_file!["golden/grant-refused.txt"]);
    prints(&["simulate", request, "--no-decision"], 0, &expect_file!["golden/no-decision.txt"]);
    let urgent = "../requests/urgent-not-on-call.json";
    let undeliverable = ["simulate", urgent, "--undeliverable", "#access-requests", "--no-decision"];
    prints(&undeliverable, 0, &expect_file!["golden/undeliverable.txt"]);
    let unheard = ["simulate", request, "--grant", "refused", "--undeliverable", "#access-errors"];
    prints(&unheard, 0, &expect_file!["golden/alert-undeliverable.txt"]);
}

#[test]
fn scripted_outcomes_are_in_the_json() {
    let request = "../requests/normal.json";
    let args = ["simulate", request, "--json", "--grant", "fails", "--undeliverable", "#nobody"];
    let json: serde_json::Value = serde_json::from_str(&output(&args, 0)).expect("JSON");
    assert_eq!(json["scripted"], serde_json::json!({ "grant": "fails", "undeliverable": ["#nobody"] }));
    let notes = json["notes"].as_array().expect("notes");
    assert!(notes.contains(&"scripted: every attempt at the grant fails".into()), "{notes:?}");
    assert!(notes.contains(&"nothing was to be delivered to #nobody".into()), "{notes:?}");
    fails(
        &["simulate", request, "--grant", "later"],
        2,
        &expect![[r#"
        error: invalid value 'later' for '--grant <OUTCOME>': expected `fails`, `fails:2` for the first two attempts, `refused`, or `unknown`

        For more information, try '--help'.
    "#]],
    );
}

#[test]
fn everything_in_its_flow_is_reached() {
    prints(&["simulate", "--all"], 0, &expect_file!["golden/all.txt"]);
    let json: serde_json::Value = serde_json::from_str(&output(&["simulate", "--all", "--json"], 0)).expect("JSON");
    let flow = &json["flows"][0];
    assert_eq!((&flow["flow"], &json["findings"]), (&"repository-access".into(), &serde_json::json!([])));
    let requests = flow["requests"].as_array().expect("requests");
    let chosen = |field: &str| {
        let options = requests.iter().filter_map(|request| request["options"][field].as_str());
        options.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(chosen("urgency"), ["Normal", "Urgent"].into());
    assert_eq!(chosen("duration"), ["1h", "30m"].into());
}

#[test]
fn the_handlers_work_for_another_organization() {
    let args = ["--config", "other", "--var", "audit_channel=#globex-audit"];
    expect![[r#"
        warning: other/flow.tf:67:1: environment `main` has no error logger, so nobody is notified if access that flow `code` gives cannot be revoked
          help: declare a `sym_error_logger`, and name it in the environment as `error_logger_id`
        1 flow, 6 handlers, 3 integrations: no errors, 1 warning
    "#]].assert_eq(&output(&[&["check"][..], &args].concat(), 0));
    let request = ["simulate", "other/request.json"];
    prints(&[&request[..], &args].concat(), 0, &expect_file!["golden/other.txt"]);

    let without_slack = [&args[..], &["--var", "slack=false"]].concat();
    expect![[r#"
        error: examples/quickstart/src/main.rs:69:1: hook `after_approve` requires integration `slack`, which is not configured
          help: add an integration of type `slack` to the flow's environment as `slack_id`; it has `code_host_id` (of type `custom`), `pagerduty_id` (of type `pagerduty`)
        warning: other/flow.tf:67:1: environment `main` has no error logger, so nobody is notified if access that flow `code` gives cannot be revoked
          help: declare a `sym_error_logger`, and name it in the environment as `error_logger_id`
        1 flow, 6 handlers, 3 integrations: 1 error, 1 warning
    "#]].assert_eq(&output(&[&["check"][..], &without_slack].concat(), 1));
}

#[test]
fn rejects_invalid_requests() {
    fails(
        &["simulate", "other/request.json"],
        1,
        &expect![[r#"
        error: there is no flow `code` (SymSDK:UNKNOWN_FLOW)
          help: there are: repository-access
    "#]],
    );
    fails(
        &["simulate", "quickstart.rs"],
        2,
        &expect![[r#"
        error: `quickstart.rs` is not valid JSON: expected value at line 1 column 1 (SymSDK:INVALID_EVENT)
    "#]],
    );
}

/// Runs the demo on a store in a file, at a multiple of real time.
fn demo<'a>(db: &'a str, speed: &'a str) -> [&'a str; 4] {
    ["--db", db, "--speed", speed]
}

#[test]
fn access_ends_after_the_program_was_killed_while_it_was_granted() {
    let dir = tempfile::tempdir().expect("a directory");
    let db = dir.path().join("demo.db");
    let db = db.to_str().expect("a path that is text");
    // In real time the access lasts an hour, so it cannot end before the kill, however slow the machine is.
    let mut child = Command::new(env!("CARGO_BIN_EXE_quickstart"))
        .args(demo(db, "1"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stdout = BufReader::new(child.stdout.take().expect("its output"));
    let granted = stdout.lines().map_while(Result::ok).find(|line| line.contains(" granted "));
    // SIGKILL: the program gets no chance to write anything.
    child.kill().expect("the program runs");
    child.wait().expect("the program has ended");
    assert!(granted.is_some_and(|line| line.contains("acme/payments")), "no access was granted");

    // An hour in a second.
    let (text, log) = output_and_log(&demo(db, "3600"), 0);
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("the store was not closed cleanly; checking it"), "{log}");
    // The second request may have been made before the kill. Its approval, minutes later, was not.
    let greeting = ["demo.db: 1 Run, 1 with active access", "demo.db: 2 Runs, 1 with active access"];
    assert!(greeting.iter().any(|greeting| text.contains(greeting)), "{text}");
    for (repository, who) in [("acme/payments", "ana@example.com"), ("acme/website", "cleo@example.com")] {
        let revoked = format!("revoked      Repository ({repository}) from {who}");
        assert_eq!(text.matches(&revoked).count(), 1, "{text}");
    }
    assert_eq!(text.matches(" granted ").count(), 1, "access granted before the kill is not granted again: {text}");
    assert!(text.ends_with("Finished: all requests are completed, and all access is revoked.\n"), "{text}");

    let text = output(&demo(db, "3600"), 0);
    assert!(text.contains("demo.db: 2 Runs, 0 with active access"), "{text}");
    assert!(!text.contains(" granted ") && !text.contains(" revoked "), "{text}");
}

/// Returns the lines of the README's code blocks in this language.
fn readme(language: &str) -> impl Iterator<Item = &'static str> {
    let readme = include_str!("../../../README.md");
    let start = format!("```{language}\n");
    let blocks: Vec<_> = readme.split(&start).skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty(), "README.md has no block of {language}");
    blocks.into_iter().flat_map(str::lines)
}

/// Removes the line number of a handler, so that the README need not follow every edit of the file.
fn without_line_number(line: &str) -> String {
    match line.split_once("main.rs:") {
        Some((before, after)) => format!("{before}main.rs:{}", after.trim_start_matches(|c: char| c.is_ascii_digit())),
        None => line.to_owned(),
    }
}

#[test]
fn the_readme_shows_the_timeline() {
    let timeline: Vec<_> = output(&[], 0).lines().map(without_line_number).collect();
    // Other blocks list commands.
    for line in readme("text").filter(|line| !line.starts_with("my-flows ")) {
        assert!(timeline.contains(&without_line_number(line)), "not in the timeline: {line}");
    }
}
