//! Profiles: servers by name, in `config.toml`, with their tokens in `credentials.toml`, or from a command that prints one.
//!
//! Tokens stand in a file of their own, which nobody else may read, so that the other one can be shared. A token is in no message: an error
//! about the file says on which line it is, and not what stands there.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::list::{Column, Columns};
use super::place::variable;
use super::times::Times;
use crate::cli::Exit;
use crate::cli::args::ColumnArgs;
use crate::cli::exit::CommandError;
use crate::cli::output::{Output, Terminal};
use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::suggest;

/// The time for which a command that prints a token may run. It may ask for a finger or a password.
const TOKEN_COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Interval at which a command that has printed a token is asked whether it has ended.
const EXIT_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The maximum length of what such a command prints, in bytes.
const MAX_TOKEN_BYTES: u64 = 64 * 1024;

/// The file with the profiles.
pub(super) const CONFIG_FILE: &str = "config.toml";

/// The file with their tokens.
pub(super) const CREDENTIALS_FILE: &str = "credentials.toml";

/// The profiles of a user.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    default: Option<String>,
    profiles: BTreeMap<String, Profile>,
}

/// A server, with the source of its token.
#[derive(Debug)]
pub(super) struct Profile {
    name: String,
    pub(super) server: String,
    token: Option<SecretString>,
    token_command: Option<Vec<String>>,
    /// File with the certificate authorities of the server.
    pub(super) ca_cert: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    #[serde(default)]
    default: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, ProfileTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileTable {
    server: String,
    /// The program and its arguments. No shell is involved.
    #[serde(default)]
    token_command: Option<Vec<String>>,
    /// A path below the directory of the file, or an absolute one.
    #[serde(default)]
    ca_cert: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredToken {
    /// `sign-out` leaves none.
    #[serde(default)]
    token: Option<SecretString>,
}

impl Profile {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the token that is stored, if no command prints it.
    pub(super) fn stored_token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }

    pub(super) fn is_for(&self, url: &str) -> bool {
        let bare = |url: &str| url.trim().trim_end_matches('/').to_owned();
        bare(&self.server) == bare(url)
    }

    fn token_source(&self) -> &'static str {
        match (&self.token, &self.token_command) {
            (Some(_), _) => "credentials.toml",
            (None, Some(_)) => "token_command",
            (None, None) => "none",
        }
    }
}

impl Profiles {
    /// Reads the files of the user. Files that do not exist are empty.
    pub(super) fn read() -> Result<Self, CommandError> {
        let Some(dir) = directory() else { return Ok(Self::default()) };
        Self::read_from(&dir).map_err(CommandError::Failed)
    }

    pub(super) fn read_from(dir: &Path) -> Result<Self> {
        let config = read_if_exists(&dir.join(CONFIG_FILE))?.unwrap_or_default();
        let path = dir.join(CREDENTIALS_FILE);
        let credentials = match path.symlink_metadata() {
            Ok(_) => {
                check_privacy(&path)?;
                read_if_exists(&path)?
            }
            Err(_) => None,
        };
        let mut profiles = Self::parse(&config, credentials.as_deref())?;
        for profile in profiles.profiles.values_mut() {
            // The path of an absolute one stays as it is.
            profile.ca_cert = profile.ca_cert.take().map(|path| dir.join(path));
        }
        Ok(profiles)
    }

    pub(super) fn parse(config: &str, credentials: Option<&str>) -> Result<Self> {
        let file: ConfigFile = toml::from_str(config).map_err(|error| {
            let line = line_of(config, &error);
            invalid(format!("`config.toml` is malformed on line {line}: {}", error.message()))
                .with_hint("a profile is `[profiles.NAME]` with `server = \"https://…\"`")
        })?;
        let text = credentials.unwrap_or_default();
        let mut credentials: BTreeMap<String, StoredToken> = toml::from_str(text).map_err(|error| {
            // The parser's message could quote the token.
            invalid(format!("`credentials.toml` is malformed on line {}", line_of(text, &error)))
                .with_hint("the token of a profile is `[NAME]` with `token = \"symbot_…\"`")
        })?;
        let profiles = file.profiles.into_iter().map(|(name, table)| {
            let token = credentials.remove(&name).and_then(|credential| credential.token);
            let ProfileTable { server, token_command, ca_cert } = table;
            (name.clone(), Profile { name, server, token, token_command, ca_cert })
        });
        Ok(Self { default: file.default, profiles: profiles.collect() })
    }

