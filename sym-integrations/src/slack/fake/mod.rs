//! A small workspace on this machine, for those who have no other: for tests of an app, and to try one out.
//!
//! [`FakeSlack`] answers an app's calls as Slack does, down to what it refuses: unknown tokens, blocks that break a rule,
//! triggers that are too old. The people in it act as people do, by what they see, and the app hears of it by requests that are signed:
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
//! With an app that listens, such as one that [`Server`](sym_sdk::server::Server) serves, people can ask for access and decide:
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
//! In a browser, its address shows what a person sees in Slack, and lets one be anybody there. Programs can do the same:
//!
//! | request | fields | |
//! | --- | --- | --- |
//! | `GET /state` | `as`, `since` | what a person sees, as JSON; with the `version` as `since`, once there is something newer |
//! | `POST /command` | `as`, `text`, `channel` | types a command |
//! | `POST /shortcut` | `as`, `callback_id` | chooses a shortcut |
//! | `POST /fill` | `as`, and inputs by their labels | fills in the view, or picks in its menus |
//! | `POST /submit` | `as`, and inputs by their labels | fills in the view and submits it |
//! | `POST /click` | `as`, `button`, `ts`, and inputs by their labels | clicks in the view, or in the latest message with the button |
//! | `POST /close` | `as` | closes the view |
//!
//! People go by their ids. The answer is `{"ok": true}`, or says in `error` or `errors` what is wrong; a browser is sent back to
//! the page. What is to be filled in and clicked is waited for, so a script need not:
//!
//! ```sh
//! curl -d as=U0ANA -d 'text=/sym req prod' http://127.0.0.1:3001/command
//! curl -d as=U0ANA -d Target=admins -d Duration=1h -d 'Reason=incident 42' http://127.0.0.1:3001/submit
//! curl -d as=U0BEN -d button=Approve http://127.0.0.1:3001/click
//! curl 'http://127.0.0.1:3001/state?as=U0ANA'
//! ```
//!
//! # What it leaves out
//!
//! There is no Socket Mode of its own, no home tab, no events and no files, and everybody is in every channel. It holds everything in
//! memory, and has no rate limits. Whoever can reach its address can be anybody in it, so it listens on
//! this machine alone.

mod act;
mod check;
mod entry;
mod handle;
mod member;
mod message;
mod methods;
mod page;
mod payload;
mod person;
mod send;
mod server;
mod service;
mod shared;
mod surface;
mod view;
mod views;
mod workspace;

pub use entry::Entry;
pub use handle::{FakeSlack, FakeSlackBuilder};
pub use member::Member;
pub use message::Message;
pub use person::{Person, Submitted};
pub use shared::{NO_ANSWER, UNSEEN};
pub use view::View;

pub(crate) use service::start;
use shared::Shared;
