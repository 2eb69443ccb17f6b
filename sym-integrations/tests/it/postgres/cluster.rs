//! A PostgreSQL cluster in a temporary directory, for one test.
//!
//! If PostgreSQL is not installed, tests that need it pass without a look at anything, unless `REQUIRE_POSTGRES` is set, as it is in
//! CI. As root, the server runs as another user, since it refuses to run as root.
//!
//! Servers are those of Debian's packages, or those in the directory that `POSTGRES_VERSIONS` names, which has a directory for each version:
//! `16/bin/postgres` and `16/bin/initdb`. The tests run on the newest, those of `versions` on all. `tests/postgres-versions/run` runs them on
//! others.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};

use base64::Engine as _;
use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair};
use secrecy::ExposeSecret;
use sym_integrations::postgres::{Postgres, PostgresBuilder, PostgresStrategy, TemporaryLogin};
use sym_sdk::error::{Error, Result};
use sym_sdk::machine::EffectKey;
use sym_sdk::model::{AccessTarget, Environment, Event, Flow, Run, RunId, Step, StepOutput, User};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult};
use tempfile::TempDir;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::cluster_clock::SteppingClock;
use crate::GRACE;

pub(crate) const SUPERUSER_PASSWORD: &str = "S3CRET-superuser";
pub(crate) const PASSWORD: &str = "S3CRET-manager";
pub(crate) const LOGIN_KEY: &str = "S3CRET-key-of-at-least-thirty-two-characters";

/// The directory in which Debian has the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The programs of all installed versions, the oldest first.
pub(crate) fn installed() -> Vec<PathBuf> {
    let directory = std::env::var_os("POSTGRES_VERSIONS").map_or_else(|| DEBIAN.into(), PathBuf::from);
    let versions = std::fs::read_dir(&directory).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    found.retain(|bin| bin.join("postgres").exists());
    found.sort_by_key(|bin| bin.parent().and_then(|version| version.file_name()?.to_str()?.parse::<u32>().ok()));
    assert!(
        !found.is_empty() || std::env::var_os("REQUIRE_POSTGRES").is_none(),
        "PostgreSQL is not installed in {}",
        directory.display()
    );
    found
}

/// A running server.
pub(crate) struct Cluster {
    bin: PathBuf,
    directory: TempDir,
    server: Child,
    port: u16,
    log: Arc<Mutex<String>>,
}

impl Cluster {
    /// Starts a cluster of the newest version: with a user `manager`, who may create roles and end sessions, a role `readonly` that
    /// it may grant, and a database `app`. `None` if PostgreSQL is not installed.
    pub(crate) async fn start() -> Option<Self> {
        Some(Self::start_with(installed().pop()?, &[]).await)
    }

