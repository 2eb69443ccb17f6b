//! Modals and the app's home.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sym_sdk::BoxFuture;
use sym_sdk::error::Result;

use super::{Api, Arguments};

/// For so long, the trigger that a click comes with can open a view.
const TRIGGER: Duration = Duration::from_secs(3);

impl Api {
    /// Opens a modal ([`views.open`](https://docs.slack.dev/reference/methods/views.open)) for whoever clicked. The trigger is good
    /// for 3 seconds and for one call; what is not done by then fails.
    pub async fn open_view(&self, trigger_id: &str, view: impl Serialize) -> Result<ViewInfo> {
        self.show("views.open", trigger_id, view).await
    }

    /// Puts a modal on top of the one that was clicked in ([`views.push`](https://docs.slack.dev/reference/methods/views.push)). At
    /// most 3 can lie on one another. See [`open_view`](Self::open_view).
    pub async fn push_view(&self, trigger_id: &str, view: impl Serialize) -> Result<ViewInfo> {
        self.show("views.push", trigger_id, view).await
    }

    /// Replaces what a modal shows ([`views.update`](https://docs.slack.dev/reference/methods/views.update)).
    pub fn update_view(&self, view_id: impl Into<String>, view: impl Serialize) -> UpdateView {
        let arguments = Arguments::new().set("view_id", view_id.into()).set("view", view);
        UpdateView { api: self.clone(), arguments, has_hash: false }
    }

    /// Sets what a user sees on the app's home tab ([`views.publish`](https://docs.slack.dev/reference/methods/views.publish)).
    pub fn publish_view(&self, user: impl Into<String>, view: impl Serialize) -> PublishView {
        let arguments = Arguments::new().set("user_id", user.into()).set("view", view);
        PublishView { api: self.clone(), arguments, has_hash: false }
    }

    async fn show(&self, method: &'static str, trigger_id: &str, view: impl Serialize) -> Result<ViewInfo> {
        let arguments = Arguments::new().set("trigger_id", trigger_id).set("view", view);
        let response = self.write(method, arguments)?.timeout(TRIGGER).await?;
        Ok(response.json::<Answer>()?.view)
    }
}

#[derive(Deserialize)]
struct Answer {
    view: ViewInfo,
}

/// A view as Slack keeps it.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct ViewInfo {
    /// The id, by which it is updated.
    pub id: String,
    /// What changes with each update, and tells a later one that nothing came between.
    pub hash: Option<String>,
    /// The view at the bottom.
    pub root_view_id: Option<String>,
    /// What else Slack sent.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

macro_rules! update {
    ($($name:ident: $method:literal),*) => {$(
        impl $name {
            /// Fails with `Slack:HASH_CONFLICT` if the view is no longer the one that had this hash.
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
                    // It shows the same the second time; but its own first try would be what came between.
                    let call = self.api.write($method, self.arguments)?.idempotent(!self.has_hash);
                    Ok(call.await?.json::<Answer>()?.view)
                })
            }
        }
    )*};
}

update!(UpdateView: "views.update", PublishView: "views.publish");

/// A modal to be changed. See [`Api::update_view`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct UpdateView {
    api: Api,
    arguments: Arguments,
    has_hash: bool,
}

/// A home tab to be set. See [`Api::publish_view`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct PublishView {
    api: Api,
    arguments: Arguments,
    has_hash: bool,
}
