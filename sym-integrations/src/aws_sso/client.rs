//! The client of an instance of IAM Identity Center, and its requests to three services.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sym_sdk::config::SettingsSchema;
use sym_sdk::directory::Directory;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::SimulatedSso;
use super::errors::classify;
use super::instance::{InstanceResolver, is_instance_arn};
use crate::aws::{self, Arn, PermissionContext};
use crate::http::{Auth, BaseUrl, Call, Next, Paginator, RateLimit};
use crate::kit::{
    Credentials, REVOKE, RateGroup, ServiceClient, SimulatedAccount, Vendor, VendorBuilder, VendorClient,
};

/// The identity store, whose limit is about 20 calls a second for each account.
pub(super) const SSO: Vendor = aws::service("aws_sso", "AWSSSO")
    .rate_limits(&[RateGroup::new("", RateLimit::per_second(10)), RateGroup::new(REVOKE, RateLimit::per_second(5))])
    .classify(classify);

/// A service, with the prefix of its operations.
#[derive(Clone, Copy)]
pub(super) enum Service {
    IdentityStore,
    SsoAdmin,
    Organizations,
}

impl Service {
    fn prefix(self) -> &'static str {
        match self {
            Self::IdentityStore => "AWSIdentityStore",
            Self::SsoAdmin => "SWBExternalService",
            Self::Organizations => "AWSOrganizationsV20161128",
        }
    }

    /// The name of its endpoint. The identity store has the main one.
    fn endpoint(self) -> Option<&'static str> {
        match self {
            Self::IdentityStore => None,
            Self::SsoAdmin => Some("sso"),
            Self::Organizations => Some("organizations"),
        }
    }
}

/// A client of one instance of IAM Identity Center, with its identity store and its organization. Clones share connections, rate limits and
/// the number of changes in flight.
///
/// A runtime builds it from an integration of type `permission_context`, and handlers take it as `&AwsSso`; elsewhere there is a
/// [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct AwsSso {
    pub(super) service: ServiceClient,
    pub(super) instances: Arc<InstanceResolver>,
}

impl AwsSso {
    /// Creates a builder for a client that is called with the credentials of a context. `external_id` names the instance in identities:
    /// its ARN, or else any name, and then the instance is found by [`AwsSsoBuilder::instance_arn`] or is the only one in the region.
    pub fn builder(context: &PermissionContext, external_id: &str) -> AwsSsoBuilder {
        AwsSsoBuilder {
            context: context.clone(),
            external_id: external_id.to_owned(),
            instance_arn: Some(external_id.to_owned()).filter(|id| is_instance_arn(id)),
            directory: None,
            has_rate_limits: true,
            accounts_by_email: false,
        }
    }

    /// Creates a builder from the configuration of an integration.
    pub(super) fn configured(config: &IntegrationConfig<'_>) -> Result<AwsSsoBuilder> {
        let builder = Self::builder(&PermissionContext::from_config(config)?, config.external_id());
        let builder = match config.integration().settings().get("instance_arn").filter(|arn| !arn.is_empty()) {
            Some(arn) => builder.instance_arn(arn),
            None => builder,
        };
        Ok(match config.directory() {
            Some(directory) => builder.directory(directory.clone()),
            None => builder,
        })
    }

    /// Creates the call of an operation. Each of them may be repeated.
    pub(super) fn operation(&self, service: Service, name: &'static str, arguments: &Value) -> Result<Call> {
        let client = match service.endpoint() {
            Some(endpoint) => self.service.endpoint(endpoint)?,
            None => &*self.service,
        };
        let call = client
            .post("/", &[])
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", &format!("{}.{name}", service.prefix()))
            .json(arguments)
            .idempotent(true)
            .reads(["Describe", "Get", "Is", "List"].iter().any(|prefix| name.starts_with(prefix)));
        Ok(call.explain(move |_, failure| {
            let message = format!("{name}: {}", failure.message());
            failure.with_message(message)
        }))
    }

    /// The client for calls that revoke access, so that nothing else delays them.
    pub(super) fn for_revocation(&self) -> Self {
        self.with_service(self.service.for_revocation())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Token {
    next_token: Option<String>,
}

/// Lists the objects in a member of all pages. A page may be empty and have a successor; a member that is absent is an empty list.
pub(super) fn list<T: DeserializeOwned + Send + 'static>(call: Call, member: &'static str) -> Paginator<T> {
    call.pages_by(move |response| {
        let Token { next_token } = response.json()?;
        let mut members: Map<String, Value> = response.json()?;
        let items = match members.remove(member) {
            None | Some(Value::Null) => Vec::new(),
            Some(items) => serde_json::from_value(items)
                .map_err(|error| response.invalid(format!("unexpected JSON in `{member}`: {error}")))?,
        };
        Ok((items, Next::cursor("NextToken", next_token.as_deref())))
    })
}

impl VendorClient for AwsSso {
    const VENDOR: Vendor = SSO;

