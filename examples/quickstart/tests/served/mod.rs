//! Serves the program with a fake of Slack, as the README shows. Users act in the fake, which sends the program signed requests.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// The time limit for a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

struct Served {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// The addresses of the program and the fake.
    program: String,
    slack: String,
}

impl Served {
    fn start(db: &Path) -> Self {
        Self::spawn(&mut Self::command(db))
    }

    fn command(db: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--fake-slack=127.0.0.1:0", "--db"]).arg(db);
        command
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut served = Self { child, lines, program: String::new(), slack: String::new() };
        served.program = address(&served.line("Listening on "));
        served.slack = address(&served.line("Fake Slack: "));
        served
    }

    /// Returns the next line that contains the text.
    fn line(&mut self, text: &str) -> String {
        let line = self.lines.by_ref().map_while(Result::ok).find(|line| line.contains(text));
        line.unwrap_or_else(|| panic!("no line has `{text}`"))
    }

    /// Acts as a user, by sending a form.
    fn act(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let form: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let (status, body) = http(&self.slack, "POST", path, &form.join("&"));
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("the answer is JSON")
    }

    /// Has Cleo request an hour of access to a repository.
    fn request_access(&self) {
        self.act("/command", &[("as", CLEO), ("text", "/sym req repository-access")]);
        let form = [
            ("as", CLEO),
            ("Target", "Repository"),
            ("Repository", "acme/website"),
            ("Urgency", "Normal"),
            ("Reason", "Fix a typo"),
            ("For how long", "1h"),
        ];
        self.act("/submit", &form);
    }

    /// Waits until a user sees the text, and returns everything the user sees.
    fn sees(&self, person: &str, text: &str) -> String {
        let mut version = 0;
        loop {
            let path = format!("/state?as={person}&since={version}");
            let (status, body) = http(&self.slack, "GET", &path, "");
            assert_eq!(status, 200, "{body}");
            let state: Value = serde_json::from_str(&body).expect("the state is JSON");
            assert_eq!(state["faults"], serde_json::json!([]));
            let texts = state["messages"].as_array().expect("messages").iter().map(|message| &message["all_text"]);
            let texts: String = texts.map(|text| format!("{}\n", text.as_str().unwrap_or_default())).collect();
            if texts.contains(text) {
                return texts;
            }
            version = state["version"].as_u64().expect("a version");
        }
    }

    /// Stops the program with SIGINT, as a terminal does.
    fn stop(mut self) -> Option<i32> {
        let status = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(status.success());
        self.line("Stopping");
        self.child.wait().expect("the program ends").code()
    }
}

/// Returns the address that follows `http://` in a line.
fn address(line: &str) -> String {
    let address = line.split("http://").nth(1).and_then(|rest| rest.split([' ', ',']).next());
    address.map(|address| address.trim_end_matches(':').to_owned()).expect("an address")
}

fn http(address: &str, method: &str, path: &str, form: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("something listens");
    stream.set_read_timeout(Some(RESPONSE_TIMEOUT)).expect("a limit is set");
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    let kind = "content-type: application/x-www-form-urlencoded";
    write!(stream, "{head}{kind}\r\ncontent-length: {}\r\n\r\n{form}", form.len()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    status.zip(body).expect("it speaks HTTP")
}

const CLEO: &str = "U012CLEO";
const BEN: &str = "U012BEN";

#[cfg(unix)]
#[test]
fn a_request_is_made_and_approved_in_the_fake() {
    let dir = tempfile::tempdir().expect("a directory");
    let db = dir.path().join("sym-fake.db");
    let mut served = Served::start(&db);
    assert_eq!(http(&served.program, "GET", "/ready", "").0, 200);

    served.request_access();
    let own = http(&served.slack, "POST", "/click", &format!("as={CLEO}&button=Approve"));
    assert_eq!(own.0, 200, "{}", own.1);
    served.sees(CLEO, "Requesters cannot approve their own request.");
    served.act("/click", &[("as", BEN), ("button", "Approve")]);
    served.sees(CLEO, "You have access to *Repository (acme/website)* until");
    // Messages that handlers send go to the fake as well.
    served.sees(BEN, "cleo@example.com may use acme/website, says ben@example.com");
    assert!(served.line(" granted ").contains("Repository (acme/website) to cleo@example.com"));
    assert_eq!(served.stop(), Some(0));

    // The store survives a restart; the workspace of the fake does not.
    let served = Served::start(&db);
    served.act("/command", &[("as", CLEO), ("text", "/sym whoami")]);
    served.sees(CLEO, "You are *cleo@example.com*, a member.");
    assert_eq!(served.stop(), Some(0));
}

/// Issue 12: with the fake, too, the program starts with what can be built, and access ends.
#[cfg(unix)]
#[test]
fn a_flow_that_is_removed_while_it_gives_access_keeps_nothing_from_starting() {
    let dir = tempfile::tempdir().expect("a directory");
    let db = dir.path().join("sym-fake.db");
    let mut served = Served::start(&db);
    served.request_access();
    served.act("/click", &[("as", BEN), ("button", "Approve")]);
    served.line(" granted ");
    assert_eq!(served.stop(), Some(0));

    let renamed = include_str!("../../flow.tf").replace("\"repository-access\"", "\"other-access\"");
    std::fs::write(dir.path().join("flow.tf"), renamed).expect("a file");
    let config = dir.path().to_str().expect("a path that is text");
    let strict = Served::command(&db).args(["--config", config, "--strict"]).output().expect("the program starts");
    assert_eq!(strict.status.code(), Some(1));
    let refused = String::from_utf8_lossy(&strict.stderr);
    assert!(
        refused.contains("flow `repository-access` is no longer declared, but 1 Run of it may still hold access"),
        "{refused}"
    );

    let served = Served::spawn(Served::command(&db).args(["--config", config]));
    assert_eq!(http(&served.program, "GET", "/ready", "").0, 200);
    assert_eq!(served.stop(), Some(0));
}

/// Only the fake knows the secret that it signs with.
#[test]
fn rejects_requests_without_a_signature() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut served = Served::start(&dir.path().join("sym-fake.db"));
    let (status, _) = http(&served.program, "POST", "/slack/commands", "command=/sym&text=help");
    assert_eq!(status, 401);
    served.child.kill().expect("the program runs");
    served.child.wait().expect("the program ends");
}
