//! A simulated PostgreSQL server.

use sym_sdk::error::Result;
use sym_sdk::integration::{Fake, FakeClient, IntegrationConfig};

use super::Postgres;

/// A simulated PostgreSQL server: its client hands out temporary logins as the real one does, and connects to nothing.
///
/// Server and database are those of the integration, unless they are set here. The passwords open nothing.
///
/// ```
/// # fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::postgres::SimulatedPostgres;
///
/// let postgres = SimulatedPostgres::new().server("db.example.com:5433").database("orders").build()?;
/// # let _ = postgres;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedPostgres {
    server: Option<String>,
    database: Option<String>,
}

impl SimulatedPostgres {
    /// Creates a server.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the host, and the port unless it is 5432, that logins are for.
    pub fn server(mut self, server: impl Into<String>) -> Self {
        self.server = Some(server.into());
        self
    }

    /// Sets the database that logins are for, where the target names none.
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database = Some(database.into());
        self
    }

    /// Builds the client of the server.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if no server can have the name.
    pub fn build(self) -> Result<Postgres> {
        self.client(None)
    }

    pub(super) fn client(&self, config: Option<&IntegrationConfig<'_>>) -> Result<Postgres> {
        let setting = |name: &str| config.and_then(|config| config.integration().settings().get(name));
        let configured = config.map(IntegrationConfig::external_id);
        let server = self.server.as_deref().or(configured).unwrap_or("db.example.com");
        let builder = Postgres::builder(server, "simulated").password("simulated").login_key("simulated ".repeat(4));
        match self.database.as_ref().or_else(|| setting("database")).filter(|database| !database.trim().is_empty()) {
            Some(database) => builder.database(database),
            None => builder,
        }
        .build()
    }
}

impl Fake for SimulatedPostgres {
    type Client = Postgres;

    fn into_client(self) -> FakeClient<Postgres> {
        FakeClient::built_by(move |config| self.client(Some(config)))
    }
}