    pub(crate) async fn start_with(bin: PathBuf, settings: &[&str]) -> Self {
        let directory = directory();
        let password = directory.path().join("password");
        std::fs::write(&password, SUPERUSER_PASSWORD).unwrap();
        own(&password);
        let made = unprivileged(&bin.join("initdb"))
            .arg(format!("--pgdata={}", data(&directory).display()))
            .arg(format!("--pwfile={}", password.display()))
            .args(["--username=postgres", "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let cluster = Self::run(bin, directory, settings);
        let admin = cluster.admin().await;
        for statement in [
            format!("CREATE ROLE manager LOGIN CREATEROLE PASSWORD '{PASSWORD}'"),
            "GRANT pg_signal_backend TO manager".to_owned(),
            "CREATE ROLE readonly NOLOGIN".to_owned(),
            "GRANT readonly TO manager WITH ADMIN OPTION".to_owned(),
            "CREATE DATABASE app".to_owned(),
        ] {
            admin.batch_execute(&statement).await.unwrap();
        }
        cluster
    }

    /// Starts a replica of this cluster. The programs of a server do not always include `pg_basebackup`.
    pub(crate) async fn replica(&self) -> Self {
        let (directory, admin) = (directory(), self.admin().await);
        let version: u32 = rows(&admin, "SHOW server_version_num").await[0].parse().unwrap();
        let (start, stop) = match version >= 150_000 {
            true => ("pg_backup_start('replica', true)", "pg_backup_stop(false)"),
            false => ("pg_start_backup('replica', true, false)", "pg_stop_backup(false, false)"),
        };
        rows(&admin, &format!("SELECT {start}")).await;
        let replica = data(&directory);
        // Fails for files that the server removes meanwhile, which a replica does not need.
        let _ = Command::new("cp").arg("-a").args([&data(&self.directory), &replica]).stderr(Stdio::null()).status().unwrap();
        let label = rows(&admin, &format!("SELECT labelfile FROM {stop}")).await.remove(0);
        let _ = std::fs::remove_file(replica.join("postmaster.pid"));
        let connection = format!("host=127.0.0.1 port={} user=postgres password={SUPERUSER_PASSWORD}", self.port);
        let settings = format!("primary_conninfo = '{connection}'\n");
        for (name, text) in [("backup_label", &label), ("standby.signal", &String::new()), ("postgresql.auto.conf", &settings)] {
            let path = replica.join(name);
            std::fs::write(&path, text).unwrap();
            own(&path);
        }
        Self::run(self.bin.clone(), directory, &[])
    }

    fn run(bin: PathBuf, directory: TempDir, settings: &[&str]) -> Self {
        let port = free_port();
        let mut command = unprivileged(&bin.join("postgres"));
        command.arg("-D").arg(data(&directory)).args(["-p", &port.to_string()]);
        let directories = format!("unix_socket_directories={}", directory.path().display());
        for setting in ["listen_addresses=127.0.0.1", "fsync=off", "log_statement=all", &directories].iter().chain(settings)
        {
            command.args(["-c", setting]);
        }
        let mut server = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let (log, (ready, is_ready)) = (Arc::new(Mutex::new(String::new())), mpsc::channel());
        let written = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(std::io::Result::ok) {
                if line.contains("ready to accept") {
                    let _ = ready.send(());
                }
                let mut log = written.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let cluster = Self { bin, directory, server, port, log };
        assert!(is_ready.recv_timeout(GRACE).is_ok(), "{}", cluster.log());
        cluster
    }

    /// Turns on TLS with a certificate for a host, and returns that of its authority in PEM.
    pub(crate) async fn turn_on_tls(&self, host: &str) -> String {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([host.to_owned()]).unwrap().self_signed(&key).unwrap();
        let data = data(&self.directory);
        let authority = pem("CERTIFICATE", certificate.der());
        for (name, text) in [("server.key", &pem("PRIVATE KEY", &key.serialize_der())), ("server.crt", &authority)] {
            let path = data.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            own(&path);
        }
        let admin = self.admin().await;
        admin.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
        admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        // New connections have what the postmaster has loaded, whose reload it logs.
        let loaded = async {
            while rows(&self.admin().await, "SHOW ssl").await != ["on"] {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(GRACE, loaded).await.unwrap();
        authority
    }

    /// Returns the log of the server, with all statements.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Connects as the superuser.
    pub(crate) async fn admin(&self) -> Client {
        self.connect("postgres", SUPERUSER_PASSWORD, "postgres").await.unwrap()
    }

    pub(crate) async fn connect(
        &self,
        user: &str,
        password: &str,
        database: &str,
    ) -> Result<Client, tokio_postgres::Error> {
        connect(self.port, user, password, database).await
    }

    /// Connects with a temporary login.
    pub(crate) async fn log_in(&self, login: &TemporaryLogin) -> Result<Client, tokio_postgres::Error> {
        self.connect(&login.username, login.password.expose_secret(), "app").await
    }

    pub(crate) fn builder(&self) -> PostgresBuilder {
        Postgres::builder(self.address(), "manager").password(PASSWORD).login_key(LOGIN_KEY).database("app")
    }

    /// A client whose clock does not wait.
    pub(crate) fn client(&self) -> Postgres {
        self.builder().clock(SteppingClock::new()).build().unwrap()
    }

    pub(crate) fn strategy(&self) -> PostgresStrategy {
        PostgresStrategy::new(self.client())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Immediate shutdown; the files are deleted next.
        let _ = Command::new("kill").args(["-QUIT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
    }
}

pub(crate) async fn connect(
    port: u16,
    user: &str,
    password: &str,
    database: &str,
) -> Result<Client, tokio_postgres::Error> {
    let mut config = Config::new();
    let config = config.host("127.0.0.1").port(port).user(user).password(password).dbname(database);
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The rows of a query, as texts with `|` between columns.
pub(crate) async fn rows(client: &Client, query: &str) -> Vec<String> {
    let messages = client.simple_query(query).await.unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let text = |row: &tokio_postgres::SimpleQueryRow| {
        (0..row.len()).map(|index| row.get(index).unwrap_or("-").to_owned()).collect::<Vec<_>>().join("|")
    };
    rows.map(text).collect()
}

/// Waits until a session has been ended by the server.
pub(crate) async fn closed(session: &Client) {
    tokio::time::timeout(GRACE, async {
        while !session.is_closed() {
            // Fails as soon as the end of the session has arrived.
            let _ = session.simple_query("SELECT 1").await;
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

pub(crate) fn directory() -> TempDir {
    let directory = tempfile::Builder::new().prefix("sym-postgres-").tempdir().unwrap();
    own(directory.path());
    directory
}

fn data(directory: &TempDir) -> PathBuf {
    directory.path().join("data")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The user that servers run as in place of root.
fn server_user() -> &'static str {
    let known = |name: &&&str| Command::new("id").args(["-u", name]).output().is_ok_and(|found| found.status.success());
    ["postgres", "nobody"].iter().find(known).expect("a user other than root")
}

fn id_of(option: &str) -> u32 {
    let found = Command::new("id").args([option, server_user()]).output().unwrap();
    String::from_utf8_lossy(&found.stdout).trim().parse().unwrap()
}

/// Gives a file to the user that servers run as.
pub(crate) fn own(path: &Path) {
    if is_root() {
        chown(path, Some(id_of("-u")), Some(id_of("-g"))).unwrap();
    }
}

/// A command that does not run as root. It ends with the test, even one that is killed.
pub(crate) fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=QUIT");
    if is_root() {
        command.args([format!("--reuid={}", id_of("-u")), format!("--regid={}", id_of("-g")), "--clear-groups".to_owned()]);
    }
    command.arg(program);
    command.current_dir("/");
    command
}

pub(crate) fn target(role: &str) -> AccessTarget {
    AccessTarget::new("acme", "postgres_role", "orders".parse().unwrap()).with_setting("role", role)
}

pub(crate) fn code(error: &Error) -> String {
    error.code().to_string()
}

/// A Run that asks for a role.
pub(crate) struct Asked<'a> {
    strategy: &'a PostgresStrategy,
    flow: Arc<Flow>,
    escalate: Event,
    deescalate: Event,
    target: AccessTarget,
    run: RunId,
    user: String,
    ends_at: Option<Timestamp>,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(strategy: &'a PostgresStrategy, role: &str) -> Self {
        Self::by(strategy, "ana@example.com", 1, role)
    }

    /// Run number `run`, by a user.
    pub(crate) fn by(strategy: &'a PostgresStrategy, user: &str, run: u16, role: &str) -> Self {
        let flow = Flow::builder("prod".parse().unwrap(), "acme")
            .environment(Environment::new("main".parse().unwrap()))
            .build();
        let flow = Arc::new(flow);
        let (target, id) = (target(role), format!("0190a0a0-0000-7000-8000-00000000{run:04x}").parse().unwrap());
        let person = User::from_email(user).unwrap();
        let event = |step| {
            let channel = Event::builder(Arc::clone(&flow), step, person.clone()).build().channel().clone();
            let run = Run::new(id, &flow, channel);
            Event::builder(Arc::clone(&flow), step, person.clone()).run(run).target(target.clone()).build()
        };
        let (escalate, deescalate) = (event(Step::Escalate), event(Step::Deescalate));
        Self { strategy, flow, escalate, deescalate, target, run: id, user: user.to_owned(), ends_at: None }
    }

    /// Sets the end of the access.
    pub(crate) fn until(mut self, end: &str) -> Self {
        self.ends_at = Some(end.parse().unwrap());
        self
    }

    /// Sets the output of the grant that the revocation knows.
    pub(crate) fn record(&mut self, output: serde_json::Value) {
        let run = self.deescalate.run().clone().with_step_output(Step::Escalate, StepOutput(output));
        let flow = Arc::clone(&self.flow);
        let event = Event::builder(flow, Step::Deescalate, self.deescalate.user().clone());
        self.deescalate = event.run(run).target(self.target.clone()).build();
    }

    pub(crate) fn event(&self) -> &Event {
        &self.escalate
    }

    pub(crate) fn login_name(&self) -> String {
        format!("sym_{}", self.run.to_string().replace('-', ""))
    }

    pub(crate) fn request<'b>(&'b self, event: &'b Event) -> AccessRequest<'b> {
        let key = EffectKey { run: self.run, seq: 7 };
        AccessRequest::new(event, &self.target, &self.user, key).with_ends_at(self.ends_at)
    }

    pub(crate) async fn grant(&self) -> Result<GrantResult> {
        self.strategy.escalate(&self.request(&self.escalate)).await
    }

    pub(crate) async fn granted(&self) {
        let _ = self.grant().await.unwrap();
    }

    pub(crate) async fn revoke(&self) -> Result<serde_json::Value> {
        Ok(self.strategy.deescalate(&self.request(&self.deescalate)).await?.unwrap().0)
    }

    pub(crate) async fn listed(&self) -> Result<Vec<String>> {
        Ok(self.strategy.list_current(&self.target).await?.unwrap())
    }
}
