//! The commands `revoke` and `write-off`: actions on a Run while the program is not running.

use std::path::PathBuf;
use std::sync::Arc;

use super::args::{RunArgs, WriteOffArgs};
use super::exit::CommandError;
use super::operator;
use super::output::Output;
use super::{Common, Exit, Program};
use crate::config::Config;
use crate::engine::SqliteStore;
use crate::error::{Error, ErrorKind, codes};
use crate::runtime::{Receipt, Submission};

pub(super) async fn revoke(
    program: Program,
    common: Common,
    args: RunArgs,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let submission = Submission::revoke(args.run, args.actor.as_str()).channel(operator::channel());
    let done = "access will be revoked when the program next runs";
    run(program, common, args.database.db, submission.into(), done, output).await
}

pub(super) async fn write_off(
    program: Program,
    common: Common,
    args: WriteOffArgs,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let WriteOffArgs { run: args, reason } = args;
    let submission = Submission::write_off(args.run, args.actor.as_str(), reason).channel(operator::channel());
    run(program, common, args.database.db, submission.into(), "revocation written off", output).await
}

async fn run(
    mut program: Program,
    common: Common,
    db: PathBuf,
    submission: Submission,
    done: &str,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let config = super::read_config(&mut program, common, output)?;
    // Opening a store creates it, and a new one has no Runs to act on.
    if !db.exists() {
        let error = Error::new(ErrorKind::NotFound, codes::STORE, format!("store `{}` does not exist", db.display()));
        return Err(error.with_hint("check the path given with `--db`").into());
    }
    let store = Arc::new(SqliteStore::open(db).await?);
    let submitted = submit(program, config, &store, submission).await;
    store.close().await?;
    let receipt = submitted?;
    if output.json {
        output.value(&receipt)?;
    } else {
        writeln!(output.out, "Run {}: {done}", receipt.run)?;
    }
    Ok(Exit::Success)
}

/// Records the submission without executing any effects, so nothing real is needed. A fault of the configuration must not keep an
/// operator from ending access.
async fn submit(
    mut program: Program,
    config: Config,
    store: &Arc<SqliteStore>,
    submission: Submission,
) -> Result<Receipt, CommandError> {
    let builder = program.simulated_builder(config);
    let runtime = program.install_fakes(builder).sqlite(store.clone()).build_degraded().await?;
    Ok(runtime.submit(submission).await?)
}