    pub(super) fn named(&self, name: &str) -> Result<&Profile, CommandError> {
        self.profiles.get(name).ok_or_else(|| {
            let hint = suggest::hint(name, "profiles", self.profiles.keys().map(String::as_str));
            CommandError::Request(invalid(format!("there is no profile `{name}`")).with_hint(hint))
        })
    }

    /// Returns the profile that is named as the default, or the only one.
    pub(super) fn default_profile(&self) -> Result<Option<&Profile>, CommandError> {
        match &self.default {
            Some(name) => self.named(name).map(Some),
            None => Ok(self.profiles.values().next().filter(|_| self.profiles.len() == 1)),
        }
    }

    pub(super) fn of_server(&self, url: &str) -> Option<&Profile> {
        self.profiles.values().find(|profile| profile.is_for(url))
    }

    pub(super) fn find(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    pub(super) async fn token(&self, profile: &Profile) -> Result<SecretString, CommandError> {
        match (&profile.token, &profile.token_command) {
            (Some(token), _) => Ok(token.clone()),
            (None, Some(command)) => token_from(&profile.name, command).await.map_err(CommandError::Call),
            (None, None) => Err(no_token(&profile.server)),
        }
    }
}

/// A profile, as a table shows it.
struct ListedProfile {
    name: String,
    server: String,
    token: &'static str,
}

const COLUMNS: &[Column<ListedProfile>] = &[
    Column::new("profile", |_, profile| profile.name.clone()),
    Column::new("server", |_, profile| profile.server.clone()),
    Column::new("token", |_, profile| profile.token.to_owned()),
];

/// Lists the profiles.
pub(super) fn list(columns: &ColumnArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let columns = Columns::choose(COLUMNS, columns, output)?;
    let profiles = Profiles::read()?;
    let default = profiles.default_profile()?.map(|profile| profile.name.clone());
    if output.json {
        let all = profiles.profiles.values().map(|profile| {
            let is_default = default.as_deref() == Some(&profile.name);
            json!({ "name": profile.name, "server": profile.server, "token": profile.token_source(), "is_default": is_default })
        });
        output.value(&json!({ "profiles": all.collect::<Vec<_>>() }))?;
        return Ok(Exit::Success);
    }
    if profiles.profiles.is_empty() {
        writeln!(output.out, "No profiles found")?;
        if let Some(dir) = directory() {
            writeln!(output.err, "note: they are read from `{}`", dir.join("config.toml").display())?;
        }
        return Ok(Exit::Success);
    }
    let rows = profiles.profiles.values().map(|profile| ListedProfile {
        name: if default.as_deref() == Some(&profile.name) {
            format!("{} (default)", profile.name)
        } else {
            profile.name.clone()
        },
        server: profile.server.clone(),
        token: profile.token_source(),
    });
    columns.write(&rows.collect::<Vec<_>>(), &Times::new(true), Terminal::default(), output)?;
    Ok(Exit::Success)
}

/// Returns the directory of the files.
pub(super) fn directory() -> Option<PathBuf> {
    let config = variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let config = config.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".config")))?;
    Some(config.join("sym"))
}

fn read_if_exists(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(invalid(format!("cannot read `{}`: {error}", path.display())).with_source(error)),
    }
}

/// Checks that the file with the tokens is the user's own, and that nobody else can read it.
#[cfg(unix)]
fn check_privacy(path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    let refused = |what: &str, hint: String| Err(invalid(format!("`{}` {what}", path.display())).with_hint(hint));
    let metadata = path
        .symlink_metadata()
        .map_err(|error| invalid(format!("cannot read `{}`: {error}", path.display())).with_source(error))?;
    if !metadata.is_file() {
        return refused("is no regular file", "links are not followed: put the file itself there".to_owned());
    }
    if metadata.uid() != rustix::process::getuid().as_raw() {
        return refused("belongs to another user", "only your own file is read".to_owned());
    }
    if metadata.mode() & 0o077 != 0 {
        let hint = format!("run `chmod 600 {}`, and consider its tokens as known to others", path.display());
        return refused("can be read by other users", hint);
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn check_privacy(_: &Path) -> Result<()> {
    Ok(())
}

/// Runs a command, and returns the token that it prints.
async fn token_from(profile: &str, command: &[String]) -> Result<SecretString> {
    let failed = |what: String| {
        let message = format!("the `token_command` of profile `{profile}` {what}");
        Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_MISSING, message)
            .with_hint("run it by hand: it has to print the token and nothing else")
    };
    let Some((program, arguments)) = command.split_first() else { return Err(failed("is empty".to_owned())) };
    let spawned = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| failed(format!("cannot be run: {error}")))?;
    let Some(stdout) = child.stdout.take() else { return Err(failed("has no output".to_owned())) };
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        stdout.take(MAX_TOKEN_BYTES).read_to_string(&mut text).map(|_| SecretString::from(text.trim().to_owned()))
    });
    let ended = tokio::time::timeout(TOKEN_COMMAND_TIMEOUT, async {
        let token = reading.await;
        // A command can close its output and go on.
        loop {
            match child.try_wait() {
                Ok(None) => SystemClock.sleep(EXIT_POLL_INTERVAL).await,
                Ok(Some(status)) => return (token, Ok(status)),
                Err(error) => return (token, Err(error)),
            }
        }
    });
    let ended = ended.await;
    let Ok((token, status)) = ended else {
        // It may have ended meanwhile.
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed(format!("did not end within {TOKEN_COMMAND_TIMEOUT:?}")));
    };
    let status = status.map_err(|error| failed(format!("failed: {error}")))?;
    if !status.success() {
        return Err(failed(format!("failed with {status}")));
    }
    let token = token.map_err(|error| failed(format!("failed: {error}")))?;
    let token = token.map_err(|error| failed(format!("printed something that is no text: {error}")))?;
    if secrecy::ExposeSecret::expose_secret(&token).is_empty() {
        return Err(failed("printed nothing".to_owned()));
    }
    Ok(token)
}

