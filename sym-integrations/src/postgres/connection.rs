//! Connections to the primary and to its replicas.
//!
//! Each operation has a connection of its own: grants are rare, and a pool would keep credentials in use that have been replaced.
//! Statements are sent unnamed, in one round trip, and every answer is awaited with a time limit.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use postgres_protocol::escape::escape_identifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use tokio::task::AbortHandle;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{Client, Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::errors::{self, Explain, POSTGRES};

/// Time limit of connecting, with TLS and authentication.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time limit of one statement. The server has shorter limits within transactions, so that it gives up first.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);

/// Sets the time for which a statement of a transaction waits for others.
pub(super) const SET_LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '5s'";

/// The beginning of a transaction, before [`SET_LOCK_TIMEOUT`], with what it may take on the server. A transaction whose client is gone
/// ends by itself, and with it a grant that nobody waits for any more. A commit is waited for even where the server's default is not to.
const TRANSACTION: &str = "\
    BEGIN; \
    SET LOCAL statement_timeout = '15s'; \
    SET LOCAL idle_in_transaction_session_timeout = '15s'; \
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'";

const DEFAULT_PORT: u16 = 5432;

/// The address of a server: `db.example.com` or `db.example.com:5433`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: u16,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let invalid = || {
            let message = format!("`{text}` is not the address of a database server");
            Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
                .with_hint("expected a host and an optional port, such as `db.example.com:5432`")
        };
        let (host, port) = match text.rsplit_once(':') {
            // The colons of an IPv6 address.
            Some((host, _)) if host.contains(':') && !host.ends_with(']') => (text, DEFAULT_PORT),
            Some((host, port)) => (host, port.parse().map_err(|_| invalid())?),
            None => (text, DEFAULT_PORT),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(invalid());
        }
        Ok(Self { host: host.to_owned(), port })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// A database cluster: the primary, its replicas, and how to connect to them.
pub(super) struct Cluster {
    pub(super) primary: Address,
    pub(super) replicas: Vec<Address>,
    pub(super) user: String,
    pub(super) password: SecretString,
    pub(super) database: String,
    pub(super) tls: Tls,
    pub(super) clock: Arc<dyn Clock>,
}

impl Cluster {
    /// Connects to the primary.
    pub(super) async fn primary(&self) -> Result<Connection> {
        self.primary_database(&self.database).await
    }

    /// Connects to a database of the primary.
    pub(super) async fn primary_database(&self, database: &str) -> Result<Connection> {
        self.connect(&self.primary, database, TargetSessionAttrs::ReadWrite).await
    }

    /// Connects to a server, whether it accepts changes or not.
    pub(super) async fn server(&self, address: &Address) -> Result<Connection> {
        self.connect(address, &self.database, TargetSessionAttrs::Any).await
    }

    /// All servers, the primary first.
    pub(super) fn servers(&self) -> impl Iterator<Item = &Address> {
        std::iter::once(&self.primary).chain(&self.replicas)
    }

    async fn connect(&self, address: &Address, database: &str, attributes: TargetSessionAttrs) -> Result<Connection> {
        self.connect_within(STATEMENT_TIMEOUT, address, database, attributes).await
    }

    async fn connect_within(
        &self,
        statement_timeout: Duration,
        address: &Address,
        database: &str,
        attributes: TargetSessionAttrs,
    ) -> Result<Connection> {
        let mut config = Config::new();
        config
            .host(&address.host)
            .port(address.port)
            .user(&self.user)
            .password(self.password.expose_secret())
            .dbname(database)
            .application_name("sym-sdk")
            .tcp_user_timeout(statement_timeout)
            .target_session_attrs(attributes)
            .ssl_mode(if address.is_loopback() { SslMode::Disable } else { SslMode::Require });
        let action = "connect";
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, config.connect(self.tls.0.clone())).await;
        let (client, connection) =
            connected.map_err(|_| errors::time_out(action, address))?.explain(action, address)?;
        // Its error is that of the statement in flight.
        let driver = tokio::spawn(async move {
            let _ = connection.await;
        });
        let connection = Connection {
            client,
            driver: driver.abort_handle(),
            has_timed_out: AtomicBool::new(false),
            statement_timeout,
            address: address.clone(),
            user: escape_identifier(&self.user),
        };
        // Functions of this name that users of the database have made must not be called with our rights.
        connection.execute(action, "SET search_path = pg_catalog, pg_temp").await?;
        Ok(connection)
    }
}

/// The way in which servers prove who they are.
#[derive(Clone)]
pub(super) struct Tls(MakeRustlsConnect);

impl Tls {
    /// Trusts the certificate authorities of this machine, or those given in PEM and no others.
    pub(super) fn new(authorities: Option<&str>) -> Result<Self> {
        let failed = |error: rustls::Error| configuration(format!("TLS could not be set up: {error}"));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(failed)?;
        let config = match authorities {
            None => builder.with_platform_verifier().map_err(failed)?.with_no_client_auth(),
            Some(pem) => builder.with_root_certificates(roots(pem)?).with_no_client_auth(),
        };
        Ok(Self(MakeRustlsConnect::new(config)))
    }
}

