//! Commands that call the HTTP API: that of a server, or that in this process on the file of a store.
//!
//! Both ways have the same commands, the same rules and the same JSON, because both are the same calls: a [`Session`](session::Session) has
//! a client, and does not say of what. With a file, the routes of the API are called within the process, on a runtime that executes nothing;
//! what is submitted takes effect when the program next runs. The caller is then the user whom `--as` names, and the machine takes from them
//! only what takes access away, since nobody has authenticated them.
//!
//! `--json` prints what the API has answered; `runs` and `audit search` join its pages.

mod access;
mod ask;
mod audit;
mod decisions;
mod file;
mod flows;
mod import;
mod list;
mod open;
mod operations;
mod people;
mod place;
mod profile_files;
mod profiles;
mod progress;
mod raw_call;
mod request;
mod run_view;
mod runs;
mod session;
mod sign_in;
mod text;
mod times;
mod trusts;
mod wait;
mod watch;

use self::file::Needs;
use self::session::Session;
use super::args::{
    ApiCommand, AuditCommand, BotsCommand, ConnectionArgs, TokensCommand, TrustsCommand, UsersCommand, VerifyArgs,
};
use super::exit::CommandError;
use super::output::{Output, Terminal};
use super::signal::Signals;
use super::{Common, Exit, Program};

/// The surroundings of a command.
#[derive(Debug)]
pub(super) struct Context {
    /// The name of the program, for hints.
    pub(super) program: String,
    pub(super) terminal: Terminal,
}

pub(super) async fn run(
    program: Program,
    common: Common,
    command: ApiCommand,
    context: &Context,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let command = match command {
        ApiCommand::SignIn(args) => return sign_in::sign_in(args, context, output).await,
        ApiCommand::SignOut(args) => return sign_in::sign_out(args, output).await,
        command => command,
    };
    let (connection, needs) = match &command {
        ApiCommand::Profiles(columns) => return profiles::list(columns, output),
        // Files are verified without a store, and a store without a configuration.
        ApiCommand::Audit(AuditCommand::Verify(VerifyArgs { server: None, profile: None, .. })) => {
            let ApiCommand::Audit(AuditCommand::Verify(args)) = command else { return Ok(Exit::Usage) };
            return super::audit::run_verify(args, output).await;
        }
        command => connection(command),
    };
    // From now on, a signal ends the command and leaves no copy of a store behind. A copy that is being written is finished before.
    let signals = if needs == Needs::Copy { Some(Signals::listen()?) } else { None };
    let mut session = Session::open(program, common, &connection, needs, context, output).await?;
    let done = Box::pin(execute(&mut session, command, signals, output)).await;
    let closed = session.close().await;
    let exit = done?;
    closed?;
    Ok(exit)
}

