use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use sym_sdk::BoxFuture;
use sym_sdk::error::Result;

use crate::http::Call;

/// Lambda lets no function run for longer than 15 minutes; the rest is for the way there and back.
const LONGEST: Duration = Duration::from_secs(15 * 60 + 30);

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

/// A function that is called when this is awaited. See [`AwsLambda::invoke`](super::AwsLambda::invoke).
#[must_use = "a function is not called until this is awaited"]
pub struct Invoke<T = Value> {
    call: Result<Call>,
    limit: Duration,
    answer: PhantomData<fn() -> T>,
}

impl<T> Invoke<T> {
    pub(super) fn new(call: Result<Call>) -> Self {
        Self { call, limit: LONGEST, answer: PhantomData }
    }

    /// Waits for this long at most. The function may go on after that. Default: as long as a function can run, which is 15
    /// minutes; handlers and strategies have limits of their own.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Limits the bytes of the answer.
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
            // It answers when the function is done, and is silent until then.
            let response = self.call?.timeout(self.limit).read_timeout(self.limit).await?;
            match response.body() {
                [] => serde_json::from_value(Value::Null)
                    .map_err(|_| response.invalid("the function answered nothing where something was expected")),
                _ => response.json(),
            }
        })
    }
}

impl<T> fmt::Debug for Invoke<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invoke").field("call", &self.call).field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// A function that is queued when this is awaited. See [`AwsLambda::invoke_async`](super::AwsLambda::invoke_async).
#[derive(Debug)]
#[must_use = "a function is not queued until this is awaited"]
pub struct InvokeAsync(Result<Call>);

impl InvokeAsync {
    pub(super) fn new(call: Result<Call>) -> Self {
        Self(call)
    }

    /// Waits for this long at most for Lambda to take the call.
    pub fn timeout(self, limit: Duration) -> Self {
        Self(self.0.map(|call| call.timeout(limit)))
    }
}

impl IntoFuture for InvokeAsync {
    type Output = Result<bool>;
    type IntoFuture = BoxFuture<'static, Result<bool>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.0?.await?.status() == 202) })
    }
}