fn roots(pem: &str) -> Result<RootCertStore> {
    let invalid = || {
        configuration("the setting `root_certificate` contains no valid certificate".to_owned())
            .with_hint("set it to the text of a PEM file: `root_certificate = file(\"ca.pem\")`")
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.map_err(|_| invalid())?).map_err(|_| invalid())?;
    }
    if roots.is_empty() { Err(invalid()) } else { Ok(roots) }
}

fn configuration(message: String) -> Error {
    POSTGRES.error(ErrorKind::Configuration, codes::CONFIGURATION, message)
}

/// The value of a parameter, with its type.
pub(super) type Value<'a> = (&'a (dyn ToSql + Sync), Type);

/// A connection to one server. Dropping it rolls back an open transaction.
pub(super) struct Connection {
    client: Client,
    /// The task that reads and writes. It ends when the client is dropped and the server has answered all statements.
    driver: AbortHandle,
    has_timed_out: AtomicBool,
    statement_timeout: Duration,
    address: Address,
    user: String,
}

impl Connection {
    /// The user of the integration, quoted for statements.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// Runs a query. `action` says what for, in errors.
    pub(super) async fn query(&self, action: &str, query: &str, values: &[Value<'_>]) -> Result<Vec<Row>> {
        self.within(action, self.client.query_typed(query, values)).await
    }

    /// Runs a query and returns the first column of its only row.
    pub(super) async fn value<T: for<'a> FromSql<'a>>(
        &self,
        action: &str,
        query: &str,
        values: &[Value<'_>],
    ) -> Result<T> {
        let rows = self.query(action, query, values).await?;
        column(action, rows.first(), 0)
    }

    /// Runs statements that return nothing.
    pub(super) async fn execute(&self, action: &str, statements: &str) -> Result<()> {
        self.within(action, self.client.batch_execute(statements)).await
    }

    /// Begins a transaction, which [`finish`](Self::finish) ends.
    pub(super) async fn begin(&self, action: &str) -> Result<()> {
        self.execute(action, &format!("{TRANSACTION}; {SET_LOCK_TIMEOUT}")).await
    }

    /// Commits a transaction that went well, and rolls back another.
    pub(super) async fn finish<T>(&self, action: &str, result: Result<T>) -> Result<T> {
        match result {
            Ok(result) => self.execute(action, "COMMIT").await.map(|()| result),
            Err(error) => {
                self.roll_back().await;
                Err(error)
            }
        }
    }

    /// Rolls back a transaction. If that fails, the end of the connection does it.
    pub(super) async fn roll_back(&self) {
        let _ = self.execute("roll back", "ROLLBACK").await;
    }

    async fn within<T>(&self, action: &str, call: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T> {
        match tokio::time::timeout(self.statement_timeout, call).await {
            Ok(result) => result.explain(action, &self.address),
            Err(_) => {
                self.has_timed_out.store(true, Ordering::Relaxed);
                Err(errors::time_out(action, &self.address))
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A server that has fallen silent answers nothing any more, and its connections would pile up with each attempt.
        if self.has_timed_out.load(Ordering::Relaxed) {
            self.driver.abort();
        }
    }
}

/// Reads a column of a row.
pub(super) fn column<T: for<'a> FromSql<'a>>(action: &str, row: Option<&Row>, index: usize) -> Result<T> {
    row.and_then(|row| row.try_get(index).ok()).ok_or_else(|| errors::unexpected(action))
}

#[cfg(test)]
mod tests {
    use sym_sdk::clock::SystemClock;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that admits everybody, and then says nothing.
    #[tokio::test]
    async fn the_connection_to_a_silent_server_is_closed() {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let primary = Address::parse(&server.local_addr().unwrap().to_string()).unwrap();
        let cluster = Cluster {
            primary: primary.clone(),
            replicas: Vec::new(),
            user: "manager".to_owned(),
            password: SecretString::from("x"),
            database: "app".to_owned(),
            tls: Tls::new(None).unwrap(),
            clock: Arc::new(SystemClock),
        };
        let limit = Duration::from_millis(50);
        let connecting = tokio::spawn(async move {
            cluster.connect_within(limit, &primary, "app", TargetSessionAttrs::Any).await.map(drop)
        });
        let (mut stream, _) = server.accept().await.unwrap();
        let mut received = [0; 1024];
        assert!(stream.read(&mut received).await.unwrap() > 0);
        // `AuthenticationOk` and `ReadyForQuery`.
        stream.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").await.unwrap();
        let error = connecting.await.unwrap().unwrap_err();
        assert_eq!(error.code().to_string(), "Postgres:TIMED_OUT");
        let closed = async { while stream.read(&mut received).await.is_ok_and(|length| length > 0) {} };
        tokio::time::timeout(Duration::from_secs(60), closed).await.unwrap();
    }
}
