//! The Slack client, against recorded responses.

mod api;
mod channels;
mod failures;
mod messages;
#[cfg(feature = "slack-app")]
mod signature;
mod simulated;
mod users;

use std::error::Error as _;

use serde_json::{Value, json};
use sym_integrations::slack::Slack;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::error::Error;
use sym_sdk::model::{User, UserIdentity};

const TOKEN: &str = "xoxb-17653672481-S3CRET";
const WORKSPACE: &str = "T012AB3CD";

fn slack(replay: &Replay) -> Slack {
    Slack::builder(WORKSPACE).token(TOKEN).connection(replay.connection()).build().unwrap()
}

fn slack_with(replay: &Replay, directory: &Directory) -> Slack {
    let builder = Slack::builder(WORKSPACE).token(TOKEN).connection(replay.connection());
    builder.directory(directory.clone()).build().unwrap()
}

fn directory() -> Directory {
    Directory::new(MemoryDirectory::new(), ["example.com"])
}

/// Returns a successful response with these members.
fn ok(mut body: Value) -> Reply {
    body["ok"] = true.into();
    Reply::json(body)
}

fn refused(error: &str) -> Reply {
    Reply::json(json!({ "ok": false, "error": error }))
}

/// Returns a user as Slack describes it.
fn member(id: &str, name: &str) -> Value {
    json!({
        "id": id,
        "team_id": WORKSPACE,
        "name": name.to_lowercase(),
        "deleted": false,
        "color": "9f69e7",
        "real_name": name,
        "tz": "Europe/Paris",
        "profile": {
            "real_name": name,
            "display_name": "",
            "email": format!("{}@example.com", name.to_lowercase()),
            "image_24": "https://example.com/24.jpg",
        },
        "is_bot": false,
        "updated": 1_502_138_686,
        "a_new_thing": { "of": ["an", { "unknown": "kind" }] },
    })
}

fn with(mut member: Value, change: impl FnOnce(&mut Value)) -> Value {
    change(&mut member);
    member
}

fn user(email: &str) -> User {
    User::from_email(email).unwrap()
}

fn known(email: &str, id: &str) -> User {
    user(email).with_identity(UserIdentity::new("slack", WORKSPACE, id))
}

/// Returns the code of an error, after checking that no text of the error contains the token.
fn code(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n{}\n{}", error.report(), error.to_json());
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!("\n{error}\n{error:?}"));
        source = error.source();
    }
    assert!(!text.contains("S3CRET"), "{text}");
    assert!(!error.message().contains('\n') && !error.message().ends_with('.'), "{}", error.message());
    error.code().to_string()
}

fn emails(users: &[std::sync::Arc<User>]) -> Vec<&str> {
    users.iter().map(|user| user.username()).collect()
}
