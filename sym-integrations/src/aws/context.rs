//! The permission context: the region and the credentials that AWS services are called with.
//!
//! All AWS clients are created here, so that a service is always called in its own region, with a signature of the context's
//! credentials, and over its connection.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::IntegrationConfig;

use super::assume_role::RoleCredentials;
use super::credentials::DynCredentialsSource;
use super::region::ServiceEndpoint;
use super::sts::STS;
use super::{Arn, AssumeRole, CachedCredentials, CredentialsSource, Region, SigV4};
use crate::clock_offset::ClockOffset;
use crate::http::{Auth, BaseUrl, Client, ClientBuilder, Connection};
#[cfg(feature = "aws-sso")]
use crate::kit::Endpoint;
use crate::kit::Vendor;
#[cfg(any(feature = "aws-iam", feature = "aws-sso"))]
use crate::kit::{VendorBuilder, VendorClient};

/// The region and the credentials that AWS is called with. Clones share the session of the role.
#[derive(Clone)]
pub struct PermissionContext(Arc<Inner>);

struct Inner {
    region: Region,
    role_arn: Option<String>,
    credentials: Arc<dyn DynCredentialsSource>,
    endpoints: Endpoints,
}

/// The URL and the connection of the services.
#[derive(Clone)]
struct Endpoints {
    base_url: Option<BaseUrl>,
    connection: Connection,
    clock_offset: Arc<ClockOffset>,
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

    /// Creates a builder for a context in a region.
    pub fn builder(region: Region) -> PermissionContextBuilder {
        PermissionContextBuilder {
            region,
            credentials: None,
            role: None,
            base_url: None,
            connection: Connection::default(),
        }
    }

    /// Creates the context of an integration of type `permission_context`. The name of the integration becomes that of the role's session.
    pub fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        let integration = config.integration();
        Self::from_settings(integration.name(), integration.settings())
    }

    pub(super) fn from_settings(integration: &str, settings: &BTreeMap<String, String>) -> Result<Self> {
        // A misspelt `role_arn` would leave the program with its own credentials, which may have more permissions.
        if let Some(unknown) = settings.keys().find(|name| Self::SETTINGS.get(name).is_none()) {
            let names: Vec<_> = Self::SETTINGS.names().map(|name| format!("`{name}`")).collect();
            let message = format!("integration `{integration}` has an unknown setting `{unknown}`");
            return Err(Error::new(ErrorKind::Configuration, codes::UNKNOWN_SETTING, message)
                .with_hint(format!("the settings are {}", names.join(", "))));
        }
        let setting = |name: &str| settings.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let region = setting("region").ok_or_else(|| {
            let message = format!("integration `{integration}` has no setting `region`");
            Error::new(ErrorKind::Configuration, codes::UNKNOWN_SETTING, message)
                .with_hint("write it as in `region = \"eu-central-1\"`")
        })?;
        if let Some(cloud) = setting("cloud").filter(|cloud| *cloud != "aws") {
            let message = format!("integration `{integration}` is of cloud `{cloud}`, and only `aws` is supported");
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

    /// Returns the region.
    pub fn region(&self) -> &Region {
        &self.0.region
    }

    /// Creates a builder for the client of a service in a region. `name` is the service's name in hosts and signatures.
    pub(crate) fn client(&self, vendor: Vendor, name: &'static str, region: &Region) -> Result<ClientBuilder> {
        self.0.endpoints.client(vendor, region.endpoint(name), Arc::clone(&self.0.credentials))
    }

    /// Creates a builder for a vendor's client of an account, whose main endpoint is this one.
    #[cfg(any(feature = "aws-iam", feature = "aws-sso"))]
    pub(crate) fn vendor_builder<C: VendorClient>(
        &self,
        account: &str,
        main: ServiceEndpoint,
    ) -> Result<VendorBuilder<C>> {
        let (endpoints, credentials) = (&self.0.endpoints, Arc::clone(&self.0.credentials));
        let builder = C::builder_for(account).base_url(endpoints.base_url(&main)?);
        Ok(builder.auth(endpoints.auth(main, credentials)).connection(endpoints.connection.clone()))
    }

    /// Creates a further endpoint of a vendor's client.
    #[cfg(feature = "aws-sso")]
    pub(crate) fn vendor_endpoint(&self, name: &'static str, endpoint: ServiceEndpoint) -> Result<Endpoint> {
        let (endpoints, credentials) = (&self.0.endpoints, Arc::clone(&self.0.credentials));
        Ok(Endpoint::new(name, endpoints.base_url(&endpoint)?, endpoints.auth(endpoint, credentials)))
    }

    /// Returns the ARN of the role.
    #[cfg(any(feature = "aws-iam", feature = "aws-sso"))]
    pub(crate) fn role_arn(&self) -> Option<Arn> {
        self.0.role_arn.as_deref().and_then(|arn| Arn::parse(arn).ok())
    }

    /// Checks that an ARN of the configuration belongs to the partition that the context calls, since partitions share nothing.
    #[cfg(feature = "aws-sso")]
    pub(crate) fn check_partition(&self, what: &str, arn: &Arn) -> Result<()> {
        check_partition(&self.0.region, what, arn)
    }
}

fn check_partition(region: &Region, what: &str, arn: &Arn) -> Result<()> {
    if arn.partition() == region.partition() {
        return Ok(());
    }
    let message = format!(
        "{what} `{arn}` belongs to partition `{}`, and region `{region}` to `{}`",
        arn.partition(),
        region.partition()
    );
    Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
        .with_hint("use an integration of its own for each partition"))
}

