//! Durable requests: over HTTP on many connections, and in turns with that through the engine alone, in the same process.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use load_support::Outcome;
use load_support::fixture::{FLOW, REASON};
use serde_json::json;

use crate::connection::Connection;
use crate::serve::{Submit, request_number};
use crate::server::Server;

/// The number of connections, and of requests that wait for the engine at a time.
const CONNECTIONS: usize = 64;

/// The part of the engine's rate that the API is to reach.
const GOAL: f64 = 0.6;

/// The turn of one of the two.
#[derive(Clone, Copy)]
struct Turn {
    requests: u32,
    elapsed: Duration,
    /// The CPU time of the server, until it is idle again.
    cpu: Duration,
}

impl Turn {
    fn rate(self) -> f64 {
        f64::from(self.requests) / self.elapsed.as_secs_f64()
    }

    fn cpu_millis(self) -> f64 {
        self.cpu.as_secs_f64() * 1_000.0 / f64::from(self.requests)
    }
}

/// Measures both in pairs, and prints them. Returns whether the goal is reached.
pub(crate) async fn measure(pairs: u32, requests: u32) -> Outcome<bool> {
    let dir = tempfile::tempdir()?;
    let mut server = Server::start(dir.path(), 0).await?;
    let mut connections = Vec::new();
    for token in server.members.iter().cycle().take(CONNECTIONS) {
        connections.push(Connection::open(server.address, token).await?);
    }
    // The first turns also do what is done once.
    over_http(&server, &mut connections, requests / 10).await?;
    bare(&mut server, requests / 10).await?;
    let mut out = io::stdout();
    writeln!(out, "durable requests, {CONNECTIONS} at once, {requests} in each turn")?;
    writeln!(
        out,
        "{:>8} {:>10} {:>10} {:>10} {:>12} {:>12}",
        "", "API /s", "engine /s", "ratio", "API CPU ms", "engine CPU"
    )?;
    let mut ratios = Vec::new();
    for pair in 1..=pairs {
        // Neither is always the first.
        let (api, engine) = if pair % 2 == 0 {
            let api = over_http(&server, &mut connections, requests).await?;
            (api, bare(&mut server, requests).await?)
        } else {
            let engine = bare(&mut server, requests).await?;
            (over_http(&server, &mut connections, requests).await?, engine)
        };
        let ratio = api.rate() / engine.rate();
        ratios.push(ratio);
        writeln!(
            out,
            "{:>8} {:>10.0} {:>10.0} {:>9.0}% {:>12.2} {:>12.2}",
            format!("pair {pair}"),
            api.rate(),
            engine.rate(),
            ratio * 100.0,
            api.cpu_millis(),
            engine.cpu_millis()
        )?;
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    writeln!(
        out,
        "median ratio {:.0}% (goal: {:.0}%), peak memory {:.0} MiB\n",
        median * 100.0,
        GOAL * 100.0,
        server.peak_memory()?
    )?;
    drop(connections);
    server.stop().await?;
    Ok(median >= GOAL)
}

async fn over_http(server: &Server, connections: &mut [Connection], requests: u32) -> Outcome<Turn> {
    let before = server.cpu_time()?;
    let next = AtomicU32::new(0);
    let begun = Instant::now();
    try_join_all(connections.iter_mut().map(|connection| async {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= requests {
                return Outcome::Ok(());
            }
            let (requester, target) = request_number(number);
            let inputs = json!({ "target_srn": target, "duration": "1h", "reason": REASON });
            let body = json!({ "flow_srn": FLOW, "user_email": requester, "flow_inputs": inputs });
            connection.post("/events/request", &body).await?;
        }
    }))
    .await?;
    turn(server, requests, begun.elapsed(), before).await
}

async fn bare(server: &mut Server, requests: u32) -> Outcome<Turn> {
    let before = server.cpu_time()?;
    let elapsed = server.submit(&Submit { requests, at_once: CONNECTIONS }).await?;
    turn(server, requests, elapsed, before).await
}

async fn turn(server: &Server, requests: u32, elapsed: Duration, before: Duration) -> Outcome<Turn> {
    server.wait_until_idle().await?;
    let cpu = server.cpu_time()?.saturating_sub(before);
    Ok(Turn { requests, elapsed, cpu })
}
