//! Slack limits the rate of one method after the other. The conversation that uses it ends as it would have, later: nothing is lost, nothing
//! is said twice, and a person who cannot be shown something is told to try again.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};
use sym_integrations::slack;
use sym_integrations::slack::app::SlackApp;
use sym_integrations::slack::fake::Message;
use sym_sdk::config::PromptField;
use sym_sdk::error::ErrorKind;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{FrontEnd, Submission};
use tokio_util::sync::CancellationToken;

use super::decisions::buttons;
use super::views::{admins, inputs, run_of};
use super::{WORKSPACE, World, builder, field, get_permissions, option, reason, text};

const SECOND: Duration = Duration::from_secs(1);

/// Longer than a delivery waits, and shorter than other calls do.
const TWENTY_SECONDS: Duration = Duration::from_secs(20);

const TEN_MINUTES: Duration = Duration::from_secs(600);

/// The methods that the conversation uses: all that the front end calls, apart from those for its own connection.
const METHODS: [&str; 12] = [
    "chat.getPermalink",
    "chat.postEphemeral",
    "chat.postMessage",
    "chat.update",
    "conversations.open",
    "response_url",
    "users.info",
    "users.lookupByEmail",
    "views.open",
    "views.publish",
    "views.push",
    "views.update",
];

const SELF_APPROVAL: &str = "Requesters cannot approve their own request.";

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::group(["U0BEN", "U0CYD"])?)])
}

/// Matches what Slack, or the front end, says to somebody for whom something has not worked.
fn says_try_again(text: &str) -> bool {
    text.contains("try again") || text.contains("Try again")
}

/// A conversation in a world in which Slack may limit a method.
struct Conversation {
    world: World,
    limit: Option<(&'static str, Duration)>,
    run: Option<RunId>,
}

impl Conversation {
    async fn begin(limit: Option<(&'static str, Duration)>) -> Self {
        let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
        // Long enough for everything to be late.
        let durations = Some(vec!["8h".into(), "10m".into()]);
        let durations = PromptField { allowed_values: durations, ..field("duration", "duration") };
        let harness = builder(vec![reason(), durations]).handlers(handlers);
        Self { world: World::on_one_clock(harness).await, limit, run: None }
    }

    /// Does what a person does, again and again until it has the effect that they expect, a minute apart. Each time that it has not, the
    /// person has been told so.
    async fn until_done(&mut self, what: &str, mut step: impl AsyncFnMut(&mut Self) -> Done) {
        if let Some((method, time)) = self.limit {
            self.world.fake.throttle(method, time);
        }
        for _ in 0..30 {
            match step(self).await {
                Done::Yes => return,
                Done::Later => {}
                Done::No(told) => assert!(says_try_again(&told), "{what}, {:?}: {told}", self.limit),
            }
            self.world.advance(60).await;
        }
        panic!("{what} did not succeed, with {:?}", self.limit);
    }

    /// Waits until something has arrived.
    async fn arrival(&mut self, what: &str, has_arrived: impl Fn(&Self) -> bool) {
        for _ in 0..30 {
            if has_arrived(self) {
                return;
            }
            self.world.advance(60).await;
        }
        panic!("{what} did not arrive, with {:?}", self.limit);
    }

    /// Waits for a direct message to the requester.
    async fn hear(&mut self, part: &str) {
        let is_it = |message: &Value| message["text"].as_str().unwrap().contains(part);
        self.arrival(part, |all| all.world.fake.direct_messages("U0ANA").iter().any(is_it)).await;
    }

    fn run(&self) -> RunId {
        self.run.unwrap()
    }

    /// Returns the messages to those who decide, in which they can.
    fn cards(&self) -> Vec<Message> {
        let mut messages = self.world.fake.messages();
        messages.retain(|message| {
            message.channel().starts_with('G') && message.only_for().is_none() && buttons(message.raw()).contains(&"approve".to_owned())
        });
        messages
    }

    /// Returns the words with which Slack or the app has answered something that did not work.
    fn told(&self, status: StatusCode, body: &Value) -> String {
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return "Slack says that it had trouble, and to try again".to_owned();
        }
        let messages = self.world.fake.messages();
        let last = messages.iter().rfind(|message| says_try_again(message.text()));
        format!("{body} {} {}", last.map(Message::text).unwrap_or_default(), self.world.fake.members().iter().filter_map(|member| {
            self.world.fake.person(member.id()).view().map(|view| view.raw().to_string())
        }).collect::<String>())
    }