/// Returns the error for a server without a token.
pub(super) fn no_token(server: &str) -> CommandError {
    // The address may have a password.
    let url = Url::parse(server.trim()).ok().filter(Url::has_host);
    let name = url.map_or_else(|| "the server".to_owned(), |url| url.origin().ascii_serialization());
    let message = format!("there is no token for {name}");
    let error = Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_MISSING, message);
    CommandError::Call(error.with_hint(
        "sign in with `sign-in --server URL`; programs set SYM_TOKEN (in a CI job, SYM_JWT), or give the profile a token in `credentials.toml`, or a `token_command`; an administrator issues tokens with `tokens issue`",
    ))
}

pub(super) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
}

/// Returns the number of the line that an error is about.
fn line_of(text: &str, error: &toml::de::Error) -> usize {
    let start = error.span().map_or(0, |span| span.start);
    text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_do_not_repeat_tokens() {
        for text in ["prod = \"symbot_secret\"", "[prod]\ntoken = symbot_secret", "[prod]\ntokn = \"symbot_secret\""] {
            let error = Profiles::parse("", Some(text)).unwrap_err();
            assert!(!error.report().to_string().contains("secret"), "{}", error.report());
        }
        let profiles = Profiles::parse("[profiles.a]\nserver = \"https://a\"", Some("[a]\ntoken = \"symbot_secret\""));
        assert!(!format!("{:?}", profiles.unwrap()).contains("symbot_secret"));
    }

    #[test]
    fn errors_name_servers_without_passwords() {
        let cases = [("https://a:pw@x.example.com/sym", "https://x.example.com"), ("a:pw@x", "the server")];
        for (server, name) in cases {
            let CommandError::Call(error) = no_token(server) else { panic!("another error") };
            assert_eq!(error.message(), format!("there is no token for {name}"));
        }
    }

    /// QE05: a file that others can read is as good as published.
    #[cfg(unix)]
    #[test]
    fn files_of_tokens_that_others_can_read_are_refused() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials.toml");
        std::fs::write(dir.path().join("config.toml"), "[profiles.a]\nserver = \"https://a\"").unwrap();
        std::fs::write(&path, "[a]\ntoken = \"symbot_x\"").unwrap();
        for (mode, is_read) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Profiles::read_from(dir.path()).is_ok(), is_read, "{mode:o}");
        }
        let elsewhere = dir.path().join("elsewhere.toml");
        std::fs::rename(&path, &elsewhere).unwrap();
        std::fs::set_permissions(&elsewhere, std::fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&elsewhere, &path).unwrap();
        assert!(Profiles::read_from(dir.path()).unwrap_err().message().contains("no regular file"));
    }

    #[tokio::test]
    async fn commands_that_print_no_token_are_reported() {
        for (command, problem) in [
            (&["true"][..], "printed nothing"),
            (&["false"], "failed with"),
            (&["sh", "-c", "echo symbot_x; exec >&-; sleep 0.1; exit 3"], "failed with"),
            (&["yes"], "failed with"),
            (&["/no/such"], "cannot be run"),
            (&[], "is empty"),
        ] {
            let command: Vec<_> = command.iter().map(|part| (*part).to_owned()).collect();
            let error = token_from("a", &command).await.unwrap_err();
            assert!(error.message().contains(problem), "{error}");
            assert_eq!(error.kind(), ErrorKind::Unauthorized);
        }
    }
}
