//! Interaction payloads: <https://docs.slack.dev/reference/interaction-payloads>.

use serde_json::{Map, Value, json};

use super::visible_state::{ElementRef, state};
use super::workspace::Workspace;
use super::{Message, View};

/// The name of the Enterprise organization.
pub(super) const ENTERPRISE_NAME: &str = "Sandbox Corporation";

impl Workspace {
    /// Returns the members common to all payloads.
    fn payload(&self, kind: &str, user: &str) -> Value {
        let team = &self.names.workspace;
        let name = self.name_of(user);
        let of = self.members.get(user).map(|member| member.json(team)["team_id"].clone());
        json!({
            "type": kind,
            // An app that is installed for a whole organization gets that alone.
            "team": if self.names.is_org_install { Value::Null } else { json!({ "id": team, "domain": "sandbox" }) },
            "user": { "id": user, "username": name, "name": name, "team_id": of.unwrap_or_else(|| json!(team)) },
            "api_app_id": self.names.app,
            "enterprise": self.names.enterprise.as_ref().map(|id| json!({ "id": id, "name": ENTERPRISE_NAME })),
            "is_enterprise_install": self.names.is_org_install,
        })
    }

    /// Returns the form fields of a slash command.
    pub(super) fn command(&self, user: &str, channel: &str, command: &str, text: &str) -> Vec<(&'static str, String)> {
        let name = self.channels.get(channel).map(|channel| channel.name.clone()).unwrap_or_default();
        let mut fields = vec![
            ("team_id", self.names.workspace.clone()),
            ("team_domain", "sandbox".to_owned()),
            ("channel_id", channel.to_owned()),
            ("channel_name", name),
            ("user_id", user.to_owned()),
            ("user_name", self.name_of(user)),
            ("command", command.to_owned()),
            ("text", text.to_owned()),
            ("api_app_id", self.names.app.clone()),
            ("is_enterprise_install", self.names.is_org_install.to_string()),
        ];
        if let Some(enterprise) = &self.names.enterprise {
            fields.push(("enterprise_id", enterprise.clone()));
            fields.push(("enterprise_name", ENTERPRISE_NAME.to_owned()));
        }
        fields
    }

    pub(super) fn shortcut(&self, user: &str, callback_id: &str, trigger: &str, action_ts: &str) -> Value {
        let mut payload = self.payload("shortcut", user);
        payload["callback_id"] = json!(callback_id);
        payload["trigger_id"] = json!(trigger);
        payload["action_ts"] = json!(action_ts);
        payload
    }

    pub(super) fn actions_in_view(&self, user: &str, view: &View, action: Value, trigger: &str) -> Value {
        let mut payload = self.payload("block_actions", user);
        payload["container"] = json!({ "type": "view", "view_id": view.id() });
        payload["trigger_id"] = json!(trigger);
        payload["view"] = view.raw();
        payload["actions"] = json!([action]);
        payload
    }

    pub(super) fn actions_in_message(&self, user: &str, clicked: &Clicked<'_>, action: Value, trigger: &str) -> Value {
        let Clicked { message, values, response_url } = clicked;
        let mut payload = self.payload("block_actions", user);
        let is_ephemeral = message.only_for.is_some();
        payload["container"] = json!({
            "type": "message", "message_ts": message.ts, "channel_id": message.channel, "is_ephemeral": is_ephemeral,
        });
        if let Some(thread) = message.json.get("thread_ts") {
            payload["container"]["thread_ts"] = thread.clone();
        }
        let name = self.channels.get(&message.channel).map(|channel| channel.name.as_str());
        payload["channel"] = json!({ "id": message.channel, "name": name });
        // Slack does not include ephemeral messages in payloads.
        if !is_ephemeral {
            payload["message"] = message.json.clone();
        }
        payload["response_url"] = json!(response_url);
        payload["trigger_id"] = json!(trigger);
        payload["state"] = state(values);
        payload["actions"] = json!([action]);
        payload
    }

    pub(super) fn suggestion(&self, user: &str, view: Option<&View>, key: &(String, String), typed: &str) -> Value {
        let mut payload = self.payload("block_suggestion", user);
        payload["block_id"] = json!(key.0);
        payload["action_id"] = json!(key.1);
        payload["value"] = json!(typed);
        if let Some(view) = view {
            payload["container"] = json!({ "type": "view", "view_id": view.id() });
            payload["view"] = view.raw();
        }
        payload
    }

    pub(super) fn submission(&self, user: &str, view: &View, trigger: &str) -> Value {
        let mut payload = self.payload("view_submission", user);
        payload["trigger_id"] = json!(trigger);
        payload["view"] = view.raw();
        payload["response_urls"] = json!([]);
        payload
    }

    pub(super) fn closed(&self, user: &str, view: &View) -> Value {
        let mut payload = self.payload("view_closed", user);
        payload["view"] = view.raw();
        payload["is_cleared"] = json!(false);
        payload
    }
}

/// A message on which an action is performed.
pub(super) struct Clicked<'a> {
    pub(super) message: &'a Message,
    pub(super) values: &'a super::visible_state::Values,
    pub(super) response_url: &'a str,
}

/// Returns the action of an element with its present value.
pub(super) fn action(item: ElementRef<'_>, value: Option<&Value>, action_ts: &str) -> Value {
    let (block, id) = item.key();
    let mut action = Map::new();
    if let Some(Value::Object(value)) = value {
        action.extend(value.clone());
    }
    for key in ["type", "text", "style", "value", "placeholder"] {
        if let Some(value) = item.element.get(key) {
            action.entry(key).or_insert_with(|| value.clone());
        }
    }
    action.insert("block_id".to_owned(), json!(block));
    action.insert("action_id".to_owned(), json!(id));
    action.insert("action_ts".to_owned(), json!(action_ts));
    Value::Object(action)
}
