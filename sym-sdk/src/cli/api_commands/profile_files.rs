//! The files of the profiles, as the commands `sign-in` and `sign-out` change them.
//!
//! The files belong to a person, who writes in them too: a change replaces what it is about and leaves all else as it stands, comments
//! included. A file is replaced as a whole, by one that was written and synced before, and the one with tokens is readable by nobody else from
//! its first byte on. What would not read as intended is not written.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use toml::Spanned;

use super::place::no_place;
use super::profiles::{CONFIG_FILE, CREDENTIALS_FILE, Profile, Profiles, directory, invalid};
use crate::cli::exit::CommandError;
use crate::directory::SessionKind;
use crate::error::Result;

/// The files of the profiles of a user.
#[derive(Debug)]
pub(super) struct ProfileFiles {
    dir: PathBuf,
}

/// The profile that a session is to be kept in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) server: String,
    pub(super) ca_cert: Option<PathBuf>,
    /// Whether there is such a profile already.
    is_known: bool,
}

impl Profiles {
    /// Returns the profile to keep the session of a server in. `server` and `named` are what the person has named, if anything.
    ///
    /// # Errors
    /// If they have named nothing and there is no default, or the profile is not one to keep it in.
    pub(super) fn target(&self, server: Option<&str>, named: Option<&str>) -> Result<Target, CommandError> {
        let known = match (server, named) {
            (Some(url), Some(name)) => match self.find(name) {
                Some(profile) if profile.is_for(url) => Some(profile),
                Some(profile) => return Err(CommandError::Request(other_server(profile))),
                None => None,
            },
            (Some(url), None) => self.of_server(url),
            (None, Some(name)) => Some(self.named(name)?),
            (None, None) => Some(self.default_profile()?.ok_or_else(no_place)?),
        };
        if let Some(profile) = known {
            let is_session = |token: &SecretString| SessionKind::CommandLine.is_kind_of(token);
            if profile.stored_token().is_some_and(|token| !is_session(token)) {
                let message = format!("the profile `{}` has a token, which signing in would overwrite", profile.name());
                let error = invalid(message)
                    .with_hint("pass `--server URL --profile NAME` to keep the session in another profile");
                return Err(CommandError::Request(error));
            }
            let (name, server) = (profile.name().to_owned(), profile.server.clone());
            return Ok(Target { name, server, ca_cert: profile.ca_cert.clone(), is_known: true });
        }
        let server = server.unwrap_or_default().trim().to_owned();
        let name = match named {
            Some(name) => name.to_owned(),
            None => name_of(&server)?,
        };
        if let Some(profile) = self.find(&name) {
            return Err(CommandError::Request(other_server(profile)));
        }
        if name.is_empty() || name.contains(char::is_control) {
            return Err(CommandError::Request(invalid("the name of a profile is one line".to_owned())));
        }
        Ok(Target { name, server, ca_cert: None, is_known: false })
    }

    /// Returns the profile that the person has named, or the default.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn known(&self, server: Option<&str>, named: Option<&str>) -> Result<&Profile, CommandError> {
        match (server, named) {
            (_, Some(name)) => self.named(name),
            (Some(url), None) => self.of_server(url).ok_or_else(|| {
                let error = invalid("there is no profile of this server".to_owned());
                CommandError::Request(error.with_hint("`profiles` lists those that there are"))
            }),
            (None, None) => self.default_profile()?.ok_or_else(no_place),
        }
    }
}

fn other_server(profile: &Profile) -> crate::error::Error {
    invalid(format!("the profile `{}` is one of another server", profile.name()))
        .with_hint("pass `--profile NAME` with a name of its own")
}

/// Returns the name of the profile of a server: its host, and its port if it is not the usual one.
fn name_of(server: &str) -> Result<String, CommandError> {
    let url = Url::parse(server).ok();
    let name = url.as_ref().and_then(|url| {
        let host = url.host_str()?.trim_matches(['[', ']']);
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}-{port}")))
    });
    name.ok_or_else(|| {
        let error = invalid("the address of the server is no URL".to_owned());
        CommandError::Request(error.with_hint("write it as `https://sym.example.com`"))
    })
}

