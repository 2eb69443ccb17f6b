//! The protocol's own clients, over a real connection. `tests/conformance/mcp/run` installs them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use sym_sdk::engine::RunFilter;
use sym_sdk::runtime::{Runtime, Submission};
use sym_sdk::server::{CancellationToken, Server, listen};

use super::World;
use crate::support::GRACE;

/// Approves what is requested for `prod-db`, as Ben.
async fn approve(runtime: Runtime) {
    loop {
        let changed = runtime.engine().next_commit();
        let mut filter = RunFilter::default();
        (filter.open, filter.target) = (true, Some("prod-db".into()));
        for stored in runtime.runs(filter, usize::MAX).await.unwrap() {
            let _ = runtime.submit(Submission::approve(stored.state.run.id(), "ben@example.com")).await;
        }
        changed.await;
    }
}

/// Without the variable `MCP_CLIENTS`, which says where they are installed, there is nothing to look at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_content() {
    let Some(installed) = std::env::var_os("MCP_CLIENTS").map(PathBuf::from) else { return };
    let world = World::start().await;
    let runtime = world.harness.runtime().clone();
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let serving = tokio::spawn(Server::new(runtime.clone()).serve(listener, stop.clone()));
    let approving = tokio::spawn(approve(runtime.clone()));
    let scripts = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance/mcp");
    let python = installed.join("python/bin/python");
    for (name, program, script, mode) in [
        ("python", python.clone(), "client.py", Some("legacy")),
        ("python-now", python, "client.py", Some("auto")),
        ("node", PathBuf::from("node"), "client.mjs", None),
    ] {
        let token = world.token_of(name).await;
        let mut client = Command::new(program);
        client.arg(scripts.join(script)).args([&url, &token]).args(mode);
        client.env("MCP_CLIENTS", &installed).stdin(Stdio::null());
        let client = tokio::task::spawn_blocking(move || client.output());
        let done = tokio::time::timeout(GRACE, client).await.expect("the client does not end").unwrap().unwrap();
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success() && out.contains("done"), "{name}: {out}\n{err}");
        let agent = world.directory().user_by_email(name).await.unwrap().unwrap();
        let mut filter = RunFilter::default();
        filter.requester = Some(agent.id());
        let held = async {
            loop {
                let changed = runtime.engine().next_commit();
                let runs = runtime.runs(filter.clone(), usize::MAX).await.unwrap();
                if runs.iter().all(|stored| stored.state.run.status().is_terminal()) {
                    return runs.len();
                }
                changed.await;
            }
        };
        let runs = tokio::time::timeout(GRACE, held).await.expect("access is left");
        assert_eq!(runs, 2, "{name}");
    }
    approving.abort();
    stop.cancel();
    serving.await.unwrap().unwrap();
}
