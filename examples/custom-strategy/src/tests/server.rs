//! A PostgreSQL server in a temporary directory. Where PostgreSQL is not installed, tests that need it look at nothing, unless
//! `REQUIRE_POSTGRES` is set, as in CI.

use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;
use tokio_postgres::{Client, Config, NoTls};

/// The time within which a server has to start.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// The directory in which Debian has the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";

pub(super) struct Server {
    directory: TempDir,
    process: Child,
}

impl Server {
    /// Starts a server that trusts everybody who reaches its socket. `None` if PostgreSQL is not installed.
    pub(super) fn start() -> io::Result<Option<Self>> {
        let Some(programs) = programs() else {
            assert!(std::env::var_os("REQUIRE_POSTGRES").is_none(), "PostgreSQL is not installed in {VERSIONS}");
            return Ok(None);
        };
        let directory = TempDir::new()?;
        if let Some((user, group)) = server_user() {
            chown(directory.path(), Some(user), Some(group))?;
        }
        let data = directory.path().join("data");
        let made = unprivileged(&programs.join("initdb"))
            .args(["--username=postgres", "--auth=trust", "--no-sync", "--locale=C", "--pgdata"])
            .arg(&data)
            .output()?;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut process = unprivileged(&programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(directory.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .stderr(Stdio::piped())
            .spawn()?;
        let log = process.stderr.take().map(BufReader::new);
        let server = Self { directory, process };
        let (ready, is_ready) = mpsc::channel();
        // Reads on until the server ends, which would wait for a reader otherwise.
        std::thread::spawn(move || {
            for line in log.into_iter().flat_map(|log| log.lines().map_while(Result::ok)) {
                if line.contains("ready to accept connections") {
                    let _ = ready.send(());
                }
            }
        });
        is_ready.recv_timeout(START_TIMEOUT).map_err(io::Error::other)?;
        Ok(Some(server))
    }

    /// The settings of a connection as a user.
    pub(super) fn config(&self, user: &str) -> Config {
        let mut config = Config::new();
        config.host_path(self.directory.path()).user(user).dbname("postgres");
        config
    }

    pub(super) async fn connect(&self, user: &str) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.config(user).connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An immediate shutdown: the files are deleted next.
        let _ = Command::new("kill").args(["-QUIT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

/// The directory with the programs of the newest version.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(VERSIONS).ok()?.flatten();
    let found =
        versions.filter_map(|version| Some((version.file_name().to_str()?.parse::<u32>().ok()?, version.path())));
    let (_, newest) = found.max()?;
    Some(newest.join("bin")).filter(|programs| programs.join("postgres").exists())
}

/// The user and the group that the server runs as in place of root, as which it refuses to run.
fn server_user() -> Option<(u32, u32)> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let id = |option: &str| {
        let found = ["postgres", "nobody"].iter().find_map(|name| {
            let output = Command::new("id").args([option, name]).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        });
        found.unwrap_or_default()
    };
    is_root.then(|| (id("-u"), id("-g")))
}

/// A command that does not run as root, and ends with the test.
fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=QUIT");
    if let Some((user, group)) = server_user() {
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
    }
    command.arg(program).current_dir("/");
    command
}
