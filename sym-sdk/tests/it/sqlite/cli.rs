//! The commands of an `App` that read a store and change it.

use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use sym_sdk::App;
use sym_sdk::app::Exit;
use sym_sdk::audit::{AuditAnchor, AuditHead, AuditKey};
use sym_sdk::engine::InputKey;
use sym_sdk::handlers;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};
use sym_sdk::strategy::StrategyType;

use super::restart::{HOUR, RestartFixture, config, get_permissions};

/// A store with a Run that holds access, and one whose revocation is stuck.
struct StoreFixture {
    path: PathBuf,
    environment: RestartFixture,
    held: RunId,
    stuck: RunId,
}

impl StoreFixture {
    async fn new() -> Self {
        let environment = RestartFixture::new();
        let runtime = environment.start().await;
        let stuck = approved(&runtime, "ana@example.com", "10m").await;
        let held = approved(&runtime, "zoë@example.com", "1h").await;
        environment.strategy.fail_revocations(3);
        environment.clock.advance(HOUR / 6);
        runtime.run_until_idle().await.unwrap();
        let admin = User::from_email("ada@example.com").unwrap();
        runtime.directory().put_user(admin.with_role(UserRole::Admin)).await.unwrap();
        Self { path: environment.path(), environment, held, stuck }
    }

    /// Runs a command on the file. Times do not depend on the zone of the machine.
    async fn run(&self, args: &[&str]) -> Done {
        let db = self.path.to_str().unwrap();
        let shows_times = ["runs", "users"].contains(&args[0]) && cfg!(all(feature = "api", feature = "remote"));
        let zone: &[&str] = if shows_times { &["--utc"] } else { &[] };
        run(&[args, &["--db", db], zone].concat()).await
    }

    /// Returns the output, with placeholders for ids and paths.
    async fn prints(&self, args: &[&str], exit: Exit, out: Expect, err: Expect) {
        let done = self.run(args).await;
        let tidy = |text: &str| {
            let text = text.replace(self.path.parent().unwrap().to_str().unwrap(), "DIR");
            text.replace(&self.held.to_string(), "HELD").replace(&self.stuck.to_string(), "STUCK")
        };
        out.assert_eq(&tidy(&done.out));
        err.assert_eq(&tidy(&done.err));
        assert_eq!(done.exit, exit);
    }
}

async fn approved(runtime: &Runtime, requester: &str, duration: &str) -> RunId {
    let key = InputKey::new(requester);
    let request = Submission::request("prod", requester).input("duration", duration).key(key);
    let run = runtime.submit(request).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    run
}

struct Done {
    exit: Exit,
    out: String,
    err: String,
}

fn app() -> App {
    App::new()
        .registry(handlers![get_permissions])
        .config(config())
        .strategy_type(StrategyType::new("test", |_| -> sym_sdk::Result<sym_sdk::strategy::SimulatedStrategy> {
            panic!("a real strategy was built")
        }))
}

async fn run(args: &[&str]) -> Done {
    run_app(app(), args).await
}

