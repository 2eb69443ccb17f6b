//! An operator's day: each task as one command and as one call, in one test.
//!
//! | task | command | call | test |
//! |---|---|---|---|
//! | who has access now | `access` | `GET /access` | [`access`] |
//! | what does Ana have | `access --user` | `GET /access?username=` | [`access`] |
//! | end one access | `revoke RUN` | `POST /runs/{run}/revoke` | [`access`] |
//! | end all of Ana's | `revoke --user` | `POST /access/revoke` | [`access`] |
//! | lock Ana out, and let her in again | `users lock`, `users unlock` | `PATCH /users/{user}` | [`access`] |
//! | what is stuck | `runs --stuck` | `GET /runs?stuck=true` | [`access`] |
//! | write one off | `write-off RUN` | `POST /runs/{run}/write-off` | [`access`] |
//! | why was this denied, why did that fail | `run RUN` | `GET /runs/{run}` | [`requests`] |
//! | who could have approved | `run RUN` | `GET /runs/{run}/deciders` | [`requests`] |
//! | open a request for somebody by a bot | `request --user` | `POST /events/request` | [`requests`] |
//! | verify the log | `audit verify` | `GET /audit/export`, and the lines are verified where they arrive | [`record`] |
//! | find in the log by person, flow, time | `audit search` | `GET /audit` | [`record`] |
//! | export a month as CSV | `audit export --format csv` | `GET /audit/export?format=csv` | [`record`] |
//! | a token for CI, and its end | `tokens issue`, `tokens revoke` | `POST /bots/{bot}/tokens`, `DELETE /tokens/{token}` | [`people`] |
//! | make somebody an admin | `users role` | `PATCH /users/{user}` | [`people`] |
//! | what is left open by an upgrade | `operations` | `GET /operations` | [`program`] |
//! | which flows and handlers are there, and when did each last fail | `operations` | `GET /operations` | [`program`] |
//! | metrics and alerts | `operations` | `GET /metrics`, on its own listener | [`program`] |
//! | a backup, and starting from it | `backup` | none: it is a file, beside the one that is copied | [`program`] |
//! | what would a changed handler have done last month | `replay` | none: the handlers are those of another program | [`program`] |
//!
//! A verdict of the server about its own log would be worth nothing, so no call verifies it.

mod access;
mod people;
mod program;
mod record;
mod requests;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sym_sdk::engine::InputKey;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Submission;

use crate::call::{self, Response};
use crate::program::{Ended, run};
use crate::table::Way;
use crate::world::{HOUR, MINUTE, World};

/// Other handlers than those that were recorded under.
pub(crate) mod changed {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(crate) fn get_permissions() -> RequestPermission {
        RequestPermission::admins_only()
    }
}

/// The way in which a task is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Command,
    Call,
}

impl By {
    const BOTH: [Self; 2] = [Self::Command, Self::Call];
}

/// A program with what a day brings.
struct Day {
    world: World,
    /// The token of an administrator.
    token: String,
    /// Ana holds access, and more of it.
    held: RunId,
    also_held: RunId,
    /// The access of Vic could not be revoked.
    stuck: RunId,
    /// The request of Cleo was denied by Ben, after which a hook has failed.
    denied: RunId,
    /// The access of Neil could not be granted.
    failed: RunId,
    /// The request of Dee waits for a decision.
    open: RunId,
}

impl Day {
    async fn new() -> Self {
        let world = World::new(Way::Server).await;
        let directory = world.runtime().directory();
        let ops = directory.create_bot("ops").await.unwrap();
        directory.set_role(ops.id(), UserRole::Admin).await.unwrap();
        let token = directory.issue_token(ops.id(), "test", 24 * HOUR).await.unwrap();
        let token = token.secret.expose_secret().to_owned();
        let requested = async |requester: &str, target: &str, duration: &str| {
            let request = Submission::request("prod", requester).input("target_id", target).input("duration", duration);
            let request = request.key(InputKey::new(format!("{requester} {target}")));
            let run = world.runtime().submit(request).await.unwrap().run;
            world.settle().await;
            run
        };
        let approve = async |run: RunId| {
            world.runtime().submit(Submission::approve(run, "ben@example.com")).await.unwrap();
            world.settle().await;
        };

        let failed = requested("neil@example.com", "approve", "1h").await;
        world.strategy.fail_grant_permanently();
        approve(failed).await;
        let stuck = requested("vic@example.com", "write-off", "10m").await;
        approve(stuck).await;
        world.strategy.fail_revocations(1);
        world.clock.advance(10 * MINUTE);
        world.settle().await;
        let held = requested("ana@example.com", "revoke", "1h").await;
        let also_held = requested("ana@example.com", "see", "1h").await;
        approve(held).await;
        approve(also_held).await;
        let denied = requested("cleo@example.com", "deny", "1h").await;
        let deny = Submission::deny(denied, "ben@example.com").message("use the replica");
        world.runtime().submit(deny).await.unwrap();
        world.settle().await;
        let open = requested("dee@example.com", "request", "1h").await;
        Self { world, token, held, also_held, stuck, denied, failed, open }
    }

    /// Runs a command as the administrator.
    async fn command(&self, args: &[&str]) -> Ended {
        self.command_as(&self.token, args).await
    }

    async fn command_as(&self, token: &str, args: &[&str]) -> Ended {
        run(args, &[("SYM_SERVER", self.world.server()), ("SYM_TOKEN", token)]).await
    }

    /// Makes a call as the administrator.
    async fn call(&self, method: &str, path: &str, body: Value) -> Response {
        self.call_as(&self.token, method, path, body).await
    }

    async fn call_as(&self, token: &str, method: &str, path: &str, body: Value) -> Response {
        call::send(self.world.server(), token, method, &format!("/api/v1{path}"), &body).await
    }

    async fn get(&self, path: &str) -> Value {
        self.call("GET", path, Value::Null).await.ok()
    }

    /// Returns the id of a user, which the calls about them name.
    async fn id_of(&self, name: &str) -> String {
        self.world.user(name).await.id().to_string()
    }

    /// Returns the accounts that have access in the service.
    fn granted(&self) -> Vec<String> {
        let granted = self.world.strategy.granted();
        let mut granted: Vec<_> =
            granted.iter().map(|(target, account)| format!("{}: {account}", target.name())).collect();
        granted.sort();
        granted
    }

    async fn status(&self, run: RunId) -> RunStatus {
        self.world.runtime().run(run).await.unwrap().state.run.status()
    }

    async fn end(mut self) {
        self.world.end().await;
    }
}

/// Returns a member of each item of a list.
fn each(list: &Value, member: &str) -> Vec<String> {
    let items = list.as_array().unwrap_or_else(|| panic!("{list} is no list"));
    items.iter().map(|item| item.pointer(member).and_then(Value::as_str).unwrap_or_default().to_owned()).collect()
}

/// The body of a call that has none.
fn empty() -> Value {
    json!({})
}
