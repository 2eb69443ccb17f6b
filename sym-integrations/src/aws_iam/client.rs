//! The client of the IAM of an account, and its requests: forms whose responses are XML.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sym_sdk::config::SettingsSchema;
use sym_sdk::error::{ErrorKind, Result, codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::SimulatedIam;
use super::errors::classify;
use crate::aws::xml::Element;
use crate::aws::{self, PermissionContext, is_account_id};
use crate::http::{Auth, BaseUrl, Call, Next, Paginator, Response};
use crate::kit::{Credentials, ServiceClient, SimulatedAccount, Vendor, VendorBuilder, VendorClient};

/// IAM. Asked for JSON, it returns it in an undocumented form.
pub(super) const IAM: Vendor = aws::service("aws_iam", "AWSIAM").headers(&[("accept", "text/xml")]).classify(classify);

/// The largest page of a list.
const PAGE: u32 = 1_000;

/// A client of the IAM of one account. Clones share connections and rate limits.
///
/// A runtime builds it from an integration of type `permission_context`, and handlers take it as `&AwsIam`; elsewhere there is a
/// [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct AwsIam(pub(super) ServiceClient);

/// A builder for an [`AwsIam`] client.
pub type AwsIamBuilder = VendorBuilder<AwsIam>;

impl AwsIam {
    /// Creates a builder for the client of an account, which is called with the credentials of a context.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if the role of the context belongs to another account.
    pub fn builder(context: &PermissionContext, account_id: &str) -> Result<AwsIamBuilder> {
        if let Some(role) = context.role_arn().filter(|role| role.account() != account_id) {
            let message = format!("role `{role}` does not belong to account `{account_id}`");
            return Err(IAM
                .error(ErrorKind::Configuration, codes::CONFIGURATION, message)
                .with_hint("set `external_id` of the integration to the id of the role's account"));
        }
        context.vendor_builder(account_id, context.region().global_endpoint("iam"))
    }

    /// The id of the account.
    pub fn account(&self) -> &str {
        self.0.account()
    }

    /// Creates the call of an action. Each of them may be repeated.
    pub(super) fn action(&self, action: &'static str) -> Call {
        let call = self.0.post("/", &[]).form("Action", action).form("Version", "2010-05-08").idempotent(true);
        let call = call.reads(action.starts_with("Get") || action.starts_with("List"));
        call.explain(move |_, failure| {
            let message = format!("{action}: {}", failure.message());
            failure.with_message(message)
        })
    }

    /// Lists the items of all pages of an action.
    pub(super) fn list<P: ResultPage>(&self, action: &'static str, call: Call) -> Paginator<P::Item> {
        call.form("MaxItems", PAGE).pages_by(move |response| {
            let Page { is_truncated, marker } = read(response, action)?;
            let next = match (is_truncated.as_deref(), marker.as_deref()) {
                (Some("true"), Some(marker)) => Next::param("Marker", marker),
                (Some("true"), None) => return Err(response.invalid("the list is truncated, and there is no marker")),
                _ => Next::End,
            };
            Ok((read::<P>(response, action)?.into_items(), next))
        })
    }
}

/// The items in the result of an action.
pub(super) trait ResultPage: DeserializeOwned + 'static {
    type Item: Send + 'static;

    fn into_items(self) -> Vec<Self::Item>;
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    is_truncated: Option<String>,
    marker: Option<String>,
}

/// Reads the result of an action. A response that is not that of the action, such as a sign-in page, confirms nothing.
pub(super) fn read<T: DeserializeOwned>(response: &Response, action: &str) -> Result<T> {
    let invalid = || response.invalid(format!("expected the XML of {action}"));
    let root = Element::parse(&response.text()).filter(|root| root.name() == format!("{action}Response"));
    let root = root.ok_or_else(invalid)?;
    let result = root.child(&format!("{action}Result")).unwrap_or(&root).to_json().to_string();
    serde_json::from_str(&result).map_err(|error| response.invalid(format!("unexpected XML of {action}: {error}")))
}

impl VendorClient for AwsIam {
    const VENDOR: Vendor = IAM;

    fn base_url(account: &str) -> Result<BaseUrl> {
        Err(without_context(account))
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        Err(without_context(credentials.account()))
    }

    fn check_account(account: &str) -> Result<()> {
        if is_account_id(account) {
            return Ok(());
        }
        let message = format!("`{}` is not the id of an AWS account", account.escape_debug());
        Err(IAM
            .error(ErrorKind::Configuration, codes::CONFIGURATION, message)
            .with_hint("set `external_id` of the integration to the 12 digits of the account"))
    }

    fn from_service(service: ServiceClient) -> Self {
        Self(service)
    }

    fn service(&self) -> &ServiceClient {
        &self.0
    }
}

fn without_context(account: &str) -> sym_sdk::Error {
    let message = format!("the IAM client for `{account}` has no permission context");
    IAM.error(ErrorKind::Configuration, codes::CONFIGURATION, message).with_hint("create it with `AwsIam::builder`")
}

impl IntegrationClient for AwsIam {
    const TYPE: &'static str = PermissionContext::TYPE;
    const SETTINGS: SettingsSchema = PermissionContext::SETTINGS;
    const KEY: &'static str = IAM.name();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        let builder = Self::builder(&PermissionContext::from_config(config)?, config.external_id())?;
        match config.directory() {
            Some(directory) => builder.directory(directory.clone()),
            None => builder,
        }
        .build()
    }

    /// Reads one [group](https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroups.html).
    async fn check(&self) -> Result<Option<String>> {
        let read = self.list_groups().next_item().await;
        self.service().probe(std::future::ready(read)).await
    }

    /// An account whose groups have no members.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedIam::new().client(&SimulatedAccount::of(config)).map(Some)
    }
}
