//! A program whose command line is run: this one, with a test that does it. Only a process of its own has an environment and an exit code
//! that are like those of the shell.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use sym_sdk::App;
use sym_sdk::handlers;
use sym_sdk::strategy::{SimulatedStrategy, StrategyType};
use tempfile::TempDir;

use super::world::{config, get_permissions};

/// The directory with the arguments, for a child, and for its output.
const DIR: &str = "SYM_SDK_TEST_COMMAND";

/// Has a child write to its own standard error, or `out` to its standard output, so that it can be followed.
const WRITES_THROUGH: &str = "SYM_SDK_TEST_COMMAND_WRITES_THROUGH";

/// The end of a command.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) code: u8,
    pub(super) out: String,
    pub(super) err: String,
}

impl Done {
    /// Returns the output of a command that has succeeded.
    pub(super) fn ok(&self) -> &str {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        &self.out
    }

    /// Returns the JSON on standard output, whatever the exit code.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }
}

/// Runs a command with these variables of the environment. Others that the commands know are removed.
pub(super) async fn run(args: &[&str], environment: &[(&str, &str)]) -> Done {
    let dir = tempfile::tempdir().unwrap();
    let mut command = command(&dir, args, environment);
    let status = tokio::task::spawn_blocking(move || command.status()).await.unwrap().unwrap();
    assert!(status.success(), "the program has ended");
    done(&dir)
}

/// Runs a command, and sends it a signal once it has written this to standard error.
#[cfg(unix)]
pub(super) async fn interrupt(
    args: &[&str],
    environment: &[(&str, &str)],
    text: &'static str,
    signal: &'static str,
) -> Done {
    use std::io::{BufRead as _, BufReader};

    let dir = tempfile::tempdir().unwrap();
    let mut command = command(&dir, args, environment);
    command.env(WRITES_THROUGH, "yes").stderr(Stdio::piped());
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut err = String::new();
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            if line.contains(text) && !err.contains(text) {
                let id = child.id().to_string();
                assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
            }
            err = format!("{err}{line}\n");
        }
        assert!(child.wait().unwrap().success(), "the program has ended");
        err
    });
    let err = ended.await.unwrap();
    Done { err, ..done(&dir) }
}

/// Runs a command, and passes on each line that it writes to standard error, while it runs.
#[cfg(unix)]
pub(super) async fn run_with(args: &[&str], environment: &[(&str, &str)], mut on_line: impl AsyncFnMut(&str)) -> Done {
    use std::io::{BufRead as _, BufReader};

    let dir = tempfile::tempdir().unwrap();
    let mut command = command(&dir, args, environment);
    command.env(WRITES_THROUGH, "yes").stderr(Stdio::piped());
    let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel();
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        err.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)).unwrap();
        assert!(child.wait().unwrap().success(), "the program has ended");
    });
    let mut err = String::new();
    while let Some(line) = lines.recv().await {
        on_line(&line).await;
        err = format!("{err}{line}\n");
    }
    ended.await.unwrap();
    Done { err, ..done(&dir) }
}

/// A command that runs until it gets a signal.
#[cfg(unix)]
pub(super) struct Running {
    child: std::process::Child,
    dir: TempDir,
    lines: tokio::sync::mpsc::UnboundedReceiver<String>,
}

#[cfg(unix)]
impl Running {
    pub(super) fn start(args: &[&str], environment: &[(&str, &str)]) -> Self {
        use std::io::{BufRead as _, BufReader};

        let dir = tempfile::tempdir().unwrap();
        let mut command = command(&dir, args, environment);
        let mut child = command.env(WRITES_THROUGH, "out").stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = tokio::sync::mpsc::unbounded_channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, dir, lines }
    }

    /// Waits for a line with this text on standard output, on which the test itself writes, too. Returns the line from there on.
    pub(super) async fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = self.lines.recv().await.expect("the command goes on");
            if let Some(at) = line.find(text) {
                return line[at..].to_owned();
            }
        }
    }

    pub(super) async fn interrupt(mut self) -> Done {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let ended = tokio::task::spawn_blocking(move || self.child.wait()).await.unwrap().unwrap();
        assert!(ended.success(), "the program has ended");
        done(&self.dir)
    }
}

fn command(dir: &TempDir, args: &[&str], environment: &[(&str, &str)]) -> Command {
    std::fs::write(dir.path().join("args"), serde_json::to_string(args).unwrap()).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "cli::program::runs_the_command_of_another_test"]).stdout(Stdio::null());
    for name in
        ["SYM_SERVER", "SYM_TOKEN", "SYM_JWT", "SYM_BOT", "SYM_CA_CERT", "SYM_PROFILE", "XDG_CONFIG_HOME", "HOME"]
    {
        command.env_remove(name);
    }
    command.env(DIR, dir.path()).env("TZ", "UTC").envs(environment.iter().copied());
    command
}

fn done(dir: &TempDir) -> Done {
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    Done { code: read("code").parse().unwrap(), out: read("out"), err: read("err") }
}

#[tokio::test]
async fn runs_the_command_of_another_test() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let args: Vec<String> = serde_json::from_str(&std::fs::read_to_string(dir.join("args")).unwrap()).unwrap();
    let app = App::new()
        .registry(handlers![get_permissions])
        .config(config())
        .strategy_type(StrategyType::new("test", |_| Ok(SimulatedStrategy::default())));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = std::iter::once("my-flows".to_owned()).chain(args);
    let exit = match std::env::var(WRITES_THROUGH).as_deref() {
        Ok("out") => app.run_from(args, &mut std::io::stdout(), &mut err).await,
        Ok(_) => app.run_from(args, &mut out, &mut std::io::stderr()).await,
        Err(_) => app.run_from(args, &mut out, &mut err).await,
    };
    for (name, text) in [("out", out), ("err", err), ("code", exit.code().to_string().into_bytes())] {
        std::fs::write(dir.join(name), text).unwrap();
    }
}
