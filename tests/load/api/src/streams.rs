//! Streams of changes: each must tell of every change, soon.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use futures_util::StreamExt as _;
use load_support::Outcome;
use load_support::fixture::{FLOW, REASON};
use load_support::latencies::Latencies;
use serde::Deserialize;
use serde_json::json;
use sym_sdk::model::RunId;
use tokio::task::JoinSet;

use crate::connection::Connection;
use crate::serve::request_number;
use crate::server::Server;

/// The number of streams, the most that a server has by default.
const STREAMS: usize = 256;

/// The number of requests whose changes are counted, before the rate is known.
const PROBE: u32 = 40;

/// The time within which what has been changed is told.
const TELL_TIMEOUT: Duration = Duration::from_secs(60);

/// The data of an event.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Told {
    seq: u64,
    run_id: RunId,
}

/// The answer to a request.
#[derive(Debug, Deserialize)]
struct Receipt {
    run_id: RunId,
}

/// An event of a stream.
struct Seen {
    told: Told,
    at: Instant,
}

/// The events that a stream has shown so far.
type Log = Arc<Mutex<Vec<Seen>>>;

/// Opens the streams, makes requests at such a rate that there are this many commits per second, and prints how late the streams tell.
/// Returns whether each told everything.
pub(crate) async fn measure(commits_per_second: u32, seconds: u32) -> Outcome<bool> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(dir.path(), 0).await?;
    let (logs, readers) = open(&server).await?;
    let token = server.members.first().ok_or("there is no bot")?;

    // What a request leads to is counted first.
    let mut sent = HashMap::new();
    request(&server, token, 0..PROBE, Duration::from_millis(50), &mut sent).await?;
    server.wait_until_idle().await?;
    let commits_per_request = (count(&logs) as f64 / STREAMS as f64 / f64::from(PROBE)).max(1.0);
    let before = last_told(&logs)?;

    let interval = Duration::from_secs_f64(commits_per_request / f64::from(commits_per_second));
    let requests = (f64::from(seconds) / interval.as_secs_f64()) as u32;
    let mut sent = HashMap::new();
    let cpu = server.cpu_time()?;
    let begun = Instant::now();
    request(&server, token, PROBE..PROBE + requests, interval, &mut sent).await?;
    let elapsed = begun.elapsed();
    let (told, is_complete) = all_told(&logs).await?;
    let cpu = server.cpu_time()?.saturating_sub(cpu);

    let firsts: Latencies = logs.iter().flat_map(|log| first_told(log, &sent)).collect();
    let mut out = io::stdout();
    let commits = told.saturating_sub(before.1);
    let rate = commits as f64 / elapsed.as_secs_f64();
    writeln!(out, "{STREAMS} streams, {rate:.0} commits/s for {:.0} s", elapsed.as_secs_f64())?;
    writeln!(
        out,
        "time from sending a request until a stream tells of it: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        firsts.millis(50),
        firsts.millis(99),
        firsts.millis(100)
    )?;
    let load = cpu.as_secs_f64() / begun.elapsed().as_secs_f64();
    let everything = if is_complete && firsts.count() == sent.len() * STREAMS {
        "each stream told everything"
    } else {
        "CHANGES ARE MISSING"
    };
    writeln!(out, "{everything}; CPU {load:.2} cores, peak memory {:.0} MiB\n", server.peak_memory()?)?;
    drop(readers);
    server.stop().await?;
    Ok(is_complete && firsts.count() == sent.len() * STREAMS)
}

/// Opens the streams, and reads them from now on.
async fn open(server: &Server) -> Outcome<(Vec<Log>, JoinSet<()>)> {
    let (mut logs, mut readers) = (Vec::new(), JoinSet::new());
    for token in server.admins.iter().cycle().take(STREAMS) {
        let body = Connection::open(server.address, token).await?.stream("/changes").await?;
        let log = Log::default();
        logs.push(log.clone());
        readers.spawn(read(body, log));
    }
    Ok((logs, readers))
}

