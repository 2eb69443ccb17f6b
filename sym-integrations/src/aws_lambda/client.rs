//! The Lambda client: one HTTP client per region, created when a function there is first called.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sym_sdk::config::SettingsSchema;
use sym_sdk::error::Result;
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::errors::{classify, explain};
use super::invoke::{Invocation, Invoke, InvokeAsync};
use super::{FunctionArn, SimulatedLambda};
use crate::aws::{PermissionContext, Region, service};
use crate::bounded_cache::BoundedCache;
use crate::http::{Call, Client};
use crate::kit::{SimulatedAccount, Vendor};

/// Lambda, with the failures of functions.
pub(super) const LAMBDA: Vendor = service("aws_lambda", "AWSLambda").classify(classify);

/// The number of regions whose clients are cached. ARNs may come from forms, so their number is not bounded otherwise.
const REGION_CAPACITY: usize = 64;

/// A client for AWS Lambda. A function is invoked in the region that its ARN names, whatever the region of the [`PermissionContext`].
///
/// In a simulation, functions return what a [`SimulatedLambda`] says that is set with `App::fake`, and otherwise nothing.
#[derive(Clone)]
pub struct AwsLambda(Arc<Inner>);

struct Inner {
    context: PermissionContext,
    clients: BoundedCache<Region, Client>,
}

impl AwsLambda {
    /// Creates a client with the credentials of a context.
    pub fn new(context: PermissionContext) -> Self {
        Self(Arc::new(Inner { context, clients: BoundedCache::new(REGION_CAPACITY) }))
    }

    /// Invokes a function and returns its response: JSON, or `null` if it is empty. The payload is any type with a JSON form, such as an
    /// [`Event`](sym_sdk::model::Event).
    ///
    /// The call is not retried if the function may have run, as after a timeout or a lost connection.
    ///
    /// This calls [Invoke](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html), which needs `lambda:InvokeFunction`.
    ///
    /// # Errors
    /// [`FATAL_FUNCTION_ERROR`](super::codes::FATAL_FUNCTION_ERROR) if the function raised an error, crashed or timed out;
    /// [`FUNCTION_NOT_FOUND`](super::codes::FUNCTION_NOT_FOUND); [`TOO_LARGE`](super::codes::TOO_LARGE) for payloads over 6 MB.
    pub fn invoke(&self, function: impl AsRef<str>, payload: &(impl Serialize + ?Sized)) -> Invoke {
        self.invoke_as(function, payload)
    }

    /// Invokes a function and deserializes its response. See [`invoke`](Self::invoke).
    pub fn invoke_as<T: DeserializeOwned>(
        &self,
        function: impl AsRef<str>,
        payload: &(impl Serialize + ?Sized),
    ) -> Invoke<T> {
        Invoke::new(self.call(function.as_ref(), Invocation::RequestResponse, payload))
    }

    /// Queues an invocation, and returns whether it is queued. The result of the function is discarded. See [`invoke`](Self::invoke).
    pub fn invoke_async(&self, function: impl AsRef<str>, payload: &(impl Serialize + ?Sized)) -> InvokeAsync {
        InvokeAsync::new(self.call(function.as_ref(), Invocation::Event, payload))
    }

    /// Checks that a function exists and may be invoked, without invoking it.
    ///
    /// # Errors
    /// The same as [`invoke`](Self::invoke).
    pub async fn check(&self, function: impl AsRef<str>) -> Result<()> {
        self.call(function.as_ref(), Invocation::DryRun, &Value::Null)?.idempotent(true).await.map(drop)
    }

    fn call(&self, function: &str, kind: Invocation, payload: &(impl Serialize + ?Sized)) -> Result<Call> {
        let function = FunctionArn::parse(function)?;
        let client = self.client(function.region())?;
        let call = client
            .post("2015-03-31/functions/{function}/invocations", &[function.as_str()])
            // A function that is throttled pauses its own calls only.
            .key(function.unqualified())
            .header("x-amz-invocation-type", kind.as_str())
            .json(&payload);
        Ok(call.explain(move |_, failure| explain(failure, &function)))
    }

    fn client(&self, region: &Region) -> Result<Client> {
        self.0.clients.get_or_try_insert(region, || self.0.context.client(LAMBDA, "lambda", region)?.build())
    }
}

impl IntegrationClient for AwsLambda {
    const TYPE: &'static str = PermissionContext::TYPE;
    const SETTINGS: SettingsSchema = PermissionContext::SETTINGS;
    const KEY: &'static str = "aws_lambda";

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        PermissionContext::from_config(config).map(Self::new)
    }

    /// Functions that return nothing.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedLambda::new().client(&SimulatedAccount::of(config)).map(Some)
    }
}

impl fmt::Debug for AwsLambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsLambda").field("context", &self.0.context).finish_non_exhaustive()
    }
}
