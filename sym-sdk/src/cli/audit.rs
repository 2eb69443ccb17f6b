//! The commands `audit export`, `audit anchor` and `audit verify`: read the audit log of a store, or the files of a log destination.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Exit;
#[cfg(not(all(feature = "api", feature = "remote")))]
use super::args::AuditCommand;
use super::args::{KeyArgs, VerifyArgs};
use super::exit::CommandError;
use super::keys;
use super::output::Output;
use crate::audit::{AuditAnchor, AuditHead, AuditKey, RecordedAnchors, Verified, Verifier, VerifyError};
#[cfg(not(all(feature = "api", feature = "remote")))]
use crate::audit::{AuditLog, lines};
use crate::clock::{Clock, SystemClock};
use crate::engine::SqliteStore;
use crate::error::{Error, ErrorKind, Result, codes};

/// The number of entries that are read at once.
#[cfg(not(all(feature = "api", feature = "remote")))]
const PAGE_SIZE: usize = 256;

#[cfg(not(all(feature = "api", feature = "remote")))]
pub(super) async fn run(args: AuditCommand, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    match args {
        AuditCommand::Export { database, after } => export(database.db, after, output).await?,
        AuditCommand::Anchor { database, keys } => {
            let keys = read_keys(&keys)?;
            let store = SqliteStore::open_read_only(database.db).await?;
            let head = store.head().await;
            store.close().await?;
            anchor(head?, &keys, output)?;
        }
        AuditCommand::Verify(args) => return run_verify(args, output).await,
    }
    Ok(Exit::Success)
}

/// Verifies the log of a store, or the files of a log destination.
pub(super) async fn run_verify(args: VerifyArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let (verified, anchor_file) = verify(args).await?;
    report(verified, anchor_file.as_deref(), output)?;
    Ok(Exit::Success)
}

#[cfg(not(all(feature = "api", feature = "remote")))]
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

/// Prints the head of the log as an anchor, authenticated with the first key.
pub(super) fn anchor(head: AuditHead, keys: &[AuditKey], output: &mut Output<'_>) -> io::Result<()> {
    let anchor = AuditAnchor::new(head, SystemClock.now(), keys.first());
    writeln!(output.out, "{}", anchor.to_line())?;
    if keys.is_empty() && !output.json {
        writeln!(
            output.err,
            "note: without a key, the anchor proves nothing to those who cannot trust where it was kept"
        )?;
    }
    Ok(())
}

/// Returns what was verified, and the file to which the store says that anchors were written.
async fn verify(args: VerifyArgs) -> Result<(Verified, Option<String>)> {
    let mut verifier = verifier(&args)?;
    let mut latest = None;
    let store = match args.db {
        Some(db) => {
            let store = SqliteStore::open_read_only(db).await?;
            // Read before the anchors: a running program writes an anchor before it records that it has.
            latest = store.recorded_anchors().await?.into_iter().max_by_key(|recorded| recorded.last);
            Some(store)
        }
        None => None,
    };
    read_anchors(&mut verifier, &args.anchors)?;
    if let Some(recorded) = &latest {
        check_anchors(recorded, &verifier, args.anchors.is_empty())?;
    }
    if let Some(store) = store {
        let read = verifier.read_log(&store).await;
        store.close().await?;
        read?;
    }
    for path in &args.files {
        read(path, |name, file| verifier.read(name, file))?;
    }
    let verified = verifier.finish().map_err(VerifyError::from)?;
    Ok((verified, latest.map(|recorded| recorded.path)))
}

/// Returns a verifier as the arguments ask for, without anchors.
pub(super) fn verifier(args: &VerifyArgs) -> Result<Verifier> {
    let mut verifier = Verifier::new();
    if args.allow_partial {
        verifier = verifier.allow_partial();
    }
    if args.allow_gaps {
        verifier = verifier.allow_gaps();
    }
    if args.allow_reformatted {
        verifier = verifier.allow_reformatted();
    }
    if let Some(head) = args.expect_head {
        verifier = verifier.expect_head(head);
    }
    for key in read_keys(&args.keys)? {
        verifier = verifier.with_key(key);
    }
    Ok(verifier)
}

