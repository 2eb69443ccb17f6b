//! The state of a workspace, and its changes.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::failures::Throttles;
use super::visible_state::{self, Values};
use super::{Channel, Member, Message, View};
use crate::bounded_cache::BoundedCache;

/// Maximum number of messages, and of calls, that are kept. The oldest are dropped first.
const CAPACITY: usize = 10_000;

/// Maximum number of messages whose entered values are kept.
const ENTERED_CAPACITY: usize = 10_000;

/// Maximum number of menus whose offered options are kept.
const OFFERED_CAPACITY: usize = 1_000;

/// Time for which a trigger can open a view.
const TRIGGER_LIFETIME: Duration = Duration::from_secs(3);

/// The ids of the workspace and of the app in it.
#[derive(Clone)]
pub(super) struct Names {
    pub(super) workspace: String,
    pub(super) app: String,
    pub(super) bot: String,
    pub(super) bot_user: String,
    /// The name of the app, by which its messages are signed.
    pub(super) app_name: String,
    /// The Enterprise organization of the workspace.
    pub(super) enterprise: Option<String>,
    /// Whether the app is installed for the whole organization.
    pub(super) is_org_install: bool,
}

/// The user id of Slack itself, which says when an app has failed.
pub(super) const SLACKBOT: &str = "USLACKBOT";

pub(super) struct Workspace {
    pub(super) names: Names,
    pub(super) app: Option<Url>,
    pub(super) members: BTreeMap<String, Member>,
    /// User groups by id: name and members.
    pub(super) groups: BTreeMap<String, (String, Vec<String>)>,
    pub(super) channels: BTreeMap<String, Channel>,
    /// Messages in the order in which they were posted.
    pub(super) messages: VecDeque<Message>,
    /// Values entered in messages, by person, channel and time stamp.
    pub(super) entered: BoundedCache<(String, String, String), Values>,
    /// Options that the app offered to a person, by surface and element.
    pub(super) offered: BoundedCache<(String, String, (String, String)), Vec<Value>>,
    /// Open views per person, the topmost last.
    pub(super) views: BTreeMap<String, Vec<View>>,
    /// Global shortcuts of the app: their callback ids and names.
    pub(super) shortcuts: Vec<(String, String)>,
    /// The home tab of each person for whom the app has published one.
    pub(super) homes: BTreeMap<String, View>,
    triggers: HashMap<String, Trigger>,
    pub(super) response_urls: HashMap<String, ResponseUrl>,
    pub(super) calls: VecDeque<(String, Value)>,
    pub(super) faults: Vec<String>,
    pub(super) refusals: HashMap<String, VecDeque<String>>,
    /// The scopes of the app, or `None` if it has all.
    pub(super) scopes: Option<Vec<String>>,
    /// The error of all calls since the app was uninstalled or its tokens were revoked.
    pub(super) revoked: Option<&'static str>,
    pub(super) is_down: bool,
    pub(super) hangs: bool,
    pub(super) throttles: Throttles,
    /// Members that the next answers of methods lack, as JSON pointers.
    pub(super) omissions: HashMap<String, VecDeque<Vec<String>>>,
    pub(super) socket: Option<String>,
    pub(super) random: fastrand::Rng,
    counter: u64,
    last_ts: i64,
}

struct Trigger {
    user: String,
    issued: Timestamp,
    is_used: bool,
}

/// A response URL: the action that it responds to.
pub(super) struct ResponseUrl {
    pub(super) user: String,
    pub(super) channel: String,
    /// The message that was clicked.
    pub(super) message: Option<String>,
    pub(super) made: Timestamp,
    pub(super) uses: u32,
}

impl Workspace {
    pub(super) fn new(names: Names) -> Self {
        let (members, groups, channels, messages, views, homes, shortcuts, scopes, revoked) = Default::default();
        let (response_urls, calls, faults, refusals, app, is_down, hangs) = Default::default();
        let (triggers, socket, counter, last_ts, random) = Default::default();
        let (throttles, omissions) = Default::default();
        Self {
            names,
            app,
            members,
            groups,
            channels,
            messages,
            entered: BoundedCache::new(ENTERED_CAPACITY),
            offered: BoundedCache::new(OFFERED_CAPACITY),
            views,
            homes,
            shortcuts,
            triggers,
            response_urls,
            calls,
            faults,
            refusals,
            scopes,
            revoked,
            is_down,
            hangs,
            throttles,
            omissions,
            socket,
            random,
            counter,
            last_ts,
        }
    }