impl ProfileFiles {
    /// Returns those of the user who runs the program.
    ///
    /// # Errors
    /// If the environment does not say where they are.
    pub(super) fn of_user() -> Result<Self> {
        let dir = directory().ok_or_else(|| {
            invalid("there is no place for profiles: neither `XDG_CONFIG_HOME` nor `HOME` is set".to_owned())
        });
        dir.map(|dir| Self { dir })
    }

    pub(super) fn read(&self) -> Result<Profiles> {
        Profiles::read_from(&self.dir)
    }

    /// Keeps the token of a session in a profile, which is added if it is new.
    ///
    /// # Errors
    /// If a file cannot be read or written, or is written in a way that cannot be changed by a program.
    pub(super) fn keep(&self, target: &Target, ca_cert: Option<&Path>, token: &SecretString) -> Result<()> {
        create_private_dir(&self.dir)?;
        if !target.is_known {
            let config = self.dir.join(CONFIG_FILE);
            let text = read_or_empty(&config)?;
            let added = with_profile(&text, target, ca_cert);
            let has_it =
                Profiles::parse(&added, None)?.find(&target.name).is_some_and(|found| found.is_for(&target.server));
            if !has_it {
                return Err(by_hand(&config, "a profile cannot be added"));
            }
            replace(&config, added.as_bytes())?;
        }
        let credentials = self.dir.join(CREDENTIALS_FILE);
        let text = SecretString::from(read_or_empty(&credentials)?);
        let changed = with_token(text.expose_secret(), &target.name, Some(token));
        let changed = changed.filter(|changed| {
            token_in(changed.expose_secret(), &target.name).as_deref() == Some(token.expose_secret())
        });
        let changed = changed.ok_or_else(|| by_hand(&credentials, "the token cannot be changed"))?;
        replace(&credentials, changed.expose_secret().as_bytes())
    }

    /// Forgets the token of a profile.
    ///
    /// # Errors
    /// As for [`keep`](Self::keep).
    pub(super) fn forget(&self, name: &str) -> Result<()> {
        let credentials = self.dir.join(CREDENTIALS_FILE);
        let text = SecretString::from(read_or_empty(&credentials)?);
        let changed = with_token(text.expose_secret(), name, None);
        let changed = changed.filter(|changed| {
            let text = changed.expose_secret();
            toml::from_str::<toml::Table>(text).is_ok() && token_in(text, name).is_none()
        });
        let changed = changed.ok_or_else(|| by_hand(&credentials, "the token cannot be removed"))?;
        replace(&credentials, changed.expose_secret().as_bytes())
    }
}

fn by_hand(path: &Path, what: &str) -> crate::error::Error {
    invalid(format!("{what} in `{}` as it is written", path.display()))
        .with_hint("change it by hand: each profile has a table of its own")
}

fn read_or_empty(path: &Path) -> Result<String> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(invalid(format!("cannot read `{}`: {error}", path.display())).with_source(error)),
    }
}

/// Returns a configuration with one more profile.
fn with_profile(text: &str, target: &Target, ca_cert: Option<&Path>) -> String {
    let mut added = with_line_end(text);
    if !added.is_empty() {
        added.push('\n');
    }
    added.push_str(&format!("[profiles.{}]\nserver = {}\n", quoted(&target.name), quoted(&target.server)));
    if let Some(path) = ca_cert {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        added.push_str(&format!("ca_cert = {}\n", quoted(&path.to_string_lossy())));
    }
    added
}

/// A token, with its place in the file.
#[derive(Deserialize)]
struct PlacedToken {
    token: Option<Spanned<String>>,
}

fn placed(text: &str, name: &str) -> Option<PlacedToken> {
    let mut tables: std::collections::BTreeMap<String, PlacedToken> = toml::from_str(text).ok()?;
    tables.remove(name)
}