    fn base_url(account: &str) -> Result<BaseUrl> {
        Err(without_context(account))
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        Err(without_context(credentials.account()))
    }

    fn from_service(service: ServiceClient) -> Self {
        Self { service, instances: Arc::default() }
    }

    fn with_service(&self, service: ServiceClient) -> Self {
        Self { service, instances: Arc::clone(&self.instances) }
    }

    fn service(&self) -> &ServiceClient {
        &self.service
    }
}

fn without_context(account: &str) -> Error {
    let message = format!("the Identity Center client for `{account}` has no permission context");
    SSO.error(ErrorKind::Configuration, codes::CONFIGURATION, message).with_hint("create it with `AwsSso::builder`")
}

impl IntegrationClient for AwsSso {
    const TYPE: &'static str = PermissionContext::TYPE;
    const SETTINGS: SettingsSchema = PermissionContext::SETTINGS;
    const KEY: &'static str = SSO.name();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        Self::configured(config)?.build()
    }

    /// Reads the instance of Identity Center.
    async fn check(&self) -> Result<Option<String>> {
        Ok(Some(self.instance_arn().await?.to_string()))
    }

    /// An instance whose groups have no members.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedSso::new().client(&SimulatedAccount::of(config)).map(Some)
    }
}

/// A builder for an [`AwsSso`] client.
#[derive(Clone, Debug)]
#[must_use = "call `build` to get the client"]
pub struct AwsSsoBuilder {
    context: PermissionContext,
    external_id: String,
    instance_arn: Option<String>,
    directory: Option<Directory>,
    has_rate_limits: bool,
    accounts_by_email: bool,
}

impl AwsSsoBuilder {
    /// Sets the ARN of the instance, such as `arn:aws:sso:::instance/ssoins-1234567890abcdef`.
    pub fn instance_arn(mut self, arn: impl Into<String>) -> Self {
        self.instance_arn = Some(arn.into());
        self
    }

    /// Sets the directory that users and accounts are resolved through. Without one, they are matched by e-mail address alone.
    pub fn directory(mut self, directory: Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Removes the client-side rate limits, for simulated services that have none.
    pub fn without_rate_limits(mut self) -> Self {
        self.has_rate_limits = false;
        self
    }

    /// Makes the client that of a simulated service, which knows people by their e-mail addresses.
    pub(super) fn simulated(self, directory: Option<&Directory>) -> Self {
        Self { directory: directory.cloned(), has_rate_limits: false, accounts_by_email: true, ..self }
    }

    /// Builds the client, without calling AWS.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if the instance is not one of Identity Center, or belongs to another partition than the region.
    pub fn build(self) -> Result<AwsSso> {
        let Self { context, external_id, instance_arn, directory, has_rate_limits, accounts_by_email } = self;
        let region = context.region();
        let instance = match instance_arn {
            Some(arn) if is_instance_arn(&arn) => Some(Arn::parse(&arn)?),
            Some(arn) => {
                let message = format!("`{}` is not the ARN of an instance of Identity Center", arn.escape_debug());
                return Err(SSO
                    .error(ErrorKind::Configuration, codes::CONFIGURATION, message)
                    .with_hint("write it as in `arn:aws:sso:::instance/ssoins-1234567890abcdef`"));
            }
            None => None,
        };
        if let Some(instance) = &instance {
            context.check_partition("instance", instance)?;
        }
        let mut builder: VendorBuilder<AwsSso> = context
            .vendor_builder(&external_id, region.endpoint("identitystore"))?
            .endpoint(context.vendor_endpoint("sso", region.endpoint("sso"))?)
            .endpoint(context.vendor_endpoint("organizations", region.global_endpoint("organizations"))?);
        if let Some(directory) = directory {
            builder = builder.directory(directory);
        }
        if !has_rate_limits {
            builder = builder.without_rate_limits();
        }
        if accounts_by_email {
            builder = builder.accounts_by_email();
        }
        let role_account = context.role_arn().map(|role| role.account().to_owned());
        let instances = Arc::new(InstanceResolver::new(instance, region.clone(), role_account));
        Ok(AwsSso { instances, ..builder.build()? })
    }
}
