//! Secrets in the outputs of steps, in a file: encrypted with a key, and otherwise in memory only.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use sym_sdk::audit;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::model::{RunId, SecretOutput};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{OutputKey, Runtime};

use super::restart::{RestartFixture, approved, get_permissions};

const PASSWORD: &str = "correct-horse-battery";

#[derive(Deserialize)]
struct Login {
    password: SecretString,
}

#[hook]
fn after_escalate(login: StepOutput<Login>, outbox: State<Outbox>) {
    outbox.record("dm", "ana", login.password.expose_secret());
}

fn key(of: char) -> OutputKey {
    OutputKey::new(&SecretString::from(String::from(of).repeat(32))).unwrap()
}

async fn start(fixture: &RestartFixture, outbox: &Outbox, keys: &[OutputKey]) -> Runtime {
    let builder = fixture.builder(&fixture.path()).await.registry(handlers![get_permissions, after_escalate]);
    let builder = keys.iter().cloned().fold(builder.state(outbox.clone()), |builder, key| builder.output_key(key));
    builder.build().await.unwrap()
}

/// Grants access, and ends the process before the hook is called.
async fn granted_and_stopped(fixture: &RestartFixture, keys: &[OutputKey]) -> RunId {
    let output = [("password", SecretOutput::new(PASSWORD))];
    let output = StepOutput::new(std::collections::BTreeMap::from(output)).unwrap();
    fixture.strategy.set_output(output);
    let outbox = Outbox::new();
    let runtime = start(fixture, &outbox, keys).await;
    let run = approved(&runtime).await;
    while runtime.run(run).await.unwrap().state.run.status() != RunStatus::Escalated {
        assert!(runtime.run_one().await.unwrap());
    }
    assert!(outbox.sent().is_empty(), "the hook is still to be called");
    run
}

fn is_in_files(dir: &Path, text: &str) -> bool {
    let mut files = std::fs::read_dir(dir).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files.any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

/// Continues with these keys, and returns what the hook has read and the audit log.
async fn continued(fixture: &RestartFixture, run: RunId, keys: &[OutputKey]) -> (Vec<String>, String) {
    let outbox = Outbox::new();
    let runtime = start(fixture, &outbox, keys).await;
    runtime.run_until_idle().await.unwrap();
    assert_eq!(runtime.run(run).await.unwrap().state.run.status(), RunStatus::Escalated, "the grant stays");
    let lines = audit::lines(&**runtime.engine(), 0, usize::MAX).await.unwrap();
    let lines: Vec<_> = lines.iter().map(|line| line.as_str().to_owned()).collect();
    (outbox.sent().into_iter().map(|sent| sent.text).collect(), lines.join("\n"))
}

#[tokio::test]
async fn with_a_key_a_secret_survives_a_restart_encrypted() {
    let fixture = RestartFixture::new();
    let run = granted_and_stopped(&fixture, &[key('a')]).await;
    assert!(is_in_files(fixture.dir.path(), "sym:sealed"));
    assert!(!is_in_files(fixture.dir.path(), PASSWORD));
    let (read, log) = continued(&fixture, run, &[key('a')]).await;
    assert_eq!(read, [PASSWORD]);
    assert!(!is_in_files(fixture.dir.path(), PASSWORD) && !log.contains(PASSWORD));
}

#[tokio::test]
async fn a_key_can_be_replaced() {
    let fixture = RestartFixture::new();
    let run = granted_and_stopped(&fixture, &[key('a')]).await;
    assert_eq!(continued(&fixture, run, &[key('b'), key('a')]).await.0, [PASSWORD]);
}

#[tokio::test]
async fn without_a_key_a_restart_loses_a_secret_and_the_hook_fails_with_the_reason() {
    let fixture = RestartFixture::new();
    let run = granted_and_stopped(&fixture, &[]).await;
    assert!(!is_in_files(fixture.dir.path(), PASSWORD));
    // A key that comes later cannot bring it back.
    let (read, log) = continued(&fixture, run, &[key('a')]).await;
    assert_eq!(read, [""; 0]);
    let reason = "the secret `password` in the output of step `escalate` is lost: it was in memory only, and the program was \
                  restarted before the hook was called";
    assert!(log.contains(reason) && log.contains("SymSDK:OUTPUT_SECRET_UNAVAILABLE"), "{log}");
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_named_as_the_reason() {
    for (keys, reason) in [
        (vec![], "is encrypted, and the program has no key for it"),
        (vec![key('b')], "cannot be decrypted with the keys of the program"),
    ] {
        let fixture = RestartFixture::new();
        let run = granted_and_stopped(&fixture, &[key('a')]).await;
        let (read, log) = continued(&fixture, run, &keys).await;
        assert_eq!(read, [""; 0]);
        assert!(log.contains(reason), "{log}");
    }
}

/// Whoever can write to the store cannot have the hook of their own Run read the secret of another.
#[tokio::test]
async fn an_encrypted_secret_is_valid_in_its_own_run_only() {
    let fixture = RestartFixture::new();
    let other = granted_and_stopped(&fixture, &[key('a')]).await;
    let outbox = Outbox::new();
    let runtime = start(&fixture, &outbox, &[key('a')]).await;
    let state = runtime.run(other).await.unwrap().state;
    runtime.run_until_idle().await.unwrap();
    assert_eq!(outbox.sent().len(), 1);
    // What a strategy returns is stored as it is, unless it is marked as secret.
    fixture.strategy.set_output(state.run.step_output(Step::Escalate).unwrap().clone());
    approved(&runtime).await;
    runtime.run_until_idle().await.unwrap();
    assert_eq!(outbox.sent().len(), 1, "the hook of the second Run has read nothing");
}

#[test]
fn short_keys_are_refused() {
    let error = OutputKey::new(&SecretString::from("short")).unwrap_err();
    assert_eq!(error.message(), "the key of step outputs has 5 bytes, expected at least 32");
    assert_eq!(error.hint(), Some("create one with `openssl rand -hex 32`"));
}
