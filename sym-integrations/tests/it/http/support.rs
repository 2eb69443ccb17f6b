//! Servers, clocks and ears.

use std::error::Error as _;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use sym_integrations::http::{
    Auth, BaseUrl, Client, ClientBuilder, Connection, Failure, Limits, Response, SecretString, Service,
};
use sym_sdk::clock::{Clock, VirtualClock};
use sym_sdk::error::{Error, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Has what a URL or JSON would escape.
pub(super) const TOKEN: &str = "tok/en+S3CRET=\"x";

pub(super) fn token() -> SecretString {
    TOKEN.into()
}

/// A service with a body of its own for failures, and one answer of 200 that is none of success.
pub(super) struct Toy;

impl Service for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn error_type(&self) -> &'static str {
        "Toy"
    }

    fn classify(&self, response: &Response) -> Result<(), Failure> {
        match response.header("x-toy-error") {
            Some(name) => Err(Failure::of(response)
                .with_kind(ErrorKind::Conflict)
                .with_name(name)
                .with_message(response.text())
                .with_retry_after(response.retry_delay_until("x-reset"))),
            None if response.is_success() => Ok(()),
            None => Err(Failure::of(response).with_retry_after(response.retry_delay_until("x-reset"))),
        }
    }
}

pub(crate) fn at(text: &str) -> Arc<VirtualClock> {
    Arc::new(VirtualClock::at(text.parse().unwrap()))
}

pub(super) fn clock() -> Arc<VirtualClock> {
    at("2024-02-29T12:00:00Z")
}

pub(super) fn builder(base: &str, clock: &Arc<VirtualClock>) -> ClientBuilder {
    let connection = Connection::default().with_clock(clock.clone());
    Client::builder(Toy, BaseUrl::parse(base).unwrap()).auth(Auth::bearer(token())).connection(connection)
}

pub(super) fn client(base: &str, clock: &Arc<VirtualClock>) -> Client {
    builder(base, clock).build().unwrap()
}

pub(super) fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// Awaits `work`, and moves the clock on to the next sleeper whenever `may` says so of the time until then.
pub(crate) async fn leap<T>(
    clock: &VirtualClock,
    may: impl Fn(Duration) -> bool,
    work: impl IntoFuture<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work.into_future());
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::task::yield_now() => {}
        }
        if let Some(at) = clock.next_sleeper()
            && may(at.duration_since(clock.now()).try_into().unwrap())
        {
            clock.advance_to(at);
        }
    }
}

/// Waits pass at once; the limits of silence and of calls do not.
pub(super) async fn hurry<T>(clock: &VirtualClock, work: impl IntoFuture<Output = T>) -> T {
    leap(clock, |wait| wait <= Duration::from_secs(10), work).await
}

/// A server that speaks to each connection, by its number, as it likes.
pub(super) struct Raw {
    pub(super) base: String,
    connections: Arc<AtomicUsize>,
}

impl Raw {
    pub(super) async fn start<F>(speak: impl Fn(usize, TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // The client may hang up at any point.
                tokio::spawn(speak(count.fetch_add(1, Ordering::SeqCst), socket));
            }
        });
        Self { base, connections }
    }

    /// Answers each request with the same bytes, and hangs up.
    pub(super) async fn answer(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes: Arc<[u8]> = bytes.into().into();
        Self::start(move |_, mut socket| {
            let bytes = Arc::clone(&bytes);
            async move {
                read_request(&mut socket).await?;
                socket.write_all(&bytes).await?;
                socket.shutdown().await
            }
        })
        .await
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads the head of a request.
pub(super) async fn read_request(socket: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 4096];
        let read = socket.read(&mut part).await?;
        if read == 0 {
            break;
        }
        head.extend_from_slice(&part[..read]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Each form in which an error can be seen.
pub(super) fn faces(error: &Error) -> String {
    let mut text =
        format!("{error}\n{error:?}\n{error:#?}\n{}\n{}\n{}", error.report(), error.to_json(), error.slack_markdown());
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!("\n{error}\n{error:?}\n{error:#?}"));
        source = error.source();
    }
    text
}

/// Fails if a text has the token in it, as it is or as it is escaped.
pub(super) fn assert_silent(text: &str) {
    for trace in ["S3CRET", "tok/en", "tok\\/en", "tok%2Fen"] {
        assert!(!text.contains(trace), "`{trace}` in: {text}");
    }
}

/// Returns the error's code, after checking that the error does not reveal the token.
pub(super) fn code(error: &Error) -> String {
    assert_silent(&faces(error));
    assert_eq!(error.service(), Some("toy"));
    assert!(!error.message().contains('\n') && !error.message().ends_with('.'), "{}", error.message());
    error.code().to_string()
}

/// Captured log output of all levels.
#[derive(Clone, Default)]
pub(crate) struct Ear(Arc<Mutex<Vec<u8>>>);

impl Ear {
    pub(crate) fn listen() -> (Self, DefaultGuard) {
        static ANYBODY: Once = Once::new();
        // A callsite that is first hit on a thread without a subscriber would be cached as disabled for all threads.
        ANYBODY.call_once(|| {
            let nowhere = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(std::io::sink);
            tracing::subscriber::set_global_default(nowhere.finish()).unwrap();
        });
        let ear = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_span_events(FmtSpan::FULL)
            .with_writer(ear.clone())
            .finish();
        (ear, tracing::subscriber::set_default(subscriber))
    }

    pub(crate) fn heard(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Ear {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
