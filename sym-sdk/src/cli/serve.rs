//! The command `serve`: runs the flows, and serves their front ends.
//!
//! A fault of one flow does not keep the others from being served, and no access from ending, unless `--strict` is given: the program
//! starts with what can be built, and prints what cannot.
//!
//! With a fake (`--fake-slack`), everything else that is real is replaced too, on a store of its own, and what happens is printed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::json;
use tokio::net::TcpListener;

use super::args::{AnchorArgs, OutputKeyArgs, ServeArgs};
use super::check::{client_name, target_name};
use super::exit::CommandError;
use super::follow::Follower;
use super::keys;
use super::logging;
use super::output::{Output, count};
#[cfg(feature = "console")]
use super::sign_in::with_sign_in;
use super::signal::Signals;
use super::simulated_store::{StoreMode, reject_simulated};
use super::unavailable;
use super::{Common, Exit, Program};
#[cfg(feature = "api")]
use crate::api;
use crate::audit::AuditKey;
use crate::clock::SystemClock;
use crate::config::{Config, Diagnostic, Diagnostics, SourceLocation, Terraform};
#[cfg(feature = "console")]
use crate::console::{self, Console};
use crate::directory::Directory;
use crate::engine::SqliteStore;
use crate::error::{Error, ErrorKind, codes};
use crate::machine::EffectError;
#[cfg(feature = "mcp")]
use crate::mcp;
use crate::model::{User, UserRole};
use crate::runtime::{
    AuditAnchors, Builder, FakeConfig, FakeService, FrontEndType, OutputKey, Plugin, Runtime, ServiceChecks,
};
#[cfg(feature = "prometheus")]
use crate::server::PrometheusMetrics;
#[cfg(feature = "tls")]
use crate::server::TlsCertificate;
use crate::server::{CancellationToken, Server, listen};

/// The number of Runs that the timeline has room to number.
const MAX_NUMBERED_RUNS: usize = 99;

/// The time limit for the check of a front end at startup.
const FRONT_END_CHECK_TIMEOUT: Duration = Duration::from_secs(30);

/// The bot that tries the API of a program whose services are simulated, as an administrator.
#[cfg(feature = "api")]
const DEMO_BOT: &str = "demo";

/// The time for which its token is good.
#[cfg(feature = "api")]
const DEMO_TOKEN_TTL: Duration = Duration::from_secs(12 * 60 * 60);

/// The time limit for starting a fake.
const FAKE_START_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn run(
    mut program: Program,
    common: Common,
    args: ServeArgs,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    logging::install(args.log.log_format)?;
    // Listen for signals first: from now on, a signal interrupts nothing halfway.
    let mut signals = Signals::listen()?;
    let Terraform { config, warnings, .. } = super::read_with_warnings(&mut program, common, output)?;
    output.config_warnings(&warnings)?;
    let listener = listen(args.listen).await?;
    let address = listener.local_addr()?;
    // Before the store is opened, which counts as well.
    let extras = Extras::prepare(&args).await?;
    let store = Arc::new(SqliteStore::open(args.db()).await?);
    let prepared = tokio::select! {
        biased;
        // With `--strict`, the services are asked before anything is served, which can take long.
        signal = signals.recv() => signal.map(|()| None).map_err(CommandError::from),
        prepared = prepare(program, config, &store, &args, address) => prepared.map(Some),
    };
    let served = match prepared {
        Ok(Some(prepared)) => serve(prepared, listener, extras, &args, &mut signals, output).await,
        Ok(None) => Ok(Some(Exit::Success)),
        Err(error) => Err(error),
    };
    if let Ok(None) = served {
        // The store is not closed: that would wait for work in flight.
        let message = "stopped immediately: interrupted work will be retried at the next start";
        output.error_without_code(message, "to let work in flight finish, send the signal only once")?;
        return Ok(Exit::Failure);
    }
    let closed = store.close().await;
    let exit = served?;
    if exit == Some(Exit::StoreFailed) {
        return Ok(Exit::StoreFailed);
    }
    closed?;
    Ok(exit.unwrap_or(Exit::Failure))
}

/// The parts of a server that have features of their own.
#[derive(Default)]
struct Extras {
    #[cfg(feature = "prometheus")]
    metrics: Option<(PrometheusMetrics, TcpListener)>,
    #[cfg(feature = "tls")]
    certificate: Option<TlsCertificate>,
}

