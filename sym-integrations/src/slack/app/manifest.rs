//! The description of an app that does what this front end needs.

use std::any::TypeId;

use serde_json::{Value, json};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::handler::{HandlerKind, HandlerRecord, Requires};
use sym_sdk::runtime::ManifestConfig;
use url::Url;

use super::NAME;
use crate::slack::Slack;

/// What the front end itself does: it takes commands, writes messages and sees who is who.
const SCOPES: [&str; 4] = ["chat:write", "commands", "users:read", "users:read.email"];

/// What it takes to write to channels that the app is not in.
const CHANNELS: [&str; 1] = ["chat:write.public"];

/// What it takes to write to groups of people.
const GROUPS: [&str; 2] = ["im:write", "mpim:write"];

/// What the functions of [`Slack`] read beside people.
const READING: [&str; 3] = ["channels:read", "groups:read", "usergroups:read"];

/// The manifest of an app for these flows and handlers.
pub(super) fn of_config(config: &ManifestConfig<'_>) -> Result<Value> {
    let address = config.address.map(Url::parse).transpose().map_err(|error| {
        Error::new(ErrorKind::InvalidInput, codes::CONFIGURATION, "where the app is reached is not a URL")
            .with_service(NAME)
            .with_source(error)
    })?;
    Ok(manifest(config.name, address.as_ref(), scopes(config)))
}

/// The [scopes](https://docs.slack.dev/reference/scopes) that the front end needs for these flows, and their handlers for what they
/// take: the client [`Slack`] can write to anybody, and read channels and groups. Each once, in order.
pub fn scopes(config: &ManifestConfig<'_>) -> Vec<&'static str> {
    let used = || config.handlers.iter().filter(|handler| !handler.flows.is_empty()).map(|handler| handler.record);
    let takes_client = used().any(takes_client);
    let routes = used()
        .any(|handler| matches!(handler.kind(), HandlerKind::GetRequestNotifications | HandlerKind::GetApprovers));
    let reports = config.flows.iter().any(|flow| flow.environment().error_logger().is_some());
    let mut scopes = SCOPES.to_vec();
    if takes_client || routes || reports {
        scopes.extend(CHANNELS);
    }
    if takes_client || routes {
        scopes.extend(GROUPS);
    }
    if takes_client {
        scopes.extend(READING);
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

/// The [manifest](https://docs.slack.dev/reference/app-manifest) of an app for this front end, to be given to Slack when the app is
/// made. `address` is where the front end is reached, such as `https://sym.example.com/slack`; `None` for Socket Mode.
///
/// `scopes` are those that the app needs beside the few without which there is no front end. The command `slack manifest` prints the
/// manifest with those that the linked handlers and the configuration need, which [`scopes`] tells.
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
    let at = |path: &str| address.map(|address| format!("{}/{path}", address.as_str().trim_end_matches('/')));
    let mut all: Vec<String> = SCOPES.into_iter().map(str::to_owned).collect();
    all.extend(scopes.into_iter().map(Into::into));
    all.sort();
    all.dedup();
    let mut manifest = json!({
        "display_information": { "name": name, "description": "Asks for access, and decides on it" },
        "features": {
            "app_home": { "home_tab_enabled": false, "messages_tab_enabled": true, "messages_tab_read_only_enabled": true },
            "bot_user": { "display_name": name, "always_online": true },
            "shortcuts": [{
                "name": "Request access",
                "type": "global",
                "callback_id": "request",
                "description": "Opens the form of a flow",
            }],
            "slash_commands": [{
                "command": "/sym",
                "url": at("commands"),
                "description": "Asks for access",
                "usage_hint": "req [flow] [environment] | whoami | help",
                "should_escape": false,
            }],
        },
        "oauth_config": { "scopes": { "bot": all } },
        "settings": {
            "interactivity": {
                "is_enabled": true,
                "request_url": at("interactions"),
                "message_menu_options_url": at("options"),
            },
            "org_deploy_enabled": false,
            "socket_mode_enabled": address.is_none(),
            "token_rotation_enabled": false,
        },
    });
    without_null(&mut manifest);
    manifest
}

/// In Socket Mode there are no addresses.
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
