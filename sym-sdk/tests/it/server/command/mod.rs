//! The command `serve`, in a process of its own.

mod help;
#[cfg(feature = "console")]
mod sign_in;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use expect_test::expect;
use serde_json::json;
use sym_sdk::App;
use sym_sdk::app::Exit;
use sym_sdk::directory::Directory;
use sym_sdk::engine::SqliteStore;
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Builder, FakeService, FrontEndType, ManifestConfig};
use sym_sdk::server::listen;
use sym_sdk::strategy::{SimulatedStrategy, StrategyType};

use super::client::get;
use super::desk::{Desk, until};
use super::{directory, get_permissions};

/// The directory of the configuration and the store, for a child.
const DIR: &str = "SYM_SDK_TEST_SERVE";

/// Has a child's front end be unable to do its work.
const DOWN: &str = "SYM_SDK_TEST_SERVE_DOWN";

/// Has a child have a type of front ends that the configuration does not ask for.
const UNASKED: &str = "SYM_SDK_TEST_SERVE_UNASKED";

/// Makes a child start the fake.
const FAKE: &str = "SYM_SDK_TEST_SERVE_FAKE";

/// Further arguments of a child, one on each line.
const ARGS: &str = "SYM_SDK_TEST_SERVE_ARGS";

/// Has a child that starts the fake serve no console.
const NO_CONSOLE: &str = "SYM_SDK_TEST_SERVE_NO_CONSOLE";

fn app(dir: &Path) -> App {
    App::new()
        .registry(handlers![get_permissions])
        .config_dir(dir)
        .domain("example.com")
        .strategy_type(StrategyType::new("custom", |_| Ok(SimulatedStrategy::default())))
}

/// The program that the tests start: this one, with a test that begins by calling this. Returns at once in the tests themselves.
fn serve_if_started_by_a_test() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    // The test has a runtime already.
    std::thread::spawn(move || serve(Path::new(&dir))).join().unwrap();
}

fn serve(dir: &Path) {
    let desk = Desk::named("desk");
    desk.0.is_down.store(std::env::var_os(DOWN).is_some(), Ordering::SeqCst);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let db = dir.join("sym.db");
    let exit = runtime.block_on(async {
        let told = desk.clone();
        tokio::spawn(async move {
            until("a slow request is begun", || told.0.slow_requests.load(Ordering::SeqCst) == 1).await;
            let mut out = std::io::stdout();
            writeln!(out, "slow request").unwrap();
        });
        let mut args = vec!["program", "serve", "--listen", "127.0.0.1:0", "--db", db.to_str().unwrap()];
        let further = std::env::var(ARGS).unwrap_or_default();
        args.extend(further.lines());
        let app = if std::env::var_os(FAKE).is_some() {
            args.push("--fake-desk");
            if std::env::var_os(NO_CONSOLE).is_some() {
                args.push("--no-console");
            }
            app(dir).front_end_type(desk_type(desk)).user(person("ana@example.com"))
        } else if std::env::var_os(UNASKED).is_some() {
            app(dir).front_end_type(FrontEndType::new("pager", |_| Ok(None::<Desk>)))
        } else {
            app(dir).front_end(desk)
        };
        let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
        app.run_from(args, &mut out, &mut err).await
    });
    std::process::exit(exit.code().into());
}

/// A type of front ends with all that one can have.
fn desk_type(desk: Desk) -> FrontEndType {
    let manifest = |config: &ManifestConfig<'_>| {
        let flows: Vec<_> = config.flows.iter().map(|flow| flow.name().as_str()).collect();
        let handlers: Vec<_> = config.handlers.iter().map(|handler| handler.record.name()).collect();
        Ok(json!({ "name": config.name, "address": config.address, "flows": flows, "handlers": handlers }))
    };
    FrontEndType::new("desk", |_| Err::<Option<Desk>, _>(Error::handler("the real one is not wanted")))
        .with_manifest(manifest)
        .with_fake(move |config| {
            let desk = desk.clone();
            async move {
                let people: Vec<_> = config.people.iter().map(User::username).collect();
                let instructions = format!("{} is at a desk on {} that is made up.", people.join(", "), config.listen);
                Ok(FakeService::new(instructions, |builder: Builder| builder.front_end(desk)))
            }
        })
}

fn person(email: &str) -> User {
    User::from_email(email).unwrap()
}