impl Extras {
    #[cfg_attr(
        not(any(feature = "prometheus", feature = "tls")),
        expect(clippy::unused_async, unused_variables, reason = "there is nothing to prepare")
    )]
    async fn prepare(args: &ServeArgs) -> Result<Self, Error> {
        #[allow(unused_mut, reason = "without features it stays as it is")]
        let mut extras = Self::default();
        #[cfg(feature = "prometheus")]
        if let Some(address) = args.metrics_listen {
            let listener = listen(address).await?;
            extras.metrics = Some((PrometheusMetrics::install()?, listener));
        }
        #[cfg(feature = "tls")]
        if let (Some(chain), Some(key)) = (&args.tls.tls_cert, &args.tls.tls_key) {
            extras.certificate = Some(TlsCertificate::read(chain, key).await?);
        }
        Ok(extras)
    }

    /// The address of the metrics.
    fn metrics_url(&self) -> Option<String> {
        #[cfg(feature = "prometheus")]
        if let Some((_, listener)) = &self.metrics {
            return Some(format!("http://{}/metrics", listener.local_addr().ok()?));
        }
        None
    }

    #[cfg_attr(not(feature = "tls"), expect(clippy::unused_self, reason = "as with TLS"))]
    fn add_to(&mut self, server: Server) -> Server {
        #[cfg(feature = "tls")]
        if let Some(certificate) = self.certificate.take() {
            return server.tls(certificate);
        }
        server
    }

    /// Serves the metrics until `stop` is cancelled.
    #[cfg_attr(
        not(feature = "prometheus"),
        expect(clippy::unused_async, unused_variables, reason = "there is nothing to serve")
    )]
    async fn serve(self, stop: CancellationToken) {
        #[cfg(feature = "prometheus")]
        if let Some((metrics, listener)) = self.metrics {
            metrics.serve(listener, stop).await;
        }
    }
}

#[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "TLS has the only other one"))]
fn scheme(args: &ServeArgs) -> &'static str {
    #[cfg(feature = "tls")]
    if args.tls.tls_cert.is_some() {
        return "https";
    }
    "http"
}

/// A runtime that is ready to be served.
struct Prepared {
    runtime: Runtime,
    /// The warnings about the configuration.
    warnings: Vec<Diagnostic>,
    /// The types of front ends that could be configured, for a hint if there are none.
    front_end_types: Vec<String>,
    /// The instructions of the fakes, if there are any.
    instructions: Vec<String>,
    /// Prints what happens, if nothing is real.
    follower: Option<Follower>,
}

async fn prepare(
    mut program: Program,
    config: Config,
    store: &Arc<SqliteStore>,
    args: &ServeArgs,
    address: SocketAddr,
) -> Result<Prepared, CommandError> {
    if !args.fakes.is_empty() {
        return prepare_with_fakes(program, config, store, args, address).await;
    }
    reject_simulated(store).await?;
    let front_end_types = program.front_end_types.iter().map(|kind| kind.kind().to_owned()).collect();
    let builder = with_output_keys(program.builder(config).sqlite(store.clone()), args)?;
    #[cfg(feature = "console")]
    let builder = with_sign_in(builder, &args.sign_in)?;
    let builder = with_front_ends(with_anchors(builder, args)?, args);
    let mut warnings = builder.warnings();
    if !args.strict {
        warnings.extend(builder.tolerated_errors());
    }
    let runtime = if args.strict { builder.build().await? } else { builder.build_degraded().await? };
    if args.strict {
        Diagnostics::check(faults_of(&runtime.check_services().await))?;
    }
    Ok(Prepared { runtime, warnings, front_end_types, instructions: Vec::new(), follower: None })
}

/// Adds the console, unless the program has set it up itself; leaves it out, if that is asked for.
#[cfg(feature = "console")]
fn with_console(builder: Builder, console: Console, args: &ServeArgs) -> Builder {
    if args.no_console {
        return Console::remove_from(builder);
    }
    if builder.has_front_end(console::NAME) {
        return builder;
    }
    let run_pages = console.run_pages();
    builder.front_end(console).front_end(run_pages)
}

/// Adds the HTTP API, the console if people can sign in, and the front end for agents, unless the program has set them up itself.
#[cfg_attr(not(feature = "console"), expect(unused_variables, reason = "the console has the only argument"))]
fn with_front_ends(builder: Builder, args: &ServeArgs) -> Builder {
    #[cfg(feature = "api")]
    let builder = if builder.has_front_end(api::NAME) { builder } else { builder.front_end(api::Api::new()) };
    #[cfg(feature = "console")]
    let builder = if builder.signs_people_in() || args.no_console {
        with_console(builder, Console::new(), args)
    } else {
        builder
    };
    #[cfg(feature = "mcp")]
    let builder = if builder.has_front_end(mcp::NAME) { builder } else { builder.front_end(mcp::Mcp::new()) };
    builder
}

