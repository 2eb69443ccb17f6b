//! The command line of an [`App`].

mod args;
#[cfg(feature = "sqlite")]
mod audit;
#[cfg(feature = "sqlite")]
mod backup;
mod check;
#[cfg(feature = "sqlite")]
mod demo;
#[cfg(feature = "sqlite")]
mod failure;
#[cfg(feature = "sqlite")]
mod follow;
mod handlers;
#[cfg(feature = "server")]
mod manifest;
mod output;
#[cfg(feature = "sqlite")]
mod run_actions;
#[cfg(feature = "sqlite")]
mod runs;
#[cfg(all(feature = "server", feature = "sqlite"))]
mod serve;
#[cfg(feature = "sqlite")]
mod signal;
mod simulate;
#[cfg(feature = "sqlite")]
mod simulated_store;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::app::{App, Exit};
use crate::config::Config;
#[cfg(feature = "server")]
use crate::runtime::FrontEndType;
use args::{Args, Command, Common, Offer};
use output::Output;

/// Whether the command is one for which handlers that block must not hold up others: then the runtime needs several threads.
#[cfg(all(feature = "server", feature = "sqlite"))]
pub(crate) fn needs_threads(app: &App, args: Vec<OsString>) -> bool {
    Args::parse(&program(&args), &offer(app), args).is_ok_and(|args| matches!(args.command, Some(Command::Serve(_))))
}

/// Without a command that serves, one thread is enough.
#[cfg(not(all(feature = "server", feature = "sqlite")))]
pub(crate) fn needs_threads(_: &App, _: Vec<OsString>) -> bool {
    false
}

/// What this app has beside the commands of all.
fn offer(app: &App) -> Offer {
    #[cfg(feature = "server")]
    let names = |has: fn(&FrontEndType) -> bool| {
        app.front_end_types.iter().filter(|kind| has(kind)).map(|kind| kind.kind().to_owned()).collect()
    };
    Offer {
        demo: !app.demo.is_empty(),
        #[cfg(feature = "server")]
        manifests: names(FrontEndType::has_manifest),
        #[cfg(all(feature = "server", feature = "sqlite"))]
        fakes: names(FrontEndType::has_fake),
    }
}

/// Runs the command that `args` ask for.
pub(crate) async fn run<A>(app: App, args: A, stdout: &mut dyn Write, stderr: &mut dyn Write) -> Exit
where
    A: IntoIterator,
    A::Item: Into<OsString> + Clone,
{
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let program = program(&args);
    let offer = offer(&app);
    let done = match Args::parse(&program, &offer, args) {
        // Of an app that has nothing to show by itself, the help is.
        Ok(args) if args.command.is_none() && app.demo.is_empty() => {
            write!(stderr, "{}", args::help(&program, &offer)).map(|()| Exit::Usage)
        }
        Ok(args) => {
            let mut output = Output::new(stdout, stderr, args.common.json);
            dispatch(app, args, &mut output).await
        }
        Err(error) if error.use_stderr() => write!(stderr, "{error}").map(|()| Exit::Usage),
        Err(help) => write!(stdout, "{help}").map(|()| Exit::Success),
    };
    done.and_then(|exit| stdout.flush().map(|()| exit)).unwrap_or_else(|error| match error.kind() {
        // Whoever read has read enough, as `head` does.
        ErrorKind::BrokenPipe => Exit::Success,
        _ => {
            // There is nobody left to tell if this fails too.
            let _ = writeln!(stderr, "error: the output cannot be written: {error}");
            Exit::Failure
        }
    })
}

async fn dispatch(mut app: App, args: Args, output: &mut Output<'_>) -> io::Result<Exit> {
    let mut common = args.common;
    app.domains.append(&mut common.domains);
    match args.command {
        Some(Command::Check) => check::run(app, common, output),
        Some(Command::Handlers) => handlers::run(app, common, output),
        #[cfg(feature = "server")]
        Some(Command::Manifest(args)) => manifest::run(app, common, args, output),
        Some(Command::Simulate(args)) => simulate::run(app, common, args, output).await,
        #[cfg(all(feature = "server", feature = "sqlite"))]
        Some(Command::Serve(args)) => serve::run(app, common, args, output).await,
        #[cfg(feature = "sqlite")]
        Some(Command::Runs(args)) => runs::run(args, output).await,
        #[cfg(feature = "sqlite")]
        Some(Command::Audit(args)) => audit::run(args, output).await,
        #[cfg(feature = "sqlite")]
        Some(Command::Backup(args)) => backup::run(args, output).await,
        #[cfg(feature = "sqlite")]
        Some(Command::Revoke(args)) => run_actions::revoke(app, common, args, output).await,
        #[cfg(feature = "sqlite")]
        Some(Command::WriteOff(args)) => run_actions::write_off(app, common, args, output).await,
        #[cfg(feature = "sqlite")]
        None if let Some(db) = args.demo.db => {
            demo::run(app, common, demo::DemoStore { db, speed: args.demo.speed }, output).await
        }
        None => simulate::demo(app, common, output).await,
    }
}

/// The configuration, or how the command ends without it.
fn read_config(app: &mut App, common: Common, output: &mut Output<'_>) -> io::Result<Result<Config, Exit>> {
    let Some(read) = std::mem::take(&mut app.config).read(common.config, common.variables) else {
        return check::no_config(output).map(Err);
    };
    match read {
        Ok(read) => {
            if !output.json && app.has_no_domains(&read.config) {
                writeln!(output.err, "warning: {}", check::no_domains())?;
            }
            Ok(Ok(read.config))
        }
        Err(faults) => {
            output.faults(&faults)?;
            Ok(Err(Exit::Failure))
        }
    }
}

/// What the program is called.
fn program(args: &[OsString]) -> String {
    let name = args.first().and_then(|path| Path::new(path).file_stem()).and_then(OsStr::to_str);
    name.unwrap_or("app").to_owned()
}
