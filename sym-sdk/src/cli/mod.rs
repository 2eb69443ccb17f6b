//! The command line of an [`App`].

mod args;
mod check;
mod handlers;
mod output;
mod simulate;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::app::{App, Exit};
use args::{Args, Command, Common};
use output::Output;

/// Runs the command that `args` ask for.
pub(crate) async fn run<A>(app: App, args: A, stdout: &mut dyn Write, stderr: &mut dyn Write) -> Exit
where
    A: IntoIterator,
    A::Item: Into<OsString> + Clone,
{
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let program = program(&args);
    let done = match Args::parse(&program, !app.demo.is_empty(), args) {
        // Of an app that has nothing to show by itself, the help is.
        Ok(args) if args.command.is_none() && app.demo.is_empty() => {
            write!(stderr, "{}", args::help(&program)).map(|()| Exit::Usage)
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
            Exit::Fault
        }
    })
}

async fn dispatch(app: App, args: Args, output: &mut Output<'_>) -> io::Result<Exit> {
    let Args { common, command } = args;
    match command {
        Some(Command::Check) => check::run(app, common, output),
        Some(Command::Handlers) => handlers::run(app, common, output),
        Some(Command::Simulate(args)) => simulate::run(app, common, args, output).await,
        None => simulate::demo(app, common, output).await,
    }
}

/// What the program is called.
fn program(args: &[OsString]) -> String {
    let name = args.first().and_then(|path| Path::new(path).file_stem()).and_then(OsStr::to_str);
    name.unwrap_or("app").to_owned()
}
