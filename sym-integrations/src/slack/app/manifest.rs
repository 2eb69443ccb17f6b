//! The manifest of a Slack app for this front end.

use std::any::TypeId;

use serde_json::{Value, json};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::handler::{HandlerKind, HandlerRecord, Requires};
use sym_sdk::runtime::ManifestConfig;
use url::Url;

use super::NAME;
use crate::slack::Slack;

/// The scopes of the front end itself: commands, messages and looking up users.
const BASE_SCOPES: [&str; 4] = ["chat:write", "commands", "users:read", "users:read.email"];

/// The events of which the front end hears. None of them needs a scope.
const BOT_EVENTS: [&str; 4] = ["app_home_opened", "app_uninstalled", "channel_id_changed", "tokens_revoked"];

/// The scope to post to channels of which the app is not a member.
const CHANNEL_SCOPES: [&str; 1] = ["chat:write.public"];

/// The scopes to send direct messages to groups of users.
const GROUP_SCOPES: [&str; 2] = ["im:write", "mpim:write"];

/// The scopes of the methods of [`Slack`] that read channels and user groups.
const READ_SCOPES: [&str; 3] = ["channels:read", "groups:read", "usergroups:read"];

/// Returns the manifest of an app for these flows and handlers.
pub(super) fn from_config(config: &ManifestConfig<'_>) -> Result<Value> {
    let address = config.address.map(Url::parse).transpose().map_err(|error| {
        Error::new(ErrorKind::InvalidInput, codes::CONFIGURATION, "the address of the app is not a valid URL")
            .with_service(NAME)
            .with_source(error)
    })?;
    Ok(manifest(config.name, address.as_ref(), scopes(config)))
}

/// Returns the [scopes](https://docs.slack.dev/reference/scopes) that the front end and the handlers need for these flows, sorted.
/// Handlers that take the client [`Slack`] need the scopes of all its methods.
pub fn scopes(config: &ManifestConfig<'_>) -> Vec<&'static str> {
    let used = || config.handlers.iter().filter(|handler| !handler.flows.is_empty()).map(|handler| handler.record);
    let takes_client = used().any(takes_client);
    let routes = used()
        .any(|handler| matches!(handler.kind(), HandlerKind::GetRequestNotifications | HandlerKind::GetApprovers));
    let reports = config.flows.iter().any(|flow| flow.environment().error_logger().is_some());
    let mut scopes = BASE_SCOPES.to_vec();
    if takes_client || routes || reports {
        scopes.extend(CHANNEL_SCOPES);
    }
    if takes_client || routes {
        scopes.extend(GROUP_SCOPES);
    }
    if takes_client {
        scopes.extend(READ_SCOPES);
    }
    scopes.sort_unstable();
    scopes
}

fn takes_client(handler: &HandlerRecord) -> bool {
    handler.requires().iter().any(|requires| match requires {
        Requires::Integration(requirement) | Requires::Optional(Requires::Integration(requirement)) => {
            requirement.type_id() == TypeId::of::<Slack>()
        }
        _ => false,
    })
}

/// Returns the [manifest](https://docs.slack.dev/reference/app-manifest) with which to create an app for this front end. `address`
/// is the URL of the front end, such as `https://sym.example.com/slack`, or `None` for Socket Mode.
///
/// `scopes` are the scopes that the app needs in addition to those of the front end itself. The command `slack manifest` prints a
/// manifest with the [`scopes`] that the linked handlers and the configuration need.
///
/// ```
/// use sym_integrations::slack::app::manifest;
///
/// let manifest = manifest("Sym", Some(&"https://sym.example.com/slack".parse()?), ["channels:read"]);
/// assert_eq!(manifest["features"]["slash_commands"][0]["url"], "https://sym.example.com/slack/commands");
/// assert_eq!(manifest["oauth_config"]["scopes"]["bot"][0], "channels:read");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn manifest<S: Into<String>>(name: &str, address: Option<&Url>, scopes: impl IntoIterator<Item = S>) -> Value {
    let url = |path: &str| address.map(|address| format!("{}/{path}", address.as_str().trim_end_matches('/')));
    let mut all: Vec<String> = BASE_SCOPES.into_iter().map(str::to_owned).collect();
    all.extend(scopes.into_iter().map(Into::into));
    all.sort();
    all.dedup();
    let mut manifest = json!({
        "display_information": { "name": name, "description": "Request and approve access" },
        "features": {
            "app_home": { "home_tab_enabled": true, "messages_tab_enabled": true, "messages_tab_read_only_enabled": true },
            "bot_user": { "display_name": name, "always_online": true },
            "shortcuts": [{
                "name": "Request access",
                "type": "global",
                "callback_id": "request",
                "description": "Opens a request form",
            }],
            "slash_commands": [{
                "command": "/sym",
                "url": url("commands"),
                "description": "Request access",
                "usage_hint": "req [flow] [environment] | list | support | whoami | help",
                "should_escape": false,
            }],
        },
        "oauth_config": { "scopes": { "bot": all } },
        "settings": {
            "event_subscriptions": { "request_url": url("events"), "bot_events": BOT_EVENTS },
            "interactivity": {
                "is_enabled": true,
                "request_url": url("interactions"),
                "message_menu_options_url": url("options"),
            },
            "org_deploy_enabled": false,
            "socket_mode_enabled": address.is_none(),
            "token_rotation_enabled": false,
        },
    });
    without_null(&mut manifest);
    manifest
}

/// Removes members that are `null`. In Socket Mode, there are no URLs.
fn without_null(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