/// Returns the place that a command works on, and what it needs of a file.
fn connection(command: &ApiCommand) -> (ConnectionArgs, Needs) {
    let (args, needs) = match command {
        ApiCommand::Flows(args) => (&args.connection, Needs::Services),
        ApiCommand::Request(args) => (&args.connection, if args.dry_run { Needs::Services } else { Needs::Writer }),
        ApiCommand::Runs(args) => (&args.connection, Needs::Reader),
        ApiCommand::Run(args) => (&args.connection, Needs::Reader),
        ApiCommand::Open(args) => (&args.connection, Needs::Reader),
        ApiCommand::Access(args) => (&args.connection, Needs::Reader),
        ApiCommand::Approve(args) => (&args.connection, Needs::Writer),
        ApiCommand::Deny(args) => (&args.connection, Needs::Writer),
        ApiCommand::GiveBack(args) => (&args.connection, Needs::Writer),
        ApiCommand::Revoke(args) => (&args.connection, Needs::Writer),
        ApiCommand::WriteOff(args) => (&args.connection, Needs::Writer),
        ApiCommand::Users(UsersCommand::List { connection, .. } | UsersCommand::Show { connection, .. }) => {
            (connection, Needs::Reader)
        }
        ApiCommand::Users(UsersCommand::Import { dry_run: true, connection, .. }) => (connection, Needs::Reader),
        ApiCommand::Users(UsersCommand::Role { connection, .. } | UsersCommand::Import { connection, .. }) => {
            (connection, Needs::Writer)
        }
        ApiCommand::Users(
            UsersCommand::Admit { args, .. }
            | UsersCommand::Lock(args)
            | UsersCommand::Unlock(args)
            | UsersCommand::Delete(args)
            | UsersCommand::Restore(args),
        ) => (&args.connection, Needs::Writer),
        ApiCommand::Bots(BotsCommand::List { connection, .. }) => (connection, Needs::Reader),
        ApiCommand::Bots(BotsCommand::Add { connection, .. } | BotsCommand::Delete { connection, .. }) => {
            (connection, Needs::Writer)
        }
        ApiCommand::Tokens(TokensCommand::List { connection, .. }) => (connection, Needs::Reader),
        ApiCommand::Tokens(TokensCommand::Issue { connection, .. } | TokensCommand::Revoke { connection, .. }) => {
            (connection, Needs::Writer)
        }
        ApiCommand::Trusts(TrustsCommand::List { connection, .. } | TrustsCommand::Show { connection, .. }) => {
            (connection, Needs::Reader)
        }
        ApiCommand::Trusts(TrustsCommand::Add { connection, .. } | TrustsCommand::Remove { connection, .. }) => {
            (connection, Needs::Writer)
        }
        ApiCommand::Audit(AuditCommand::Verify(args)) => {
            let VerifyArgs { server, profile, ca_cert, .. } = args;
            let (server, profile, ca_cert) = (server.clone(), profile.clone(), ca_cert.clone());
            let connection = ConnectionArgs { server, profile, ca_cert, ..ConnectionArgs::default() };
            return (connection, Needs::Reader);
        }
        ApiCommand::Audit(
            AuditCommand::Search { connection, .. }
            | AuditCommand::Export { connection, .. }
            | AuditCommand::Anchor { connection, .. }
            | AuditCommand::Tail { connection, .. },
        ) => (connection, Needs::Reader),
        ApiCommand::Operations(connection) | ApiCommand::Whoami(connection) => (connection, Needs::Reader),
        ApiCommand::Reconcile(args) => (&args.connection, Needs::Copy),
        ApiCommand::Api(args) if args.method.eq_ignore_ascii_case("GET") => (&args.connection, Needs::Reader),
        ApiCommand::Api(args) => (&args.connection, Needs::Writer),
        ApiCommand::Profiles(_) | ApiCommand::SignIn(_) | ApiCommand::SignOut(_) => {
            return (ConnectionArgs::default(), Needs::Reader);
        }
    };
    (args.clone(), needs)
}

async fn execute(
    session: &mut Session,
    command: ApiCommand,
    signals: Option<Signals>,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    match command {
        ApiCommand::Flows(args) => flows::run(session, args, output).await,
        ApiCommand::Request(args) => request::run(session, args, output).await,
        ApiCommand::Runs(args) => runs::run(session, args, output).await,
        ApiCommand::Run(args) => run_view::run(session, args, output).await,
        ApiCommand::Open(args) => open::run(session, args, output).await,
        ApiCommand::Access(args) => access::run(session, args, output).await,
        ApiCommand::Approve(args) => decisions::approve(session, args, output).await,
        ApiCommand::Deny(args) => decisions::deny(session, args, output).await,
        ApiCommand::GiveBack(args) => decisions::give_back(session, args, output).await,
        ApiCommand::Revoke(args) => decisions::revoke(session, args, output).await,
        ApiCommand::WriteOff(args) => decisions::write_off(session, args, output).await,
        ApiCommand::Users(command) => people::users(session, command, output).await,
        ApiCommand::Bots(command) => people::bots(session, command, output).await,
        ApiCommand::Tokens(command) => people::tokens(session, command, output).await,
        ApiCommand::Trusts(command) => trusts::run(session, command, output).await,
        ApiCommand::Audit(command) => audit::run(session, command, output).await,
        ApiCommand::Operations(_) => operations::overview(session, output).await,
        ApiCommand::Reconcile(args) => operations::reconcile(session, args, signals, output).await,
        ApiCommand::Whoami(_) => operations::whoami(session, output).await,
        ApiCommand::Api(args) => raw_call::run(session, args, output).await,
        ApiCommand::Profiles(columns) => profiles::list(&columns, output),
        // They need no session.
        ApiCommand::SignIn(_) | ApiCommand::SignOut(_) => Ok(Exit::Usage),
    }
}
