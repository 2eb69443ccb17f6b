//! The [scopes](https://docs.slack.dev/reference/scopes) that methods need.

use serde_json::Value;

use super::workspace::Workspace;

impl Workspace {
    /// Returns the scope that a call needs and the app has not been given.
    pub(super) fn missing_scope(&self, method: &str, arguments: &Value) -> Option<&'static str> {
        self.needed(method, arguments).into_iter().find(|scope| !self.has_scope(scope))
    }

    /// Whether the app has a scope.
    pub(super) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.as_ref().is_none_or(|given| given.iter().any(|given| given == scope))
    }

    fn needed(&self, method: &str, arguments: &Value) -> Vec<&'static str> {
        let read = |kind: &str| match kind {
            "private_channel" => "groups:read",
            "im" => "im:read",
            "mpim" => "mpim:read",
            _ => "channels:read",
        };
        match method {
            "chat.postMessage" | "chat.postEphemeral" | "chat.update" => vec!["chat:write"],
            "users.info" | "users.list" => vec!["users:read"],
            "users.lookupByEmail" => vec!["users:read.email"],
            "usergroups.list" | "usergroups.users.list" => vec!["usergroups:read"],
            "conversations.list" => {
                let types = arguments["types"].as_str().unwrap_or("public_channel");
                types.split(',').map(|kind| read(kind.trim())).collect()
            }
            "conversations.info" | "conversations.members" => {
                let channel = arguments["channel"].as_str().and_then(|id| self.channels.get(id));
                vec![read(channel.map_or("public_channel", super::Channel::conversation_type))]
            }
            "conversations.open" => match arguments["users"].as_str() {
                Some(users) if users.contains(',') => vec!["mpim:write"],
                _ => vec!["im:write"],
            },
            _ => Vec::new(),
        }
    }
}
