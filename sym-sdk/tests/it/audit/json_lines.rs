//! Files of audit lines: complete lines, across rotations and crashes.

use std::fs;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use sym_sdk::audit::{self, AuditDestination, AuditLine, ChainErrorKind, JsonLines, Verified, Verifier, VerifyError};
use sym_sdk::engine::MemoryStore;
use sym_sdk::error::ErrorKind;

use super::fill;

/// Returns the lines of a log of `runs` Runs.
async fn lines(runs: u128) -> Vec<AuditLine> {
    let store = MemoryStore::new();
    fill(&store, runs).await;
    audit::lines(&store, 0, usize::MAX).await.unwrap()
}

/// Delivers all lines in batches.
async fn deliver(file: &JsonLines, lines: &[AuditLine]) {
    for batch in lines.chunks(7) {
        assert_eq!(file.deliver(batch).await.unwrap(), batch.len());
    }
}

fn text(lines: &[AuditLine]) -> String {
    lines.iter().map(|line| format!("{}\n", line.as_str())).collect()
}

fn verify(verifier: Verifier, files: &[PathBuf]) -> Result<Verified, VerifyError> {
    let mut verifier = verifier;
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy();
        verifier.read(&name, BufReader::new(fs::File::open(file)?))?;
    }
    Ok(verifier.finish()?)
}

fn names(files: &[PathBuf]) -> Vec<String> {
    files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn appends_to_an_existing_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let lines = lines(20).await;
    deliver(&JsonLines::file(&path), &lines[..10]).await;
    deliver(&JsonLines::file(&path), &lines[10..]).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), text(&lines));
    assert_eq!(audit::verify_lines(fs::File::open(&path).unwrap()).unwrap().records, lines.len() as u64);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "it contains personal data");
    }
}

#[tokio::test]
async fn verifies_a_rotated_log_across_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let lines = lines(30).await;
    let bytes = text(&lines[..4]).len() as u64 + 20;
    let file = JsonLines::file(&path).rotated(bytes, 100);
    deliver(&file, &lines[..20]).await;
    // A new destination, as after a restart.
    drop(file);
    deliver(&JsonLines::file(&path).rotated(bytes, 100), &lines[20..]).await;

    let files = JsonLines::files(&path).unwrap();
    assert!(files.len() >= lines.len() / 5, "{files:?}");
    assert!(files.iter().all(|file| file.metadata().unwrap().len() <= bytes));
    // A file is closed only when the next line does not fit into it any more.
    for pair in files.windows(2) {
        let next = fs::read_to_string(&pair[1]).unwrap();
        let next = next.lines().next().unwrap().len() as u64;
        assert!(pair[0].metadata().unwrap().len() + next >= bytes);
    }
    let verified = verify(Verifier::new(), &files).unwrap();
    assert_eq!((verified.records, verified.head), (lines.len() as u64, lines.last().unwrap().record().head()));

    // A missing or misplaced file is detected.
    let without: Vec<_> = [&files[..2], &files[3..]].concat();
    assert!(matches!(verify(Verifier::new(), &without), Err(VerifyError::Chain(_))));
    let mut swapped = files.clone();
    swapped.swap(1, 2);
    let error = verify(Verifier::new(), &swapped).unwrap_err().to_string();
    assert!(error.contains(&format!("({}:1)", names(&swapped)[1])), "{error}");
}

#[tokio::test]
async fn keeps_at_most_the_configured_number_of_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let lines = lines(30).await;
    // Each line gets a file of its own: a line is written even if it exceeds the maximum size.
    let file = JsonLines::file(&path).rotated(10, 3);
    deliver(&file, &lines).await;
    fs::write(dir.path().join("audit.jsonl.gz"), "").unwrap();
    fs::write(dir.path().join("audit.jsonl.007"), "").unwrap();
    fs::write(dir.path().join("other.jsonl.9"), "").unwrap();
    let files = JsonLines::files(&path).unwrap();
    assert_eq!(names(&files), ["audit.jsonl.3", "audit.jsonl.2", "audit.jsonl.1", "audit.jsonl"]);
    let verified = verify(Verifier::new().allow_partial(), &files).unwrap();
    assert_eq!((verified.records, verified.first), (4, Some(lines.len() as u64 - 3)));
    assert!(verify(Verifier::new(), &files).is_err());

    // A crash between two renames leaves a gap, which the next rotation closes.
    fs::remove_file(&files[1]).unwrap();
    deliver(&file, &lines[..1]).await;
    assert_eq!(names(&JsonLines::files(&path).unwrap()).len(), 4);
}

