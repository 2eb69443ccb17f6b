//! Events: what happens in the workspace, as the app hears of it through the
//! [Events API](https://docs.slack.dev/apis/events-api).
//!
//! An event that the app does not accept is repeated as Slack repeats it: immediately, after a minute and after five.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sym_sdk::error::Result;

use super::app_requests::{AppError, AppRequest};
use super::workspace::Workspace;
use super::{FakeSlack, Shared};

/// The delays before an event is repeated.
const RETRY_DELAYS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(60), Duration::from_secs(300)];

/// The error for whoever caused an event that the app did not accept.
const NOT_ACCEPTED: &str = "The app did not accept the event";

impl Workspace {
    /// Returns an event in the envelope in which apps receive it.
    fn event(&mut self, mut event: Value, event_time: i64, event_ts: String) -> Value {
        event["event_ts"] = json!(event_ts);
        let team = self.names.workspace.clone();
        let (event_id, context) = (format!("Ev{:08}", self.next()), format!("4-{:08}", self.next()));
        json!({
            "type": "event_callback",
            "team_id": team,
            "enterprise_id": self.names.enterprise,
            "context_team_id": team,
            "context_enterprise_id": self.names.enterprise,
            "api_app_id": self.names.app,
            "event": event,
            "event_id": event_id,
            "event_time": event_time,
            "event_context": context,
            "authorizations": [{
                "enterprise_id": self.names.enterprise,
                "team_id": if self.names.is_org_install { Value::Null } else { json!(team) },
                "user_id": self.names.bot_user,
                "is_bot": true,
                "is_enterprise_install": self.names.is_org_install,
            }],
            "is_ext_shared_channel": false,
        })
    }

    /// Returns the event that a person opened the app's home tab.
    pub(super) fn home_opened(&mut self, user: &str) -> Value {
        let channel = self.direct(&[user.to_owned()]);
        let mut event = json!({ "type": "app_home_opened", "user": user, "channel": channel, "tab": "home" });
        if let Some(home) = self.homes.get(user) {
            event["view"] = home.raw();
        }
        event
    }
}

impl Shared {
    /// Informs the app of an event. Returns the outcome of the first attempt; the others follow in the background.
    pub(super) async fn emit(self: &Arc<Self>, event: Value) -> Result<()> {
        let event = self.change(|workspace, now| {
            let ts = workspace.ts(now);
            workspace.event(event, now.as_second(), ts)
        });
        let Err(failure) = self.deliver(&event, None).await else { return Ok(()) };
        if let Some(reason) = failure.reason {
            let shared = self.clone();
            tokio::spawn(async move { shared.repeat(event, reason).await });
        }
        Err(failure.error.into_error(NOT_ACCEPTED))
    }

    async fn repeat(&self, event: Value, mut reason: &'static str) {
        for (number, delay) in (1_u32..).zip(RETRY_DELAYS) {
            tokio::select! {
                () = self.clock.sleep(delay) => {}
                () = self.stop.cancelled() => return,
            }
            match self.deliver(&event, Some((number, reason))).await.map_err(|failure| failure.reason) {
                Err(Some(another)) => reason = another,
                Ok(()) | Err(None) => return,
            }
        }
    }

    async fn deliver(&self, event: &Value, retry: Option<(u32, &str)>) -> Result<(), Failure> {
        if self.sockets.is_enabled() {
            let (number, reason) = retry.unwrap_or((0, ""));
            let envelope = json!({
                "type": "events_api", "payload": event, "accepts_response_payload": false,
                "retry_attempt": number, "retry_reason": reason,
            });
            let sent = self.send_envelope(envelope).await;
            return sent.map(drop).map_err(|error| Failure { error, reason: Some("timeout") });
        }
        let headers = retry.into_iter().flat_map(|(number, reason)| {
            [("x-slack-retry-num", number.to_string()), ("x-slack-retry-reason", reason.to_owned())]
        });
        let (route, media_type, body) = ("events", "application/json", event.to_string());
        match self.post(AppRequest { route, media_type, body, headers: headers.collect() }).await {
            Ok((200..300, ..)) => Ok(()),
            Ok((status, _, stops)) => {
                Err(Failure { error: AppError::Status(status), reason: (!stops).then_some("http_error") })
            }
            Err(error @ AppError::NoResponse) => Err(Failure { error, reason: Some("http_timeout") }),
            Err(error @ AppError::Unreachable) => Err(Failure { error, reason: Some("connection_failed") }),
            Err(error) => Err(Failure { error, reason: None }),
        }
    }
}

impl FakeSlack {
    /// Revokes the app's bot token, and tells the app (`tokens_revoked`). All calls then fail with `token_revoked`.
    ///
    /// # Errors
    /// If the app does not accept the event at the first attempt.
    pub async fn revoke_tokens(&self) -> Result<()> {
        self.shared().change(|workspace, _| workspace.revoked = Some("token_revoked"));
        self.shared().emit(self.tokens_revoked()).await
    }

    /// Uninstalls the app, and tells it (`tokens_revoked`, `app_uninstalled`). All calls then fail with `account_inactive`.
    ///
    /// # Errors
    /// If the app does not accept the events at the first attempt.
    pub async fn uninstall(&self) -> Result<()> {
        self.shared().change(|workspace, _| workspace.revoked = Some("account_inactive"));
        let revoked = self.shared().emit(self.tokens_revoked()).await;
        self.shared().emit(json!({ "type": "app_uninstalled" })).await.and(revoked)
    }

    /// Installs the app again. Calls succeed from then on.
    pub fn reinstall(&self) {
        self.shared().change(|workspace, _| workspace.revoked = None);
    }

    fn tokens_revoked(&self) -> Value {
        let bot = self.shared().look(|workspace| workspace.names.bot_user.clone());
        json!({ "type": "tokens_revoked", "tokens": { "oauth": [], "bot": [bot] } })
    }
}

/// A failed delivery of an event.
struct Failure {
    error: AppError,
    /// The reason that the next attempt states, if there is one.
    reason: Option<&'static str>,
}
