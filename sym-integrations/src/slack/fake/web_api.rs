//! The methods of the Web API that the fake implements.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::visible_state::list;
use super::workspace::Workspace;
use super::{Channel, Member, check};

/// An error response of a method.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) error: String,
    /// Details of the error.
    pub(super) messages: Vec<String>,
    /// The scope that is missing, and those that the app has.
    scopes: Option<(&'static str, String)>,
}

impl From<&str> for Refusal {
    fn from(error: &str) -> Self {
        Self { error: error.to_owned(), messages: Vec::new(), scopes: None }
    }
}

impl Refusal {
    fn unless_empty(error: &str, messages: Vec<String>) -> Result<(), Self> {
        if messages.is_empty() { Ok(()) } else { Err(Self { error: error.to_owned(), messages, scopes: None }) }
    }

    pub(super) fn json(&self) -> Value {
        let mut json = json!({ "ok": false, "error": self.error });
        if !self.messages.is_empty() {
            json["response_metadata"] = json!({ "messages": self.messages });
        }
        if let Some((needed, provided)) = &self.scopes {
            json["needed"] = json!(needed);
            json["provided"] = json!(provided);
        }
        json
    }
}

type Answer = Result<Value, Refusal>;

impl Workspace {
    /// Executes a method.
    pub(super) fn answer(&mut self, method: &str, arguments: &Value, now: Timestamp) -> Answer {
        if let Some(needed) = self.missing_scope(method, arguments) {
            self.fault(method, &[format!("needed: {needed}")]);
            let provided = self.scopes.as_deref().unwrap_or_default().join(",");
            let scopes = Some((needed, provided));
            return Err(Refusal { error: "missing_scope".to_owned(), messages: Vec::new(), scopes });
        }
        // A token of a whole organization does not tell which workspace is meant.
        let lists = matches!(method, "users.list" | "conversations.list" | "usergroups.list");
        if lists && self.names.is_org_install && arguments["team_id"].as_str().is_none() {
            return Err(Refusal {
                error: "missing_argument".to_owned(),
                messages: vec!["[ERROR] missing required field: team_id".to_owned()],
                scopes: None,
            });
        }
        match method {
            "api.test" => Ok(json!({})),
            "auth.test" => Ok(json!({
                "team": "Workspace",
                "team_id": self.names.enterprise.as_ref().filter(|_| self.names.is_org_install)
                    .unwrap_or(&self.names.workspace),
                "enterprise_id": self.names.enterprise,
                "user": self.names.app_name.to_lowercase(),
                "user_id": self.names.bot_user,
                "bot_id": self.names.bot,
                "is_enterprise_install": self.names.is_org_install,
            })),
            "apps.connections.open" => match &self.socket {
                Some(url) => Ok(json!({ "url": url })),
                None => Err("forbidden_for_app".into()),
            },
            "users.info" => {
                let member = self.members.get(required(arguments, "user")?).ok_or("user_not_found")?;
                Ok(json!({ "user": member.json(&self.names.workspace) }))
            }
            "users.lookupByEmail" => {
                let email = required(arguments, "email")?;
                let member = self.members.values().find(|member| member.has_email(email));
                let member = member.ok_or("users_not_found")?;
                Ok(json!({ "user": member.json(&self.names.workspace) }))
            }
            "users.list" => {
                let members: Vec<_> = self.members.values().map(|member| member.json(&self.names.workspace)).collect();
                page("members", members, arguments)
            }
            "usergroups.list" => {
                let groups = self.groups.iter().map(|(id, (name, users))| {
                    json!({
                        "id": id, "team_id": self.names.workspace, "name": name, "handle": name,
                        "user_count": users.len(), "date_delete": 0,
                    })
                });
                Ok(json!({ "usergroups": groups.collect::<Vec<_>>() }))
            }
            "usergroups.users.list" => {
                let (_, users) = self.groups.get(required(arguments, "usergroup")?).ok_or("no_such_subteam")?;
                Ok(json!({ "users": users }))
            }
            "conversations.list" => self.list_channels(arguments),
            "conversations.info" => {
                let id = self.existing_channel(arguments)?;
                Ok(json!({ "channel": self.channel_json(&id) }))
            }
            "conversations.members" => {
                let id = self.existing_channel(arguments)?;
                let members = self.members_of(&id).into_iter().map(Value::from).collect();
                page("members", members, arguments)
            }
            "conversations.open" => self.open_direct(arguments),
            "chat.postMessage" => self.post_message(arguments, now),
            "chat.postEphemeral" => self.post_ephemeral(arguments, now),
            "chat.getPermalink" => {
                let (channel, ts) = (self.existing_channel(arguments)?, required(arguments, "message_ts")?);
                let is_it = |message: &super::Message| message.channel == channel && message.ts == ts;
                let message = self.messages.iter().find(|message| is_it(message)).ok_or("message_not_found")?;
                Ok(json!({ "channel": channel, "permalink": message.permalink() }))
            }
            "chat.update" => self.update_message(arguments, now),
            "views.open" | "views.push" => {
                check_view(arguments, check::view)?;
                let user = self.exchange(required(arguments, "trigger_id")?, now)?;
                let view = &arguments["view"];
                let view =
                    if method == "views.open" { self.open(&user, view, now)? } else { self.push(&user, view, now)? };
                Ok(json!({ "view": view }))
            }
            "views.update" => {
                let id = match arguments["external_id"].as_str() {
                    Some(external_id) => self.view_named(external_id).ok_or("not_found")?,
                    None => required(arguments, "view_id")?.to_owned(),
                };
                check_view(arguments, if self.is_home(&id) { check::home } else { check::view })?;
                let view = self.update(&id, arguments["hash"].as_str(), &arguments["view"], now)?;
                Ok(json!({ "view": view }))
            }
            "views.publish" => {
                check_view(arguments, check::home)?;
                let user = required(arguments, "user_id")?;
                if !self.members.get(user).is_some_and(Member::is_active) {
                    return Err(invalid_arguments("[ERROR] invalid `user_id`"));
                }
                let view = self.publish(user, arguments["hash"].as_str(), &arguments["view"], now)?;
                Ok(json!({ "view": view }))
            }
            _ => Err("unknown_method".into()),
        }
    }

