//! A rotated file of complete lines.
//!
//! Appended lines are synced to disk before they count as written. A line that a crash left incomplete is cut off when the file is
//! opened again, so that the file never contains a broken line in the middle.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The maximum size of a file in bytes, and the number of full files to keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rotation {
    pub(super) bytes: u64,
    pub(super) files: u32,
}

/// A file of lines. It is reopened after an error, which removes whatever was written in part.
#[derive(Debug)]
pub(in crate::audit) struct LineFile {
    path: PathBuf,
    rotation: Option<Rotation>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    length: u64,
}

impl LineFile {
    pub(in crate::audit) fn new(path: PathBuf) -> Self {
        Self { path, rotation: None, open: None }
    }

    pub(super) fn rotate(&mut self, rotation: Rotation) {
        self.rotation = Some(rotation);
    }

    /// Appends lines, and syncs them to disk.
    pub(in crate::audit) fn append<'a>(&mut self, lines: impl Iterator<Item = &'a str>) -> io::Result<()> {
        let appended = self.try_append(lines);
        if appended.is_err() {
            self.open = None;
        }
        appended
    }

    fn try_append<'a>(&mut self, lines: impl Iterator<Item = &'a str>) -> io::Result<()> {
        let mut open = self.take_open()?;
        let mut text = Vec::new();
        for line in lines {
            let length = open.length + text.len() as u64;
            let full = self.rotation.filter(|rotation| length > 0 && length + line.len() as u64 >= rotation.bytes);
            if let Some(rotation) = full {
                open.append(&text)?;
                text.clear();
                drop(open);
                rotate(&self.path, rotation.files)?;
                open = Open::at(&self.path)?;
            }
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        open.append(&text)?;
        self.open = Some(open);
        Ok(())
    }

    /// Takes the open file, or reopens it if it was moved or changed by another process.
    fn take_open(&mut self) -> io::Result<Open> {
        let length = self.path.metadata().ok().map(|metadata| metadata.len());
        match self.open.take() {
            Some(open) if length == Some(open.length) => Ok(open),
            _ => Open::at(&self.path),
        }
    }
}

impl Open {
    /// Opens the file, or creates it. An incomplete last line is cut off.
    fn at(path: &Path) -> io::Result<Self> {
        let is_new = !path.try_exists()?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        if is_new {
            sync_directory(path)?;
        }
        let length = whole_lines(&mut file)?;
        let torn = file.metadata()?.len() - length;
        if torn > 0 {
            tracing::warn!(path = %path.display(), bytes = torn, "the last audit line was incomplete and was removed; it is delivered again");
            file.set_len(length)?;
        }
        file.seek(SeekFrom::Start(length))?;
        Ok(Self { file, length })
    }

    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.write_all(text)?;
        self.file.sync_data()?;
        self.length += text.len() as u64;
        Ok(())
    }
}

/// Returns the length of the complete lines at the start of the file.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        let mut part = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        file.take(end - start).read_to_end(&mut part)?;
        if let Some(index) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + index as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Renames the full file. Each older file gets the next number, up to the first gap; if there is no gap, the oldest file is
/// replaced. A crash in between leaves a gap and loses no file.
fn rotate(path: &Path, files: u32) -> io::Result<()> {
    let mut free = 1;
    while free < files && numbered(path, free).try_exists()? {
        free += 1;
    }
    for number in (1..free).rev() {
        std::fs::rename(numbered(path, number), numbered(path, number + 1))?;
    }
    std::fs::rename(path, numbered(path, 1))?;
    sync_directory(path)
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

/// Returns the existing files, oldest first.
pub(super) fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut numbers = Vec::new();
    for entry in directory(path).read_dir()? {
        let name = entry?.file_name();
        let own = path.file_name().and_then(|own| own.to_str()).zip(name.to_str());
        let number = own.and_then(|(own, name)| name.strip_prefix(own)?.strip_prefix('.')?.parse::<u32>().ok());
        numbers.extend(number.filter(|number| numbered(path, *number).file_name() == Some(&name)));
    }
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    let mut files: Vec<_> = numbers.into_iter().map(|number| numbered(path, number)).collect();
    files.extend(path.try_exists()?.then(|| path.to_owned()));
    Ok(files)
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs the names of files to disk, on systems that can.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory(path))?.sync_all() } else { Ok(()) }
}
