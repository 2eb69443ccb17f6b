//! The command line of a program.
//!
//! [`run`] parses the arguments and executes one command of a [`Program`]. There is a module per command. Each returns its
//! [`Exit`] or a [`CommandError`], and writes to an [`Output`], which knows whether people or programs read it.
//!
//! The contract of every command: results go to standard output, errors and notes to standard error. With `--json` there is one JSON
//! value on standard output instead, errors included (`serve` and the demo print a value per line). Exit codes are those of
//! [`Exit`]. A closed pipe is not an error. `serve` and the demo with `--db` log to standard error, which `RUST_LOG` filters.

#[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
mod api_commands;
mod args;
#[cfg(feature = "sqlite")]
mod audit;
#[cfg(feature = "sqlite")]
mod backup;
mod check;
#[cfg(feature = "sqlite")]
mod demo;
mod exit;
#[cfg(feature = "sqlite")]
mod follow;
mod generate;
mod handlers;
#[cfg(feature = "sqlite")]
mod keys;
#[cfg(feature = "sqlite")]
mod logging;
#[cfg(feature = "server")]
mod manifest;
#[cfg(all(feature = "mcp", feature = "sqlite"))]
mod mcp;
#[cfg(feature = "sqlite")]
mod operator;
mod output;
#[cfg(feature = "sqlite")]
mod parse_time;
mod program;
#[cfg(all(feature = "sqlite", not(all(feature = "api", feature = "remote"))))]
mod reconcile;
#[cfg(feature = "sqlite")]
mod replay;
#[cfg(all(feature = "sqlite", not(all(feature = "api", feature = "remote"))))]
mod run_actions;
#[cfg(all(feature = "sqlite", not(all(feature = "api", feature = "remote"))))]
mod runs;
#[cfg(all(feature = "server", feature = "sqlite"))]
mod serve;
#[cfg(all(feature = "console", feature = "sqlite"))]
mod sign_in;
#[cfg(feature = "sqlite")]
mod signal;
mod simulate;
#[cfg(feature = "sqlite")]
mod simulated_store;
#[cfg(feature = "sqlite")]
mod store_copy;
mod table;
#[cfg(all(feature = "server", feature = "sqlite"))]
mod unavailable;
#[cfg(all(feature = "sqlite", not(all(feature = "api", feature = "remote"))))]
mod users;

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Write};
use std::path::Path;

pub use exit::Exit;
pub(crate) use output::Terminal;
use program::UnknownValues;
pub(crate) use program::{ConfigSource, DemoRequest, Install, Program};

use crate::config::{Config, Terraform};
#[cfg(feature = "server")]
use crate::runtime::FrontEndType;
use args::{Args, Capabilities, Command, Common};
use exit::CommandError;
use output::Output;

/// Reports whether the command needs a multi-threaded runtime. `serve` and `mcp` do: handlers that block must not delay others.
#[cfg(all(feature = "server", feature = "sqlite"))]
pub(crate) fn needs_threads(program: &Program, args: Vec<OsString>) -> bool {
    let parsed = Args::parse(&program_name(&args), &capabilities(program), args);
    parsed.is_ok_and(|args| match args.command {
        Some(Command::Serve(_)) => true,
        #[cfg(feature = "mcp")]
        Some(Command::Mcp(_)) => true,
        _ => false,
    })
}

/// Reports whether the command needs a multi-threaded runtime. Only `serve` does.
#[cfg(not(all(feature = "server", feature = "sqlite")))]
pub(crate) fn needs_threads(_: &Program, _: Vec<OsString>) -> bool {
    false
}

/// Returns which optional commands and flags the program has.
fn capabilities(program: &Program) -> Capabilities {
    #[cfg(feature = "server")]
    let types = |has: fn(&FrontEndType) -> bool| {
        program.front_end_types.iter().filter(|kind| has(kind)).map(|kind| kind.kind().to_owned()).collect()
    };
    Capabilities {
        demo: !program.demo.is_empty(),
        #[cfg(feature = "server")]
        manifests: types(FrontEndType::has_manifest),
        #[cfg(all(feature = "server", feature = "sqlite"))]
        fakes: types(FrontEndType::has_fake),
    }
}

