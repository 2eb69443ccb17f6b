//! The server, a process of its own: the API on a SQLite store, which also plays requests through its engine alone.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use load_support::fixture::{self, REQUESTERS, TARGETS, address_of};
use load_support::{Outcome, fill, progress};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sym_sdk::api::{Api, ApiLimits};
use sym_sdk::engine::SqliteStore;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Runtime;
use sym_sdk::server::{CancellationToken, Rate, Server, listen};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// The number of bots. Each has a token of its own, and may have 16 streams.
const BOTS: usize = 16;

/// The time for which tokens are valid.
const TOKEN_LIFETIME: Duration = Duration::from_secs(86_400);

/// A rate that no client of these tests reaches.
const UNLIMITED: Rate = Rate::per_second(1_000_000);

/// The first line on standard output.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    pub(crate) port: u16,
    /// Tokens of bots that are administrators.
    pub(crate) admins: Vec<String>,
    /// Tokens of bots that are members.
    pub(crate) members: Vec<String>,
}

/// A command, as a line on standard input: requests that are submitted without HTTP. The answer is a line with a [`Submitted`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Submit {
    pub(crate) requests: u32,
    /// The number of requests that wait for the engine at a time.
    pub(crate) at_once: usize,
}

/// The answer to a [`Submit`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Submitted {
    pub(crate) seconds: f64,
}

/// Returns the requester and the target of a request by number.
pub(crate) fn request_number(number: u32) -> (String, &'static str) {
    let target = usize::try_from(number / REQUESTERS).unwrap_or_default() % TARGETS.len();
    (address_of("ana", number % REQUESTERS), TARGETS.get(target).copied().unwrap_or(TARGETS[0]))
}

/// Serves until standard input is closed.
pub(crate) async fn run(db: &Path, runs: u32) -> Outcome<()> {
    let store = Arc::new(SqliteStore::open(db).await?);
    let mut limits = ApiLimits::default();
    (limits.reads, limits.writes) = (UNLIMITED, UNLIMITED);
    let runtime = fixture::builder(store.clone()).front_end(Api::new().limits(limits)).build().await?;
    fixture::add_people(runtime.directory()).await?;
    let listener = listen(([127, 0, 0, 1], 0).into()).await?;
    let port = listener.local_addr()?.port();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(Server::new(runtime.clone()).serve(listener, stop.clone()));
    if runs > 0 {
        let begun = Instant::now();
        fill::fill(&runtime, &store, runs).await?;
        progress(&format!("{runs} Runs in {:.0} s", begun.elapsed().as_secs_f64()));
    }
    let admins = bots(runtime.directory(), "ops", UserRole::Admin).await?;
    let members = bots(runtime.directory(), "ci", UserRole::Member).await?;
    print_line(&Listening { port, admins, members })?;

    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let seconds = submit(&runtime, &serde_json::from_str(&line)?).await?.as_secs_f64();
        print_line(&Submitted { seconds })?;
    }
    stop.cancel();
    serving.await??;
    drop(runtime);
    Ok(store.close().await?)
}

async fn bots(directory: &Directory, name: &str, role: UserRole) -> Outcome<Vec<String>> {
    let mut tokens = Vec::new();
    for number in 0..BOTS {
        let bot = directory.create_bot(&format!("{name}-{number}")).await?;
        directory.set_role(bot.id(), role).await?;
        let issued = directory.issue_token(bot.id(), "load", TOKEN_LIFETIME).await?;
        tokens.push(issued.secret.expose_secret().to_owned());
    }
    Ok(tokens)
}

/// Submits requests, and returns the time until the last one was accepted.
async fn submit(runtime: &Runtime, command: &Submit) -> Outcome<Duration> {
    let begun = Instant::now();
    let requests = (0..command.requests).map(|number| async move {
        let (requester, target) = request_number(number);
        runtime.submit(fixture::request(&requester, target)).await
    });
    stream::iter(requests).buffer_unordered(command.at_once).try_for_each(|_| async { Ok(()) }).await?;
    Ok(begun.elapsed())
}

fn print_line(line: &impl Serialize) -> Outcome<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{}", serde_json::to_string(line)?)?;
    Ok(out.flush()?)
}