fn token_in(text: &str, name: &str) -> Option<String> {
    placed(text, name)?.token.map(Spanned::into_inner)
}

/// Returns credentials with another token of a profile, or none. `None` if that cannot be written.
fn with_token(text: &str, name: &str, token: Option<&SecretString>) -> Option<SecretString> {
    let span = placed(text, name).and_then(|placed| placed.token).map(|token| token.span());
    let token = token.map(|token| quoted(token.expose_secret()));
    let changed = match (span, token) {
        (Some(span), Some(token)) => format!("{}{token}{}", text.get(..span.start)?, text.get(span.end..)?),
        (Some(span), None) => {
            let (before, after) = (text.get(..span.start)?, text.get(span.end..)?);
            let start = before.rfind('\n').map_or(0, |at| at + 1);
            let end = after.find('\n').map_or(after.len(), |at| at + 1);
            format!("{}{}", text.get(..start)?, after.get(end..)?)
        }
        (None, None) => text.to_owned(),
        (None, Some(token)) => {
            let header = format!("[{}]", quoted(name));
            match placed(text, name) {
                // A table without a token is what `sign-out` leaves.
                Some(_) => insert_below(text, &[header, format!("[{name}]")], &token)?,
                None => {
                    let gap = if text.is_empty() { "" } else { "\n" };
                    format!("{}{gap}{header}\ntoken = {token}\n", with_line_end(text))
                }
            }
        }
    };
    Some(SecretString::from(changed))
}

/// Inserts a token below the line that begins its table.
fn insert_below(text: &str, headers: &[String], token: &str) -> Option<String> {
    let mut inserted = String::new();
    let mut is_inserted = false;
    for line in text.split_inclusive('\n') {
        inserted.push_str(line);
        if !is_inserted && headers.iter().any(|header| line.trim() == header) {
            inserted = with_line_end(&inserted);
            inserted.push_str(&format!("token = {token}\n"));
            is_inserted = true;
        }
    }
    is_inserted.then_some(inserted)
}

fn with_line_end(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

/// Returns a text as a basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn failed(path: &Path, error: std::io::Error) -> crate::error::Error {
    invalid(format!("cannot write `{}`: {error}", path.display())).with_source(error)
}

fn create_private_dir(dir: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| failed(dir, error))
}

/// Replaces a file by one that is private, or as readable as it was. Links to the configuration are followed; those to credentials are
/// refused when they are read.
fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let Some(name) = path.file_name() else { return Err(invalid("the file has no name".to_owned())) };
    let mut temporary_name = name.to_owned();
    temporary_name.push(format!(".{}.new", std::process::id()));
    let temporary = path.with_file_name(temporary_name);
    let written = write_new(&temporary, content, fs::metadata(&path).ok().map(|metadata| metadata.permissions()));
    let replaced = written.and_then(|()| fs::rename(&temporary, &path));
    replaced.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        failed(&path, error)
    })
}