    pub(super) fn called(&mut self, method: &str, arguments: Value) {
        if self.calls.len() >= CAPACITY {
            self.calls.pop_front();
        }
        self.calls.push_back((method.to_owned(), arguments));
    }

    /// Records violations of Slack's rules by the app.
    pub(super) fn fault(&mut self, at: &str, faults: &[String]) {
        let left = CAPACITY.saturating_sub(self.faults.len());
        self.faults.extend(faults.iter().take(left).map(|fault| format!("{at}: {fault}")));
    }

    /// Returns an unused number.
    pub(super) fn next(&mut self) -> u64 {
        self.counter = self.counter.saturating_add(1);
        self.counter
    }

    /// Returns an unused time stamp.
    pub(super) fn ts(&mut self, now: Timestamp) -> String {
        self.last_ts = now.as_microsecond().max(self.last_ts.saturating_add(1));
        format!("{}.{:06}", self.last_ts.div_euclid(1_000_000), self.last_ts.rem_euclid(1_000_000))
    }

    /// Returns the id of the channel with an id or name. A channel that is named for the first time is created.
    pub(super) fn channel(&mut self, named: &str) -> Option<String> {
        if self.channels.contains_key(named) {
            return Some(named.to_owned());
        }
        // A person, or the conversation with one.
        let person = |id: &str| self.members.contains_key(id).then(|| id.to_owned());
        if let Some(id) = person(named).or_else(|| named.strip_prefix('D').and_then(person)) {
            return Some(self.direct(&[id]));
        }
        let is_id = |id: &str| id.len() > 2 && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if is_id(named) {
            if !named.starts_with(['C', 'G']) {
                return None;
            }
            self.channels.insert(named.to_owned(), Channel::new(named));
            return Some(named.to_owned());
        }
        let name = named.trim_start_matches('#').to_lowercase();
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.chars().count() > 80 || !name.chars().all(is_name) {
            return None;
        }
        if let Some((id, _)) = self.channels.iter().find(|(_, channel)| channel.name == name) {
            return Some(id.clone());
        }
        let plain: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '0' }).collect();
        let mut id = format!("C{plain}");
        while self.channels.contains_key(&id) {
            id = format!("C{plain}{}", self.next());
        }
        self.channels.insert(id.clone(), Channel::new(&id).name(name));
        Some(id)
    }

    /// Returns the id of the direct message or group with these people.
    pub(super) fn direct(&mut self, people: &[String]) -> String {
        let mut members = people.to_vec();
        members.sort();
        members.dedup();
        let is_same = |channel: &Channel| channel.is_direct() && channel.members.as_ref() == Some(&members);
        let known = self.channels.iter().find(|(_, channel)| is_same(channel));
        if let Some((id, _)) = known {
            return id.clone();
        }
        let (id, name) = match members.as_slice() {
            [one] => (self.direct_id(one), "directmessage".to_owned()),
            several => {
                let names: Vec<_> = several.iter().map(|id| self.name_of(id)).collect();
                let name = format!("mpdm-{}-1", names.join("--"));
                (format!("G{:08}", self.next()), name)
            }
        };
        self.channels.insert(id.clone(), Channel::direct(id.clone(), name, members));
        id
    }

    /// Returns the id of the conversation between the app and a person, which may not have begun.
    pub(super) fn direct_id(&self, user: &str) -> String {
        format!("D{user}")
    }

    pub(super) fn name_of(&self, id: &str) -> String {
        self.members.get(id).map_or(id, Member::display_name).to_owned()
    }

    /// Posts a message of the app.
    pub(super) fn post(&mut self, channel: &str, content: &Value, only_for: Option<&str>, now: Timestamp) -> Message {
        let ts = self.ts(now);
        let mut json = json!({ "type": "message", "ts": ts });
        json["user"] = json!(self.names.bot_user);
        json["bot_id"] = json!(self.names.bot);
        json["app_id"] = json!(self.names.app);
        json["team"] = json!(self.names.workspace);
        // A reply to a message that was deleted goes to the channel.
        let is_there = |ts: &&str| self.messages.iter().any(|message| message.channel == channel && message.ts == *ts);
        if let Some(thread) = content["thread_ts"].as_str().filter(is_there) {
            json["thread_ts"] = json!(thread);
        }
        let message = Message { channel: channel.to_owned(), ts, only_for: only_for.map(str::to_owned), json };
        let message = self.written(message, content);
        if self.messages.len() >= CAPACITY {
            self.messages.pop_front();
        }
        self.messages.push_back(message.clone());
        message
    }

    /// Posts a message of Slack itself, which one person sees.
    pub(super) fn post_by_slackbot(&mut self, channel: &str, text: &str, only_for: &str, now: Timestamp) {
        self.post(channel, &json!({ "text": text }), Some(only_for), now);
        if let Some(message) = self.messages.back_mut() {
            message.json["user"] = json!(SLACKBOT);
        }
    }

    /// Sets the content of a message.
    fn written(&mut self, mut message: Message, content: &Value) -> Message {
        message.json["text"] = json!(content["text"].as_str().unwrap_or_default());
        let mut blocks = content["blocks"].clone();
        if blocks.is_array() {
            visible_state::assign_ids(&mut blocks, &mut self.random);
            message.json["blocks"] = blocks;
        } else if let Some(json) = message.json.as_object_mut() {
            json.remove("blocks");
        }
        message
    }

    /// Replaces a message.
    pub(super) fn replace(&mut self, channel: &str, ts: &str, content: &Value, now: Timestamp) -> Option<Message> {
        let at = self.messages.iter().position(|message| message.channel == channel && message.ts == ts)?;
        let mut message = self.messages.get(at).cloned()?;
        message.json["edited"] = json!({ "user": self.names.bot_user, "ts": self.ts(now) });
        let message = self.written(message, content);
        *self.messages.get_mut(at)? = message.clone();
        Some(message)
    }

    /// Returns the messages that a person sees.
    pub(super) fn seen_by(&self, user: &str) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter().filter(move |message| {
            message.only_for.as_deref().is_none_or(|only| only == user)
                && self.channels.get(&message.channel).is_none_or(|channel| channel.has_member(user))
        })
    }

    /// Creates a trigger, which can open a view for a person.
    pub(super) fn trigger(&mut self, user: &str, now: Timestamp) -> String {
        // Remove expired triggers.
        self.triggers
            .retain(|_, trigger| now.duration_since(trigger.issued).unsigned_abs() < Duration::from_secs(3_600));
        let digits = |random: &mut fastrand::Rng| random.u64(1_000_000_000..10_000_000_000);
        let (first, second) = (self.next(), digits(&mut self.random));
        let secret: String = std::iter::repeat_with(|| self.random.char('a'..='f')).take(32).collect();
        let trigger = format!("{first}.{second}.{secret}");
        self.triggers.insert(trigger.clone(), Trigger { user: user.to_owned(), issued: now, is_used: false });
        trigger
    }

    /// Gives a channel another id.
    pub(super) fn move_channel(&mut self, old: &str, new: &str) -> bool {
        let Some(channel) = self.channels.remove(old) else { return false };
        self.channels.insert(new.to_owned(), channel.with_id(new.to_owned()));
        for message in self.messages.iter_mut().filter(|message| message.channel == old) {
            message.channel = new.to_owned();
        }
        true
    }

    /// Consumes a valid trigger and returns its person.
    pub(super) fn exchange(&mut self, trigger: &str, now: Timestamp) -> Result<String, &'static str> {
        let trigger = self.triggers.get_mut(trigger).ok_or("invalid_trigger_id")?;
        if trigger.is_used {
            return Err("exchanged_trigger_id");
        }
        if now.duration_since(trigger.issued).unsigned_abs() >= TRIGGER_LIFETIME {
            return Err("expired_trigger_id");
        }
        trigger.is_used = true;
        Ok(trigger.user.clone())
    }
}
