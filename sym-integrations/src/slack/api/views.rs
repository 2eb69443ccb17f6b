//! Modals and the app's home tab.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sym_sdk::BoxFuture;
use sym_sdk::error::Result;

use super::{Api, Arguments};

/// The lifetime of a trigger id.
const TRIGGER_TTL: Duration = Duration::from_secs(3);

impl Api {
    /// Opens a modal ([`views.open`](https://docs.slack.dev/reference/methods/views.open)) for the user who clicked. A trigger id
    /// is valid for 3 seconds and for one call, so the call fails if it takes longer.
    pub async fn open_view(&self, trigger_id: &str, view: impl Serialize) -> Result<ViewInfo> {
        self.show("views.open", trigger_id, view).await
    }

    /// Pushes a modal onto the one that was clicked ([`views.push`](https://docs.slack.dev/reference/methods/views.push)). A stack
    /// has at most 3 modals. See [`open_view`](Self::open_view).
    pub async fn push_view(&self, trigger_id: &str, view: impl Serialize) -> Result<ViewInfo> {
        self.show("views.push", trigger_id, view).await
    }

    /// Replaces the content of a modal ([`views.update`](https://docs.slack.dev/reference/methods/views.update)).
    pub fn update_view(&self, view_id: impl Into<String>, view: impl Serialize) -> UpdateView {
        let arguments = Arguments::new().set("view_id", view_id.into()).set("view", view);
        UpdateView { api: self.clone(), arguments, has_hash: false }
    }

    /// Sets the app's home tab for a user ([`views.publish`](https://docs.slack.dev/reference/methods/views.publish)).
    pub fn publish_view(&self, user: impl Into<String>, view: impl Serialize) -> PublishView {
        let arguments = Arguments::new().set("user_id", user.into()).set("view", view);
        PublishView { api: self.clone(), arguments, has_hash: false }
    }

    async fn show(&self, method: &'static str, trigger_id: &str, view: impl Serialize) -> Result<ViewInfo> {
        let arguments = Arguments::new().set("trigger_id", trigger_id).set("view", view);
        let response = self.write(method, arguments)?.timeout(TRIGGER_TTL).await?;
        Ok(response.json::<ViewResponse>()?.view)
    }
}

#[derive(Deserialize)]
struct ViewResponse {
    view: ViewInfo,
}

/// A view, as Slack stores it.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct ViewInfo {
    /// The id, used to update the view.
    pub id: String,
    /// A hash that changes with each update. Pass it to an update to detect a concurrent one.
    pub hash: Option<String>,
    /// The id of the view at the bottom of the stack.
    pub root_view_id: Option<String>,
    /// All other members of the response.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

macro_rules! update {
    ($($name:ident: $method:literal),*) => {$(
        impl $name {
            /// Makes the call fail with `Slack:HASH_CONFLICT` if the view no longer has this hash.
            pub fn hash(mut self, hash: impl Into<String>) -> Self {
                self.arguments = self.arguments.set("hash", hash.into());
                self.has_hash = true;
                self
            }
        }

        impl IntoFuture for $name {
            type Output = Result<ViewInfo>;
            type IntoFuture = BoxFuture<'static, Result<ViewInfo>>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(async move {
                    // Updating twice has the same result. With a hash, a retry would conflict with the first attempt.
                    let call = self.api.write($method, self.arguments)?.idempotent(!self.has_hash);
                    Ok(call.await?.json::<ViewResponse>()?.view)
                })
            }
        }
    )*};
}

update!(UpdateView: "views.update", PublishView: "views.publish");

/// A call that updates a modal. Created by [`Api::update_view`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct UpdateView {
    api: Api,
    arguments: Arguments,
    has_hash: bool,
}

/// A call that sets a home tab. Created by [`Api::publish_view`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct PublishView {
    api: Api,
    arguments: Arguments,
    has_hash: bool,
}