async fn run_app(app: App, args: &[&str]) -> Done {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = std::iter::once("program").chain(args.iter().copied());
    let exit = app.run_from(args, &mut out, &mut err).await;
    Done { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

#[tokio::test]
async fn lists_runs_and_finds_stuck_ones() {
    let store = StoreFixture::new().await;
    store
        .prints(
            &["runs"],
            Exit::Success,
            expect![[r#"
        RUN                                   FLOW  STATUS     REQUESTER        TARGET  ACCESS
        STUCK  prod  escalated  ana@example.com  test    revoking, 1 failed attempt; next 2024-02-29T12:10:01Z
        HELD  prod  escalated  zoë@example.com  test    held until 2024-02-29T13:00:00Z
    "#]],
            expect![[""]],
        )
        .await;
    store
        .prints(
            &["runs", "--stuck"],
            Exit::Success,
            expect![[r#"
        RUN                                   FLOW  STATUS     REQUESTER        TARGET  ACCESS
        STUCK  prod  escalated  ana@example.com  test    revoking, 1 failed attempt; next 2024-02-29T12:10:01Z
    "#]],
            expect![[""]],
        )
        .await;
    store
        .prints(
            &["runs", "--limit", "1"],
            Exit::Success,
            expect![[r#"
            RUN                                   FLOW  STATUS     REQUESTER        TARGET  ACCESS
            STUCK  prod  escalated  ana@example.com  test    revoking, 1 failed attempt; next 2024-02-29T12:10:01Z

            Showing the first 1 Run; use `--limit` or `--all` to show more
        "#]],
            expect![[""]],
        )
        .await;
    store
        .prints(
            &["runs", "--status", "denied"],
            Exit::Success,
            expect![[r#"
        No Runs found
    "#]],
            expect![[""]],
        )
        .await;

    let listed: serde_json::Value = serde_json::from_str(&store.run(&["runs", "--json"]).await.out).unwrap();
    let of =
        |run: RunId| listed["runs"].as_array().unwrap().iter().find(|row| row["run_id"] == run.to_string()).unwrap();
    assert_eq!(of(store.stuck)["access"]["failed_attempts"], 1);
    assert_eq!(of(store.held)["requester"]["username"], "zoë@example.com");
}

#[tokio::test]
async fn does_not_create_missing_stores() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.db");
    let db = path.to_str().unwrap();
    let run_id = RunId::from_uuid(uuid::Uuid::nil()).to_string();
    let target = dir.path().join("copy.db");
    let commands: [&[&str]; 5] = [
        &["runs"],
        &["audit", "verify"],
        &["audit", "export"],
        &["backup", target.to_str().unwrap()],
        &["revoke", &run_id, "--as", "ada@example.com"],
    ];
    for command in commands {
        let done = run(&[command, &["--db", db]].concat()).await;
        assert_eq!(done.exit, Exit::Failure, "{command:?}");
        assert!(done.err.contains("none.db"), "{command:?}: {}", done.err);
        assert!(!path.exists() && !target.exists(), "{command:?}");
    }
}

#[tokio::test]
async fn permitted_users_revoke_and_write_off() {
    let store = StoreFixture::new().await;
    let (held, stuck) = (store.held.to_string(), store.stuck.to_string());
    let revoke = ["revoke", &held, "--as", "zoë@example.com"];
    store
        .prints(
            &revoke,
            Exit::Success,
            expect![[r#"
        Run HELD: access will be revoked when the program next runs
    "#]],
            expect![[""]],
        )
        .await;
    let write_off = |by| ["write-off", &stuck, "--as", by, "--reason", "the server was scrapped"];
    store
        .prints(
            &write_off("ben@example.com"),
            Exit::Refused,
            expect![[""]],
            expect![[r#"
        error: ben@example.com is not an administrator (SymSDK:NOT_PERMITTED)
          help: ask an administrator to do it
    "#]],
        )
        .await;
    store
        .prints(
            &write_off("ada@example.com"),
            Exit::Success,
            expect![[r#"
        Run STUCK: revocation written off
    "#]],
            expect![[""]],
        )
        .await;
    store
        .prints(
            &write_off("ada@example.com"),
            Exit::Failure,
            expect![[""]],
            expect![[r#"
        error: only a revocation in progress can be written off; this request is errored (DeescalateAPI:INVALID_RUN)
    "#]],
        )
        .await;
    store
        .prints(
            &["runs"],
            Exit::Success,
            expect![[r#"
            RUN                                   FLOW  STATUS     REQUESTER        TARGET  ACCESS
            STUCK  prod  errored    ana@example.com  test    written off
            HELD  prod  escalated  zoë@example.com  test    revoking
        "#]],
            expect![[""]],
        )
        .await;
}

/// Safety finding 12: nothing authenticates the user that `--as` names, so the record says who had the command line.
#[tokio::test]
async fn the_record_names_the_operator_of_the_command_line() {
    let store = StoreFixture::new().await;
    let (held, stuck) = (store.held.to_string(), store.stuck.to_string());
    assert_eq!(store.run(&["revoke", &held, "--as", "ada@example.com"]).await.exit, Exit::Success);
    let write_off = ["write-off", &stuck, "--as", "ada@example.com", "--reason", "scrapped"];
    assert_eq!(store.run(&write_off).await.exit, Exit::Success);
    let exported = store.run(&["audit", "export"]).await.out;
    let lines: Vec<serde_json::Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let by_command: Vec<_> = lines.iter().filter(|line| line["event"]["channel"] == "cli").collect();
    let runs: std::collections::BTreeSet<_> =
        by_command.iter().map(|line| line["run"]["id"].as_str().unwrap()).collect();
    assert_eq!(runs, [held.as_str(), stuck.as_str()].into());
    for line in by_command {
        assert_eq!(line["actor"]["username"], "ada@example.com");
        let identity = &line["actor"]["identity"];
        assert_eq!(identity["service"], "cli");
        assert!(!identity["user_id"].as_str().unwrap().is_empty());
        #[cfg(target_os = "linux")]
        {
            let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
            assert_eq!(identity["external_id"], host.trim());
        }
    }
}

#[tokio::test]
async fn exports_and_verifies_the_audit_log() {
    let store = StoreFixture::new().await;
    let exported = store.run(&["audit", "export"]).await;
    assert_eq!(exported.exit, Exit::Success);
    let last: serde_json::Value = serde_json::from_str(exported.out.lines().last().unwrap()).unwrap();
    let hash = last["audit"]["hash"].as_str().unwrap();

    let verified = store.run(&["audit", "verify"]).await;
    assert_eq!(verified.exit, Exit::Success);
    assert!(verified.out.trim_end().ends_with(hash), "{}", verified.out);

    let lines = store.path.with_extension("jsonl");
    std::fs::write(&lines, &exported.out).unwrap();
    let of_file = run(&["audit", "verify", lines.to_str().unwrap()]).await;
    assert_eq!((of_file.exit, of_file.out), (Exit::Success, verified.out));

    // An approver is replaced by another.
    std::fs::write(&lines, exported.out.replacen("ben@example.com", "bob@example.com", usize::MAX)).unwrap();
    let forged = run(&["audit", "verify", lines.to_str().unwrap()]).await;
    assert_eq!(forged.exit, Exit::Failure);
    assert!(forged.err.contains("runs.jsonl:") && forged.err.contains("changed"), "{}", forged.err);

    // The head of the former log shows that this is another one.
    let [once, other] = [(4, 4), (4, 3)].map(|(seq, of)| {
        let line: serde_json::Value = serde_json::from_str(exported.out.lines().nth(of - 1).unwrap()).unwrap();
        format!("{seq}:{}", line["audit"]["hash"].as_str().unwrap())
    });
    let start: String = exported.out.lines().take(3).flat_map(|line| [line, "\n"]).collect();
    std::fs::write(&lines, start).unwrap();
    assert_eq!(store.run(&["audit", "verify", "--expect-head", &once]).await.exit, Exit::Success);
    let broken = store.run(&["audit", "verify", "--expect-head", &other]).await;
    assert!(broken.exit == Exit::Failure && broken.err.contains("the expected head has the hash"), "{}", broken.err);
    let cut_off = run(&["audit", "verify", lines.to_str().unwrap(), "--expect-head", &once]).await;
    assert!(
        cut_off.exit == Exit::Failure && cut_off.err.contains("is missing, and so are all entries"),
        "{}",
        cut_off.err
    );

    let dir = store.path.parent().unwrap().to_str().unwrap();
    let unread = run(&["audit", "verify", dir]).await;
    assert!(unread.exit == Exit::Failure && unread.err.contains(&format!("cannot read `{dir}`")), "{}", unread.err);

    let after = store.run(&["audit", "export", "--after", "3"]).await;
    assert_eq!(after.out.lines().count(), exported.out.lines().count() - 3);
}

/// Safety finding 8.
#[tokio::test]
async fn verifies_a_store_against_anchors() {
    let store = StoreFixture::new().await;
    let file = |name: &str| store.path.with_file_name(name);
    let (anchors, key, other) = (file("anchors.jsonl"), file("key"), file("other-key"));
    std::fs::write(&key, format!("{}\n", "k".repeat(64))).unwrap();
    std::fs::write(&other, "x".repeat(64)).unwrap();
    let key_file = key.to_str().unwrap();
    let printed = store.run(&["audit", "anchor", "--key-file", key_file]).await;
    assert_eq!((printed.exit, printed.err.as_str()), (Exit::Success, ""));
    std::fs::write(&anchors, &printed.out).unwrap();
    let anchor = AuditAnchor::parse(printed.out.trim_end().as_bytes()).unwrap();
    assert!(anchor.is_authentic(&[AuditKey::new(&"k".repeat(64).into()).unwrap()]));
    let head = anchor.head();
    let unsigned = store.run(&["audit", "anchor"]).await;
    assert!(unsigned.out.contains(r#""mac":null"#) && unsigned.err.starts_with("note: "), "{}", unsigned.err);
    let [anchors, key, other] = [&anchors, &key, &other].map(|path| path.to_str().unwrap().to_owned());
    let verify = async |args: &[&str]| store.run(&[&["audit", "verify"][..], args].concat()).await;

    let plain = verify(&[]).await;
    assert_eq!(plain.exit, Exit::Success);
    expect![[r#"
        note: no anchor was given, so only accidental damage is detected: whoever can write to the log can rewrite it
    "#]]
    .assert_eq(&plain.err);
    let unkeyed = verify(&["--anchor", &anchors]).await;
    assert!(unkeyed.err.starts_with("note: the anchors are not authenticated"), "{}", unkeyed.err);
    let keyed = verify(&["--anchor", &anchors, "--key-file", &other, "--key-file", &key]).await;
    assert_eq!((keyed.exit, keyed.err.as_str()), (Exit::Success, "note: authenticated by 1 anchor\n"));
    let json: serde_json::Value =
        serde_json::from_str(&verify(&["--anchor", &anchors, "--key-file", &key, "--json"]).await.out).unwrap();
    assert_eq!((&json["authenticated"], &json["anchored"]["seq"]), (&true.into(), &head.seq.into()));
    let wrong = verify(&["--anchor", &anchors, "--key-file", &other]).await;
    assert_eq!(wrong.exit, Exit::Failure);
    assert!(
        wrong.err.contains("anchors.jsonl:1) has an anchor of ") && wrong.err.contains(" that no given key"),
        "{}",
        wrong.err
    );

    // The log is cut off before the anchor, with its head.
    let db = rusqlite::Connection::open(&store.path).unwrap();
    let cut = "DELETE FROM audit WHERE seq > 3;
        UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)";
    db.execute_batch(cut).unwrap();
    drop(db);
    assert_eq!(verify(&[]).await.exit, Exit::Success, "the chain alone cannot tell");
    let gone = verify(&["--anchor", &anchors, "--key-file", &key]).await;
    assert_eq!(gone.exit, Exit::Failure);
    assert!(gone.err.contains("as an anchor says, and is not there any more"), "{}", gone.err);
    let missing = verify(&["--anchor", "no-such-file"]).await;
    assert!(missing.err.starts_with("error: cannot read `no-such-file`: "), "{}", missing.err);
    let unset = verify(&["--anchor", &anchors, "--key-env", "SYM_NO_SUCH_KEY"]).await;
    assert!(unset.err.contains("`SYM_NO_SUCH_KEY`") && unset.exit == Exit::Failure, "{}", unset.err);
}

/// The store says that anchors were written, and they are not there any more.
#[tokio::test]
async fn verification_fails_without_the_anchors_that_were_written() {
    let store = StoreFixture::new().await;
    let verify = async |args: &[&str]| store.run(&[&["audit", "verify"][..], args].concat()).await;
    let anchors = store.path.with_file_name("anchors.jsonl");
    let given = anchors.to_str().unwrap();
    let anchor = |text: String| format!("{}\n", text.trim_end());
    let last = anchor(store.run(&["audit", "anchor"]).await.out);
    let head = AuditAnchor::parse(last.trim_end().as_bytes()).unwrap().head();
    let db = rusqlite::Connection::open(&store.path).unwrap();
    let earlier: (i64, Vec<u8>) =
        db.query_row("SELECT seq, hash FROM audit WHERE seq = 2", (), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let hash: String = earlier.1.iter().map(|byte| format!("{byte:02x}")).collect();
    let first =
        anchor(AuditAnchor::new(AuditHead::new(2, hash.parse().unwrap()), jiff::Timestamp::UNIX_EPOCH, None).to_line());
    for (name, seq) in [("anchors-from", 2), ("anchors-to", head.seq)] {
        let name = format!("{name}:{given}");
        db.execute("INSERT INTO audit_cursors (destination, seq) VALUES (?1, ?2)", (name, seq.cast_signed())).unwrap();
    }
    drop(db);

    let gone = verify(&[]).await;
    assert_eq!(gone.exit, Exit::Failure);
    let expected = format!(
        "error: anchors of the entries 2 to {} were written to `{given}`, and none is there any more (SymSDK:AUDIT_LOG)\n  help: give the file, or \
         a copy of it, with `--anchor`; if it was removed, compare the log with the lines at the destinations\n",
        head.seq
    );
    assert_eq!(gone.err, expected);
    for (text, missing) in [(&first, head.seq), (&last, 2)] {
        std::fs::write(&anchors, text).unwrap();
        let gone = verify(&["--anchor", given]).await;
        assert_eq!(gone.exit, Exit::Failure);
        assert!(
            gone.err.starts_with(&format!("error: the anchor of entry {missing} that was written to `")),
            "{}",
            gone.err
        );
    }
    std::fs::write(&anchors, first + &last).unwrap();
    let whole = verify(&["--anchor", given]).await;
    assert_eq!(whole.exit, Exit::Success, "{}", whole.err);
    // A copy of the file will do.
    let copy = store.path.with_file_name("copy.jsonl");
    std::fs::rename(&anchors, &copy).unwrap();
    assert_eq!(verify(&["--anchor", copy.to_str().unwrap()]).await.exit, Exit::Success);
    std::fs::rename(&copy, &anchors).unwrap();
    let hinted = verify(&[]).await;
    assert_eq!(hinted.exit, Exit::Success);
    assert!(hinted.err.ends_with(&format!("; anchors of it are in `{given}`\n")), "{}", hinted.err);
}

#[tokio::test]
async fn backup_is_a_usable_store() {
    let store = StoreFixture::new().await;
    let copy = store.path.with_file_name("copy.db");
    let backup = ["backup", copy.to_str().unwrap()];
    store
        .prints(
            &backup,
            Exit::Success,
            expect![[r#"
        Copied DIR/runs.db to DIR/copy.db
    "#]],
            expect![[""]],
        )
        .await;
    store
        .prints(
            &backup,
            Exit::Failure,
            expect![[""]],
            expect![[r#"
        error: the store refused: `DIR/copy.db` already exists; choose another name, or remove it (SymSDK:STORE)
    "#]],
        )
        .await;

    let environment = RestartFixture::new();
    environment.clock.advance(HOUR * 3);
    let runtime = environment.start_on(&copy).await;
    runtime.run_until_idle().await.unwrap();
    for run in [store.held, store.stuck] {
        assert_eq!(runtime.run(run).await.unwrap().state.run.status(), RunStatus::Deescalated);
    }
}

/// The demo simulates strategies, and its clock runs ahead: access would be recorded as revoked that still exists.
#[tokio::test]
async fn demo_refuses_a_store_with_real_runs() {
    let store = StoreFixture::new().await;
    let before = store.run(&["runs", "--json"]).await.out;
    let request = r#"{ "flow_srn": "acme:flow:prod:latest", "user_email": "ana@example.com", "flow_inputs": {} }"#;
    let app = app().demo("request", request);
    let done = run_app(app, &["--db", store.path.to_str().unwrap(), "--speed", "86400"]).await;
    assert_eq!((done.exit, done.out.as_str()), (Exit::Failure, ""));
    assert!(done.err.contains("runs.db` was not created by this command"), "{}", done.err);
    assert_eq!(store.run(&["runs", "--json"]).await.out, before);
}

#[tokio::test]
async fn rejects_invalid_arguments() {
    let cases: [&[&str]; 8] = [
        &["--db", "x.db", "check"],
        &["--speed", "0", "--db", "x.db"],
        &["runs"],
        &["runs", "--db", "x.db", "--limit", "0"],
        &["audit", "verify"],
        &["audit", "verify", "x.jsonl", "--db", "x.db"],
        &["audit", "verify", "--db", "x.db", "--allow-gaps"],
        &["audit", "verify", "--db", "x.db", "--expect-head", "4"],
    ];
    for args in cases {
        assert_eq!(run(args).await.exit, Exit::Usage, "{args:?}");
    }
    assert!(!Path::new("x.db").exists());
}

/// Finding 1: unmanaged access is found on the command line, also while the program runs.
#[tokio::test]
async fn reconcile_prints_what_was_compared_and_fails_on_unmanaged_access() {
    let store = StoreFixture::new().await;
    let strategy = &store.environment.strategy;
    let reconcile = || {
        let strategy = store.environment.strategy.clone();
        let app = App::new().registry(handlers![get_permissions]).config(config());
        let app = app.strategy_type(StrategyType::new("test", move |_| Ok(strategy.clone())));
        let db = store.path.to_str().unwrap().to_owned();
        async move { run_app(app, &["reconcile", "--db", &db]).await }
    };
    let running = store.environment.start().await;
    let done = reconcile().await;
    assert_eq!((done.err.as_str(), done.exit), ("", Exit::Success));
    expect![[r#"
        FLOW  TARGET  IDENTITY  USER  STATUS
        prod  test    -         -     compared, 2 listed

        1 target compared: 0 without a Run, 0 missing; 0 targets not seen
    "#]]
    .assert_eq(&done.out);

    let (target, _) = strategy.granted()[0].clone();
    strategy.grant_externally(&target, "eve@example.com");
    strategy.revoke_externally(&target, "zoë@example.com");
    let done = reconcile().await;
    assert_eq!((done.err.as_str(), done.exit), ("", Exit::Failure));
    expect![[r#"
        FLOW  TARGET  IDENTITY         USER  STATUS
        prod  test    -                -     compared, 2 listed
        prod  test    eve@example.com  -     listed, and no Run gives it
        prod  test    zoë@example.com  -     not listed, and Run HELD gives it

        1 target compared: 1 without a Run, 1 missing; 0 targets not seen
    "#]]
    .assert_eq(&done.out.replace(&store.held.to_string(), "HELD"));

    strategy.fail_listings(1);
    let done = reconcile().await;
    assert_eq!((done.err.as_str(), done.exit), ("", Exit::Success));
    expect![[r#"
        FLOW  TARGET  IDENTITY  USER  STATUS
        prod  test    -         -     not seen: the service is down

        0 targets compared: 0 without a Run, 0 missing; 1 target not seen
    "#]]
    .assert_eq(&done.out);
    let left: Vec<_> = std::fs::read_dir(store.path.parent().unwrap()).unwrap().collect();
    assert!(!format!("{left:?}").contains("reconcile"), "the copy of the store is removed: {left:?}");
    drop(running);
}

#[tokio::test]
async fn administrators_lock_and_delete_users() {
    let store = StoreFixture::new().await;
    let zoe = "zo\u{eb}@example.com";
    store
        .prints(
            &["users", "lock", zoe, "--as", "ada@example.com", "--reason", "lost"],
            Exit::Success,
            expect![[r#"
                zoë@example.com: locked
                Run HELD: access will be revoked when the program next runs
            "#]],
            expect![""],
        )
        .await;
    let refused = store.run(&["users", "unlock", zoe, "--as", "ben@example.com", "--reason", "found"]).await;
    assert_eq!(refused.exit, Exit::Refused);
    assert!(refused.err.contains("ben@example.com is not an administrator"), "{}", refused.err);
    for (command, user) in [("unlock", zoe), ("delete", zoe), ("restore", zoe), ("delete", zoe), ("admit", zoe)] {
        let done = store.run(&["users", command, user, "--as", "ada@example.com", "--reason", "test"]).await;
        assert_eq!(done.exit, Exit::Success, "{command}: {}", done.err);
    }
    let listed = store.run(&["users", "list"]).await.out;
    let states: Vec<_> = listed.lines().filter(|line| line.starts_with(zoe)).collect();
    assert_eq!(states.len(), 2, "{listed}");
    assert!(states[1].contains("deleted "), "{listed}");
    let log = store.run(&["audit", "export"]).await.out;
    assert!(log.contains(r#""user_action":{"action":"lock""#), "{log}");
    assert_eq!(store.run(&["audit", "verify"]).await.exit, Exit::Success);
}