/// Adds the console, in which everybody chooses who they are: everything is simulated, and the fakes let them do so too.
#[cfg_attr(not(feature = "console"), expect(unused_variables, reason = "the console has the only argument"))]
fn with_demo_console(builder: Builder, args: &ServeArgs) -> Builder {
    #[cfg(feature = "console")]
    let builder = with_console(builder, Console::new().with_user_chooser(), args);
    builder
}

/// Issues a token for trying the API, and returns how to use it. Everything is simulated, so it gives access to nothing.
#[cfg(feature = "api")]
async fn demo_token(directory: &Directory, url: &str) -> Result<String, Error> {
    let known = directory.bots().await?.into_iter().find(|bot| bot.username() == DEMO_BOT);
    let bot = match known {
        Some(bot) => bot,
        None => directory.create_bot(DEMO_BOT).await?,
    };
    let bot = directory.set_role(bot.id(), UserRole::Admin).await?;
    let token = directory.issue_token(bot.id(), "demo", DEMO_TOKEN_TTL).await?;
    let secret = secrecy::ExposeSecret::expose_secret(&token.secret).to_owned();
    Ok(format!("API: curl -H 'Authorization: Bearer {secret}' {url}/api/v1/me"))
}

fn with_anchors(builder: Builder, args: &ServeArgs) -> Result<Builder, Error> {
    let AnchorArgs { anchor_file, anchor_destinations, anchor_interval, anchor_key_file, anchor_key_env } =
        &args.anchors;
    if anchor_file.is_none() && !anchor_destinations {
        return Ok(builder);
    }
    let secrets = keys::read("the key of the audit log", anchor_key_file.as_slice(), anchor_key_env.as_deref())?;
    let key = secrets.first().map(AuditKey::new).transpose()?;
    let mut anchors = AuditAnchors::new(key).every(*anchor_interval);
    if let Some(path) = anchor_file {
        anchors = anchors.file(path);
    }
    if *anchor_destinations {
        anchors = anchors.to_destinations();
    }
    Ok(builder.audit_anchors(anchors))
}

fn with_output_keys(builder: Builder, args: &ServeArgs) -> Result<Builder, Error> {
    let OutputKeyArgs { output_key_file, output_key_env } = &args.output_keys;
    let secrets = keys::read("the key of step outputs", output_key_file, output_key_env.as_deref())?;
    secrets.iter().try_fold(builder, |builder, secret| Ok(builder.output_key(OutputKey::new(secret)?)))
}

/// Starts the fakes, and builds a runtime in which everything else is simulated.
async fn prepare_with_fakes(
    mut program: Program,
    config: Config,
    store: &Arc<SqliteStore>,
    args: &ServeArgs,
    address: SocketAddr,
) -> Result<Prepared, CommandError> {
    #[cfg(feature = "console")]
    if args.sign_in.oidc_issuer.is_some() || args.sign_in.proxy_header.is_some() {
        let message = "people choose who they are where services are simulated, and do not sign in";
        let error = Error::new(ErrorKind::InvalidInput, codes::CONFIGURATION, message);
        return Err(error.with_hint("leave out the flags by which they sign in, or the fake").into());
    }
    StoreMode::Serve.claim(store).await?;
    let types = std::mem::take(&mut program.front_end_types);
    let builder = with_output_keys(program.simulated_builder(config).sqlite(store.clone()), args)?;
    let mut builder = program.install_fakes(builder);
    let flows = builder.check()?;
    let warnings = builder.warnings();
    let domains = builder.config().organization.domains.clone();
    if program.users.is_empty() {
        program.users = example_users(domains.first().map(String::as_str));
    }
    let directory = Directory::from_store(store.clone(), domains);
    let mut instructions = Vec::new();
    for (kind, listen) in &args.fakes {
        let Some(kind) = types.iter().find(|known| known.kind() == kind) else { continue };
        let mut fake = FakeConfig::new(*listen, address, directory.clone(), Arc::new(SystemClock));
        for integration in flows.iter().flat_map(|flow| kind.integrations_of(flow)) {
            if !fake.integrations.contains(integration) {
                fake.integrations.push(integration.clone());
            }
        }
        fake.people.clone_from(&program.users);
        let fake = start_fake(kind, fake).await?;
        instructions.push(fake.instructions().to_owned());
        builder = fake.install(builder);
    }
    let builder = with_demo_console(with_front_ends(builder, args), args).directory(directory);
    let runtime = if args.strict { builder.build().await? } else { builder.build_degraded().await? };
    #[cfg(feature = "console")]
    if !args.no_console {
        instructions.push(format!("Console: open {}://{address}/console, and choose who you are", scheme(args)));
    }
    #[cfg(feature = "api")]
    instructions.push(demo_token(runtime.directory(), &format!("{}://{address}", scheme(args))).await?);
    program.add_missing_users(runtime.directory()).await?;
    let seq = runtime.engine().head().await?.seq;
    let follower = Follower::new(runtime.clone(), program.outbox, seq, MAX_NUMBERED_RUNS);
    Ok(Prepared { runtime, warnings, front_end_types: Vec::new(), instructions, follower: Some(follower) })
}

