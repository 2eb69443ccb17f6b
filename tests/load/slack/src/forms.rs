//! Forms that people have open, and what they type there.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use sym_sdk::clock::{Clock, SystemClock};

use crate::Outcome;
use crate::fire::ask;
use crate::payload::{command, typing};
use crate::scene::{TYPED, requesters};
use crate::serve::{FIELD, FLOW};
use crate::shot::Shot;
use crate::slack::Workspace;

/// How many there are.
const FORMS: usize = 50;

/// A form is there after this time, or never.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bodies of requests: for each form all that people type.
#[derive(Debug)]
pub(crate) struct Typing(Vec<[Bytes; TYPED.len()]>);

impl Typing {
    /// Opens the forms of the server that is measured, as people do.
    pub(crate) async fn open(server: SocketAddr, workspace: &Workspace) -> Outcome<Self> {
        let (mut seen, mut bodies) = (HashSet::new(), Vec::new());
        for (number, by) in (0..FORMS).zip(requesters().iter().cycle()) {
            let body = command(by, &format!("req {FLOW}"), number);
            ask(server, &Shot::new("/slack/commands", body.into(), now())?).await?;
            let (id, view) = shown(workspace, &seen).await?;
            let blocks = view["blocks"].as_array().into_iter().flatten();
            let mut ids = blocks.filter_map(|block| block["block_id"].as_str());
            let field = format!("{FIELD}:");
            let block = ids.find(|id| id.starts_with(&field)).ok_or("the form has no field with options")?;
            bodies.push(TYPED.map(|typed| typing(by, &id, &view, block, typed).into()));
            seen.insert(id);
        }
        Ok(Self(bodies))
    }

    /// So many requests that are signed now: in one form after the other something is typed.
    pub(crate) fn shots(&self, path: &'static str, expected: &[Bytes], count: usize) -> Outcome<Vec<Shot>> {
        let mut all = Vec::new();
        for typed in 0..TYPED.len() {
            for form in &self.0 {
                let shot = form.get(typed).zip(expected.get(typed));
                let (body, expected) = shot.ok_or("a text has no answer")?;
                all.push(Shot::new(path, body.clone(), now())?.expecting(expected.clone()));
            }
        }
        // Neighbours are of different texts: else the costly ones would come together.
        let (forms, texts) = (self.0.len(), TYPED.len());
        let place = |index: usize| index % texts * forms + index / texts % forms;
        Ok((0..count).filter_map(|index| all.get(place(index)).cloned()).collect())
    }

    /// What a server answers to each of the texts, and the labels in it.
    pub(crate) async fn answers(
        &self,
        server: SocketAddr,
        path: &'static str,
    ) -> Outcome<(Vec<Bytes>, Vec<Vec<String>>)> {
        let form = self.0.first().ok_or("there is no form")?;
        let (mut answers, mut labels) = (Vec::new(), Vec::new());
        for body in form {
            let answer = ask(server, &Shot::new(path, body.clone(), now())?).await?;
            let read: Value = serde_json::from_slice(&answer)?;
            let options = read["options"].as_array().ok_or("the answer has no options")?;
            let label = |option: &Value| option["text"]["text"].as_str().unwrap_or_default().to_owned();
            labels.push(options.iter().map(label).collect());
            answers.push(answer);
        }
        Ok((answers, labels))
    }
}

/// The form that was not there before.
async fn shown(workspace: &Workspace, seen: &HashSet<String>) -> Outcome<(String, Value)> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(form) = workspace.forms().into_iter().find(|(id, _)| !seen.contains(id)) {
            return Ok(form);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Err("a form was asked for and did not come".into())
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    SystemClock.now().as_second()
}
