//! The command `reconcile`: compares the access that Runs give with what its targets list, and changes nothing.
//!
//! A store has one writer, which may be running. So the command works on a copy of the store, which it removes.

use std::io;
use std::sync::Arc;

use super::args::Database;
use super::exit::CommandError;
use super::output::{Output, count};
use super::signal::Signals;
use super::store_copy::StoreCopy;
use super::table::write_table;
use super::{Common, Exit, Program};
use crate::config::Config;
use crate::engine::{SqliteOptions, SqliteStore};
use crate::runtime::{ExtraAccess, MissingAccess, Reconcile, Reconciliation, UnknownAccess};

pub(super) async fn run(
    mut program: Program,
    common: Common,
    args: Database,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let config = super::read_config(&mut program, common, output)?;
    // From now on, a signal ends the comparison and leaves no copy behind. A copy that is being written is finished before.
    let mut signals = Signals::listen()?;
    let copy = StoreCopy::of(args.db, "reconcile").await?;
    // The copy needs no space for revocations: none is made.
    let options = SqliteOptions::default().with_reserve_bytes(0);
    let store = Arc::new(SqliteStore::open_with(copy.path(), options).await?);
    let done = tokio::select! {
        biased;
        signal = signals.recv() => signal.map(|()| None).map_err(CommandError::from),
        done = reconcile(program, config, &store) => done.map(Some),
    };
    store.close().await?;
    let Some(done) = done? else {
        output.error_without_code("interrupted before the comparison was complete", "run the command again")?;
        return Ok(Exit::Failure);
    };
    if output.json {
        output.value(&done)?;
    } else {
        write(&done, output)?;
    }
    let agrees = done.extra.is_empty() && done.missing.is_empty();
    Ok(if agrees { Exit::Success } else { Exit::Failure })
}

async fn reconcile(
    mut program: Program,
    config: Config,
    store: &Arc<SqliteStore>,
) -> Result<Reconciliation, CommandError> {
    let runtime = program.builder(config).sqlite(store.clone()).build().await?;
    Ok(runtime.reconcile(Reconcile::new()).await?)
}

fn write(done: &Reconciliation, output: &mut Output<'_>) -> io::Result<()> {
    let head = ["FLOW", "TARGET", "IDENTITY", "USER", "STATUS"];
    let mut rows = Vec::new();
    for one in &done.targets {
        let status = format!("compared, {} listed", one.identities);
        rows.push([one.flow.clone(), one.target.title(), none(), none(), status]);
    }
    rows.extend(done.extra.iter().map(extra));
    rows.extend(done.missing.iter().map(missing));
    rows.extend(done.unknown.iter().map(unknown));
    if !rows.is_empty() {
        write_table(output.out, head, rows, None)?;
        writeln!(output.out)?;
    }
    let (compared, unseen) = (count(done.compared, "target"), count(done.unknown.len(), "target"));
    let (extra, missing) = (done.extra.len(), done.missing.len());
    writeln!(output.out, "{compared} compared: {extra} without a Run, {missing} missing; {unseen} not seen")
}

fn none() -> String {
    "-".to_owned()
}

fn extra(one: &ExtraAccess) -> [String; 5] {
    let user = one.user.as_ref().map_or_else(none, |user| user.username().to_owned());
    let status = "listed, and no Run gives it".to_owned();
    [one.flow.clone(), one.target.title(), one.identity.clone(), user, status]
}

fn missing(one: &MissingAccess) -> [String; 5] {
    let status = format!("not listed, and Run {} gives it", one.run);
    [one.flow.clone(), one.target.title(), one.identity.clone(), none(), status]
}

fn unknown(one: &UnknownAccess) -> [String; 5] {
    let reason = one.error.as_ref().map_or("its strategy cannot list access", |error| &error.message);
    [one.flow.clone(), one.target.title(), none(), none(), format!("not seen: {reason}")]
}