    /// Opens a view with a command, and returns it once it has what it is opened for.
    async fn view_of(&mut self, account: &str, command: &str, is_it: impl Fn(&Value) -> bool) -> Result<Value, Done> {
        let trigger = self.world.fake.fake.trigger(account);
        let answer = self.world.command_with(account, command, &trigger).await;
        self.world.quiet().await;
        let view = self.world.fake.person(account).view().map(|view| view.raw());
        match view.filter(|view| is_it(view)) {
            Some(view) => Ok(view),
            None => Err(Done::No(self.told(answer.status, &answer.body))),
        }
    }

    async fn ask(&mut self) {
        let mut filled_in = None;
        self.until_done("opening the form", async |all| {
            match all.view_of("U0ANA", "req prod", |view| inputs(view).contains(&"reason:0")).await {
                Ok(view) => filled_in = Some(view),
                Err(done) => return done,
            }
            Done::Yes
        })
        .await;
        let view = filled_in.unwrap();
        self.run = Some(run_of(&view));
        let values = json!({ "target_id:0": admins(&view), "reason:0": text("incident 42"), "duration:0": option("28800") });
        let payload = self.world.submission("U0ANA", &view, values);
        self.until_done("submitting the form", async |all| {
            let answer = all.world.interact(&payload).await;
            all.world.quiet().await;
            match answer.status {
                StatusCode::OK => Done::Yes,
                status => Done::No(all.told(status, &answer.body)),
            }
        })
        .await;
        self.arrival("the request", |all| all.cards().len() == 1).await;
    }

    /// Has the requester approve, who is told that this does not work.
    async fn approve_oneself(&mut self) {
        let card = self.cards().remove(0);
        let dead = "https://hooks.slack.com/actions/T012AB3CD/1/dead";
        for response_url in [None, Some(dead)] {
            let told = |all: &Self| all.world.fake.messages().iter().filter(|message| message.text() == SELF_APPROVAL).count();
            let before = told(self);
            self.until_done("being refused", async |all| {
                let mut click = all.world.clicked_in(&card, "U0ANA", "approve", all.run());
                if let Some(url) = response_url {
                    click["response_url"] = json!(url);
                }
                let answer = all.world.interact(&click).await;
                all.world.quiet().await;
                match (told(all) - before, answer.status) {
                    (1, _) => Done::Yes,
                    (0, StatusCode::OK) => Done::Later,
                    (0, status) => Done::No(all.told(status, &answer.body)),
                    (times, _) => panic!("told {times} times, {:?}", all.limit),
                }
            })
            .await;
        }
    }

    async fn approve(&mut self) {
        let card = self.cards().remove(0);
        self.until_done("approving", async |all| {
            let click = all.world.clicked_in(&card, "U0BEN", "approve", all.run());
            let answer = all.world.interact(&click).await;
            all.world.quiet().await;
            if !all.world.harness.granted().is_empty() {
                return Done::Yes;
            }
            Done::No(all.told(answer.status, &answer.body))
        })
        .await;
        self.hear("You have access to").await;
    }

    /// Asks for more time in the list, on top of which another view opens. Somebody approves it who has never used Slack.
    async fn extend(&mut self) {
        // Access cannot last longer than the longest duration, from now.
        self.world.advance(60 * 60).await;
        let mut extension = None;
        self.until_done("asking for more time", async |all| {
            let list = match all.view_of("U0ANA", "list", |view| buttons(view).contains(&"extend".to_owned())).await {
                Ok(list) => list,
                Err(done) => return done,
            };
            let run = all.run().to_string();
            let click = all.world.view_click("U0ANA", &list, "extend", &run);
            let answer = all.world.interact(&click).await;
            all.world.quiet().await;
            let view = all.world.fake.person("U0ANA").view().unwrap().raw();
            if view["title"]["text"] == "Extend access" {
                extension = Some(view);
                return Done::Yes;
            }
            Done::No(all.told(answer.status, &answer.body))
        })
        .await;
        let values = json!({ "duration": option("600"), "reason": text("it takes longer") });
        let payload = self.world.submission("U0ANA", &extension.unwrap(), values);
        self.until_done("submitting it", async |all| {
            let answer = all.world.interact(&payload).await;
            all.world.quiet().await;
            assert_ne!(answer.body["response_action"], "errors", "{}", answer.body);
            if answer.status == StatusCode::OK { Done::Yes } else { Done::No(all.told(answer.status, &answer.body)) }
        })
        .await;
        self.arrival("the extension", |all| all.cards().len() == 1).await;
        let extend = Submission::approve(self.run(), "cyd@example.com").of_extension(self.extension().await);
        self.world.harness.runtime().submit(extend).await.unwrap();
        self.world.quiet().await;
        self.hear("extended it").await;
    }

