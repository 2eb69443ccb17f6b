//! The load generator: sends requests at a constant rate, whether or not the server keeps up, or unpaced, as fast as they are answered.
//!
//! At a constant rate, latencies count from when a request was due, so that a server that stalls is charged for the requests that were
//! delayed by the stall (no coordinated omission).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use http::StatusCode;
use hyper::client::conn::http1::SendRequest;
use load_support::connect;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::Outcome;
use crate::signed_request::SignedRequest;

/// The number of connections at a constant rate, and thus the maximum number of requests in flight.
const PACED_CONNECTIONS: usize = 64;

/// The number of connections without a rate.
const UNPACED_CONNECTIONS: usize = 16;

/// The time after the last request was due after which no more requests are sent.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The time limit for a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// The maximum size of a response, larger than any that is expected.
const MAX_RESPONSE_BYTES: usize = 1 << 20;

/// The latencies and errors of a series of requests.
#[derive(Debug, Default)]
pub(crate) struct LoadResult {
    /// The time from when each request was due to its response.
    pub(crate) latencies: Vec<Duration>,
    /// The number of missing or wrong responses.
    pub(crate) errors: usize,
    pub(crate) first_error: Option<String>,
    /// The time from when the first request was due to the last response.
    pub(crate) elapsed: Duration,
}

/// Sends `rate` requests per second. Latencies count from when a request was due, even if it was sent later. Requests that the server is
/// too slow for are not sent.
pub(crate) async fn send_at_rate(server: SocketAddr, requests: Vec<SignedRequest>, rate: u32) -> Outcome<LoadResult> {
    let (send, due) = mpsc::unbounded_channel();
    let (count, start) = (requests.len(), Instant::now() + Duration::from_millis(50));
    // In a thread, because tokio's timers have a resolution of one millisecond.
    let pacer = std::thread::spawn(move || {
        for index in 0..count {
            let at = start + offset(index, rate);
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if send.send((index, at)).is_err() {
                return;
            }
        }
    });
    let deadline = start + offset(count, rate) + DRAIN_TIMEOUT;
    let result = send_all(server, requests, Schedule::Paced(due), start, deadline, PACED_CONNECTIONS).await;
    pacer.join().map_err(|_| "the pacer panicked")?;
    result
}

/// Sends requests as fast as they are answered, until all are sent or the time is up.
pub(crate) async fn send_unpaced(
    server: SocketAddr,
    requests: Vec<SignedRequest>,
    time_limit: Duration,
) -> Outcome<LoadResult> {
    let start = Instant::now();
    send_all(server, requests, Schedule::Unpaced(0), start, start + time_limit, UNPACED_CONNECTIONS).await
}

/// Returns the time from the start until a request is due.
fn offset(index: usize, rate: u32) -> Duration {
    let index = u64::try_from(index).unwrap_or(u64::MAX);
    Duration::from_nanos(index.saturating_mul(1_000_000_000) / u64::from(rate.max(1)))
}

/// The schedule of requests: the index of the next one, with when it is due.
enum Schedule {
    /// At the times that the pacer sends.
    Paced(mpsc::UnboundedReceiver<(usize, Instant)>),
    /// Immediately. Holds the next index.
    Unpaced(usize),
}

impl Schedule {
    async fn next(&mut self) -> Option<(usize, Instant)> {
        match self {
            Self::Paced(due) => due.recv().await,
            Self::Unpaced(next) => {
                *next += 1;
                Some((*next - 1, Instant::now()))
            }
        }
    }
}

async fn send_all(
    server: SocketAddr,
    requests: Vec<SignedRequest>,
    schedule: Schedule,
    start: Instant,
    deadline: Instant,
    connections: usize,
) -> Outcome<LoadResult> {
    let (requests, schedule) = (Arc::new(requests), Arc::new(Mutex::new(schedule)));
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let mut connection = Connection { server, sender: connect(server).await? };
        let (requests, schedule) = (requests.clone(), schedule.clone());
        workers.spawn(async move {
            let (mut result, mut last) = (LoadResult::default(), start);
            loop {
                let next = schedule.lock().await.next().await;
                let Some((index, at)) = next.filter(|_| Instant::now() < deadline) else { break };
                let Some(request) = requests.get(index) else { break };
                match tokio::time::timeout(RESPONSE_TIMEOUT, connection.send(request)).await {
                    Ok(Ok(())) => result.latencies.push(at.elapsed()),
                    Ok(Err(error)) => result.record_error(error.to_string()),
                    Err(_) => result.record_error(format!("no response within {RESPONSE_TIMEOUT:?}")),
                }
                last = Instant::now();
            }
            (result, last)
        });
    }
    let (mut all, mut end) = (LoadResult::default(), start);
    while let Some(done) = workers.join_next().await {
        let (result, last) = done?;
        all.latencies.extend(result.latencies);
        all.errors += result.errors;
        all.first_error = all.first_error.or(result.first_error);
        end = end.max(last);
    }
    all.elapsed = end.saturating_duration_since(start);
    Ok(all)
}

impl LoadResult {
    fn record_error(&mut self, message: String) {
        self.errors += 1;
        self.first_error.get_or_insert(message);
    }
}

/// A persistent connection.
struct Connection {
    server: SocketAddr,
    sender: SendRequest<Body>,
}

impl Connection {
    /// Sends a request and checks the response. Reconnects first if the connection was closed.
    async fn send(&mut self, request: &SignedRequest) -> Outcome<()> {
        if self.sender.is_closed() || self.sender.ready().await.is_err() {
            self.sender = connect(self.server).await?;
        }
        let response = self.sender.send_request(request.to_http()?).await?;
        let status = response.status();
        let body = to_bytes(Body::new(response.into_body()), MAX_RESPONSE_BYTES).await?;
        if status != StatusCode::OK {
            return Err(format!("the response has status {status}").into());
        }
        if request.expected.as_ref().is_some_and(|expected| *expected != body) {
            return Err(format!("unexpected response of {} bytes", body.len()).into());
        }
        Ok(())
    }
}

/// Sends one request on a connection of its own, and returns the body of the response.
pub(crate) async fn send_one(server: SocketAddr, request: &SignedRequest) -> Outcome<bytes::Bytes> {
    let mut sender = connect(server).await?;
    let response = tokio::time::timeout(RESPONSE_TIMEOUT, sender.send_request(request.to_http()?)).await??;
    let status = response.status();
    let body = to_bytes(Body::new(response.into_body()), MAX_RESPONSE_BYTES).await?;
    if status == StatusCode::OK {
        Ok(body)
    } else {
        Err(format!("the response to {} has status {status}", request.path).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_the_rate() {
        assert_eq!(offset(0, 500), Duration::ZERO);
        assert_eq!(offset(1, 500), Duration::from_millis(2));
        assert_eq!(offset(1_000, 500), Duration::from_secs(2));
        // Rounding errors do not accumulate.
        assert_eq!(offset(3_000, 3), Duration::from_secs(1_000));
    }
}
