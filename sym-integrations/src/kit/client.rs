//! The part of a client that all vendors have: the HTTP client, the account, and the resolution of users.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use sym_sdk::BoxFuture;
use sym_sdk::directory::Inserted;
use sym_sdk::error::{ErrorKind, Result, codes};
use sym_sdk::model::User;

use super::account_resolver::AccountResolver;
use super::builder::present;
use super::{Account, Credentials, Endpoint, REVOKE, Vendor, VendorBuilder};
use crate::http::{Auth, BaseUrl, Client};

/// A typed client of a vendor, as the kit builds it.
///
/// An implementation says how the client authenticates and where the service is; the [`VendorBuilder`] does the rest. A vendor that
/// needs more than one host or credential names the others as [`endpoints`](Self::endpoints).
pub trait VendorClient: Clone + Send + Sync + 'static {
    /// The vendor's constants.
    const VENDOR: Vendor;

    /// Returns the URL of the service for an account, such as a domain. A base URL that the user sets takes precedence.
    fn base_url(account: &str) -> Result<BaseUrl>;

    /// Returns how calls are authenticated.
    ///
    /// # Errors
    /// If a secret that it needs is missing.
    fn auth(credentials: &Credentials<'_>) -> Result<Auth>;

    /// Returns the endpoints beside the main one, given that one's URL. By default there are none.
    ///
    /// # Errors
    /// If a URL cannot be derived, or a secret that an endpoint cannot do without is missing.
    fn endpoints(_credentials: &Credentials<'_>, _base_url: &BaseUrl) -> Result<Vec<Endpoint>> {
        Ok(Vec::new())
    }

    /// Checks the vendor's own name of an account, where the URL does not depend on it. By default every name is accepted.
    ///
    /// # Errors
    /// If no account can have this name.
    fn check_account(_account: &str) -> Result<()> {
        Ok(())
    }

    /// Wraps the common part of the client.
    fn from_service(service: ServiceClient) -> Self;

    /// Wraps the common part of a client made from this one, such as one for revocations. A client that has more than the common part
    /// hands the rest over here.
    #[must_use]
    fn with_service(&self, service: ServiceClient) -> Self {
        Self::from_service(service)
    }

    /// Returns the common part of the client.
    fn service(&self) -> &ServiceClient;

    /// Creates a builder for the client of an account: the vendor's own name of it, such as a domain.
    fn builder_for(account: impl Into<String>) -> VendorBuilder<Self> {
        VendorBuilder::new(account.into())
    }
}

/// The common part of a vendor's client: it dereferences to the HTTP [`Client`]. Clones share connections and rate limits.
#[derive(Clone)]
pub struct ServiceClient {
    vendor: Vendor,
    client: Client,
    endpoints: Arc<[(&'static str, Client)]>,
    account: Arc<str>,
    accounts: AccountResolver,
    settings: Arc<BTreeMap<String, String>>,
}

impl ServiceClient {
    pub(super) fn new(
        vendor: Vendor,
        client: Client,
        endpoints: Vec<(&'static str, Client)>,
        account: Arc<str>,
        accounts: AccountResolver,
    ) -> Self {
        Self { vendor, client, endpoints: endpoints.into(), account, accounts, settings: Arc::default() }
    }

    pub(super) fn with_settings(self, settings: BTreeMap<String, String>) -> Self {
        Self { settings: Arc::new(settings), ..self }
    }

    /// Returns a setting of the integration that is not a secret; `None` if it is absent or blank.
    pub fn setting(&self, name: &str) -> Option<&str> {
        present(&self.settings, name)
    }

    /// The vendor's own name of the account, such as a domain: the `external_id` of the integration.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Returns the client of one of the vendor's [endpoints](VendorClient::endpoints).
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if the client was built without it, as when its credential is optional.
    pub fn endpoint(&self, name: &'static str) -> Result<&Client> {
        let found = self.endpoints.iter().find(|(other, _)| *other == name);
        found.map(|(_, client)| client).ok_or_else(|| {
            let vendor = self.vendor;
            let message =
                format!("the {} client for `{}` was built without `{name}`", vendor.error_type(), self.account);
            vendor.error(ErrorKind::Configuration, codes::CONFIGURATION, message)
        })
    }

    /// Returns the id of a user's account in the service: the one in the directory, or else the one that `look_up` finds by e-mail
    /// address, which is then stored in the directory.
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none, `Identity:COULD_NOT_SAVE` if the account found is known to be another user's.
    pub async fn account_id(
        &self,
        user: &User,
        look_up: impl AsyncFnOnce(&str) -> Result<Option<String>>,
    ) -> Result<String> {
        self.accounts.account_id(user, look_up).await
    }

    /// Returns the users who have these accounts, in the same order and without duplicates. An account that the directory does not
    /// know is resolved by its e-mail address, and its user added to the directory; one without an address is omitted with a warning in
    /// the log.
    pub fn users(&self, accounts: impl IntoIterator<Item = Account>) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        // Boxed, without the iterator: a future that holds one with a closure in it cannot be awaited in a handler.
        let accounts: Vec<_> = accounts.into_iter().collect();
        Box::pin(self.accounts.users(accounts))
    }

    /// Returns whether the directory has a user with this account, so that its e-mail address is not needed.
    pub async fn is_known_account(&self, id: &str) -> Result<bool> {
        self.accounts.is_known(id).await
    }

    /// Returns the user who has an account, as [`users`](Self::users) does, and whether they were unknown until now.
    ///
    /// # Errors
    /// `SymSDK:USER_DELETED` if the account or the address was that of a deleted user.
    pub async fn contact(&self, account: &Account) -> Result<Option<Inserted>> {
        self.accounts.contact(account).await
    }

    /// Returns the user who has an account in another instance of the service, such as the workspace of another organization, and
    /// whether they were unknown until now. Without an e-mail address that the caller vouches for, the user is known by the account
    /// alone. `None` without a directory.
    ///
    /// # Errors
    /// `SymSDK:USER_DELETED` if the account or the address was that of a deleted user.
    pub async fn contact_of_outsider(
        &self,
        instance: &str,
        id: &str,
        vouched_email: Option<&str>,
    ) -> Result<Option<Inserted>> {
        self.accounts.contact_of_outsider(instance, id, vouched_email).await
    }

    /// Makes a read-only call, such as for a list with one entry, and returns the configured account, since few services name the owner of
    /// credentials: this one has accepted them. So it has if it refuses the call for lack of a permission, which the program may not need.
    ///
    /// # Errors
    /// If the service cannot be reached, or refuses the credentials.
    pub async fn probe<T>(&self, call: impl IntoFuture<Output = Result<T>>) -> Result<Option<String>> {
        match call.await {
            Err(error) if error.kind() != ErrorKind::Forbidden => Err(error),
            _ => Ok(Some(self.account.to_string())),
        }
    }

    /// A client whose calls belong to the rate group [`REVOKE`], so that nothing else delays them.
    #[must_use]
    pub fn for_revocation(&self) -> Self {
        self.map_clients(|client| client.with_rate_group(REVOKE))
    }

    /// A client whose calls take at most this long.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        self.map_clients(|client| client.with_timeout(timeout))
    }

    fn map_clients(&self, change: impl Fn(&Client) -> Client) -> Self {
        let endpoints = self.endpoints.iter().map(|(name, client)| (*name, change(client))).collect();
        Self { client: change(&self.client), endpoints, ..self.clone() }
    }
}

impl Deref for ServiceClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl fmt::Debug for ServiceClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceClient")
            .field("account", &self.account)
            .field("base_url", &self.client.base_url().as_str())
            .finish_non_exhaustive()
    }
}