impl Endpoints {
    fn client(
        &self,
        vendor: Vendor,
        endpoint: ServiceEndpoint,
        credentials: Arc<dyn DynCredentialsSource>,
    ) -> Result<ClientBuilder> {
        let base = self.base_url(&endpoint)?;
        let client = Client::builder(vendor, base).auth(self.auth(endpoint, credentials));
        Ok(client.connection(self.connection.clone()))
    }

    fn base_url(&self, endpoint: &ServiceEndpoint) -> Result<BaseUrl> {
        match &self.base_url {
            Some(base) => Ok(base.clone()),
            None => BaseUrl::of_host(&endpoint.host, ""),
        }
    }

    fn auth(&self, endpoint: ServiceEndpoint, credentials: Arc<dyn DynCredentialsSource>) -> Auth {
        let clock = Arc::clone(self.connection.clock());
        let offset = Arc::clone(&self.clock_offset);
        Auth::signer(SigV4::shared(endpoint.signing_name, endpoint.region, credentials, clock, offset))
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

/// A builder for a [`PermissionContext`].
#[must_use]
pub struct PermissionContextBuilder {
    region: Region,
    credentials: Option<Arc<dyn DynCredentialsSource>>,
    role: Option<AssumeRole>,
    base_url: Option<BaseUrl>,
    connection: Connection,
}

impl PermissionContextBuilder {
    /// Sets the source of the credentials. The default is the environment.
    pub fn credentials(mut self, source: impl CredentialsSource) -> Self {
        self.credentials = Some(Arc::new(source));
        self
    }

    /// Sets a role to assume with the credentials. All services are then called with the credentials of the role.
    pub fn role(mut self, role: AssumeRole) -> Self {
        self.role = Some(role);
        self
    }

    /// Sets the URL of all services, in place of AWS's own hosts, for emulators.
    pub fn base_url(mut self, base: BaseUrl) -> Self {
        self.base_url = Some(base);
        self
    }

    /// Sets the connection. The default is the network and the system clock.
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Builds the context, without calling AWS.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if the role and the region belong to different partitions.
    pub fn build(self) -> Result<PermissionContext> {
        let Self { region, credentials, role, base_url, connection } = self;
        if let Some(role) = &role {
            check_partition(&region, "role", &Arn::parse(role.role_arn())?)?;
        }
        let endpoints = Endpoints { base_url, connection, clock_offset: Arc::new(super::signer::clock_offset()) };
        let own = credentials.unwrap_or_else(|| from_environment(&region, &endpoints.connection));
        let role_arn = role.as_ref().map(|role| role.role_arn().to_owned());
        let credentials = match role {
            None => own,
            Some(role) => {
                // Asked for JSON, STS returns it in an undocumented form.
                let sts = endpoints.client(STS, region.endpoint("sts"), own)?.header("accept", "text/xml").build()?;
                let clock = Arc::clone(endpoints.connection.clock());
                Arc::new(CachedCredentials::new(RoleCredentials { sts, role }, clock))
            }
        };
        Ok(PermissionContext(Arc::new(Inner { region, role_arn, credentials, endpoints })))
    }
}

#[cfg(feature = "aws-config")]
fn from_environment(region: &Region, connection: &Connection) -> Arc<dyn DynCredentialsSource> {
    Arc::new(super::DefaultCredentials::new(region.clone(), Arc::clone(connection.clock())))
}

#[cfg(not(feature = "aws-config"))]
fn from_environment(_: &Region, _: &Connection) -> Arc<dyn DynCredentialsSource> {
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