/// Notes the events of a stream until it ends.
async fn read(body: Body, log: Log) {
    let mut frames = body.into_data_stream();
    let mut text = String::new();
    while let Some(Ok(frame)) = frames.next().await {
        text.push_str(&String::from_utf8_lossy(&frame));
        let at = Instant::now();
        while let Some(end) = text.find("\n\n") {
            let event: String = text.drain(..end + 2).collect();
            let data = event.lines().find_map(|line| line.strip_prefix("data: "));
            if let Some(told) = data.and_then(|data| serde_json::from_str(data).ok()) {
                log.lock().unwrap_or_else(PoisonError::into_inner).push(Seen { told, at });
            }
        }
    }
}

/// Makes requests at a steady rate, whether or not those before have been answered, and notes when each was sent.
async fn request(
    server: &Server,
    token: &str,
    numbers: std::ops::Range<u32>,
    interval: Duration,
    sent: &mut HashMap<RunId, Instant>,
) -> Outcome<()> {
    let (mut idle, mut under_way) = (Vec::new(), JoinSet::new());
    let mut due = tokio::time::interval(interval);
    for number in numbers {
        due.tick().await;
        while let Some(done) = under_way.try_join_next() {
            let (connection, run, at): (Connection, RunId, Instant) = done??;
            idle.push(connection);
            sent.insert(run, at);
        }
        let mut connection = match idle.pop() {
            Some(connection) => connection,
            None => Connection::open(server.address, token).await?,
        };
        under_way.spawn(async move {
            let (requester, target) = request_number(number);
            let inputs = json!({ "target_srn": target, "duration": "1h", "reason": REASON });
            let body = json!({ "flow_srn": FLOW, "user_email": requester, "flow_inputs": inputs });
            let at = Instant::now();
            let answer = connection.post("/events/request", &body).await?;
            let Receipt { run_id } = serde_json::from_slice(&answer)?;
            Outcome::Ok((connection, run_id, at))
        });
    }
    while let Some(done) = under_way.join_next().await {
        let (_, run, at) = done??;
        sent.insert(run, at);
    }
    Ok(())
}

fn count(logs: &[Log]) -> usize {
    logs.iter().map(|log| log.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
}

/// Returns the last number that the slowest stream has told, and the most events of a stream.
fn last_told(logs: &[Log]) -> Outcome<(u64, usize)> {
    let of = |log: &Log| {
        let log = log.lock().unwrap_or_else(PoisonError::into_inner);
        (log.last().map_or(0, |seen| seen.told.seq), log.len())
    };
    let slowest = logs.iter().map(|log| of(log).0).min().ok_or("there is no stream")?;
    Ok((slowest, logs.iter().map(|log| of(log).1).max().unwrap_or_default()))
}

/// Waits until all streams are as far as the first of them, and have stayed there. Returns the events of one, and whether all got there.
async fn all_told(logs: &[Log]) -> Outcome<(usize, bool)> {
    let begun = Instant::now();
    let mut before = 0;
    while begun.elapsed() < TELL_TIMEOUT {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = count(logs);
        let (slowest, most) = last_told(logs)?;
        let furthest = logs
            .iter()
            .filter_map(|log| log.lock().unwrap_or_else(PoisonError::into_inner).last().map(|seen| seen.told.seq));
        if now == before && furthest.max() == Some(slowest) {
            return Ok((most, true));
        }
        before = now;
    }
    Ok((last_told(logs)?.1, false))
}

/// Returns the times until a stream first told of each Run.
fn first_told(log: &Log, sent: &HashMap<RunId, Instant>) -> Vec<Duration> {
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    let mut firsts = HashMap::new();
    for seen in log.iter() {
        firsts.entry(seen.told.run_id).or_insert(seen.at);
    }
    sent.iter().filter_map(|(run, at)| Some(firsts.get(run)?.saturating_duration_since(*at))).collect()
}
