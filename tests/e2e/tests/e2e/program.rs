//! A program whose command line is run: this one, with a test that does it. Only a process of its own has an environment and an exit code
//! that are like those of the shell.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use sym_sdk::App;
use sym_sdk::handlers;
use sym_sdk::strategy::{SimulatedStrategy, StrategyType};
use tempfile::TempDir;

use crate::day;
use crate::world::{after_deny, config, get_permissions, get_request_notifications};

/// The directory with the arguments, for a child, and for its output.
const DIR: &str = "SYM_E2E_COMMAND";

/// Selects the handlers of a child.
const HANDLERS: &str = "SYM_E2E_HANDLERS";

/// The real time after which a command counts as hanging.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// The variables that commands know.
const VARIABLES: [&str; 9] = [
    "SYM_SERVER",
    "SYM_TOKEN",
    "SYM_JWT",
    "SYM_BOT",
    "SYM_CA_CERT",
    "SYM_PROFILE",
    "XDG_CONFIG_HOME",
    "HOME",
    HANDLERS,
];

/// The end of a command.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Returns the output of a command that has succeeded.
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        &self.out
    }

    /// Returns the JSON on standard output, whatever the exit code.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }
}

/// Runs a command with these variables of the environment. Others that the commands know are removed.
pub(crate) async fn run(args: &[&str], environment: &[(&str, &str)]) -> Ended {
    let dir = tempfile::tempdir().unwrap();
    let mut child = tokio::process::Command::from(command(&dir, args, environment));
    let mut child = child.kill_on_drop(true).spawn().unwrap();
    let status = tokio::time::timeout(COMMAND_TIMEOUT, child.wait()).await;
    let status = status.unwrap_or_else(|_| panic!("{args:?} has not ended within {COMMAND_TIMEOUT:?}")).unwrap();
    assert!(status.success(), "the program of {args:?} has ended");
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    Ended { code: read("code").parse().unwrap(), out: read("out"), err: read("err") }
}

/// Runs a command of a program that has other handlers now.
pub(crate) async fn run_changed(args: &[&str]) -> Ended {
    run(args, &[(HANDLERS, "changed")]).await
}

fn command(dir: &TempDir, args: &[&str], environment: &[(&str, &str)]) -> Command {
    std::fs::write(dir.path().join("args"), serde_json::to_string(args).unwrap()).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "program::runs_the_command_of_another_test"]).stdout(Stdio::null());
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.env(DIR, dir.path()).env("TZ", "UTC").envs(environment.iter().copied());
    command
}

#[tokio::test]
async fn runs_the_command_of_another_test() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let args: Vec<String> = serde_json::from_str(&std::fs::read_to_string(dir.join("args")).unwrap()).unwrap();
    let handlers = match std::env::var(HANDLERS).as_deref() {
        Ok("changed") => handlers![day::changed::get_permissions, get_request_notifications, after_deny],
        _ => handlers![get_permissions, get_request_notifications, after_deny],
    };
    let app = App::new().registry(handlers).config(config());
    let app = app.strategy_type(StrategyType::new("test", |_| Ok(SimulatedStrategy::default())));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = std::iter::once("my-flows".to_owned()).chain(args);
    let exit = app.run_from(args, &mut out, &mut err).await;
    for (name, text) in [("out", out), ("err", err), ("code", exit.code().to_string().into_bytes())] {
        std::fs::write(dir.join(name), text).unwrap();
    }
}

/// Returns the arguments with which the command line does an act.
pub(crate) fn arguments(situation: &crate::world::Situation, act: crate::table::Act) -> Vec<String> {
    use crate::table::Act;
    let run = situation.runs.get(act.target()).map(ToString::to_string).unwrap_or_default();
    let target = act.target();
    let args = match act {
        Act::See => vec!["run", &run],
        Act::Approve => vec!["approve", &run],
        Act::Deny => vec!["deny", &run, "-m", "no"],
        Act::WriteOff => vec!["write-off", &run, "--reason", "gone"],
        Act::Revoke => vec!["revoke", &run],
        Act::Request => vec!["request", situation.flow, "--to", target, "--for", "1h"],
        Act::RequestForAnother => {
            vec!["request", situation.flow, "--to", target, "--for", "1h", "--user", "eli@example.com"]
        }
    };
    args.into_iter().chain(["--json"]).map(str::to_owned).collect()
}

impl Ended {
    /// Returns the answer in the words of the table.
    pub(crate) fn answer(&self) -> crate::table::Answer {
        use crate::table::Answer;
        if self.code == 0 {
            return Answer::Done;
        }
        let json = self.json();
        let error = match &json["results"][0]["problem"] {
            Value::Null => &json["error"],
            problem => problem,
        };
        let code = error["code"].as_str().unwrap_or_default();
        match (self.code, code) {
            (5, _) => Answer::Unauthenticated,
            (_, "SymSDK:UNKNOWN_RUN") => Answer::Hidden,
            (_, code) => Answer::Refused(code.to_owned()),
        }
    }
}
