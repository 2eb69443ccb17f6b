//! The web console, with its routes in process, a browser without a script, and a virtual clock.

mod administration;
mod browser;
mod command_line;
mod decisions;
mod lists;
mod live;
mod new_request;
mod pages;
mod proxy;
mod security;
mod sign_in;

use std::time::Duration;

use sym_sdk::config::PromptField;
use sym_sdk::console::Console;
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::server::Server;
use sym_sdk::server::axum::Router;
use sym_sdk::testing::{Harness, HarnessBuilder};

use browser::{Answer, Browser};

const HOUR: Duration = Duration::from_secs(3_600);

/// Ben and Dee may decide; viewers are administrators.
#[reducer]
async fn get_permissions(directory: &Directory) -> Result<RequestPermission> {
    let people = directory.get_or_create_users_by_emails(["ben@example.com", "dee@example.com"]).await?;
    Ok(RequestPermission::decided_by(user_ids(people).or(PermissionLevel::Admin)).seen_by(PermissionLevel::Admin))
}

fn reason() -> PromptField {
    PromptField {
        name: "reason".into(),
        label: Some("Reason".into()),
        field_type: "string".into(),
        ..PromptField::default()
    }
}

/// The console, and a harness of the flows behind it.
struct World {
    harness: Harness,
    routes: Router,
}

impl World {
    async fn start() -> Self {
        Self::with(Console::new().with_user_chooser(), |builder| builder.handlers(handlers![get_permissions])).await
    }

    async fn with(console: Console, change: impl FnOnce(HarnessBuilder) -> HarnessBuilder) -> Self {
        let builder = Harness::builder()
            .access_flow("prod", ["prod-db", "staging"])
            .admin("ada@example.com")
            .declare(|config| config.flows[0].params.prompt_fields = vec![reason()])
            .runtime(move |builder| builder.front_end(console.run_pages()).front_end(console));
        let harness = change(builder).build().await.unwrap();
        let directory = harness.runtime().directory();
        for name in ["ana", "ben", "cleo", "dee"] {
            directory.get_or_create_user_by_email(&format!("{name}@example.com")).await.unwrap();
        }
        let routes = Server::new(harness.runtime().clone()).router();
        Self { harness, routes }
    }

    /// Returns a browser in which nobody has signed in.
    fn browser(&self) -> Browser {
        Browser::new(self.routes.clone())
    }

    /// Returns a browser in which somebody has signed in.
    async fn sign_in(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        let user = self.user(name).await;
        browser.post("/console/sign-in", &[("user", &user.id().to_string())]).await.ok();
        browser
    }

    async fn user(&self, name: &str) -> std::sync::Arc<User> {
        let directory = self.harness.runtime().directory();
        directory.user_by_email(&format!("{name}@example.com")).await.unwrap().unwrap()
    }

    fn target(&self) -> String {
        self.harness.runtime().flow("prod").unwrap().strategy().unwrap().targets()[0].id().to_string()
    }

    /// Makes a request in a browser, lets it be routed, and returns its page.
    async fn request(&mut self, browser: &mut Browser, reason: &str) -> Answer {
        let form = browser.get("/console/new/prod").await.ok();
        let target = self.target();
        let typed = [("target_id", target.as_str()), ("duration", "1h"), ("reason", reason)];
        let page = browser.press(&form, ("action", "request"), &typed).await.ok();
        self.settle().await;
        let page = browser.get(&page.address).await.ok();
        page.run();
        page
    }

    /// Executes what is due.
    async fn settle(&mut self) {
        self.harness.advance(Duration::ZERO).await.unwrap();
    }
}
