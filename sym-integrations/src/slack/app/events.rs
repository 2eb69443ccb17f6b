//! Events: what happens in the workspace without anybody using the app.
//!
//! An event is acknowledged at once. Slack repeats one that is not, and none of them decides anything.

use super::dispatcher::Dispatcher;
use super::overview;
use super::payload::Event;
use super::response::{Response, ResponseWithFollowUp};

/// Handles an event.
pub(super) fn on_event(dispatcher: Dispatcher, event: Event) -> ResponseWithFollowUp {
    match event {
        Event::AppHomeOpened { user, tab } if tab.as_deref().is_none_or(|tab| tab == "home") => {
            return ResponseWithFollowUp::ack_then(overview::on_home_opened(dispatcher, user));
        }
        Event::ChannelIdChanged { old_channel_id, new_channel_id } => {
            dispatcher.app().note_moved_channel(&old_channel_id, &new_channel_id);
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
