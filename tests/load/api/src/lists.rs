//! Lists of a store with many Runs, each list and filter as an administrator and as somebody who sees few of them.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use load_support::Outcome;
use load_support::fixture::{FLOW, address_of};
use load_support::latencies::Latencies;
use serde::Deserialize;

use crate::connection::Connection;
use crate::server::Server;

/// The goal for the 99th percentile of a list.
const GOAL: Duration = Duration::from_millis(20);

/// A page of a list.
#[derive(Deserialize)]
struct Page {
    next: Option<String>,
}

fn lists() -> Vec<String> {
    vec![
        "/runs".to_owned(),
        "/runs?limit=200".to_owned(),
        "/runs?open=true".to_owned(),
        "/runs?holding=true".to_owned(),
        "/runs?stuck=true".to_owned(),
        "/runs?status=denied".to_owned(),
        format!("/runs?flow={FLOW}&target=prod-db"),
        format!("/runs?requester={}", address_of("ana", 7)),
        "/runs?source=sdk".to_owned(),
        "/runs?relation=can_decide&open=true".to_owned(),
        "/runs?relation=mine".to_owned(),
        "/access".to_owned(),
    ]
}

/// Measures the lists, and prints them. Returns whether each is as fast as it is to be.
pub(crate) async fn measure(runs: u32, requests: u32) -> Outcome<bool> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(dir.path(), runs).await?;
    let mut out = io::stdout();
    writeln!(out, "lists of {runs} Runs, time until the whole answer")?;
    writeln!(out, "{:<56} {:>8} {:>8} {:>8} {:>8}", "list", "p50 ms", "p99 ms", "max ms", "bytes")?;
    let mut is_fast = true;
    for (role, tokens) in [("admin", &server.admins), ("member", &server.members)] {
        let mut connection = Connection::open(server.address, tokens.first().ok_or("there is no bot")?).await?;
        for list in lists() {
            is_fast &= measure_list(&mut connection, role, &list, requests).await?;
            // The page after the fifth.
            if let Some(later) = sixth_page(&mut connection, &list).await? {
                is_fast &= measure_list(&mut connection, role, &later, requests).await?;
            }
        }
    }
    writeln!(out, "peak memory {:.0} MiB\n", server.peak_memory()?)?;
    server.stop().await?;
    Ok(is_fast)
}

async fn measure_list(connection: &mut Connection, role: &str, list: &str, requests: u32) -> Outcome<bool> {
    let (mut times, mut bytes) = (Vec::new(), 0);
    for _ in 0..requests {
        let begun = Instant::now();
        bytes = connection.get(list).await?.len();
        times.push(begun.elapsed());
    }
    let times: Latencies = times.into_iter().collect();
    let is_fast = times.percentile(99) < GOAL;
    // Cursors are long, and say nothing.
    let shown = list.split_once("after=").map_or(list.to_owned(), |(list, _)| format!("{list}after=…"));
    writeln!(
        io::stdout(),
        "{:<56} {:>8.1} {:>8.1} {:>8.1} {bytes:>8}{}",
        format!("{role} {shown}"),
        times.millis(50),
        times.millis(99),
        times.millis(100),
        if is_fast { "" } else { "  slow" }
    )?;
    Ok(is_fast)
}

async fn sixth_page(connection: &mut Connection, list: &str) -> Outcome<Option<String>> {
    let mut page = list.to_owned();
    for _ in 0..5 {
        let Page { next } = serde_json::from_slice(&connection.get(&page).await?)?;
        let Some(next) = next else { return Ok(None) };
        let separator = if list.contains('?') { '&' } else { '?' };
        page = format!("{list}{separator}after={next}");
    }
    Ok(Some(page))
}