/// Executes the command that `args` name. The first argument is the name of the program.
pub(crate) async fn run<A>(
    program: Program,
    args: A,
    terminal: Terminal,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Exit
where
    A: IntoIterator,
    A::Item: Into<OsString> + Clone,
{
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let name = program_name(&args);
    let capabilities = capabilities(&program);
    let result = match Args::parse(&name, &capabilities, args) {
        Ok(args) if args.command.is_none() && !capabilities.demo => {
            write!(stderr, "{}", args::help(&name, &capabilities)).map(|()| Exit::Usage)
        }
        Ok(args) => {
            let mut output = Output::new(stdout, stderr, args.common.json);
            match execute(program, &name, args, capabilities, terminal, &mut output).await {
                Ok(exit) => Ok(exit),
                Err(error) => error.report(&mut output),
            }
        }
        Err(error) if error.use_stderr() => write!(stderr, "{error}").map(|()| Exit::Usage),
        Err(help) => write!(stdout, "{help}").map(|()| Exit::Success),
    };
    result.and_then(|exit| stdout.flush().map(|()| exit)).unwrap_or_else(|error| match error.kind() {
        // The reader has closed the pipe, as `head` does.
        ErrorKind::BrokenPipe => Exit::Success,
        _ => {
            // If this fails too, there is nowhere left to report it.
            let _ = writeln!(stderr, "error: cannot write the output: {error}");
            Exit::Failure
        }
    })
}

// Each future is on the heap: they are large, in debug builds above all, and the caller's stack may be that of a thread with 2 MiB.
#[cfg_attr(
    not(all(feature = "api", feature = "remote", feature = "sqlite")),
    expect(unused_variables, reason = "only the commands that call the API depend on the terminal")
)]
async fn execute(
    mut program: Program,
    name: &str,
    args: Args,
    capabilities: Capabilities,
    terminal: Terminal,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let mut common = args.common;
    program.domains.append(&mut common.domains);
    match args.command {
        Some(Command::Check(args)) => Box::pin(check::run(program, common, args, output)).await,
        Some(Command::Handlers) => handlers::run(program, common, output),
        Some(Command::Generate(command)) => generate::run(program, common, command, name, output),
        #[cfg(feature = "server")]
        Some(Command::Manifest(args)) => manifest::run(program, common, args, output),
        Some(Command::Simulate(args)) => Box::pin(simulate::run(program, common, args, output)).await,
        #[cfg(all(feature = "server", feature = "sqlite"))]
        Some(Command::Serve(args)) => Box::pin(serve::run(program, common, *args, output)).await,
        #[cfg(all(feature = "mcp", feature = "sqlite"))]
        Some(Command::Mcp(args)) => Box::pin(mcp::run(program, common, args, output)).await,
        #[cfg(feature = "sqlite")]
        Some(Command::Replay(args)) => Box::pin(replay::run(program, common, args, output)).await,
        #[cfg(feature = "sqlite")]
        Some(Command::Backup(args)) => Box::pin(backup::run(args, output)).await,
        #[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
        Some(Command::Api(command)) => {
            let context = api_commands::Context { program: name.to_owned(), terminal };
            Box::pin(api_commands::run(program, common, command, &context, output)).await
        }
        #[cfg(all(feature = "sqlite", not(all(feature = "api", feature = "remote"))))]
        Some(Command::Store(command)) => Box::pin(run_on_store(program, common, command, output)).await,
        Some(Command::Completions { shell }) => {
            let mut command = args::command(name, &capabilities);
            clap_complete::generate(shell, &mut command, name, &mut output.out);
            Ok(Exit::Success)
        }
        #[cfg(feature = "sqlite")]
        None if let Some(db) = args.demo.db => {
            logging::install(args.demo.log.log_format)?;
            Box::pin(demo::run(program, common, demo::DemoStore { db, speed: args.demo.speed }, output)).await
        }
        None => Box::pin(simulate::run_demo(program, common, output)).await,
    }
}

#[cfg(all(feature = "sqlite", not(all(feature = "api", feature = "remote"))))]
async fn run_on_store(
    program: Program,
    common: Common,
    command: args::StoreCommand,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    use args::StoreCommand;

    match command {
        StoreCommand::Runs(args) => runs::run(args, output).await,
        StoreCommand::Audit(args) => audit::run(args, output).await,
        StoreCommand::Reconcile(args) => reconcile::run(program, common, args, output).await,
        StoreCommand::Revoke(args) => run_actions::revoke(program, common, args, output).await,
        StoreCommand::WriteOff(args) => run_actions::write_off(program, common, args, output).await,
        StoreCommand::Users(command) => users::run(program, common, command, output).await,
    }
}

/// Reads the configuration for a command that cannot do without.
fn read_config(program: &mut Program, common: Common, output: &mut Output<'_>) -> Result<Config, CommandError> {
    read_with_warnings(program, common, output).map(|read| read.config)
}

/// Reads the same configuration together with the warnings about its files.
fn read_with_warnings(
    program: &mut Program,
    common: Common,
    output: &mut Output<'_>,
) -> Result<Terraform, CommandError> {
    read(program, common, UnknownValues::Unset, output)
}

/// Reads the configuration for a simulation, where placeholders stand for unknown values. Names them.
fn read_for_simulation(program: &mut Program, common: Common, output: &mut Output<'_>) -> Result<Config, CommandError> {
    let read = read(program, common, UnknownValues::Replaced, output)?;
    output.config_warnings(&read.placeholders)?;
    Ok(read.config)
}

fn read(
    program: &mut Program,
    common: Common,
    unknown: UnknownValues,
    output: &mut Output<'_>,
) -> Result<Terraform, CommandError> {
    let read = program.read_config(common.terraform, unknown).ok_or_else(no_config)??;
    if program.has_no_domains(&read.config) {
        output.config_warnings(&[check::no_domains()])?;
    }
    Ok(read)
}

fn no_config() -> CommandError {
    CommandError::Usage {
        message: "no configuration".to_owned(),
        help: "pass a directory of Terraform files with `--config DIR`, or set a default with `App::config_dir`",
    }
}

/// Returns the program's name for use in help texts.
fn program_name(args: &[OsString]) -> String {
    let name = args.first().and_then(|path| Path::new(path).file_stem()).and_then(OsStr::to_str);
    name.unwrap_or("app").to_owned()
}
