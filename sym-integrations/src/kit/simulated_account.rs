//! The surroundings of a simulated client: the user directory and the outbox of the simulation.

use sym_sdk::directory::Directory;
use sym_sdk::error::Result;
use sym_sdk::integration::{IntegrationConfig, Outbox};

use super::{SimulatedService, VendorBuilder, VendorClient};

/// The account that a simulated client is of: the name of the account, the directory that users are found in, and the outbox in which
/// changes are recorded. By default there is none of them.
///
/// Each vendor's `Simulated…` type builds its client with this, once from code and once as a [`Fake`](sym_sdk::integration::Fake), for an
/// integration of the configuration:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// # use sym_integrations::http::{Auth, BaseUrl};
/// # use sym_integrations::kit::{Credentials, ServiceClient, Vendor, VendorBuilder, VendorClient};
/// use serde_json::{Value, json};
/// use sym_integrations::kit::{SimulatedAccount, SimulatedService};
/// use sym_sdk::integration::{Fake, FakeClient, IntegrationClient, IntegrationConfig, Outbox};
/// use sym_sdk::Result;
///
/// # #[derive(Clone, Debug)]
/// # struct Wiki(ServiceClient);
/// # impl VendorClient for Wiki {
/// #     const VENDOR: Vendor = Vendor::new("wiki", "Wiki");
/// #     fn base_url(host: &str) -> Result<BaseUrl> { BaseUrl::of_host(host, "api") }
/// #     fn auth(_: &Credentials<'_>) -> Result<Auth> { Ok(Auth::none()) }
/// #     fn from_service(service: ServiceClient) -> Self { Self(service) }
/// #     fn service(&self) -> &ServiceClient { &self.0 }
/// # }
/// # impl IntegrationClient for Wiki {
/// #     const TYPE: &'static str = "wiki";
/// #     fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> { VendorBuilder::from_config(config)?.build() }
/// # }
/// #[derive(Clone, Debug, Default)]
/// struct SimulatedWiki;
///
/// impl SimulatedWiki {
///     fn build(&self, account: &SimulatedAccount) -> Result<Wiki> {
///         let service = SimulatedService::new("api").on("PUT", "spaces/{space}", |request| {
///             request.record(request.value(0), "space created");
///             Some(json!({ "id": request.value(0) }))
///         });
///         account.client(Wiki::builder_for("wiki.example.com"), service)
///     }
/// }
///
/// impl Fake for SimulatedWiki {
///     type Client = Wiki;
///
///     fn into_client(self) -> FakeClient<Wiki> {
///         FakeClient::built_by(move |config| self.build(&SimulatedAccount::of(config)))
///     }
/// }
///
/// let outbox = Outbox::new();
/// let wiki = SimulatedWiki.build(&SimulatedAccount::default().with_outbox(outbox.clone()))?;
/// let created: Value = wiki.service().put("spaces/{space}", &["ops"]).await?.json()?;
/// assert_eq!(outbox.sent()[0].to, "ops");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SimulatedAccount {
    name: Option<String>,
    directory: Option<Directory>,
    outbox: Outbox,
}

impl SimulatedAccount {
    /// The account of an integration.
    pub fn of(config: &IntegrationConfig<'_>) -> Self {
        Self {
            name: Some(config.external_id().to_owned()),
            directory: config.directory().cloned(),
            outbox: config.outbox(),
        }
    }

    /// Sets the outbox in which changes are recorded.
    #[must_use]
    pub fn with_outbox(mut self, outbox: Outbox) -> Self {
        self.outbox = outbox;
        self
    }

    /// The service's own name of the account; `None` if no integration names one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The directory that users are found in.
    pub fn directory(&self) -> Option<&Directory> {
        self.directory.as_ref()
    }

    /// The outbox in which changes are recorded.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Builds the client of a vendor whose requests the service answers. Users are found by their e-mail addresses, also those whose
    /// accounts the directory knows: a simulated service is told about people by address.
    ///
    /// # Errors
    /// Those of [`VendorBuilder::build`].
    pub fn client<C: VendorClient>(&self, builder: VendorBuilder<C>, service: SimulatedService) -> Result<C> {
        let service = service.recorded_in(self.outbox.clone(), C::VENDOR.name());
        self.connected(builder.connection(service.connection()))
    }

    /// Builds a client that is connected already.
    pub(crate) fn connected<C: VendorClient>(&self, builder: VendorBuilder<C>) -> Result<C> {
        let builder = match &self.directory {
            Some(directory) => builder.directory(directory.clone()).accounts_by_email(),
            None => builder,
        };
        builder.without_rate_limits().build()
    }
}

/// Implements [`Fake`](sym_sdk::integration::Fake) for a `Simulated…` type whose method `client` builds its client for an account.
///
/// `impl<S: …> Fake for S` is not possible: the trait belongs to another crate.
#[allow(unused_macros, reason = "which services use it depends on the features")]
macro_rules! impl_fake {
    ($simulated:ty => $client:ty) => {
        impl ::sym_sdk::integration::Fake for $simulated {
            type Client = $client;

            fn into_client(self) -> ::sym_sdk::integration::FakeClient<$client> {
                ::sym_sdk::integration::FakeClient::built_by(move |config| {
                    self.client(&$crate::kit::SimulatedAccount::of(config))
                })
            }
        }
    };
}

#[allow(unused_imports, reason = "which services use it depends on the features")]
pub(crate) use impl_fake;

/// Returns an e-mail address as simulated services compare it.
#[allow(dead_code, reason = "which services use it depends on the features")]
pub(crate) fn address(email: impl AsRef<str>) -> String {
    email.as_ref().trim().to_lowercase()
}