    async fn extension(&self) -> sym_sdk::model::EventId {
        self.world.harness.run(self.run()).await.unwrap().extension.as_ref().unwrap().id
    }

    async fn open_home(&mut self) {
        self.until_done("opening the home tab", async |all| {
            let opened = json!({ "type": "app_home_opened", "user": "U0ANA", "tab": "home" });
            assert_eq!(all.world.event(opened).await.status, StatusCode::OK);
            all.world.quiet().await;
            let home = all.world.fake.person("U0ANA").home().map(|home| home.raw().to_string()).unwrap_or_default();
            // Slack shows what was there before, which is nothing.
            if home.contains("Your access (1)") { Done::Yes } else { Done::Later }
        })
        .await;
    }

    /// Lets the access end, and returns all that people have in the end: the text of each message, by channel.
    async fn end(mut self) -> BTreeMap<String, Vec<String>> {
        self.world.advance(10 * 60 * 60).await;
        assert!(self.world.harness.granted().is_empty());
        assert_eq!(self.world.harness.status(self.run()).await.unwrap(), RunStatus::Deescalated);
        if let Some((method, _)) = self.limit {
            assert!(self.world.fake.throttled(method) > 0, "{method} was not used");
        }
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for message in self.world.fake.messages() {
            let is_failure = says_try_again(message.text()) || message.text().contains("could not be opened");
            if !is_failure && message.only_for().is_none() && message.text() != SELF_APPROVAL {
                all.entry(message.channel()[..1].to_owned()).or_default().push(plain(message.raw()));
            }
        }
        all.values_mut().for_each(|messages| messages.sort());
        all
    }
}

/// The outcome of something that a person does.
enum Done {
    Yes,
    /// It is to come, and nobody is waiting in front of a view.
    Later,
    /// It is to be done again, because the person was told this.
    No(String),
}

impl World {
    fn clicked_in(&mut self, message: &Message, account: &str, action: &str, run: RunId) -> Value {
        self.clicks += 1;
        json!({
            "type": "block_actions",
            "team": { "id": WORKSPACE },
            "user": { "id": account, "team_id": WORKSPACE },
            "container": { "channel_id": message.channel(), "message_ts": message.ts() },
            "channel": { "id": message.channel(), "name": "mpdm" },
            "message": message.raw(),
            "response_url": self.fake.response_url(account, message.channel()),
            "trigger_id": self.fake.trigger(),
            "actions": [{
                "type": "button", "action_id": action, "block_id": "b", "value": run.to_string(),
                "action_ts": format!("1709208100.{:06}", self.clicks),
            }],
        })
    }
}

/// Returns the blocks of a message without what differs in each run: times, ids of Runs and of blocks, and addresses.
fn plain(message: &Value) -> String {
    fn strip(json: &mut Value) {
        match json {
            Value::Object(members) => {
                members.remove("block_id");
                members.remove("value");
                members.values_mut().for_each(strip);
                if members.get("type") == Some(&json!("date")) {
                    members.remove("timestamp");
                    members.remove("fallback");
                }
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut blocks = message["blocks"].clone();
    strip(&mut blocks);
    // Whoever cannot be looked up is named instead of mentioned.
    let named = json!({ "style": { "bold": true }, "text": "cyd@example.com", "type": "text" }).to_string();
    let mentioned = json!({ "type": "user", "user_id": "U0CYD" }).to_string();
    let text = blocks.to_string().replace(&named, &mentioned).replace("*cyd@example.com*", "<@U0CYD>");
    // `<!date^1709208000^{date}|…>` and `00000000-0000-…` have digits alone that differ.
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("<!date^") {
        plain.push_str(&rest[..at]);
        plain.push_str("DATE");
        rest = &rest[at..];
        rest = &rest[rest.find('>').unwrap() + 1..];
    }
    plain.push_str(rest);
    let is_of_id = |c: &char| c.is_ascii_hexdigit() || *c == '-';
    let words = plain.split('`').map(|word| if word.len() == 36 && word.chars().all(|c| is_of_id(&c)) { "RUN" } else { word });
    let plain = words.collect::<Vec<_>>().join("`");
    plain.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect()
}

async fn converse(limit: Option<(&'static str, Duration)>) -> BTreeMap<String, Vec<String>> {
    let mut all = Conversation::begin(limit).await;
    all.ask().await;
    all.approve_oneself().await;
    all.approve().await;
    all.extend().await;
    all.open_home().await;
    all.end().await
}

/// Has the same conversation with a limit at each method, and compares what people have in the end.
async fn limit_each(time: Duration) {
    let without = converse(None).await;
    assert_eq!((without["G"].len(), without["D"].len()), (2, 5), "{without:#?}");
    for method in METHODS {
        let with = converse(Some((method, time))).await;
        for (channel, messages) in &without {
            assert_eq!(messages, &with[channel], "{method} is limited for {time:?}");
        }
        assert_eq!(with.len(), without.len(), "{method}: {with:#?}");
    }
}

#[tokio::test]
async fn a_method_that_is_limited_once_delays_the_conversation() {
    limit_each(SECOND).await;
}

#[tokio::test]
async fn a_method_that_is_limited_for_longer_than_a_delivery_waits_delays_the_conversation() {
    limit_each(TWENTY_SECONDS).await;
}

#[tokio::test]
async fn a_method_that_is_limited_for_ten_minutes_delays_the_conversation() {
    limit_each(TEN_MINUTES).await;
}

/// A trigger is valid for three seconds, so nothing can be opened later.
#[tokio::test]
async fn a_view_that_cannot_be_opened_in_time_is_told() {
    for (action, method) in [("deny", "views.open"), ("request_again", "views.open")] {
        let handlers = sym_sdk::handlers![get_permissions, super::get_request_notifications];
        let mut world = World::on_one_clock(builder(vec![reason()]).handlers(handlers)).await;
        let run = world.request().await;
        world.fake.throttle(method, TEN_MINUTES);
        assert_eq!(world.click("U0BEN", action, run).await.status, StatusCode::OK);
        world.quiet().await;
        let told = world.fake.calls("response_url");
        assert_eq!(told.len(), 1, "{action}");
        assert_eq!(told[0]["text"], "The view could not be opened. Please try again.");
        assert_eq!(world.fake.calls(method).len(), 1, "{action}: it is not opened when it is too late");
        // With a shorter limit, it is opened in time.
        world.advance(600).await;
        world.fake.throttle(method, SECOND);
        assert_eq!(world.click("U0BEN", action, run).await.status, StatusCode::OK);
        world.quiet().await;
        assert_eq!(world.fake.calls("response_url").len(), 1, "{action}");
        assert!(world.fake.person("U0ANA").view().is_some(), "the trigger of these clicks is hers");
    }
}

/// A limit of the check says nothing about the token: a program that is not ready would get no requests.
#[tokio::test]
async fn a_limited_check_leaves_the_front_end_ready() {
    let handlers = sym_sdk::handlers![get_permissions, super::get_request_notifications];
    let world = World::on_one_clock(builder(vec![reason()]).handlers(handlers)).await;
    for time in [SECOND, TEN_MINUTES] {
        world.fake.throttle("auth.test", time);
        FrontEnd::check(&world.app).await.unwrap();
    }
    assert!(world.fake.throttled("auth.test") >= 2);
}

/// The server runs a front end again whose socket could not be opened.
#[tokio::test]
async fn a_socket_is_opened_once_slack_allows_it() {
    let handlers = sym_sdk::handlers![get_permissions, super::get_request_notifications];
    let harness = builder(vec![reason()]).handlers(handlers);
    let world = World::on_one_clock_with(harness, SlackApp::socket_mode).await;
    let socket = &world.app;
    world.fake.enable_socket_mode().await.unwrap();
    world.fake.throttle("apps.connections.open", TEN_MINUTES);
    let run = || socket.run(world.harness.runtime().clone(), CancellationToken::new());
    assert_eq!(run().await.unwrap_err().kind(), ErrorKind::RateLimited);
    world.harness.simulation().clock().advance(TEN_MINUTES);
    // A short limit passes within the time for opening a socket.
    world.fake.throttle("apps.connections.open", SECOND);
    let stop = CancellationToken::new();
    let running = socket.run(world.harness.runtime().clone(), stop.clone());
    let opened = async {
        while world.fake.calls("apps.connections.open").len() < 3 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let (ran, ()) = tokio::join!(running, opened);
    ran.unwrap();
}
