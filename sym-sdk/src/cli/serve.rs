//! `serve`: runs the flows, and lets people reach them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::net::TcpListener;

use super::Common;
use super::args::Serve;
use super::failure::Failure;
use super::follow::{Follower, Lost};
use super::output::{Output, count};
use super::signal::Signals;
use super::simulated_store::{StoreMode, reject_simulated};
use crate::app::{App, Exit};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::directory::Directory;
use crate::engine::SqliteStore;
use crate::error::{Error, ErrorKind, codes};
use crate::model::{User, UserId, UserRole};
use crate::runtime::{FakeConfig, FakeService, FrontEndType, Plugin, Runtime};
use crate::server::{CancellationToken, Server, listen};

/// There is room for the numbers of so many Runs beside what becomes of them.
const MANY: usize = 99;

/// A front end may take this long to say how it is.
const CHECK_LIMIT: Duration = Duration::from_secs(30);

/// A stand-in may take this long to start.
const FAKE_LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn run(mut app: App, common: Common, args: Serve, output: &mut Output<'_>) -> io::Result<Exit> {
    // From here on a signal cuts nothing off.
    let mut signals = Signals::listen()?;
    let config = match super::read_config(&mut app, common, output)? {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let listener = match listen(args.listen).await {
        Ok(listener) => listener,
        Err(error) => return output.error(&error).map(|()| Exit::Failure),
    };
    let address = listener.local_addr()?;
    let store = match SqliteStore::open(args.db()).await {
        Ok(store) => Arc::new(store),
        Err(error) => return output.error(&error.into()).map(|()| Exit::Failure),
    };
    let served = match prepare(app, config, &store, &args, address).await {
        Ok(prepared) => serve(prepared, listener, &args, &mut signals, output).await,
        Err(failure) => failure.write(output).map(Some),
    };
    let Some(exit) = served? else {
        let message = "stopped at once: what was under way is due again at the next start";
        output.usage_error(message, "one signal is enough; it waits for what is under way")?;
        return Ok(Exit::Failure);
    };
    match store.close().await {
        Ok(()) => Ok(exit),
        Err(error) => output.error(&error.into()).map(|()| Exit::Failure),
    }
}

/// What is to be served.
struct Prepared {
    runtime: Runtime,
    /// The types of front ends that there could be.
    kinds: Vec<String>,
    /// How to use the stand-ins, if there are any.
    instructions: Vec<String>,
    /// Tells what happens, where nothing is real.
    follower: Option<Follower>,
}

async fn prepare(
    mut app: App,
    config: Config,
    store: &Arc<SqliteStore>,
    args: &Serve,
    address: SocketAddr,
) -> Result<Prepared, Failure> {
    if !args.fakes.is_empty() {
        return prepare_fakes(app, config, store, args, address).await;
    }
    reject_simulated(store).await?;
    let kinds = app.front_end_types.iter().map(|kind| kind.kind().to_owned()).collect();
    let runtime = app.builder(config).sqlite(store.clone()).build().await.map_err(Failure::Faults)?;
    Ok(Prepared { runtime, kinds, instructions: Vec::new(), follower: None })
}

/// Starts the stand-ins, and puts stand-ins in the place of all else that is real.
async fn prepare_fakes(
    mut app: App,
    config: Config,
    store: &Arc<SqliteStore>,
    args: &Serve,
    address: SocketAddr,
) -> Result<Prepared, Failure> {
    StoreMode::Serve.claim(store).await?;
    let (mut users, outbox) = (std::mem::take(&mut app.users), app.outbox.clone());
    let types = std::mem::take(&mut app.front_end_types);
    let mut builder = app.builder(config).cut_off().simulated().outbox(outbox.clone()).sqlite(store.clone());
    builder = app.stand_ins.into_iter().fold(builder, |builder, install| install(builder));
    let flows = builder.check().map_err(Failure::Faults)?;
    let directory = Directory::from_store(store.clone(), builder.config().organization.domains.clone());
    if users.is_empty() {
        users = made_up(builder.config().organization.domains.first().map(String::as_str));
    }
    let mut instructions = Vec::new();
    for (kind, listen) in &args.fakes {
        let Some(kind) = types.iter().find(|known| known.kind() == kind) else { continue };
        let mut fake = FakeConfig::new(*listen, address, directory.clone(), Arc::new(SystemClock));
        for integration in flows.iter().flat_map(|flow| kind.integrations_of(flow)) {
            if !fake.integrations.contains(integration) {
                fake.integrations.push(integration.clone());
            }
        }
        fake.people.clone_from(&users);
        let fake = start(kind, fake).await?;
        instructions.push(fake.instructions().to_owned());
        builder = fake.install(builder);
    }
    let runtime = builder.directory(directory).build().await.map_err(Failure::Faults)?;
    for user in users {
        // What became of them since they were first put there stays.
        if runtime.directory().user(user.id()).await?.is_none() {
            runtime.directory().put_user(user).await?;
        }
    }
    let seq = runtime.engine().head().await?.seq;
    let follower = Follower::new(runtime.clone(), outbox, seq, MANY);
    Ok(Prepared { runtime, kinds: Vec::new(), instructions, follower: Some(follower) })
}

/// People for an app that names none: somebody asks, and somebody else decides.
fn made_up(domain: Option<&str>) -> Vec<User> {
    let domain = domain.unwrap_or("example.com");
    let people = [("ana", UserRole::Member), ("ben", UserRole::Member), ("ada", UserRole::Admin)];
    let people = people.into_iter().filter_map(|(name, role)| {
        let email = format!("{name}@{domain}");
        Some(User::person(UserId::from_email(&email), &email).ok()?.with_role(role))
    });
    people.collect()
}

/// Starts the stand-in for the service of a front end.
async fn start(kind: &FrontEndType, config: FakeConfig) -> Result<FakeService, Error> {
    let failed = |how: &str| {
        let message = format!("the stand-in for {} {how}", kind.kind());
        Error::new(ErrorKind::Unavailable, codes::LISTEN, message)
    };
    // Only types that have one have the flag.
    let starting = kind.fake(config).ok_or_else(|| failed("is not there"))?;
    tokio::time::timeout(FAKE_LIMIT, starting).await.unwrap_or_else(|_| Err(failed("did not start in time")))
}

/// Serves until a signal comes. `None` if a second one came before it had stopped.
async fn serve(
    prepared: Prepared,
    listener: TcpListener,
    args: &Serve,
    signals: &mut Signals,
    output: &mut Output<'_>,
) -> io::Result<Option<Exit>> {
    greet(&prepared, listener.local_addr()?, args, output)?;
    let Prepared { runtime, mut follower, .. } = prepared;
    let stop = CancellationToken::new();
    let mut checking = std::pin::pin!(check(&runtime));
    let mut is_checked = false;
    let mut serving = std::pin::pin!(Server::new(runtime.clone()).serve(listener, stop.clone()));
    loop {
        tokio::select! {
            () = &mut serving => return Ok(Some(Exit::Failure)),
            signal = signals.next() => break signal?,
            lost = follow(&mut follower, output) => return told(lost, output).map(Some),
            failed = &mut checking, if !is_checked => {
                is_checked = true;
                for (name, error) in failed.into_iter().filter(|_| !output.json) {
                    writeln!(output.err, "note: front end `{name}` cannot do its work now: {}", error.report())?;
                }
            }
        }
    }
    stop.cancel();
    if !output.json {
        writeln!(output.out, "Stopping; what is under way may finish. A second signal stops at once.")?;
        output.out.flush()?;
    }
    tokio::select! {
        biased;
        () = &mut serving => {}
        signal = signals.next() => return signal.map(|()| None),
    }
    if let Some(follower) = &mut follower
        && let Err(lost) = follower.catch_up(output).await
    {
        return told(lost, output).map(Some);
    }
    Ok(Some(Exit::Success))
}

/// The front ends that say that they cannot do their work. They are served all the same: that may change.
async fn check(runtime: &Runtime) -> Vec<(String, Error)> {
    let checks = runtime.front_ends().iter().map(|front_end| async {
        let checked = tokio::time::timeout(CHECK_LIMIT, front_end.check()).await;
        // Readiness tells of one that takes too long.
        checked.ok()?.err().map(|error| (front_end.name().to_owned(), error))
    });
    join_all(checks).await.into_iter().flatten().collect()
}

/// Tells what happens. Returns if that cannot be done any more.
async fn follow(follower: &mut Option<Follower>, output: &mut Output<'_>) -> Lost {
    match follower {
        Some(follower) => match follower.follow(output).await {
            Err(lost) => lost,
        },
        None => std::future::pending().await,
    }
}

fn told(lost: Lost, output: &mut Output<'_>) -> io::Result<Exit> {
    match lost {
        Lost::Record(error) => output.error(&error).map(|()| Exit::Failure),
        Lost::Output(error) => Err(error),
    }
}

/// Says where people can reach what.
fn greet(prepared: &Prepared, address: SocketAddr, args: &Serve, output: &mut Output<'_>) -> io::Result<()> {
    let Prepared { runtime, kinds, instructions, .. } = prepared;
    let names: Vec<_> = runtime.front_ends().iter().map(|front_end| front_end.name()).collect();
    let flows = runtime.flows().len();
    let db = args.db().display();
    if output.json {
        let paths: Vec<_> = names.iter().map(|name| format!("/{name}")).collect();
        let listening = format!("http://{address}");
        let mut greeting = json!({ "listening": listening, "front_ends": paths, "flows": flows, "db": db.to_string() });
        if !instructions.is_empty() {
            greeting["fakes"] = instructions.clone().into();
        }
        output.line(&greeting)?;
        return output.out.flush();
    }
    if names.is_empty() {
        let hint = if kinds.is_empty() {
            "give the program one with `App::front_end`, or a crate that has one with `App::with`".to_owned()
        } else {
            format!("add an integration of type `{}` to the environment of a flow", kinds.join("` or `"))
        };
        writeln!(output.err, "note: there is no front end, so people cannot reach the flows\n  help: {hint}")?;
    }
    if !address.ip().is_loopback() {
        let hint = "have a proxy in front of it that takes HTTPS, or listen on 127.0.0.1";
        writeln!(output.err, "note: other machines can reach {address}, without encryption\n  help: {hint}")?;
    }
    writeln!(output.out, "Listening on http://{address}")?;
    for name in names {
        writeln!(output.out, "  /{name}")?;
    }
    writeln!(output.out, "  /health\n  /ready")?;
    writeln!(output.out, "{}; Runs are kept in {db}", count(flows, "flow"))?;
    if !instructions.is_empty() {
        writeln!(output.out, "\nClients and strategies only pretend.")?;
        for instructions in instructions {
            writeln!(output.out, "{instructions}")?;
        }
        writeln!(output.out)?;
    }
    output.out.flush()
}
