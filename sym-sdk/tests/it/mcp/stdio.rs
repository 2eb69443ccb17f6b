//! The command `mcp`, as a client starts it: this program is started again, and one of its tests is the command.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sym_sdk::App;
use sym_sdk::directory::Directory;
use sym_sdk::engine::SqliteStore;
use sym_sdk::prelude::*;

use super::HOUR;
use crate::support::GRACE;

const DATABASE: &str = "MCP_COMMAND_DATABASE";

/// QD09: handlers are the user's code in the same process, and print.
#[reducer]
#[expect(clippy::print_stdout, reason = "that is what is tested")]
fn get_flows(flows: &Flows) -> Vec<std::sync::Arc<Flow>> {
    println!("the handler prints {{\"jsonrpc\":\"2.0\"}}");
    flows.iter().cloned().collect()
}

#[reducer]
#[expect(clippy::print_stdout, reason = "that is what is tested")]
fn get_permissions() -> RequestPermission {
    println!("so does this one");
    RequestPermission::admins_only()
}

fn app() -> App {
    let mut config = crate::support::flows(&["plan"]);
    config.organization.domains = vec!["example.com".into()];
    config.flows[0].params.allowed_sources = Some(vec!["mcp".into()]);
    App::new().config(config).registry(sym_sdk::handlers![get_flows, get_permissions])
}

/// The command, in a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn the_command() {
    let Ok(db) = std::env::var(DATABASE) else { return };
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    app().run_from(["program", "mcp", "--db", &db], &mut out, &mut err).await;
    // The standard output of the process is not this one's any more, and what the test framework says goes elsewhere.
}

#[tokio::test]
async fn standard_output_belongs_to_the_protocol() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("sym.db");
    let store = std::sync::Arc::new(SqliteStore::open(&db).await.unwrap());
    let directory = Directory::from_store(store.clone(), ["example.com"]);
    let ana = directory.get_or_create_user_by_email("ana@example.com").await.unwrap();
    let agent = directory.create_agent("coder", ana.id()).await.unwrap();
    let token = directory.issue_token(agent.id(), "test", 24 * 365 * HOUR).await.unwrap();
    drop(directory);
    store.close().await.unwrap();

    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "mcp::stdio::the_command", "--nocapture"])
        .env(DATABASE, &db)
        .env("SYM_TOKEN", token.secret.expose_secret())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(if std::env::var_os("MCP_COMMAND_LOG").is_some() { Stdio::inherit() } else { Stdio::null() })
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let params = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let call = json!({ "name": "request_access", "arguments": { "flow": "plan" } });
    let messages = [
        json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call }),
    ];
    for message in messages {
        writeln!(input, "{message}").unwrap();
    }
    let mut received: Vec<Value> = Vec::new();
    let reading = async {
        while let Some(line) = lines.recv().await {
            // The test framework speaks before the command begins.
            if received.is_empty() && !line.starts_with('{') {
                continue;
            }
            received.push(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")));
            if received.len() == 2 {
                break;
            }
        }
    };
    tokio::time::timeout(GRACE, reading).await.expect("no answer");
    assert_eq!(received.iter().map(|message| &message["id"]).collect::<Vec<_>>(), [0, 1]);
    let requested = &received[1]["result"]["structuredContent"];
    assert_eq!(requested["flow"]["name"], "plan", "{received:?}");
    // The end of input ends the program.
    drop(input);
    let ended = async {
        while let Some(line) = lines.recv().await {
            let _: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        }
    };
    tokio::time::timeout(GRACE, ended).await.expect("it does not end");
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn a_token_is_needed() {
    let help = {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        app().run_from(["program", "mcp", "--help"], &mut out, &mut err).await;
        String::from_utf8(out).unwrap()
    };
    assert!(help.contains("SYM_TOKEN"), "{help}");
}