/// Users for a program that has none: one to make requests, one to decide, and an admin.
fn example_users(domain: Option<&str>) -> Vec<User> {
    let domain = domain.unwrap_or("example.com");
    let users = [("ana", UserRole::Member), ("ben", UserRole::Member), ("ada", UserRole::Admin)];
    let users = users.into_iter().filter_map(|(name, role)| {
        let email = format!("{name}@{domain}");
        Some(User::from_email(&email).ok()?.with_role(role))
    });
    users.collect()
}

async fn start_fake(kind: &FrontEndType, config: FakeConfig) -> Result<FakeService, Error> {
    let failed = |reason: &str| {
        let message = format!("the fake of {} {reason}", kind.kind());
        Error::new(ErrorKind::Unavailable, codes::LISTEN, message)
    };
    // Always present: only types with a fake have the flag.
    let starting = kind.fake(config).ok_or_else(|| failed("does not exist"))?;
    tokio::time::timeout(FAKE_START_TIMEOUT, starting)
        .await
        .unwrap_or_else(|_| Err(failed("did not start within 10 seconds")))
}

/// Serves until a signal comes, and then until work in flight is finished. `None` if a second signal came before that.
async fn serve(
    prepared: Prepared,
    listener: TcpListener,
    mut extras: Extras,
    args: &ServeArgs,
    signals: &mut Signals,
    output: &mut Output<'_>,
) -> Result<Option<Exit>, CommandError> {
    let address = listener.local_addr()?;
    write_start(&prepared, address, &extras, args, output)?;
    let Prepared { runtime, mut follower, .. } = prepared;
    let stop = CancellationToken::new();
    let is_real = follower.is_none();
    let mut checking = std::pin::pin!(check_services(&runtime, is_real));
    let mut is_checked = false;
    let mut server = extras.add_to(Server::new(runtime.clone()));
    // Whoever tries it out follows links on the same machine.
    let own_url =
        if is_real || !address.ip().is_loopback() { None } else { Some(format!("{}://{address}", scheme(args))) };
    if let Some(url) = args.public_url.clone().or_else(|| own_url?.parse().ok()) {
        server = server.public_url(url);
    }
    #[cfg(feature = "console")]
    let server = server.trusted_proxies(args.sign_in.trusted_proxies.iter().copied());
    let mut serving = std::pin::pin!(async {
        // The metrics of a shutdown are of interest, too: they end with the server.
        let serving = server.serve(listener, stop.clone());
        tokio::select! {
            served = serving => served,
            () = async { extras.serve(CancellationToken::new()).await; std::future::pending().await } => Ok(()),
        }
    });
    loop {
        tokio::select! {
            served = &mut serving => return ended(served, output).map(Some),
            signal = signals.recv() => break signal?,
            error = follow(&mut follower, output) => return Err(error),
            failed = &mut checking, if !is_checked => {
                is_checked = true;
                for warning in failed {
                    match output.json {
                        true => tracing::warn!("{warning}"),
                        false => writeln!(output.err, "warning: {warning}")?,
                    }
                }
            }
        }
    }
    stop.cancel();
    if !output.json {
        writeln!(output.out, "Stopping: waiting for work in flight. Send the signal again to stop immediately.")?;
        output.out.flush()?;
    }
    match signals.finish(serving).await? {
        None => return Ok(None),
        Some(Ok(())) => {}
        Some(failed) => return ended(failed, output).map(Some),
    }
    if let Some(follower) = &mut follower {
        follower.catch_up(output).await?;
    }
    Ok(Some(Exit::Success))
}

/// Reports why a server has ended without being asked to.
fn ended(served: Result<(), Error>, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    match served {
        Ok(()) => Ok(Exit::Failure),
        Err(error) => {
            output.error(&error)?;
            Ok(Exit::StoreFailed)
        }
    }
}

