//! Sends requests: at a constant rate whether answers come or not, or one after the other as fast as they are answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use http::StatusCode;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::Outcome;
use crate::shot::Shot;

/// Connections that are kept open while there is a rate, and so the most requests at a time.
const CONNECTIONS: usize = 64;

/// Requests at a time when there is no rate.
const AT_ONCE: usize = 16;

/// What was not sent so long after the last request was due is not sent any more.
const PATIENCE: Duration = Duration::from_secs(1);

/// An answer that takes longer is none.
const TIMEOUT: Duration = Duration::from_secs(30);

/// More than any answer has.
const MOST_BYTES: usize = 1 << 20;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Fired {
    /// How long each answer took, from when its request was due.
    pub(crate) latencies: Vec<Duration>,
    /// What was answered wrongly or not at all, and the first of it.
    pub(crate) errors: usize,
    pub(crate) first_error: Option<String>,
    /// From the first request's time to the last answer.
    pub(crate) took: Duration,
}

/// Sends so many a second. How long an answer takes counts from when its request was due, even if it was sent later: a server that
/// stalls is charged for all that would have come meanwhile. What a server is too slow for is not sent in the end.
pub(crate) async fn at_rate(server: SocketAddr, shots: Vec<Shot>, rate: u32) -> Outcome<Fired> {
    let (send, due) = mpsc::unbounded_channel();
    let (count, start) = (shots.len(), Instant::now() + Duration::from_millis(50));
    // In a thread: the timers of tokio are precise to a millisecond only.
    let pacer = std::thread::spawn(move || {
        for index in 0..count {
            let at = start + offset(index, rate);
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if send.send((index, at)).is_err() {
                return;
            }
        }
    });
    let until = start + offset(count, rate) + PATIENCE;
    let fired = fire(server, shots, Magazine::Paced(due), start, until, CONNECTIONS).await;
    pacer.join().map_err(|_| "the pacer panicked")?;
    fired
}

/// Sends each request when one before it was answered, for so long at most.
pub(crate) async fn one_by_one(server: SocketAddr, shots: Vec<Shot>, most: Duration) -> Outcome<Fired> {
    let start = Instant::now();
    fire(server, shots, Magazine::Free(0), start, start + most, AT_ONCE).await
}

/// When a request is due, after the first.
fn offset(index: usize, rate: u32) -> Duration {
    let index = u64::try_from(index).unwrap_or(u64::MAX);
    Duration::from_nanos(index.saturating_mul(1_000_000_000) / u64::from(rate.max(1)))
}

/// What is to be sent next.
enum Magazine {
    /// When it is due.
    Paced(mpsc::UnboundedReceiver<(usize, Instant)>),
    /// At once.
    Free(usize),
}

impl Magazine {
    async fn next(&mut self) -> Option<(usize, Instant)> {
        match self {
            Self::Paced(due) => due.recv().await,
            Self::Free(next) => {
                *next += 1;
                Some((*next - 1, Instant::now()))
            }
        }
    }
}

async fn fire(
    server: SocketAddr,
    shots: Vec<Shot>,
    magazine: Magazine,
    start: Instant,
    until: Instant,
    connections: usize,
) -> Outcome<Fired> {
    let (shots, magazine) = (Arc::new(shots), Arc::new(Mutex::new(magazine)));
    let mut guns = JoinSet::new();
    for _ in 0..connections {
        let mut gun = Gun { server, connection: connect(server).await? };
        let (shots, magazine) = (shots.clone(), magazine.clone());
        guns.spawn(async move {
            let (mut fired, mut last) = (Fired::default(), start);
            loop {
                let next = magazine.lock().await.next().await;
                let Some((index, at)) = next.filter(|_| Instant::now() < until) else { break };
                let Some(shot) = shots.get(index) else { break };
                match tokio::time::timeout(TIMEOUT, gun.shoot(shot)).await {
                    Ok(Ok(())) => fired.latencies.push(at.elapsed()),
                    Ok(Err(error)) => fired.miss(error.to_string()),
                    Err(_) => fired.miss(format!("no answer within {TIMEOUT:?}")),
                }
                last = Instant::now();
            }
            (fired, last)
        });
    }
    let (mut all, mut end) = (Fired::default(), start);
    while let Some(done) = guns.join_next().await {
        let (fired, last) = done?;
        all.latencies.extend(fired.latencies);
        all.errors += fired.errors;
        all.first_error = all.first_error.or(fired.first_error);
        end = end.max(last);
    }
    all.took = end.saturating_duration_since(start);
    Ok(all)
}

impl Fired {
    fn miss(&mut self, why: String) {
        self.errors += 1;
        self.first_error.get_or_insert(why);
    }
}

/// A connection that is kept open.
struct Gun {
    server: SocketAddr,
    connection: SendRequest<Body>,
}

impl Gun {
    /// Sends a request, and looks at the answer.
    async fn shoot(&mut self, shot: &Shot) -> Outcome<()> {
        if self.connection.is_closed() || self.connection.ready().await.is_err() {
            self.connection = connect(self.server).await?;
        }
        let answer = self.connection.send_request(shot.request()?).await?;
        let status = answer.status();
        let body = to_bytes(Body::new(answer.into_body()), MOST_BYTES).await?;
        if status != StatusCode::OK {
            return Err(format!("answered with {status}").into());
        }
        if shot.expected.as_ref().is_some_and(|expected| *expected != body) {
            return Err(format!("a wrong answer of {} bytes", body.len()).into());
        }
        Ok(())
    }
}

async fn connect(server: SocketAddr) -> Outcome<SendRequest<Body>> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let (send, connection) = handshake(TokioIo::new(stream)).await?;
    // How it ends is told to whoever sends.
    tokio::spawn(connection);
    Ok(send)
}

/// Sends one request, and gives its answer's body.
pub(crate) async fn ask(server: SocketAddr, shot: &Shot) -> Outcome<bytes::Bytes> {
    let mut connection = connect(server).await?;
    let answer = tokio::time::timeout(TIMEOUT, connection.send_request(shot.request()?)).await??;
    let status = answer.status();
    let body = to_bytes(Body::new(answer.into_body()), MOST_BYTES).await?;
    if status == StatusCode::OK { Ok(body) } else { Err(format!("{} was answered with {status}", shot.path).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_the_rate() {
        assert_eq!(offset(0, 500), Duration::ZERO);
        assert_eq!(offset(1, 500), Duration::from_millis(2));
        assert_eq!(offset(1_000, 500), Duration::from_secs(2));
        // Not a sum of rounded steps.
        assert_eq!(offset(3_000, 3), Duration::from_secs(1_000));
    }
}