fn write_new(path: &Path, content: &[u8], permissions: Option<fs::Permissions>) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> (tempfile::TempDir, ProfileFiles) {
        let dir = tempfile::tempdir().unwrap();
        let files = ProfileFiles { dir: dir.path().join("sym") };
        (dir, files)
    }

    fn target(files: &ProfileFiles, server: Option<&str>, named: Option<&str>) -> Result<Target, String> {
        files.read().unwrap().target(server, named).map_err(|error| match error {
            CommandError::Request(error) => error.message().to_owned(),
            CommandError::Usage { message, .. } => message,
            _ => "another error".to_owned(),
        })
    }

    #[test]
    fn a_session_is_kept_and_forgotten_and_all_else_stays() {
        let (_dir, files) = files();
        let server = "https://sym.example.com";
        let first = target(&files, Some(server), None).unwrap();
        assert_eq!((first.name.as_str(), first.is_known), ("sym.example.com", false));
        files.keep(&first, None, &"symcli_1_a".into()).unwrap();
        let kept = |name: &str| {
            let profiles = files.read().unwrap();
            profiles.find(name).unwrap().stored_token().map(|token| token.expose_secret().to_owned())
        };
        assert_eq!(kept("sym.example.com").as_deref(), Some("symcli_1_a"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            for (path, mode) in [("", 0o700), (CREDENTIALS_FILE, 0o600), (CONFIG_FILE, 0o600)] {
                let found = fs::metadata(files.dir.join(path)).unwrap().permissions().mode() & 0o777;
                assert_eq!(found, mode, "{path}");
            }
        }
        let path = files.dir.join(CREDENTIALS_FILE);
        let mine = "# mine\n[prod]\ntoken = 'symbot_x' # until May\n\n";
        fs::write(&path, format!("{mine}{}", fs::read_to_string(&path).unwrap())).unwrap();
        let again = target(&files, Some("https://sym.example.com/"), None).unwrap();
        assert!(again.is_known);
        files.keep(&again, None, &"symcli_2_b".into()).unwrap();
        assert_eq!(kept("sym.example.com").as_deref(), Some("symcli_2_b"));
        files.forget("sym.example.com").unwrap();
        assert_eq!(kept("sym.example.com"), None);
        files.keep(&again, None, &"symcli_3_c".into()).unwrap();
        assert_eq!(kept("sym.example.com").as_deref(), Some("symcli_3_c"));
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{mine}[\"sym.example.com\"]\ntoken = \"symcli_3_c\"\n"));
        // Nothing but the files is left.
        assert_eq!(fs::read_dir(&files.dir).unwrap().count(), 2);
    }

    #[test]
    fn a_session_goes_where_it_was_meant_to() {
        let (_dir, files) = files();
        create_private_dir(&files.dir).unwrap();
        let config = "[profiles.prod]\nserver = \"https://prod.example.com\"\n[profiles.ci]\nserver = \"https://ci.example.com\"\n";
        fs::write(files.dir.join(CONFIG_FILE), config).unwrap();
        replace(&files.dir.join(CREDENTIALS_FILE), b"[ci]\ntoken = \"symbot_x\"\n").unwrap();
        let name = |server, named| target(&files, server, named).map(|target| target.name);
        assert_eq!(name(Some("https://prod.example.com"), None).unwrap(), "prod");
        assert_eq!(name(None, Some("prod")).unwrap(), "prod");
        assert_eq!(name(Some("https://new.example.com"), Some("new")).unwrap(), "new");
        assert_eq!(name(Some("http://127.0.0.1:3000"), None).unwrap(), "127.0.0.1-3000");
        for (server, named, part) in [
            (Some("https://new.example.com"), Some("prod"), "`prod` is one of another server"),
            (Some("https://ci.example.com"), None, "`ci` has a token"),
            (None, Some("ci"), "`ci` has a token"),
            (None, Some("prd"), "no profile `prd`"),
            (None, None, "no server"),
            (Some("nonsense"), None, "is no URL"),
        ] {
            let message = name(server, named).unwrap_err();
            assert!(message.contains(part), "{message}");
        }
    }

    /// A file that a program cannot change without harm is left to people.
    #[test]
    fn files_that_are_written_otherwise_stay_as_they_are() {
        let (_dir, files) = files();
        create_private_dir(&files.dir).unwrap();
        let config = files.dir.join(CONFIG_FILE);
        let inline = "profiles = { prod = { server = \"https://prod.example.com\" } }\n";
        fs::write(&config, inline).unwrap();
        let new = target(&files, Some("https://new.example.com"), None).unwrap();
        assert!(files.keep(&new, None, &"symcli_1_a".into()).is_err());
        assert_eq!(fs::read_to_string(&config).unwrap(), inline);
        assert_eq!(quoted("a\"b\\c\n"), r#""a\"b\\c\u000A""#);
    }
}
