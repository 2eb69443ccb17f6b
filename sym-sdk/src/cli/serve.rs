//! `serve`: runs the flows, and lets people reach them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpListener;

use super::Common;
use super::args::Serve;
use super::durable::signal::Signals;
use super::output::{Output, count};
use crate::app::{App, Exit};
use crate::engine::SqliteStore;
use crate::runtime::Runtime;
use crate::server::{CancellationToken, Server, listen};

pub(super) async fn run(mut app: App, common: Common, args: Serve, output: &mut Output<'_>) -> io::Result<Exit> {
    // From here on a signal cuts nothing off.
    let mut signals = Signals::listen()?;
    let config = match super::read_config(&mut app, common, output)? {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let listener = match listen(args.listen).await {
        Ok(listener) => listener,
        Err(error) => return output.error(&error).map(|()| Exit::Fault),
    };
    let store = match SqliteStore::open(&args.db).await {
        Ok(store) => Arc::new(store),
        Err(error) => return output.error(&error.into()).map(|()| Exit::Fault),
    };
    let served = match app.builder(config).sqlite(store.clone()).build().await {
        Ok(runtime) => serve(runtime, listener, &args, &mut signals, output).await,
        Err(faults) => output.faults(&faults).map(|()| Some(Exit::Fault)),
    };
    let Some(exit) = served? else {
        let message = "stopped at once: what was under way is due again at the next start";
        output.complain(message, "one signal is enough; it waits for what is under way")?;
        return Ok(Exit::Fault);
    };
    match store.close().await {
        Ok(()) => Ok(exit),
        Err(error) => output.error(&error.into()).map(|()| Exit::Fault),
    }
}

/// Serves until a signal comes. `None` if a second one came before it had stopped.
async fn serve(
    runtime: Runtime,
    listener: TcpListener,
    args: &Serve,
    signals: &mut Signals,
    output: &mut Output<'_>,
) -> io::Result<Option<Exit>> {
    greet(&runtime, listener.local_addr()?, args, output)?;
    let stop = CancellationToken::new();
    let mut serving = std::pin::pin!(Server::new(runtime).serve(listener, stop.clone()));
    tokio::select! {
        () = &mut serving => return Ok(Some(Exit::Fault)),
        signal = signals.next() => signal?,
    }
    stop.cancel();
    if !output.json {
        writeln!(output.out, "Stopping; what is under way may finish. A second signal stops at once.")?;
        output.out.flush()?;
    }
    tokio::select! {
        biased;
        () = &mut serving => Ok(Some(Exit::Success)),
        signal = signals.next() => signal.map(|()| None),
    }
}

/// Says where people can reach what.
fn greet(runtime: &Runtime, address: SocketAddr, args: &Serve, output: &mut Output<'_>) -> io::Result<()> {
    let names: Vec<_> = runtime.front_ends().iter().map(|front_end| front_end.name()).collect();
    let flows = runtime.flows().len();
    let db = args.db.display();
    if output.json {
        let paths: Vec<_> = names.iter().map(|name| format!("/{name}")).collect();
        let listening = format!("http://{address}");
        output.line(&json!({ "listening": listening, "front_ends": paths, "flows": flows, "db": db.to_string() }))?;
        return output.out.flush();
    }
    if names.is_empty() {
        let hint = "give the program one with `App::front_end`, or a crate that has one with `App::with`";
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
    output.out.flush()
}
