//! The client of a database cluster, and how it is built.

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;
use sym_sdk::clock::{Clock, SystemClock};
use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::{ErrorKind, Result, codes as sdk_codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::model::{AccessTarget, Event, Step};

use super::connection::{Address, Cluster, Tls};
use super::errors::POSTGRES;
use super::role::{self, LoginKey};
use super::{SimulatedPostgres, TARGET, codes};

const DEFAULT_DATABASE: &str = "postgres";

/// A client of one PostgreSQL cluster, which is a primary and its replicas.
///
/// A runtime builds it from the configuration, and handlers take it as `&Postgres`, to hand a requester their
/// [login](Self::login); elsewhere there is a [`builder`](Self::builder).
#[derive(Clone)]
pub struct Postgres(Arc<Inner>);

pub(super) struct Inner {
    pub(super) cluster: Cluster,
    pub(super) key: LoginKey,
    /// The `external_id`, which passwords are derived from: a key gives other passwords on each server.
    pub(super) server: String,
}

/// The temporary login of a Run: what its requester needs in order to connect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TemporaryLogin {
    /// The name of the login, such as `sym_0190a0a0000070008000000000000001`.
    pub username: String,
    /// The password.
    pub password: SecretString,
    /// The host of the primary.
    pub host: String,
    /// The port of the primary.
    pub port: u16,
    /// The database: that of the target, or else that of the integration.
    pub database: String,
}

impl Postgres {
    /// Creates a builder for the client of a server: `db.example.com` or `db.example.com:5433`, with the user that creates logins.
    pub fn builder(server: impl Into<String>, user: impl Into<String>) -> PostgresBuilder {
        PostgresBuilder {
            server: server.into(),
            user: user.into(),
            password: SecretString::default(),
            login_key: SecretString::default(),
            database: DEFAULT_DATABASE.to_owned(),
            replicas: Vec::new(),
            root_certificate: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// Returns the temporary login of an event's Run, for an `after_escalate` hook that hands it to the requester.
    ///
    /// The password is computed, and stored nowhere: whoever sees it has it from the hook. It is the same each time, so a hook that is
    /// repeated after a crash hands out the same one.
    ///
    /// # Errors
    /// `Postgres:NO_LOGIN` unless the event is `escalate`, with a target of type `postgres_role`: earlier, nobody has the access yet.
    pub fn login(&self, event: &Event) -> Result<TemporaryLogin> {
        let Some(target) = event.target().filter(|target| target.kind() == TARGET && event.name() == Step::Escalate)
        else {
            let message = format!("event `{}` of `{}` has no temporary login", event.name(), event.flow().name());
            return Err(POSTGRES
                .error(ErrorKind::InvalidInput, codes::NO_LOGIN, message)
                .with_hint("call `login` in `after_escalate`, in a flow whose targets are of type `postgres_role`"));
        };
        let primary = &self.0.cluster.primary;
        Ok(TemporaryLogin {
            username: role::name(event.run().id()),
            password: self.0.key.password(&self.0.server, event.run().id())?,
            host: primary.host().to_owned(),
            port: primary.port(),
            database: self.database(target).to_owned(),
        })
    }

    /// The database that a target is for.
    pub(super) fn database<'a>(&'a self, target: &'a AccessTarget) -> &'a str {
        target.settings().get("database").map_or(&self.0.cluster.database, |database| database)
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cluster = &self.0.cluster;
        f.debug_struct("Postgres")
            .field("server", &self.0.server)
            .field("user", &cluster.user)
            .field("database", &cluster.database)
            .field("replicas", &cluster.replicas)
            .finish_non_exhaustive()
    }
}

impl IntegrationClient for Postgres {
    const TYPE: &'static str = POSTGRES.name();

    /// Closed, because a misspelled `replicas` would leave sessions.
    const SETTINGS: SettingsSchema = SettingsSchema::closed(&[
        SettingSchema::required("user"),
        SettingSchema::required("password_secret"),
        SettingSchema::required("login_key_secret"),
        SettingSchema::optional("database"),
        SettingSchema::optional("replicas"),
        SettingSchema::optional("root_certificate"),
    ]);

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        let settings = config.integration().settings();
        let optional = |name: &str| settings.get(name).filter(|value| !value.trim().is_empty());
        let mut builder = Self::builder(config.external_id(), config.setting("user")?)
            .password(config.secret("password_secret")?.clone())
            .login_key(config.secret("login_key_secret")?.clone());
        if let Some(database) = optional("database") {
            builder = builder.database(database);
        }
        for replica in optional("replicas").iter().flat_map(|replicas| replicas.split(',')) {
            builder = builder.replica(replica.trim());
        }
        if let Some(pem) = optional("root_certificate") {
            builder = builder.root_certificate(pem);
        }
        builder.build()
    }

    /// Connects to the server and its replicas, and tries in a transaction that is rolled back to create a login.
    async fn check(&self) -> Result<Option<String>> {
        super::check::check(self.inner(), None).await?;
        Ok(Some(format!("{} on {}", self.inner().cluster.user, self.inner().server)))
    }

    /// A client that hands out logins of a server that nobody calls.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedPostgres::new().client(Some(config)).map(Some)
    }
}

/// A builder for a [`Postgres`] client. It needs a [`password`](Self::password) and a [`login_key`](Self::login_key).
#[must_use = "call `build` to get the client"]
pub struct PostgresBuilder {
    server: String,
    user: String,
    password: SecretString,
    login_key: SecretString,
    database: String,
    replicas: Vec<String>,
    root_certificate: Option<String>,
    clock: Arc<dyn Clock>,
}

impl PostgresBuilder {
    /// Sets the password of the user.
    pub fn password(mut self, password: impl Into<SecretString>) -> Self {
        self.password = password.into();
        self
    }

    /// Sets the key that the passwords of temporary logins are derived from, of at least 32 characters.
    pub fn login_key(mut self, key: impl Into<SecretString>) -> Self {
        self.login_key = key.into();
        self
    }

    /// Sets the database to connect to. The default is `postgres`.
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database = database.into();
        self
    }

    /// Adds a replica, on which sessions are ended, too.
    pub fn replica(mut self, server: impl Into<String>) -> Self {
        self.replicas.push(server.into());
        self
    }

    /// Sets the certificates of the authorities to trust, in PEM. The default is those of the machine.
    pub fn root_certificate(mut self, pem: impl Into<String>) -> Self {
        self.root_certificate = Some(pem.into());
        self
    }

    /// Sets the clock that the client waits by. The default is the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the client, without connecting.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if an address or a certificate is invalid, the key is too short, or the user or the password is empty.
    pub fn build(self) -> Result<Postgres> {
        use secrecy::ExposeSecret;
        let missing = [("user", self.user.as_str()), ("password_secret", self.password.expose_secret())];
        if let Some((name, _)) = missing.iter().find(|(_, value)| value.is_empty()) {
            let message = format!("the PostgreSQL client for `{}` has no `{name}`", self.server);
            return Err(POSTGRES.error(ErrorKind::Configuration, sdk_codes::CONFIGURATION, message));
        }
        let replicas = self.replicas.iter().map(|replica| Address::parse(replica)).collect::<Result<_>>()?;
        let cluster = Cluster {
            primary: Address::parse(&self.server)?,
            replicas,
            user: self.user,
            password: self.password,
            database: self.database,
            tls: Tls::new(self.root_certificate.as_deref())?,
            clock: self.clock,
        };
        Ok(Postgres(Arc::new(Inner { cluster, key: LoginKey::new(self.login_key)?, server: self.server })))
    }
}

impl fmt::Debug for PostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBuilder")
            .field("server", &self.server)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