    fn post_message(&mut self, arguments: &Value, now: Timestamp) -> Answer {
        check_message(arguments, false)?;
        let channel = self.writable_channel(arguments, self.has_scope("chat:write.public"))?;
        let message = self.post(&channel, arguments, None, now);
        Ok(json!({ "channel": channel, "ts": message.ts, "message": message.json }))
    }

    fn post_ephemeral(&mut self, arguments: &Value, now: Timestamp) -> Answer {
        check_message(arguments, false)?;
        let channel = self.writable_channel(arguments, false)?;
        let user = required(arguments, "user")?;
        if !self.members_of(&channel).iter().any(|member| member == user) {
            return Err("user_not_in_channel".into());
        }
        let message = self.post(&channel, arguments, Some(user), now);
        Ok(json!({ "message_ts": message.ts }))
    }

    fn update_message(&mut self, arguments: &Value, now: Timestamp) -> Answer {
        check_message(arguments, true)?;
        // Unlike `chat.postMessage`, `chat.update` accepts no channel names.
        let channel = required(arguments, "channel")?;
        if !self.channels.get(channel).is_some_and(Channel::is_known_to_app) {
            return Err("channel_not_found".into());
        }
        if self.channels.get(channel).is_some_and(|channel| channel.is_archived) {
            return Err("is_inactive".into());
        }
        let ts = required(arguments, "ts")?;
        let is_there = |message: &super::Message| message.ts == ts && message.only_for.is_none();
        if !self.messages.iter().any(|message| message.channel == channel && is_there(message)) {
            return Err("message_not_found".into());
        }
        let message = self.replace(channel, ts, arguments, now).ok_or("message_not_found")?;
        Ok(json!({ "channel": channel, "ts": ts, "text": message.text(), "message": message.json }))
    }

    /// Returns the channel to post to. `is_open` says whether the app can post to public channels that it is not a member of.
    fn writable_channel(&mut self, arguments: &Value, is_open: bool) -> Result<String, Refusal> {
        let id = self.channel(required(arguments, "channel")?).ok_or("channel_not_found")?;
        match self.channels.get(&id) {
            Some(channel) if !channel.is_known_to_app() => Err("channel_not_found".into()),
            Some(channel) if channel.is_archived => Err("is_archived".into()),
            Some(channel) if !channel.has_app && !is_open => Err("not_in_channel".into()),
            _ => Ok(id),
        }
    }