struct Served {
    child: Child,
    out: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Served {
    fn start(dir: &Path) -> Self {
        // What else is logged depends on when the workers get to it.
        Self::start_logging(dir, "error")
    }

    fn start_logging(dir: &Path, filter: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        Self::spawn(command.env(DIR, dir).env("RUST_LOG", filter))
    }

    fn start_fake(dir: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        Self::spawn(command.env(DIR, dir).env(FAKE, "yes").env("RUST_LOG", "error"))
    }

    fn spawn(command: &mut Command) -> Self {
        command.args(["--exact", "server::command::a_signal_stops_it_in_order", "--nocapture"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let listening = line(&mut out, "Listening on http://");
        Self { child, out, address: listening.parse().unwrap() }
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// The rest of what it wrote, and how it ended.
    fn end(mut self) -> (String, String, Option<i32>) {
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (out, err, self.child.wait().unwrap().code())
    }
}

/// Returns the rest of the next line that starts with `start`.
fn line(out: &mut impl BufRead, start: &str) -> String {
    let mut line = String::new();
    while out.read_line(&mut line).unwrap() > 0 {
        if let Some(rest) = line.strip_prefix(start) {
            return rest.trim_end().to_owned();
        }
        line.clear();
    }
    panic!("there is no line `{start}`");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_stops_it_in_order() {
    serve_if_started_by_a_test();
    let dir = directory();
    for signal in ["-TERM", "-INT"] {
        let served = Served::start(dir.path());
        assert_eq!(get(served.address, "/ready").await.status, 200);
        served.signal(signal);
        let (out, err, code) = served.end();
        let out = out.replace(dir.path().to_str().unwrap(), "DIR");
        expect![[r#"
              /desk
              /api
              /mcp
              /health
              /ready
            Serving 1 flow on the store DIR/sym.db
            Stopping: waiting for work in flight. Send the signal again to stop immediately.
        "#]]
        .assert_eq(&out);
        assert_eq!((err.as_str(), code), ("", Some(0)));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_stops_it_at_once() {
    let dir = directory();
    let mut served = Served::start(dir.path());
    let address = served.address;
    let slow = tokio::spawn(async move { get(address, "/desk/slow").await });
    let mut out = tokio::task::spawn_blocking(move || {
        line(&mut served.out, "slow request");
        served
    });
    let mut served = (&mut out).await.unwrap();
    served.signal("-TERM");
    line(&mut served.out, "Stopping");
    served.signal("-TERM");
    let (_, err, code) = served.end();
    assert!(err.starts_with("error: stopped immediately"), "{err}");
    assert_eq!(code, Some(1));
    assert_eq!(slow.await.unwrap().head, "");
    // Nothing keeps the store from being used again.
    SqliteStore::open(dir.path().join("sym.db")).await.unwrap().close().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_front_end_that_does_not_work_is_named() {
    let dir = directory();
    let mut served = Served::spawn(
        Command::new(std::env::current_exe().unwrap()).env(DIR, dir.path()).env(DOWN, "yes").env("RUST_LOG", "error"),
    );
    let mut err = BufReader::new(served.child.stderr.take().unwrap());
    let note = line(&mut err, "warning: front end `desk` is not ready: ");
    served.child.stderr = Some(err.into_inner());
    expect!["the token xoxb-1 is bad (SymSDK:HANDLER_FAILED)"].assert_eq(&note);
    assert_eq!(get(served.address, "/health").await.status, 200);
    served.signal("-TERM");
    assert_eq!(served.end().2, Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn without_a_front_end_it_says_how_to_get_one() {
    let dir = directory();
    let served = Served::spawn(
        Command::new(std::env::current_exe().unwrap())
            .env(DIR, dir.path())
            .env(UNASKED, "yes")
            .env("RUST_LOG", "error"),
    );
    served.signal("-TERM");
    let (_, err, code) = served.end();
    expect![[r#"
        warning: no front end, so users cannot reach the flows
          help: add an integration of type `pager` to the environment of a flow
    "#]]
    .assert_eq(&err);
    assert_eq!(code, Some(0));
}

/// Those of the files, and those of the check.
#[cfg(unix)]
#[tokio::test]
async fn warnings_about_the_configuration_are_printed_at_startup() {
    const STRATEGY: &str = r#"
resource "sym_target" "db" {
  type = "custom"
  name = "db"
}

resource "sym_strategy" "db" {
  type           = "custom"
  name           = "db"
  integration_id = sym_integration.desk.id
  targets        = [sym_target.db.id]
}

resource "sym_flow" "db" {
  name           = "db"
  environment_id = sym_environment.main.id
  implementation = file("impl.py")

  params {
    strategy_id = sym_strategy.db.id

    prompt_field {
      name           = "target_id"
      type           = "string"
      allowed_values = ["db"]
    }
  }
}
"#;
    let dir = directory();
    std::fs::write(dir.path().join("strategy.tf"), STRATEGY).unwrap();
    std::fs::write(dir.path().join("impl.py"), "from sym.sdk.annotations import reducer\n").unwrap();
    let served = Served::start(dir.path());
    served.signal("-TERM");
    let (_, err, code) = served.end();
    expect![[r#"
        warning: DIR/strategy.tf:17:20: `implementation` of sym_flow.db is Python and is not run: the flow takes the Rust handlers of the module with its name, or all
        warning: DIR/strategy.tf:22:5: allowed values of field `target_id` of flow `db` are ignored: its options are the targets of the strategy
        warning: DIR/main.tf:12:1: environment `main` has no error logger, so nobody is notified if access that flow `db` gives cannot be revoked
          help: declare a `sym_error_logger`, and name it in the environment as `error_logger_id`
    "#]]
    .assert_eq(&err.replace(dir.path().to_str().unwrap(), "DIR"));
    assert_eq!(code, Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn the_console_can_be_left_out() {
    let dir = directory();
    let mut command = Command::new(std::env::current_exe().unwrap());
    let served = Served::spawn(command.env(DIR, dir.path()).env(FAKE, "yes").env(NO_CONSOLE, "yes"));
    for (path, status) in [
        ("/console", 404),
        ("/console/sign-in", 404),
        ("/r/0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f", 404),
        ("/desk/flows", 200),
    ] {
        assert_eq!(get(served.address, path).await.status, status, "{path}");
    }
    served.signal("-TERM");
    let (out, _, code) = served.end();
    assert!(!out.contains("onsole") && !out.lines().any(|line| line.trim() == "/r"), "{out}");
    assert_eq!(code, Some(0));
}

/// Access that is granted by fakes was never really granted.
#[cfg(unix)]
#[tokio::test]
async fn fakes_touch_nothing_real_and_have_a_store_of_their_own() {
    let dir = directory();
    let served = Served::start_fake(dir.path());
    assert_eq!(get(served.address, "/desk/flows").await.body, "1");
    served.signal("-TERM");
    let (out, err, code) = served.end();
    let of_port = |line: &&str| line.starts_with("API: curl ") || line.starts_with("Console: open http://127.0.0.1:");
    let (to_try, others): (Vec<&str>, Vec<&str>) = out.lines().partition(of_port);
    assert!(to_try.len() == 2 && to_try[1].contains("Bearer symbot_"), "{out}");
    let out = format!("{}\n", others.join("\n"));
    expect![[r#"
          /desk
          /api
          /mcp
          /console
          /r
          /health
          /ready
        Serving 1 flow on the store DIR/sym.db

        All clients and strategies are simulated.
        ana@example.com is at a desk on 127.0.0.1:3001 that is made up.

        Stopping: waiting for work in flight. Send the signal again to stop immediately.
    "#]]
    .assert_eq(&out.replace(dir.path().to_str().unwrap(), "DIR"));
    assert_eq!((err.as_str(), code), ("", Some(0)));

    let db = dir.path().join("sym.db");
    let on = ["--listen", "127.0.0.1:0", "--db", db.to_str().unwrap()];
    let error = fails(app(dir.path()), &on).await;
    assert!(error.contains("contains simulated access") && error.contains("pass another file"), "{error}");

    let db = dir.path().join("other.db");
    let on = ["--listen", "127.0.0.1:0", "--db", db.to_str().unwrap()];
    let store = Arc::new(SqliteStore::open(&db).await.unwrap());
    let directory = Directory::from_store(store.clone(), ["example.com"]);
    directory.put_user(person("ana@example.com")).await.unwrap();
    store.close().await.unwrap();
    let desk = || app(dir.path()).front_end_type(desk_type(Desk::named("desk")));
    let error = fails(desk(), &[&on[..], &["--fake-desk"]].concat()).await;
    assert!(error.contains("was not created by this command"), "{error}");
}

async fn run(app: App, args: &[&str]) -> (Exit, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = app.run_from(["program"].iter().chain(args), &mut out, &mut err).await;
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[tokio::test]
async fn a_type_of_front_ends_describes_its_app() {
    let dir = directory();
    let desk = || app(dir.path()).front_end_type(desk_type(Desk::named("desk")));
    let (exit, out, err) = run(desk(), &["desk", "manifest"]).await;
    assert_eq!((exit, err.as_str()), (Exit::Success, ""));
    let manifest: serde_json::Value = serde_json::from_str(&out).unwrap();
    let expected = json!({ "name": "Sym", "address": null, "flows": ["prod"], "handlers": ["get_permissions"] });
    assert_eq!(manifest, expected);

    let at = ["desk", "manifest", "--name", " Door ", "--url", "https://sym.example.com/"];
    let (_, out, _) = run(desk(), &at).await;
    assert!(out.contains(r#""name": "Door""#) && out.contains(r#""https://sym.example.com/desk""#), "{out}");

    for address in ["http://sym.example.com", "sym.example.com", "https://", "https://sym.example.com?x"] {
        let (exit, _, err) = run(desk(), &["desk", "manifest", "--url", address]).await;
        assert_eq!(exit, Exit::Usage);
        assert!(err.contains("expected an address such as `https://sym.example.com`"), "{err}");
    }
    // A type that has nothing to say has no command.
    let silent = app(dir.path()).front_end_type(FrontEndType::new("desk", |_| Ok(None::<Desk>)));
    let (exit, _, err) = run(silent, &["desk", "manifest"]).await;
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("unrecognized subcommand 'desk'"), "{err}");

    std::fs::write(dir.path().join("main.tf"), "resource \"sym_flow\" \"x\" {}").unwrap();
    let (exit, out, err) = run(desk(), &["desk", "manifest"]).await;
    assert_eq!((exit, out.as_str()), (Exit::Failure, ""));
    assert!(err.starts_with("error: "), "{err}");
}

async fn fails(app: App, args: &[&str]) -> String {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = app.run_from(["program", "serve"].iter().chain(args), &mut out, &mut err).await;
    assert_eq!((exit, out.as_slice()), (Exit::Failure, &b""[..]));
    String::from_utf8(err).unwrap()
}

#[tokio::test]
async fn what_is_in_use_is_named() {
    let dir = directory();
    let db = dir.path().join("sym.db");
    let db = db.to_str().unwrap();
    let taken = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = fails(app(dir.path()), &["--listen", &address, "--db", db]).await;
    assert!(error.contains(&address) && error.contains("another program listens there"), "{error}");

    let store = SqliteStore::open(db).await.unwrap();
    let error = fails(app(dir.path()), &["--listen", "127.0.0.1:0", "--db", db]).await;
    assert!(error.contains(db) && error.contains("in use"), "{error}");
    store.close().await.unwrap();
}

/// Low findings of the safety review: only a new store was private.
#[cfg(unix)]
#[tokio::test]
async fn it_warns_of_a_store_that_everybody_can_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = directory();
    let db = dir.path().join("sym.db");
    std::fs::write(&db, "").unwrap();
    for (mode, is_public) in [(0o644, true), (0o640, false)] {
        std::fs::set_permissions(&db, std::fs::Permissions::from_mode(mode)).unwrap();
        let served = Served::start_logging(dir.path(), "sym_sdk::engine::sqlite::lock=warn,error");
        served.signal("-TERM");
        let (_, err, _) = served.end();
        assert_eq!(err.contains("every user of this machine has access to the store"), is_public, "{err}");
        assert_eq!(err.contains("mode=0644"), is_public, "{err}");
        assert_eq!(db.metadata().unwrap().permissions().mode() & 0o777, mode, "it is left as it is");
    }
}

/// A process that writes beyond the limit of file sizes is killed, unless it handles the signal. Access would have stayed.
#[cfg(unix)]
#[tokio::test]
async fn it_survives_a_limit_of_file_sizes() {
    let dir = directory();
    let mut command = Command::new("sh");
    // Blocks of 512 bytes or of a kilobyte, depending on the shell: too few for the reserve, which is written at start.
    command.args(["-c", r#"ulimit -f 4096; exec "$0" "$@""#]).arg(std::env::current_exe().unwrap());
    let served = Served::spawn(command.env(DIR, dir.path()).env("RUST_LOG", "sym_sdk::engine::sqlite=warn,error"));
    assert_eq!(get(served.address, "/ready").await.status, 200);
    served.signal("-TERM");
    let (_, err, code) = served.end();
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("could not allocate the reserve for revocations"), "{err}");
}

/// Safety findings 11 and 13: a supervisor restarts the program, because it ends with an exit code of its own.
#[cfg(unix)]
#[tokio::test]
async fn a_store_that_has_failed_ends_it_with_exit_code_3() {
    let dir = directory();
    let served = Served::start(dir.path());
    let db = dir.path().join("sym.db");
    std::fs::remove_file(&db).unwrap();
    // It writes to the store, if the program has not noticed yet and ended.
    let address = served.address;
    let _ = tokio::spawn(async move { get(address, "/ready").await }).await;
    let (_, err, code) = served.end();
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("was removed or replaced while it was in use"), "{err}");
    assert!(err.lines().any(|line| line.ends_with("put it back, or restore it from a backup (SymSDK:STORE)")), "{err}");

    // Restarted, it does not begin anew, without what it knew of access that has to end.
    let restarted = fails(app(dir.path()), &["--listen", "127.0.0.1:0", "--db", db.to_str().unwrap()]).await;
    assert!(restarted.contains("restore the store from a backup"), "{restarted}");
    assert!(!db.exists());
}
