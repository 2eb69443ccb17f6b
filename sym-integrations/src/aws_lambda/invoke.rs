//! Invocations, which are awaited.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use sym_sdk::BoxFuture;
use sym_sdk::error::Result;

use crate::http::Call;

/// The default timeout. A function may run for 15 minutes; the rest is for the transfer.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15 * 60 + 30);

#[derive(Clone, Copy)]
pub(super) enum Invocation {
    RequestResponse,
    Event,
    DryRun,
}

impl Invocation {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::RequestResponse => "RequestResponse",
            Self::Event => "Event",
            Self::DryRun => "DryRun",
        }
    }
}

/// An invocation, which is awaited. See [`AwsLambda::invoke`](super::AwsLambda::invoke).
#[must_use = "an invocation does nothing until it is awaited"]
pub struct Invoke<T = Value> {
    call: Result<Call>,
    timeout: Duration,
    response: PhantomData<fn() -> T>,
}

impl<T> Invoke<T> {
    pub(super) fn new(call: Result<Call>) -> Self {
        Self { call, timeout: DEFAULT_TIMEOUT, response: PhantomData }
    }

    /// Sets the timeout. The function may continue after it. The default is the maximum run time of a function, 15 minutes; handlers and
    /// strategies have limits of their own.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Counts the call to a group of rate limits of its own.
    pub(super) fn rate_group(mut self, group: &'static str) -> Self {
        self.call = self.call.map(|call| call.rate_group(group));
        self
    }

    /// Limits the size of the response in bytes.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.call = self.call.map(|call| call.max_bytes(bytes));
        self
    }
}

impl<T: DeserializeOwned> IntoFuture for Invoke<T> {
    type Output = Result<T>;
    type IntoFuture = BoxFuture<'static, Result<T>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            // Lambda sends nothing until the function returns.
            let response = self.call?.timeout(self.timeout).read_timeout(self.timeout).await?;
            match response.body() {
                [] => serde_json::from_value(Value::Null).map_err(|_| {
                    let error = response.invalid("the response of the function is empty");
                    error.with_hint("return JSON; in a simulation, `SimulatedLambda` sets what a function returns")
                }),
                _ => response.json(),
            }
        })
    }
}

impl<T> fmt::Debug for Invoke<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invoke").field("call", &self.call).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// An asynchronous invocation, which is awaited until it is queued. See [`AwsLambda::invoke_async`](super::AwsLambda::invoke_async).
#[derive(Debug)]
#[must_use = "an invocation does nothing until it is awaited"]
pub struct InvokeAsync(Result<Call>);

impl InvokeAsync {
    pub(super) fn new(call: Result<Call>) -> Self {
        Self(call)
    }

    /// Sets the timeout for Lambda to queue the invocation.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self(self.0.map(|call| call.timeout(timeout)))
    }
}

impl IntoFuture for InvokeAsync {
    type Output = Result<bool>;
    type IntoFuture = BoxFuture<'static, Result<bool>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.0?.await?.status() == 202) })
    }
}