#[tokio::test]
async fn removes_an_incomplete_last_line_and_writes_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let lines = lines(20).await;
    for torn in [lines[10].as_str().get(..40).unwrap(), lines[10].as_str(), "{", "\0\0\0"] {
        fs::write(&path, format!("{}{torn}", text(&lines[..10]))).unwrap();
        // A reader sees the incomplete line until the file is reopened, unless only the line break is missing.
        let looked = audit::verify_lines(fs::File::open(&path).unwrap());
        if torn == lines[10].as_str() {
            looked.unwrap();
        } else {
            let broken = looked.unwrap_err();
            assert!(
                matches!(&broken, VerifyError::Chain(broken) if broken.kind == ChainErrorKind::Truncated),
                "{broken}"
            );
            assert_eq!(broken.to_string(), "an audit entry (line 11) is truncated at the end of the file");
        }
        deliver(&JsonLines::file(&path), &lines[10..]).await;
        assert_eq!(fs::read_to_string(&path).unwrap(), text(&lines));
    }
    // A file without a complete line, and one with a long incomplete line.
    for torn in ["{".to_owned(), "x".repeat(200_000)] {
        fs::write(&path, torn).unwrap();
        deliver(&JsonLines::file(&path), &lines).await;
        assert_eq!(fs::read_to_string(&path).unwrap(), text(&lines));
    }
}

#[tokio::test]
async fn creates_a_new_file_if_the_old_one_was_moved() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("audit.jsonl"), dir.path().join("moved"));
    let lines = lines(20).await;
    let file = JsonLines::file(&path);
    deliver(&file, &lines[..5]).await;
    fs::rename(&path, &moved).unwrap();
    deliver(&file, &lines[5..10]).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), text(&lines[5..10]));
    // And one to which another process has written an incomplete line.
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"half").unwrap();
    deliver(&file, &lines[10..]).await;
    assert!(verify(Verifier::new(), &[moved, path]).is_ok());
}

#[tokio::test]
async fn reports_an_unwritable_file_and_writes_it_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs").join("audit.jsonl");
    let lines = lines(3).await;
    let file = JsonLines::file(&path);
    let error = file.deliver(&lines).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Configuration, false));
    assert_eq!(error.hint(), Some("its directory must exist and be writable by this process"));
    assert!(error.message().contains(path.to_str().unwrap()));
    fs::create_dir(dir.path().join("logs")).unwrap();
    deliver(&file, &lines).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), text(&lines));
}

#[tokio::test]
async fn names_the_location_of_a_changed_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let lines = lines(20).await;
    let tell = |text: String| {
        fs::write(&path, text).unwrap();
        verify(Verifier::new(), std::slice::from_ref(&path)).unwrap_err().to_string()
    };
    let with = |index: usize, line: String| {
        let mut all: Vec<_> = lines.iter().map(|line| line.as_str().to_owned()).collect();
        all[index] = line;
        all.join("\n") + "\n"
    };
    let changed = lines[6].record().text().replace("acme", "evil");
    let changed = lines[6].as_str().replace(lines[6].record().text(), &changed);
    let error = tell(with(6, changed));
    assert!(error.starts_with("audit entry 7 (audit.jsonl:7) was changed: its hash is "), "{error}");
    let error = tell(with(6, "not JSON".to_owned()));
    assert!(error.starts_with("an audit entry (audit.jsonl:7) cannot be read: "), "{error}");
    let error = tell(with(6, String::new()));
    assert_eq!(error, "audit entry 8 (audit.jsonl:8) was found where entry 7 was expected");

    // A log service may format the JSON differently.
    let value: serde_json::Value = serde_json::from_str(lines[6].as_str()).unwrap();
    let spaced = serde_json::to_string_pretty(&value).unwrap().replace('\n', " ");
    fs::write(&path, with(6, spaced)).unwrap();
    let error = verify(Verifier::new(), std::slice::from_ref(&path)).unwrap_err().to_string();
    let expected =
        "audit entry 7 (audit.jsonl:7) has the content that was written, but its text differs from what was written";
    assert_eq!(error, expected);
    assert!(verify(Verifier::new().allow_reformatted(), &[path]).is_ok());
}

#[test]
fn a_directory_without_a_log_has_no_files() {
    let dir = tempfile::tempdir().unwrap();
    assert!(JsonLines::files(dir.path().join("audit.jsonl")).unwrap().is_empty());
    assert!(JsonLines::files(Path::new("/no/such/directory/audit.jsonl")).is_err());
}

/// The name identifies what was already delivered.
#[test]
fn destinations_have_names_of_their_own() {
    let names = [JsonLines::stdout(), JsonLines::file("a.jsonl"), JsonLines::file("b.jsonl")]
        .map(|destination| destination.name().to_owned());
    assert_eq!(names, ["stdout", "file:a.jsonl", "file:b.jsonl"]);
}

#[tokio::test]
async fn a_line_that_exceeds_the_maximum_size_leaves_no_empty_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    deliver(&JsonLines::file(&path).rotated(10, 9), &lines(2).await[..2]).await;
    let files = JsonLines::files(&path).unwrap();
    assert_eq!(names(&files), ["audit.jsonl.1", "audit.jsonl"]);
    assert!(files.iter().all(|file| file.metadata().unwrap().len() > 10));
}
