//! The description of an app that does what this front end needs.

use serde_json::{Value, json};
use url::Url;

/// What the front end itself does: it takes commands, posts messages and shows who is who.
const SCOPES: [&str; 7] =
    ["chat:write", "chat:write.public", "commands", "im:write", "mpim:write", "users:read", "users:read.email"];

/// The [manifest](https://docs.slack.dev/reference/app-manifest) of an app for this front end, to be given to Slack when the app is
/// made. `address` is where the front end is reached, such as `https://sym.example.com/slack`; `None` for Socket Mode.
///
/// `scopes` are those that handlers need beside the front end's own, such as `channels:read`, `groups:read` and `usergroups:read`.
///
/// ```
/// use sym_integrations::slack::app::manifest;
///
/// let manifest = manifest("Sym", Some(&"https://sym.example.com/slack".parse()?), ["channels:read"]);
/// assert_eq!(manifest["features"]["slash_commands"][0]["url"], "https://sym.example.com/slack/commands");
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