/// Has the verifier expect the anchors in these files.
pub(super) fn read_anchors(verifier: &mut Verifier, paths: &[PathBuf]) -> Result<()> {
    paths.iter().try_for_each(|path| read(path, |name, file| verifier.read_anchors(name, file)))
}

/// Checks that the anchors which the store says were written are there: those that were given, or else the file itself.
fn check_anchors(recorded: &RecordedAnchors, verifier: &Verifier, none_given: bool) -> Result<()> {
    if none_given && Path::new(&recorded.path).exists() {
        return Ok(());
    }
    let (first, last) = verifier.anchor_range().unzip();
    let Some(message) = recorded.missing_from(first, last) else { return Ok(()) };
    let hint = if none_given {
        "give the file, or a copy of it, with `--anchor`; if it was removed, compare the log with the lines at the destinations"
    } else {
        "give all files of anchors with `--anchor`; if one was removed, compare the log with the lines at the destinations"
    };
    Err(Error::new(ErrorKind::Conflict, codes::AUDIT_LOG, message).with_hint(hint))
}

pub(super) fn read_keys(args: &KeyArgs) -> Result<Vec<AuditKey>> {
    let secrets = keys::read("the key of the audit log", &args.key_files, args.key_env.as_deref())?;
    secrets.iter().map(AuditKey::new).collect()
}

fn read(path: &Path, check: impl FnOnce(&str, BufReader<File>) -> Result<(), VerifyError>) -> Result<()> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    check(&path.display().to_string(), BufReader::new(file)).map_err(|error| match error {
        VerifyError::Read(error) => unreadable(path, error),
        error => error.into(),
    })
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    let message = format!("cannot read `{}`: {error}", path.display());
    Error::new(ErrorKind::InvalidInput, codes::AUDIT_LOG, message).with_source(error)
}

pub(super) fn report(verified: Verified, anchor_file: Option<&str>, output: &mut Output<'_>) -> io::Result<()> {
    if !output.json {
        writeln!(output.out, "{verified}")?;
        for note in notes(&verified, anchor_file) {
            writeln!(output.err, "note: {note}")?;
        }
        return Ok(());
    }
    let Verified { records, duplicates, first, head, legacy, anchors, anchored, is_authenticated, .. } = verified;
    let head_json = |head: AuditHead| json!({ "seq": head.seq, "hash": head.hash.to_string() });
    output.value(&json!({
        "records": records,
        "duplicates": duplicates,
        "first": first,
        "head": head_json(head),
        "legacy": legacy,
        "anchors": anchors,
        "anchored": anchored.map(head_json),
        "authenticated": is_authenticated,
    }))
}

/// Returns what the verification does not show.
fn notes(verified: &Verified, anchor_file: Option<&str>) -> Vec<String> {
    let mut notes = Vec::new();
    let Verified { head, legacy, anchors, anchored, is_authenticated, .. } = verified;
    if *legacy > 0 {
        notes.push(format!(
            "{legacy} entries were written by an earlier version; of their lines, only the member `audit` is verified"
        ));
    }
    let count = |number: u64, noun| super::output::count(usize::try_from(number).unwrap_or(usize::MAX), noun);
    match anchored {
        None => {
            let remedy = anchor_file.map_or_else(String::new, |file| format!("; anchors of it are in `{file}`"));
            notes.push(format!(
                "no anchor was given, so only accidental damage is detected: whoever can write to the log can rewrite it{remedy}"
            ));
        }
        Some(_) if !is_authenticated => notes.push(
            "the anchors are not authenticated, so they prove nothing if they were where the log is: give their key"
                .to_owned(),
        ),
        Some(last) => {
            let seq = last.seq;
            notes.push(if seq == head.seq {
                format!("authenticated by {}", count(*anchors, "anchor"))
            } else {
                format!(
                    "entries up to {seq} are authenticated by {}; of later ones, only accidental damage is detected",
                    count(*anchors, "anchor")
                )
            });
        }
    }
    notes
}
