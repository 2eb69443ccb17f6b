//! Open forms, and the type-ahead payloads that users send from them. Our server opens the forms; the payloads then go to all servers.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use sym_sdk::clock::{Clock, SystemClock};

use crate::Outcome;
use crate::fake_slack::FakeSlack;
use crate::fixture::{TYPED_TEXTS, requesters};
use crate::load_generator::send_one;
use crate::payload::{command, suggestion};
use crate::serve::{FIELD, FLOW};
use crate::signed_request::SignedRequest;

/// The number of open forms.
const FORM_COUNT: usize = 50;

/// The time limit for opening a form.
const FORM_TIMEOUT: Duration = Duration::from_secs(30);

/// The request bodies of all typed texts, by form.
#[derive(Debug)]
pub(crate) struct OpenForms(Vec<[Bytes; TYPED_TEXTS.len()]>);

impl OpenForms {
    /// Opens the forms in our server, with the command that users type.
    pub(crate) async fn open(server: SocketAddr, slack: &FakeSlack) -> Outcome<Self> {
        let (mut seen, mut bodies) = (HashSet::new(), Vec::new());
        for (number, by) in (0..FORM_COUNT).zip(requesters().iter().cycle()) {
            let body = command(by, &format!("req {FLOW}"), number);
            send_one(server, &SignedRequest::new("/slack/commands", body.into(), now())?).await?;
            let (id, view) = wait_for_form(slack, &seen).await?;
            let blocks = view["blocks"].as_array().into_iter().flatten();
            let mut ids = blocks.filter_map(|block| block["block_id"].as_str());
            let field = format!("{FIELD}:");
            let block = ids.find(|id| id.starts_with(&field)).ok_or("the form has no type-ahead field")?;
            bodies.push(TYPED_TEXTS.map(|typed| suggestion(by, &id, &view, block, typed).into()));
            seen.insert(id);
        }
        Ok(Self(bodies))
    }

    /// Returns `count` requests, signed with the current time, that cycle through the forms and texts.
    pub(crate) fn requests(&self, path: &'static str, expected: &[Bytes], count: usize) -> Outcome<Vec<SignedRequest>> {
        let mut all = Vec::new();
        for typed in 0..TYPED_TEXTS.len() {
            for form in &self.0 {
                let pair = form.get(typed).zip(expected.get(typed));
                let (body, expected) = pair.ok_or("a text has no expected response")?;
                all.push(SignedRequest::new(path, body.clone(), now())?.expecting(expected.clone()));
            }
        }
        // Consecutive requests have different texts, so that the expensive ones are spread evenly.
        let (forms, texts) = (self.0.len(), TYPED_TEXTS.len());
        let position = |index: usize| index % texts * forms + index / texts % forms;
        Ok((0..count).filter_map(|index| all.get(position(index)).cloned()).collect())
    }

    /// Returns a server's response to each of the texts, and the labels in it.
    pub(crate) async fn responses(
        &self,
        server: SocketAddr,
        path: &'static str,
    ) -> Outcome<(Vec<Bytes>, Vec<Vec<String>>)> {
        let form = self.0.first().ok_or("there is no form")?;
        let (mut responses, mut labels) = (Vec::new(), Vec::new());
        for body in form {
            let response = send_one(server, &SignedRequest::new(path, body.clone(), now())?).await?;
            let read: Value = serde_json::from_slice(&response)?;
            let options = read["options"].as_array().ok_or("the response has no options")?;
            let label = |option: &Value| option["text"]["text"].as_str().unwrap_or_default().to_owned();
            labels.push(options.iter().map(label).collect());
            responses.push(response);
        }
        Ok((responses, labels))
    }
}

/// Waits for a form that is not in `seen`.
async fn wait_for_form(slack: &FakeSlack, seen: &HashSet<String>) -> Outcome<(String, Value)> {
    let start = Instant::now();
    while start.elapsed() < FORM_TIMEOUT {
        if let Some(form) = slack.forms().into_iter().find(|(id, _)| !seen.contains(id)) {
            return Ok(form);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Err(format!("no form was opened within {FORM_TIMEOUT:?}").into())
}

/// Returns the current Unix time in seconds.
pub(crate) fn now() -> i64 {
    SystemClock.now().as_second()
}