    fn open_direct(&mut self, arguments: &Value) -> Answer {
        let users: Vec<String> = required(arguments, "users")?.split(',').map(|id| id.trim().to_owned()).collect();
        if users.len() > 8 {
            return Err("too_many_users".into());
        }
        for user in &users {
            match self.members.get(user) {
                None => return Err("user_not_found".into()),
                Some(member) if !member.is_active() => return Err("user_disabled".into()),
                Some(_) => {}
            }
        }
        Ok(json!({ "channel": { "id": self.direct(&users) } }))
    }

    fn list_channels(&self, arguments: &Value) -> Answer {
        let types = arguments["types"].as_str().unwrap_or("public_channel");
        let is_asked = |channel: &Channel| {
            channel.is_known_to_app() && types.split(',').any(|kind| kind.trim() == channel.conversation_type())
        };
        let channels = self.channels.iter().filter(|(_, channel)| is_asked(channel));
        page("channels", channels.map(|(id, _)| self.channel_json(id)).collect(), arguments)
    }

    fn existing_channel(&self, arguments: &Value) -> Result<String, Refusal> {
        let id = required(arguments, "channel")?;
        let channel = self.channels.get(id).filter(|channel| channel.is_known_to_app());
        if channel.is_some() { Ok(id.to_owned()) } else { Err("channel_not_found".into()) }
    }

    fn channel_json(&self, id: &str) -> Value {
        let Some(channel) = self.channels.get(id) else { return Value::Null };
        json!({
            "id": id,
            "name": channel.name,
            "is_channel": !channel.is_direct(),
            "is_im": channel.conversation_type() == "im",
            "is_mpim": channel.conversation_type() == "mpim",
            "is_private": channel.is_direct() || channel.is_private(),
            "is_archived": channel.is_archived,
            "is_member": channel.has_app,
            "num_members": self.members_of(id).len(),
        })
    }

    /// Returns the members of a channel: those that it was given, or every member of the workspace.
    fn members_of(&self, channel: &str) -> Vec<String> {
        match self.channels.get(channel).and_then(|channel| channel.members.clone()) {
            Some(members) => members,
            None => {
                self.members.values().filter(|member| member.is_active()).map(|member| member.id().to_owned()).collect()
            }
        }
    }
}

/// Returns a required argument.
fn required<'a>(arguments: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    let value = arguments[name].as_str().filter(|value| !value.is_empty());
    value.ok_or_else(|| invalid_arguments(format!("[ERROR] missing required field: {name}")))
}

fn invalid_arguments(message: impl Into<String>) -> Refusal {
    Refusal { error: "invalid_arguments".to_owned(), messages: vec![message.into()], scopes: None }
}

fn check_view(arguments: &Value, check: fn(&Value) -> Vec<String>) -> Result<(), Refusal> {
    Refusal::unless_empty("invalid_arguments", check(&arguments["view"]))
}

fn check_message(message: &Value, is_update: bool) -> Result<(), Refusal> {
    if message["text"].as_str().is_none_or(str::is_empty) && list(&message["blocks"]).is_empty() {
        return Err("no_text".into());
    }
    Refusal::unless_empty("invalid_blocks", check::message(message, is_update))
}

/// Returns one page of a list.
fn page(name: &str, all: Vec<Value>, arguments: &Value) -> Answer {
    let number = |value: &Value| match value {
        Value::String(text) => text.parse::<usize>().ok(),
        value => value.as_u64().and_then(|number| usize::try_from(number).ok()),
    };
    let begin = match arguments["cursor"].as_str().filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => cursor.strip_prefix("from:").and_then(|at| at.parse().ok()).ok_or("invalid_cursor")?,
        None => 0_usize,
    };
    let limit = number(&arguments["limit"]).filter(|limit| *limit > 0).unwrap_or(all.len().max(1));
    if limit > 1_000 {
        return Err("invalid_limit".into());
    }
    let end = begin.saturating_add(limit);
    let cursor = if end < all.len() { format!("from:{end}") } else { String::new() };
    let items: Vec<Value> = all.into_iter().skip(begin).take(limit).collect();
    let mut answer = json!({ "response_metadata": { "next_cursor": cursor } });
    answer[name] = Value::Array(items);
    Ok(answer)
}

/// Whether the member has a valid user id.
pub(super) fn is_user_id(member: &Member) -> bool {
    let id = member.id();
    let is_known = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    id.len() > 1 && id.starts_with(['U', 'W']) && id.chars().all(is_known)
}