/// Checks what the program needs outside of it, and returns a warning for each part that does not work. The program serves nevertheless: it
/// may work later.
async fn check_services(runtime: &Runtime, is_real: bool) -> Vec<String> {
    let services = async {
        match is_real {
            true => faults_of(&runtime.check_services().await),
            false => Vec::new(),
        }
    };
    let (mut warnings, services) = join(check_front_ends(runtime), services).await;
    warnings.extend(services.into_iter().map(|fault| fault.to_string()));
    warnings
}

/// Returns the faults of clients and targets.
fn faults_of(checked: &ServiceChecks) -> Vec<Diagnostic> {
    let clients = checked.clients.iter().map(|client| (client_name(client), &client.error));
    let targets = checked.targets.iter().map(|target| (target_name(target), &target.error));
    let fault = |(name, error): (String, &Option<EffectError>)| {
        let error = error.as_ref()?;
        let fault = Diagnostic::error(SourceLocation::default(), format!("{name}: {}", error.message));
        Some(fault.with_hint_if(error.hint.as_deref()))
    };
    clients.chain(targets).filter_map(fault).collect()
}

/// Returns a warning for each front end that is not ready.
async fn check_front_ends(runtime: &Runtime) -> Vec<String> {
    let checks = runtime.front_ends().iter().map(|front_end| async {
        let checked = tokio::time::timeout(FRONT_END_CHECK_TIMEOUT, front_end.check()).await;
        // A check that takes too long is left to `/ready`.
        let error = checked.ok()?.err()?;
        Some(format!("front end `{}` is not ready: {}", front_end.name(), error.report()))
    });
    join_all(checks).await.into_iter().flatten().collect()
}

/// Prints what happens, if there is a follower. Returns only if that fails.
async fn follow(follower: &mut Option<Follower>, output: &mut Output<'_>) -> CommandError {
    match follower {
        Some(follower) => match follower.follow(output).await {
            Err(error) => error,
        },
        None => std::future::pending().await,
    }
}

fn write_start(
    prepared: &Prepared,
    address: SocketAddr,
    extras: &Extras,
    args: &ServeArgs,
    output: &mut Output<'_>,
) -> io::Result<()> {
    let Prepared { runtime, warnings, front_end_types, instructions, .. } = prepared;
    output.config_warnings(warnings)?;
    unavailable::write(runtime, output)?;
    let names: Vec<_> = runtime.front_ends().iter().map(|front_end| front_end.name()).collect();
    let flows = runtime.flows().len();
    let db = args.db().display();
    let listening = format!("{}://{address}", scheme(args));
    let metrics = extras.metrics_url();
    if output.json {
        let paths: Vec<_> = names.iter().map(|name| format!("/{name}")).collect();
        let mut start = json!({ "listening": listening, "front_ends": paths, "flows": flows, "db": db.to_string() });
        let (parts, blocked) = (runtime.unavailable(), runtime.blocked_access());
        if !parts.is_empty() || !blocked.is_empty() {
            start["unavailable"] = json!(parts);
            start["blocked_access"] = json!(blocked);
        }
        if let Some(metrics) = metrics {
            start["metrics"] = metrics.into();
        }
        if !instructions.is_empty() {
            start["fakes"] = instructions.clone().into();
        }
        output.line(&start)?;
        return output.out.flush();
    }
    // These are for bots and agents.
    if names.iter().all(|name| ["api", "mcp", "console", "r"].contains(name)) {
        let hint = if front_end_types.is_empty() {
            "add one with `App::front_end`, or a crate that has one with `App::with`".to_owned()
        } else {
            format!("add an integration of type `{}` to the environment of a flow", front_end_types.join("` or `"))
        };
        writeln!(output.err, "warning: no front end, so users cannot reach the flows\n  help: {hint}")?;
    }
    if !address.ip().is_loopback() && scheme(args) == "http" {
        let hint =
            "put a proxy that terminates TLS in front of it, serve TLS with `--tls-cert`, or listen on 127.0.0.1";
        writeln!(output.err, "warning: {address} is reachable from other machines, without TLS\n  help: {hint}")?;
    }
    writeln!(output.out, "Listening on {listening}")?;
    for name in names {
        writeln!(output.out, "  /{name}")?;
    }
    writeln!(output.out, "  /health\n  /ready")?;
    if let Some(metrics) = metrics {
        writeln!(output.out, "Metrics on {metrics}")?;
    }
    writeln!(output.out, "Serving {} on the store {db}", count(flows, "flow"))?;
    if !instructions.is_empty() {
        writeln!(output.out, "\nAll clients and strategies are simulated.")?;
        for line in instructions {
            writeln!(output.out, "{line}")?;
        }
        writeln!(output.out)?;
    }
    output.out.flush()
}
