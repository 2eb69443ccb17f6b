use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::IntegrationConfig;

use super::assume_role::RoleCredentials;
use super::sts::StsService;
use super::{AssumeRole, CachedCredentials, CredentialsSource, Region, SigV4};
use crate::http::{Auth, BaseUrl, Client, ClientBuilder, Connection, Service};

/// In which region and with which credentials AWS is called. Clones share the session of the role.
#[derive(Clone)]
pub struct PermissionContext(Arc<Inner>);

struct Inner {
    region: Region,
    role_arn: Option<String>,
    credentials: Arc<dyn CredentialsSource>,
    endpoints: Endpoints,
}

/// Where the services are.
#[derive(Clone)]
struct Endpoints {
    base_url: Option<BaseUrl>,
    connection: Connection,
}

impl PermissionContext {
    /// The `type` of the integration in the configuration.
    pub const TYPE: &'static str = "permission_context";

    /// The settings of the integration. `region` is required when a client is built from them.
    pub const SETTINGS: SettingsSchema = SettingsSchema::closed(&[
        SettingSchema::optional("cloud"),
        SettingSchema::optional("region"),
        SettingSchema::optional("role_arn"),
        SettingSchema::optional("external_id"),
        SettingSchema::optional("account_id"),
        SettingSchema::optional("instance_arn"),
        SettingSchema::optional("base_url"),
    ]);

    /// Begins one in a region.
    pub fn builder(region: Region) -> PermissionContextBuilder {
        PermissionContextBuilder {
            region,
            credentials: None,
            role: None,
            base_url: None,
            connection: Connection::default(),
        }
    }

    /// What an integration of type `permission_context` stands for. Its name becomes that of the role's session.
    pub fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        let integration = config.integration();
        Self::from_settings(integration.name(), integration.settings())
    }

    pub(super) fn from_settings(integration: &str, settings: &BTreeMap<String, String>) -> Result<Self> {
        // A misspelt role would leave the program's own credentials, which may do more.
        if let Some(unknown) = settings.keys().find(|name| Self::SETTINGS.get(name).is_none()) {
            let names: Vec<_> = Self::SETTINGS.names().map(|name| format!("`{name}`")).collect();
            let message = format!("integration `{integration}` has a setting `{unknown}`, which is not known");
            return Err(Error::new(ErrorKind::Configuration, codes::UNKNOWN_SETTING, message)
                .with_hint(format!("the settings are {}", names.join(", "))));
        }
        let setting = |name: &str| settings.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let region = setting("region").ok_or_else(|| {
            let message = format!("integration `{integration}` has no setting `region`");
            Error::new(ErrorKind::Configuration, codes::UNKNOWN_SETTING, message)
                .with_hint("write it such as `region = \"eu-central-1\"`")
        })?;
        if let Some(cloud) = setting("cloud").filter(|cloud| *cloud != "aws") {
            let message = format!("integration `{integration}` is of cloud `{cloud}`; only `aws` is known");
            return Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message));
        }
        let mut builder = Self::builder(Region::parse(region)?);
        if let Some(arn) = setting("role_arn") {
            let role = AssumeRole::new(arn)?.session_name(format!("sym-{integration}"));
            builder = builder.role(match setting("external_id") {
                Some(id) => role.external_id(id),
                None => role,
            });
        }
        if let Some(url) = setting("base_url") {
            builder = builder.base_url(BaseUrl::parse(url)?);
        }
        builder.build()
    }

    /// The region.
    pub fn region(&self) -> &Region {
        &self.0.region
    }

    /// Begins a client of a service in a region. `name` is that of the service in hosts and signatures.
    pub(crate) fn client(&self, service: impl Service, name: &'static str, region: &Region) -> Result<ClientBuilder> {
        self.0.endpoints.client(service, name, region, Arc::clone(&self.0.credentials))
    }
}

impl Endpoints {
    fn client(
        &self,
        service: impl Service,
        name: &'static str,
        region: &Region,
        credentials: Arc<dyn CredentialsSource>,
    ) -> Result<ClientBuilder> {
        let base = match &self.base_url {
            Some(base) => base.clone(),
            None => BaseUrl::of_host(&region.host(name), "")?,
        };
        let clock = Arc::clone(self.connection.clock());
        let signer = SigV4::shared(name, region.clone(), credentials, clock);
        Ok(Client::builder(service, base).auth(Auth::signer(signer)).connection(self.connection.clone()))
    }
}

impl fmt::Debug for PermissionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermissionContext")
            .field("region", &self.0.region)
            .field("role_arn", &self.0.role_arn)
            .finish_non_exhaustive()
    }
}

/// Builds a [`PermissionContext`].
#[must_use]
pub struct PermissionContextBuilder {
    region: Region,
    credentials: Option<Arc<dyn CredentialsSource>>,
    role: Option<AssumeRole>,
    base_url: Option<BaseUrl>,
    connection: Connection,
}

impl PermissionContextBuilder {
    /// Where the credentials come from. Unless told, from the environment.
    pub fn credentials(mut self, source: impl CredentialsSource) -> Self {
        self.credentials = Some(Arc::new(source));
        self
    }

    /// A role to assume with them. What AWS is asked then, it is asked in that role.
    pub fn role(mut self, role: AssumeRole) -> Self {
        self.role = Some(role);
        self
    }

    /// Where all services are called, in place of AWS's own hosts.
    pub fn base_url(mut self, base: BaseUrl) -> Self {
        self.base_url = Some(base);
        self
    }

    /// How AWS is reached. Unless told, over the network and by the machine's clock.
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// The context. It calls nobody yet.
    pub fn build(self) -> Result<PermissionContext> {
        let Self { region, credentials, role, base_url, connection } = self;
        let endpoints = Endpoints { base_url, connection };
        let own = credentials.unwrap_or_else(|| of_environment(&region, &endpoints.connection));
        let role_arn = role.as_ref().map(|role| role.role_arn().to_owned());
        let credentials = match role {
            None => own,
            Some(role) => {
                // Told to answer with JSON, STS does so, in a form of which its documentation knows nothing.
                let sts = endpoints.client(StsService, "sts", &region, own)?.header("accept", "text/xml").build()?;
                let clock = Arc::clone(endpoints.connection.clock());
                Arc::new(CachedCredentials::new(RoleCredentials { sts, role }, clock))
            }
        };
        Ok(PermissionContext(Arc::new(Inner { region, role_arn, credentials, endpoints })))
    }
}

#[cfg(feature = "aws-config")]
fn of_environment(region: &Region, connection: &Connection) -> Arc<dyn CredentialsSource> {
    Arc::new(super::DefaultCredentials::new(region.clone(), Arc::clone(connection.clock())))
}

#[cfg(not(feature = "aws-config"))]
fn of_environment(_: &Region, _: &Connection) -> Arc<dyn CredentialsSource> {
    Arc::new(super::EnvironmentCredentials::new())
}

impl fmt::Debug for PermissionContextBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermissionContextBuilder")
            .field("region", &self.region)
            .field("role", &self.role)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}
