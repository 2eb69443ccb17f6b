use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sym_sdk::config::SettingsSchema;
use sym_sdk::error::Result;
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::FunctionArn;
use super::error::{LambdaService, explained};
use super::invoke::{Invocation, Invoke, InvokeAsync};
use crate::aws::{PermissionContext, Region};
use crate::http::{Call, Client};

/// Clients of this many regions are kept.
const REGIONS: usize = 64;

/// Calls functions. Each is called in the region that its ARN names, whatever the region of the [`PermissionContext`].
///
/// In simulations there is no stand-in for it, as nobody knows what a function would answer: give it a fake with `App::fake`.
#[derive(Clone)]
pub struct AwsLambda(Arc<Inner>);

struct Inner {
    context: PermissionContext,
    clients: Mutex<BTreeMap<Region, Client>>,
}

impl AwsLambda {
    /// Calls functions with the credentials of this context.
    pub fn new(context: PermissionContext) -> Self {
        Self(Arc::new(Inner { context, clients: Mutex::default() }))
    }

    /// Calls a function and awaits what it answers: JSON, `null` if nothing. The payload is whatever has a JSON form, such as an
    /// [`Event`](sym_sdk::model::Event).
    ///
    /// The call is not repeated where the function may have run: after time ran out or the connection broke.
    ///
    /// Calls [Invoke](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html), which needs `lambda:InvokeFunction`.
    ///
    /// # Errors
    /// `AWSLambda:FATAL_FUNCTION_ERROR` if the function raised an error, crashed or ran out of time;
    /// [`FUNCTION_NOT_FOUND`](super::FUNCTION_NOT_FOUND); [`TOO_LARGE`](super::TOO_LARGE) for payloads over 6 MB.
    pub fn invoke(&self, function: impl AsRef<str>, payload: &(impl Serialize + ?Sized)) -> Invoke {
        self.invoke_as(function, payload)
    }

    /// Calls a function and reads what it answers as a `T`. See [`invoke`](Self::invoke).
    pub fn invoke_as<T: DeserializeOwned>(
        &self,
        function: impl AsRef<str>,
        payload: &(impl Serialize + ?Sized),
    ) -> Invoke<T> {
        Invoke::new(self.call(function.as_ref(), Invocation::RequestResponse, payload))
    }

    /// Has a function called later, and says whether it is queued. What comes of it is not told. See [`invoke`](Self::invoke).
    pub fn invoke_async(&self, function: impl AsRef<str>, payload: &(impl Serialize + ?Sized)) -> InvokeAsync {
        InvokeAsync::new(self.call(function.as_ref(), Invocation::Event, payload))
    }

    /// Asks whether a function is there and may be called, without calling it.
    ///
    /// # Errors
    /// As [`invoke`](Self::invoke).
    pub async fn check(&self, function: impl AsRef<str>) -> Result<()> {
        self.call(function.as_ref(), Invocation::DryRun, &Value::Null)?.idempotent(true).await.map(drop)
    }

    fn call(&self, function: &str, kind: Invocation, payload: &(impl Serialize + ?Sized)) -> Result<Call> {
        let function = FunctionArn::parse(function)?;
        let client = self.client(function.region())?;
        let call = client
            .post("2015-03-31/functions/{function}/invocations", &[function.as_str()])
            .header("x-amz-invocation-type", kind.as_str())
            .json(&payload);
        Ok(call.explain(move |_, failure| explained(failure, &function)))
    }

    fn client(&self, region: &Region) -> Result<Client> {
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(region) {
            return Ok(client.clone());
        }
        let client = self.0.context.client(LambdaService, "lambda", region)?.build()?;
        // ARNs may come out of forms.
        if clients.len() >= REGIONS {
            clients.clear();
        }
        clients.insert(region.clone(), client.clone());
        Ok(client)
    }
}

impl IntegrationClient for AwsLambda {
    const TYPE: &'static str = PermissionContext::TYPE;
    const SETTINGS: SettingsSchema = PermissionContext::SETTINGS;
    const KEY: &'static str = "aws_lambda";

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        PermissionContext::from_config(config).map(Self::new)
    }
}

impl fmt::Debug for AwsLambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsLambda").field("context", &self.0.context).finish_non_exhaustive()
    }
}
