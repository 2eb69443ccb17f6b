//! Events: what happens in the workspace without anybody using the app.
//!
//! None of them decides anything. An event is acknowledged once what it says is kept; Slack repeats one that is not.

use super::dispatcher::Dispatcher;
use super::payload::Event;
use super::response::{Response, ResponseWithFollowUp};
use super::{log_error, overview};

/// Handles an event.
pub(super) async fn on_event(dispatcher: Dispatcher, event: Event) -> ResponseWithFollowUp {
    match event {
        Event::AppHomeOpened { user, tab } if tab.as_deref().is_none_or(|tab| tab == "home") => {
            return ResponseWithFollowUp::ack_then(overview::on_home_opened(dispatcher, user));
        }
        Event::ChannelIdChanged { old_channel_id, new_channel_id } => {
            dispatcher.app().note_moved_channel(&old_channel_id, &new_channel_id);
            if let Err(error) = dispatcher.app().save_channel_ids().await {
                log_error("keeping the id of a channel", &error);
                return Response::Unavailable.into();
            }
        }
        // The program goes on: requests wait, and are delivered once the app is installed again.
        Event::AppUninstalled => {
            let workspace = dispatcher.app().slack().workspace();
            tracing::error!(workspace, "the Slack app was uninstalled; requests wait until it is installed again");
        }
        Event::TokensRevoked { tokens } if tokens.bot.is_empty() => {}
        Event::TokensRevoked { .. } => {
            let workspace = dispatcher.app().slack().workspace();
            tracing::error!(
                workspace,
                "the token of the Slack app was revoked; requests wait until it has another one"
            );
        }
        Event::AppHomeOpened { .. } | Event::Other => {}
    }
    Response::Ack.into()
}
