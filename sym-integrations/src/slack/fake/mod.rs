//! A fake Slack workspace on the loopback interface, for tests of an app and for trying one out.
//!
//! [`FakeSlack`] implements the Web API as Slack does, including what Slack rejects: unknown tokens, invalid blocks, expired triggers.
//! Its people act on what they see, and only on that: a button that a message does not show cannot be clicked. The app receives their
//! actions as signed requests, over the same HTTP routes and with the same deadline of three seconds as in production. A test that
//! passes here therefore exercises the app's real client, its signature check and its payload parsing. Violations of Slack's rules are
//! collected in [`FakeSlack::faults`] rather than ignored.
//!
//! Like everything else in this crate it talks over HTTP rather than through function calls: that is slower than calling the app
//! directly, and keeps the fake honest.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sym_integrations::slack::fake::{FakeSlack, Member};
//! use sym_integrations::slack::{self, blocks::Section};
//!
//! let fake = FakeSlack::start().await?;
//! fake.add(Member::new("U0ANA").name("Ana").email("ana@example.com"))?;
//!
//! // The client of the app under test.
//! let slack = fake.client().build()?;
//! slack.send_message(slack::user("U0ANA")?, "Your access ends soon.").await?;
//! let error = slack.api().open_view("1.2.nonsense", serde_json::json!({ "type": "modal" })).await.unwrap_err();
//! assert!(error.message().contains("missing required field: title"));
//!
//! let ana = fake.person("U0ANA");
//! assert_eq!(ana.messages()[0].text(), "Your access ends soon.");
//! assert_eq!(fake.faults().len(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! If the app listens on an address, such as one that [`Server`](sym_sdk::server::Server) serves, people can request access and decide:
//!
//! ```no_run
//! # async fn drive(fake: sym_integrations::slack::fake::FakeSlack) -> Result<(), sym_sdk::Error> {
//! fake.connect("http://127.0.0.1:3000/slack")?;
//! let (ana, ben) = (fake.person("U0ANA"), fake.person("U0BEN"));
//!
//! ana.command("/sym req prod").await?;
//! ana.fill("Target", "admins").await?;
//! ana.fill("Reason", "incident 42").await?;
//! ana.fill("Duration", "1h").await?;
//! ana.submit().await?;
//!
//! let request = ben.message("asks for").await?;
//! ben.click(&request, "Approve").await?;
//! ana.message("You have access to").await?;
//! # Ok(())
//! # }
//! ```
//!
//! # The page
//!
//! In a browser, the fake's address shows what a person sees in Slack, and lets the visitor act as any person. Programs use the same
//! routes:
//!
//! | request | fields | |
//! | --- | --- | --- |
//! | `GET /state` | `as`, `since` | returns what a person sees as JSON; with a `version` as `since`, waits until there is something newer |
//! | `POST /command` | `as`, `text`, `channel` | enters a command |
//! | `POST /shortcut` | `as`, `callback_id` | invokes a shortcut |
//! | `POST /fill` | `as`, and inputs by label | fills in the view, or selects in its menus |
//! | `POST /submit` | `as`, and inputs by label | fills in the view and submits it |
//! | `POST /click` | `as`, `button`, `ts`, and inputs by label | clicks a button of the view, or of the latest message that has it; with `home` as `ts`, of the home tab |
//! | `POST /close` | `as` | closes the view |
//! | `POST /home` | `as` | opens the app's home tab |
//!
//! People are identified by their ids. The response is `{"ok": true}`, or describes the problem in `error` or `errors`; a browser is
//! redirected to the page. The routes wait for inputs and buttons to appear, so a script need not:
//!
//! ```sh
//! curl -d as=U0ANA -d 'text=/sym req prod' http://127.0.0.1:3001/command
//! curl -d as=U0ANA -d Target=admins -d Duration=1h -d 'Reason=incident 42' http://127.0.0.1:3001/submit
//! curl -d as=U0BEN -d button=Approve http://127.0.0.1:3001/click
//! curl 'http://127.0.0.1:3001/state?as=U0ANA'
//! ```
//!
//! # Limitations
//!
//! There are no files. Without [`add_channel`](FakeSlack::add_channel), everyone is a member of every channel, the app included. All state is in
//! memory, and there are no rate limits but those of [`throttle`](FakeSlack::throttle). Anyone who can reach its address can act as any
//! person, so it listens on the loopback interface only.

mod app_requests;
mod channel;
mod check;
mod events;
mod failures;
mod fake_slack;
mod input_validation;
mod input_value;
mod interactions;
mod member;
mod message;
mod page;
mod payload;
mod person;
mod plugin;
mod scopes;
mod server;
mod shared;
mod socket_mode;
mod views;
mod visible_state;
mod web_api;
mod workspace;

pub use channel::Channel;
pub use fake_slack::{FakeSlack, FakeSlackBuilder};
pub use input_value::InputValue;
pub use member::Member;
pub use message::Message;
pub use person::{Person, Submitted};
pub use shared::{APP_DID_NOT_RESPOND, NOT_VISIBLE};
pub use socket_mode::DisconnectReason;
pub use views::View;

pub(super) use plugin::start;
use shared::Shared;
