//! Files of audit lines: whole lines, across rotations and crashes.

use std::fs;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use sym_sdk::audit::{self, AuditDestination, AuditLine, ChainErrorKind, JsonLines, Verified, Verifier, VerifyError};
use sym_sdk::engine::MemoryStore;
use sym_sdk::error::ErrorKind;

use super::fill;

/// The lines of so many Runs.
async fn lines(runs: u128) -> Vec<AuditLine> {
    let store = MemoryStore::new();
    fill(&store, runs).await;
    audit::lines(&store, 0, usize::MAX).await.unwrap()
}

/// All lines, one batch after the other.
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
async fn a_file_is_appended_to() {
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
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "it says who asked for what");
    }
}

#[tokio::test]
async fn a_rotated_log_is_verified_across_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let lines = lines(30).await;
    let bytes = text(&lines[..4]).len() as u64 + 20;
    let file = JsonLines::file(&path).rotated(bytes, 100);
    deliver(&file, &lines[..20]).await;
    // As after a restart.
    drop(file);
    deliver(&JsonLines::file(&path).rotated(bytes, 100), &lines[20..]).await;

    let files = JsonLines::files(&path).unwrap();
    assert!(files.len() >= lines.len() / 5, "{files:?}");
    assert!(files.iter().all(|file| file.metadata().unwrap().len() <= bytes));
    let verified = verify(Verifier::new(), &files).unwrap();
    assert_eq!((verified.records, verified.head), (lines.len() as u64, lines.last().unwrap().record().head()));

    // One that is gone, or in another's place, is noticed.
    let without: Vec<_> = [&files[..2], &files[3..]].concat();
    assert!(matches!(verify(Verifier::new(), &without), Err(VerifyError::Chain(_))));
    let mut swapped = files.clone();
    swapped.swap(1, 2);
    let error = verify(Verifier::new(), &swapped).unwrap_err().to_string();
    assert!(error.contains(&format!("({}:1)", names(&swapped)[1])), "{error}");
}

#[tokio::test]
async fn only_so_many_files_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let lines = lines(30).await;
    // Each line is a file of its own: one that is larger than a file may be is written all the same.
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
async fn a_line_that_a_crash_cut_off_is_taken_off_and_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let lines = lines(20).await;
    for torn in [lines[10].as_str().get(..40).unwrap(), lines[10].as_str(), "{", "\0\0\0"] {
        fs::write(&path, format!("{}{torn}", text(&lines[..10]))).unwrap();
        // Who looks before it was opened again is told, unless nothing is missing but the line break.
        let looked = audit::verify_lines(fs::File::open(&path).unwrap());
        if torn == lines[10].as_str() {
            looked.unwrap();
        } else {
            let broken = looked.unwrap_err();
            assert!(
                matches!(&broken, VerifyError::Chain(broken) if broken.kind == ChainErrorKind::Truncated),
                "{broken}"
            );
            assert_eq!(broken.to_string(), "an audit entry (line 11) is cut off at the end of the file");
        }
        deliver(&JsonLines::file(&path), &lines[10..]).await;
        assert_eq!(fs::read_to_string(&path).unwrap(), text(&lines));
    }
    // A file without a single whole line, and a long torn one.
    for torn in ["{".to_owned(), "x".repeat(200_000)] {
        fs::write(&path, torn).unwrap();
        deliver(&JsonLines::file(&path), &lines).await;
        assert_eq!(fs::read_to_string(&path).unwrap(), text(&lines));
    }
}

#[tokio::test]
async fn a_file_that_somebody_moves_away_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("audit.jsonl"), dir.path().join("moved"));
    let lines = lines(20).await;
    let file = JsonLines::file(&path);
    deliver(&file, &lines[..5]).await;
    fs::rename(&path, &moved).unwrap();
    deliver(&file, &lines[5..10]).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), text(&lines[5..10]));
    // And one that somebody else has written half a line to.
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"half").unwrap();
    deliver(&file, &lines[10..]).await;
    assert!(verify(Verifier::new(), &[moved, path]).is_ok());
}

#[tokio::test]
async fn a_file_that_cannot_be_written_says_so_and_is_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs").join("audit.jsonl");
    let lines = lines(3).await;
    let file = JsonLines::file(&path);
    let error = file.deliver(&lines).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Configuration, false));
    assert_eq!(error.hint(), Some("its directory must exist and be writable for this program"));
    assert!(error.message().contains(path.to_str().unwrap()));
    fs::create_dir(dir.path().join("logs")).unwrap();
    deliver(&file, &lines).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), text(&lines));
}

#[tokio::test]
async fn a_line_that_was_changed_is_named_with_its_place() {
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
    let changed = lines[6].record().text().replace("ana@example.com", "eve@example.com");
    let changed = lines[6].as_str().replace(lines[6].record().text(), &changed);
    let told = tell(with(6, changed));
    assert!(told.starts_with("audit entry 7 (audit.jsonl:7) was changed: its hash is "), "{told}");
    let told = tell(with(6, "not JSON".to_owned()));
    assert!(told.starts_with("an audit entry (audit.jsonl:7) cannot be read: "), "{told}");
    let told = tell(with(6, String::new()));
    assert_eq!(told, "audit entry 8 (audit.jsonl:8) comes where entry 7 was expected");

    // Whoever carries lines may write the JSON in another way.
    let value: serde_json::Value = serde_json::from_str(lines[6].as_str()).unwrap();
    let spaced = serde_json::to_string_pretty(&value).unwrap().replace('\n', " ");
    fs::write(&path, with(6, spaced)).unwrap();
    assert!(verify(Verifier::new(), &[path]).is_ok());
}

#[test]
fn a_directory_without_a_log_has_no_files() {
    let dir = tempfile::tempdir().unwrap();
    assert!(JsonLines::files(dir.path().join("audit.jsonl")).unwrap().is_empty());
    assert!(JsonLines::files(Path::new("/no/such/directory/audit.jsonl")).is_err());
}
