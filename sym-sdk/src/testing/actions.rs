//! Requests and decisions, as builders that are awaited.

use std::future::IntoFuture;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Harness;
use crate::engine::InputKey;
use crate::error::Result;
use crate::future::BoxFuture;
use crate::model::{Channel, EventId, RunId};
use crate::runtime::{self, Submission};

/// The requester by default.
const REQUESTER: &str = "ana@example.com";

/// A request, not yet made. Awaiting it makes the request, runs all work that follows from it now, and returns the Run.
///
/// ```
/// # async fn request(harness: &mut sym_sdk::testing::Harness) -> sym_sdk::Result<()> {
/// let request = harness.request("prod").by("ana@example.com").target("admins").duration("1h");
/// let run = request.field("reason", "incident 42").await?;
/// # let _ = run;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing happens until the request is awaited"]
pub struct Request<'a> {
    harness: &'a mut Harness,
    flow: String,
    by: String,
    inputs: Map<String, Value>,
    context: Option<Map<String, Value>>,
    channel: Option<Channel>,
    key: Option<InputKey>,
    form: Option<RunId>,
}

impl<'a> Request<'a> {
    pub(super) fn new(harness: &'a mut Harness, flow: &str) -> Self {
        Self {
            harness,
            flow: flow.to_owned(),
            by: REQUESTER.to_owned(),
            inputs: Map::new(),
            context: None,
            channel: None,
            key: None,
            form: None,
        }
    }

    /// Sets the requester, by e-mail address. `ana@example.com` by default.
    pub fn by(mut self, email: impl Into<String>) -> Self {
        self.by = email.into();
        self
    }

    /// Sets a field of the form.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.inputs.insert(name.into(), value.into());
        self
    }

    /// Sets the target, by name or SRN.
    pub fn target(self, target: impl Into<String>) -> Self {
        self.field("target_srn", target.into())
    }

    /// Sets the duration, such as `1h`.
    pub fn duration(self, duration: impl Into<String>) -> Self {
        self.field("duration", duration.into())
    }

    /// Sets the `context` of a request via the API. Ignored unless it is an object.
    pub fn context(mut self, context: Value) -> Self {
        self.context = match context {
            Value::Object(context) => Some(context),
            _ => None,
        };
        self
    }

    /// Sets the channel of the submission. The API by default.
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Sets the idempotency key of the submission.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(InputKey::new(key));
        self
    }

    /// Sets the Run whose form is submitted.
    pub fn form(mut self, run: RunId) -> Self {
        self.form = Some(run);
        self
    }
}

impl<'a> IntoFuture for Request<'a> {
    type Output = Result<RunId>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { harness, flow, by, inputs, context, channel, key, form } = self;
        let mut submission = Submission::request(flow, by.as_str()).inputs(inputs);
        if let Some(context) = context {
            submission = submission.context(context);
        }
        if let Some(channel) = channel {
            submission = submission.channel(channel);
        }
        if let Some(key) = key {
            submission = submission.key(key);
        }
        if let Some(form) = form {
            submission = submission.form(form);
        }
        Box::pin(async move { Ok(harness.simulation_mut().submit(submission).await?.run) })
    }
}

/// A decision, not yet made. Awaiting it makes the decision, and runs all work that follows from it now.
///
/// ```
/// # async fn decide(harness: &mut sym_sdk::testing::Harness, run: sym_sdk::model::RunId) -> sym_sdk::Result<()> {
/// harness.deny_as(run, "ben@example.com").message("not on a Friday").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing happens until the decision is awaited"]
pub struct Decision<'a, S = runtime::Decision> {
    harness: &'a mut Harness,
    submission: S,
}

impl<'a, S> Decision<'a, S> {
    pub(super) fn new(harness: &'a mut Harness, submission: S) -> Self {
        Self { harness, submission }
    }
}

impl Decision<'_> {
    /// Sets the message of the approval or denial.
    pub fn message(mut self, text: impl Into<String>) -> Self {
        self.submission = self.submission.message(text);
        self
    }
}

impl Decision<'_> {
    /// Approves for a shorter time than was asked for: see [`runtime::Decision::for_duration`].
    pub fn for_duration(mut self, shorter: Duration) -> Self {
        self.submission = self.submission.for_duration(shorter);
        self
    }

    /// Decides an extension, rather than the request: see [`runtime::Decision::of_extension`].
    pub fn of_extension(mut self, extension: EventId) -> Self {
        self.submission = self.submission.of_extension(extension);
        self
    }
}

/// A request for more time, not yet made. Awaiting it makes the request, runs all work that follows from it now, and returns the id of the
/// extension.
///
/// ```
/// # async fn extend(harness: &mut sym_sdk::testing::Harness, run: sym_sdk::model::RunId) -> sym_sdk::Result<()> {
/// use std::time::Duration;
///
/// let extension = harness.extend_as(run, "ana@example.com", Duration::from_secs(3600)).await?;
/// harness.approve_as(run, "ben@example.com").of_extension(extension).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing happens until the request is awaited"]
pub struct Extend<'a> {
    harness: &'a mut Harness,
    submission: runtime::Extend,
}

impl<'a> Extend<'a> {
    pub(super) fn new(harness: &'a mut Harness, submission: runtime::Extend) -> Self {
        Self { harness, submission }
    }

    /// Sets the reason.
    pub fn reason(mut self, text: impl Into<String>) -> Self {
        self.submission = self.submission.reason(text);
        self
    }

    /// Sets the channel through which it is submitted. The default is the API.
    pub fn channel(mut self, channel: Channel) -> Self {
        self.submission = self.submission.channel(channel);
        self
    }
}

impl<'a> IntoFuture for Extend<'a> {
    type Output = Result<EventId>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { harness, submission } = self;
        Box::pin(async move { Ok(harness.simulation_mut().submit(submission).await?.event) })
    }
}

macro_rules! common_setters {
    ($($submission:ty),+) => {$(
        impl Decision<'_, $submission> {
            /// Sets the channel through which it is submitted. The default is the API.
            pub fn channel(mut self, channel: Channel) -> Self {
                self.submission = self.submission.channel(channel);
                self
            }

            /// Sets the idempotency key: a repeated submission with the same key has no effect.
            pub fn key(mut self, key: impl Into<String>) -> Self {
                self.submission = self.submission.key(InputKey::new(key));
                self
            }
        }
    )+};
}

common_setters!(runtime::Decision, runtime::Remind, runtime::Revoke, runtime::WriteOff);

impl<'a, S: Into<Submission>> IntoFuture for Decision<'a, S> {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { harness, submission } = self;
        let submission = submission.into();
        Box::pin(async move { harness.simulation_mut().submit(submission).await.map(drop) })
    }
}
