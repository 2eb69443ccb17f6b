//! The commands `audit export` and `audit verify`: read the audit log of a store, or the files of a log destination.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;

use serde_json::json;

use super::Exit;
use super::args::{AuditCommand, VerifyArgs};
use super::exit::CommandError;
use super::output::Output;
use crate::audit::{Verified, Verifier, VerifyError, lines};
use crate::engine::SqliteStore;
use crate::error::{Error, ErrorKind, Result, codes};

/// The number of entries that are read at once.
const PAGE_SIZE: usize = 256;

pub(super) async fn run(args: AuditCommand, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    match args {
        AuditCommand::Export { database, after } => export(database.db, after, output).await?,
        AuditCommand::Verify(args) => report(verify(args).await?, output)?,
    }
    Ok(Exit::Success)
}

async fn export(db: PathBuf, mut after: u64, output: &mut Output<'_>) -> Result<(), CommandError> {
    let store = SqliteStore::open_read_only(db).await?;
    loop {
        let lines = lines(&store, after, PAGE_SIZE).await?;
        let Some(last) = lines.last() else { return Ok(()) };
        after = last.seq();
        for line in &lines {
            writeln!(output.out, "{}", line.as_str())?;
        }
    }
}

async fn verify(args: VerifyArgs) -> Result<Verified> {
    let mut verifier = Verifier::new();
    if args.allow_partial {
        verifier = verifier.allow_partial();
    }
    if args.allow_gaps {
        verifier = verifier.allow_gaps();
    }
    if let Some(head) = args.expect_head {
        verifier = verifier.expect_head(head);
    }
    if let Some(db) = args.db {
        let store = SqliteStore::open_read_only(db).await?;
        let read = verifier.read_log(&store).await;
        store.close().await?;
        read?;
    }
    for path in args.files {
        let name = path.display().to_string();
        let file = File::open(&path).map_err(|error| unreadable(&name, error))?;
        verifier.read(&name, BufReader::new(file)).map_err(|error| match error {
            VerifyError::Read(error) => unreadable(&name, error),
            error => error.into(),
        })?;
    }
    Ok(verifier.finish().map_err(VerifyError::from)?)
}

fn unreadable(name: &str, error: io::Error) -> Error {
    let message = format!("cannot read `{name}`: {error}");
    Error::new(ErrorKind::InvalidInput, codes::AUDIT_LOG, message).with_source(error)
}

fn report(verified: Verified, output: &mut Output<'_>) -> io::Result<()> {
    if !output.json {
        return writeln!(output.out, "{verified}");
    }
    let Verified { records, duplicates, first, head, .. } = verified;
    let head = json!({ "seq": head.seq, "hash": head.hash.to_string() });
    output.value(&json!({ "records": records, "duplicates": duplicates, "first": first, "head": head }))
}
