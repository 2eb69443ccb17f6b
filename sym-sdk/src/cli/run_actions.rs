//! `revoke` and `write-off`: what people do about access while the program is not running.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::Common;
use super::args::{Act, WriteOff};
use super::failure::Failure;
use super::output::Output;
use super::simulate::stand_ins;
use crate::app::{App, Exit};
use crate::config::Config;
use crate::engine::SqliteStore;
use crate::error::{Error, ErrorKind, codes};
use crate::runtime::{Receipt, Submission};

pub(super) async fn revoke(app: App, common: Common, args: Act, output: &mut Output<'_>) -> io::Result<Exit> {
    let submission = Submission::revoke(args.run, args.actor.as_str());
    let done = "the access is taken away when the program runs again";
    submit(app, common, args.database.db, submission, done, output).await
}

pub(super) async fn write_off(app: App, common: Common, args: WriteOff, output: &mut Output<'_>) -> io::Result<Exit> {
    let WriteOff { act, reason } = args;
    let submission = Submission::write_off(act.run, act.actor.as_str(), reason);
    submit(app, common, act.database.db, submission, "the revocation is written off", output).await
}

async fn submit(
    mut app: App,
    common: Common,
    db: PathBuf,
    submission: Submission,
    done: &str,
    output: &mut Output<'_>,
) -> io::Result<Exit> {
    let config = match super::read_config(&mut app, common, output)? {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    match try_submit(app, config, db, submission).await {
        Ok(receipt) if output.json => output.value(&receipt)?,
        Ok(receipt) => writeln!(output.out, "Run {}: {done}", receipt.run)?,
        Err(failure) => return failure.write(output),
    }
    Ok(Exit::Success)
}

async fn try_submit(app: App, config: Config, db: PathBuf, submission: Submission) -> Result<Receipt, Failure> {
    // Nobody acts on a Run of a store that is only now made.
    if !db.exists() {
        let message = format!("there is no store at `{}`", db.display());
        return Err(Failure::Refused(Error::new(ErrorKind::NotFound, codes::STORE, message)));
    }
    let store = Arc::new(SqliteStore::open(db).await?);
    // Nothing is carried out here, so nothing real is needed.
    let (builder, _) = stand_ins(app, config);
    let receipt = match builder.simulated().sqlite(store.clone()).build().await {
        Ok(runtime) => runtime.submit(submission).await.map_err(Failure::Refused),
        Err(faults) => Err(Failure::Faults(faults)),
    };
    store.close().await?;
    receipt
}
