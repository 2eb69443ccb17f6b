//! Append-only files of JSON lines that the process keeps beside the store.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// An append-only file of JSON lines, and its contents.
#[derive(Debug)]
pub struct Journal<T>(Mutex<Lines<T>>);

#[derive(Debug)]
struct Lines<T> {
    file: File,
    lines: Vec<T>,
}

impl<T: Serialize + DeserializeOwned + Clone> Journal<T> {
    /// Opens the file with the lines of earlier processes. A line that was cut off when its process was killed is removed.
    pub fn open(path: &Path) -> Self {
        let file = File::options().append(true).create(true).open(path).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        file.set_len(whole_lines(&text).len() as u64).unwrap();
        let lines = read(path);
        Self(Mutex::new(Lines { file, lines }))
    }

    /// Appends a line. Durable when this returns.
    pub fn append(&self, line: T) {
        let mut journal = self.lock();
        let text = format!("{}\n", serde_json::to_string(&line).unwrap());
        journal.file.write_all(text.as_bytes()).unwrap();
        journal.file.sync_data().unwrap();
        journal.lines.push(line);
    }

    /// Returns all lines in order.
    pub fn lines(&self) -> Vec<T> {
        self.lock().lines.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Lines<T>> {
        self.0.lock().unwrap()
    }
}

/// Reads the lines of a file; none if it does not exist.
pub fn read<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => panic!("{}: {error}", path.display()),
    };
    whole_lines(&text).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn whole_lines(text: &str) -> &str {
    &text[..text.rfind('\n').map_or(0, |end| end + 1)]
}
