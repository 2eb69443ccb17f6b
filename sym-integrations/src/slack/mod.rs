//! Slack: request destinations, messages, users and channels.
//!
//! The functions [`user`], [`channel`] and [`group`] name a destination. They never call Slack, and reject invalid arguments
//! immediately:
//!
//! ```
//! use sym_integrations::slack;
//! use sym_sdk::prelude::*;
//!
//! #[reducer]
//! fn get_request_notifications() -> Result<Vec<Notification>> {
//!     let on_call = Notification::to(slack::user("U012AB3CD")?).timeout(Duration::from_secs(600));
//!     let everyone = Notification::to(slack::channel("#access-requests")?);
//!     Ok(vec![on_call, everyone])
//! }
//! # assert_eq!(get_request_notifications().unwrap().len(), 2);
//! ```
//!
//! [`Slack`] is the client, which handlers take as `&Slack`:
//!
//! ```
//! use sym_integrations::slack::{self, Slack};
//! use sym_sdk::prelude::*;
//!
//! #[hook]
//! async fn after_approve(event: &Event, slack: &Slack) -> Result<()> {
//!     let text = format!("approved by {}", event.user().username());
//!     slack.send_message(slack::channel("#access-audit")?, text).await?;
//!     Ok(())
//! }
//!
//! #[reducer]
//! async fn get_permissions(slack: &Slack) -> Result<RequestPermission> {
//!     let approvers = slack.users_in_channel("#approvers").await?;
//!     Ok(RequestPermission::decided_by(user_ids(&approvers).or(PermissionLevel::Admin)).seen_by(PermissionLevel::AllUsers))
//! }
//! ```
//!
//! # Configuration
//!
//! The integration's `external_id` is the workspace id. Its settings are:
//!
//! | setting | value |
//! | --- | --- |
//! | `bot_token_secret` | the app's bot token, `xoxb-…` |
//! | `app_token_secret` | an app-level token, `xapp-…`, for Socket Mode |
//! | `signing_secret` | the secret that signs Slack's requests to the front end |
//! | `trusted_teams` | other workspaces and organizations whose people may use the app: see [`TrustedTeams`] |
//! | `support` | the text of `/sym support`: whom to ask, in Slack's markup |
//! | `base_url` | the base URL of the API, if it is not `https://slack.com/api` |
//!
//! In a simulation without a fake, messages are recorded in the timeline, and every channel and user group is empty.
//!
//! # Errors
//!
//! An error reported by Slack has Slack's own name in its code, such as `Slack:NOT_IN_CHANNEL` or `Slack:MISSING_SCOPE`; for a
//! missing scope, the hint names the scope. [`codes`] lists the codes that the client adds.

mod api;
#[cfg(feature = "slack-app")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack-app")))]
pub mod app;
#[cfg(feature = "slack-app")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack-app")))]
#[doc = include_str!("../../docs/slack.md")]
pub mod guide {}
mod args;
#[cfg(feature = "slack-app")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack-app")))]
pub mod blocks;
mod client;
pub mod codes;
mod destination;
mod errors;
#[cfg(feature = "slack-fake")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack-fake")))]
pub mod fake;
mod messages;
mod model;
#[cfg(feature = "runtime")]
mod plugin;
#[cfg(feature = "slack-app")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack-app")))]
pub mod signature;
mod simulated;
mod trusted_teams;
mod user_cache;
mod user_lookup;

pub use api::{Api, PostEphemeral, PostMessage, PublishView, Respond, TokenOwner, UpdateMessage, UpdateView, ViewInfo};
pub use args::{ChannelArg, Recipient, UserArg};
pub use client::{Slack, SlackBuilder};
pub use destination::{channel, fallback, group, mention, user};
pub use model::{ChannelInfo, MessageRef, UserInfo};
pub use simulated::SimulatedSlack;
pub use trusted_teams::TrustedTeams;
pub use user_lookup::ListUsers;

/// Escapes a text for Slack's markup: a `<!channel>` in it is shown as text and notifies nobody.
///
/// ```
/// use sym_integrations::slack;
///
/// assert_eq!(slack::escape("R&D <!channel>"), "R&amp;D &lt;!channel&gt;");
/// ```
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(feature = "runtime")]
inventory::submit! {
    crate::kit::IntegrationInfo::new("slack", "Slack", "slack")
        .with_client("Slack", &[
            "get_user_info",
            "is_user_in_group",
            "list_channels",
            "list_users",
            "resolve",
            "send_message",
            "send_thread_message",
            "users_in_channel",
        ])
        .with_permissions(&["the scopes of the bot token that `slack manifest` lists"])
}
