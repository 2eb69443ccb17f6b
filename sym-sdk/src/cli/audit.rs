//! `audit`: the audit log of a store, or what destinations have of it.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;

use serde_json::json;

use super::args::{Audit, Verify};
use super::output::Output;
use crate::app::Exit;
use crate::audit::{Verified, Verifier, VerifyError, lines};
use crate::engine::SqliteStore;
use crate::error::{Error, ErrorKind, Result, codes};

/// So many entries are read at once.
const PAGE: usize = 256;

pub(super) async fn run(args: Audit, output: &mut Output<'_>) -> io::Result<Exit> {
    match args {
        Audit::Export { database, after } => export(database.db, after, output).await,
        Audit::Verify(args) => {
            let verified = verified(args).await;
            report(verified, output)
        }
    }
}

async fn export(db: PathBuf, mut after: u64, output: &mut Output<'_>) -> io::Result<Exit> {
    let store = match SqliteStore::open_read_only(db).await {
        Ok(store) => store,
        Err(error) => return output.error(&error.into()).map(|()| Exit::Failure),
    };
    loop {
        let lines = match lines(&store, after, PAGE).await {
            Ok(lines) => lines,
            Err(error) => return output.error(&error).map(|()| Exit::Failure),
        };
        let Some(last) = lines.last() else { return Ok(Exit::Success) };
        after = last.seq();
        for line in &lines {
            writeln!(output.out, "{}", line.as_str())?;
        }
    }
}

async fn verified(args: Verify) -> Result<Verified> {
    let mut verifier = Verifier::new();
    if args.from_anywhere {
        verifier = verifier.allow_partial();
    }
    if args.with_gaps {
        verifier = verifier.allow_gaps();
    }
    if let Some(known) = args.known {
        verifier = verifier.expect_head(known);
    }
    if let Some(db) = args.db {
        let store = SqliteStore::open_read_only(db).await?;
        let read = verifier.read_log(&store).await;
        store.close().await?;
        read?;
    }
    for path in args.files {
        let name = path.display().to_string();
        let file = File::open(&path).map_err(|error| unread(&name, error))?;
        verifier.read(&name, BufReader::new(file)).map_err(|error| match error {
            VerifyError::Read(error) => unread(&name, error),
            error => error.into(),
        })?;
    }
    Ok(verifier.finish().map_err(VerifyError::from)?)
}

fn unread(name: &str, error: io::Error) -> Error {
    let message = format!("`{name}` cannot be read: {error}");
    Error::new(ErrorKind::InvalidInput, codes::AUDIT_LOG, message).with_source(error)
}

fn report(verified: Result<Verified>, output: &mut Output<'_>) -> io::Result<Exit> {
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => return output.error(&error).map(|()| Exit::Failure),
    };
    if output.json {
        let Verified { records, duplicates, first, head, .. } = verified;
        let head = json!({ "seq": head.seq, "hash": head.hash.to_string() });
        output.value(&json!({ "records": records, "duplicates": duplicates, "first": first, "head": head }))?;
    } else {
        writeln!(output.out, "{verified}")?;
    }
    Ok(Exit::Success)
}
