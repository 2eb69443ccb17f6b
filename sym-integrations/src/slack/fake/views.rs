//! The views that people have open.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::visible_state::{self, Values};
use super::workspace::Workspace;
use super::{View, check};

/// So many views can lie on one another.
const MAX_VIEW_DEPTH: usize = 3;

impl Workspace {
    /// A view as Slack keeps it.
    fn kept(&mut self, id: &str, root: &str, previous: Option<&str>, given: &Value, now: Timestamp) -> Value {
        let mut json = json!({
            "id": id,
            "team_id": self.names.workspace,
            "app_id": self.names.app,
            "app_installed_team_id": self.names.workspace,
            "bot_id": self.names.bot,
            "root_view_id": root,
            "previous_view_id": previous,
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "clear_on_close": false,
            "notify_on_close": false,
            "close": null,
            "submit": null,
        });
        if let (Some(json), Some(given)) = (json.as_object_mut(), given.as_object()) {
            json.extend(given.clone());
        }
        let secret: String = std::iter::repeat_with(|| self.random.alphanumeric()).take(8).collect();
        json["hash"] = json!(format!("{}.{secret}", now.as_second()));
        visible_state::name_parts(&mut json["blocks"], &mut self.random);
        json["state"] = visible_state::state(&visible_state::values(&json, &Values::new()));
        json
    }

    fn made(&mut self, root: Option<&str>, previous: Option<&str>, given: &Value, now: Timestamp) -> View {
        let id = format!("V{:08}", self.next());
        let json = self.kept(&id, root.unwrap_or(&id), previous, given, now);
        View { values: visible_state::values(&json, &Values::new()), json, errors: BTreeMap::new(), trouble: None }
    }

    /// Opens a view in the place of what somebody had open.
    pub(super) fn open(&mut self, user: &str, given: &Value, now: Timestamp) -> Value {
        let view = self.made(None, None, given, now);
        let json = view.json.clone();
        self.views.insert(user.to_owned(), vec![view]);
        json
    }

    /// Lays a view on top.
    pub(super) fn push(&mut self, user: &str, given: &Value, now: Timestamp) -> Result<Value, &'static str> {
        let stack = self.views.get(user).map(Vec::as_slice).unwrap_or_default();
        if stack.len() >= MAX_VIEW_DEPTH {
            return Err("push_limit_reached");
        }
        let (root, previous) = match (stack.first(), stack.last()) {
            (Some(first), Some(last)) => (first.id().to_owned(), last.id().to_owned()),
            _ => return Err("not_found"),
        };
        let view = self.made(Some(&root), Some(&previous), given, now);
        let json = view.json.clone();
        self.views.entry(user.to_owned()).or_default().push(view);
        Ok(json)
    }

    /// Replaces what a view shows.
    pub(super) fn update(
        &mut self,
        id: &str,
        hash: Option<&str>,
        given: &Value,
        now: Timestamp,
    ) -> Result<Value, &'static str> {
        let old = self.views.values().flatten().find(|view| view.id() == id).ok_or("not_found")?;
        if hash.is_some_and(|hash| old.json["hash"] != hash) {
            return Err("hash_conflict");
        }
        let (root, previous) = (old.json["root_view_id"].clone(), old.json["previous_view_id"].clone());
        let json = self.kept(id, root.as_str().unwrap_or(id), previous.as_str(), given, now);
        let view = self.views.values_mut().flatten().find(|view| view.id() == id).ok_or("not_found")?;
        view.values = visible_state::values(&json, &view.values);
        view.json = json;
        view.errors.clear();
        view.trouble = None;
        Ok(view.raw())
    }

    /// The view that somebody sees.
    pub(super) fn top(&self, user: &str) -> Option<&View> {
        self.views.get(user)?.last()
    }

    pub(super) fn view_of(&mut self, user: &str, id: &str) -> Option<&mut View> {
        self.views.get_mut(user)?.iter_mut().find(|view| view.id() == id)
    }

    /// Takes a view away, and what lies on it.
    pub(super) fn close(&mut self, user: &str, id: &str) {
        if let Some(stack) = self.views.get_mut(user)
            && let Some(at) = stack.iter().position(|view| view.id() == id)
        {
            stack.truncate(at);
        }
    }

    /// Does what an app answers to a view that was submitted. What it may not answer is the error.
    pub(super) fn follow(&mut self, user: &str, id: &str, answer: &Value, now: Timestamp) -> Result<(), Vec<String>> {
        match answer["response_action"].as_str() {
            None => self.close(user, id),
            Some("clear") => drop(self.views.remove(user)),
            Some("errors") => return self.show_errors(user, id, answer),
            Some(kind @ ("update" | "push")) => {
                let view = &answer["view"];
                let faults = check::view(view);
                if !faults.is_empty() {
                    return Err(faults);
                }
                let done = if kind == "push" { self.push(user, view, now) } else { self.update(id, None, view, now) };
                done.map_err(|error| vec![error.to_owned()])?;
            }
            Some(other) => return Err(vec![format!("unknown response_action: {other}")]),
        }
        Ok(())
    }

    fn show_errors(&mut self, user: &str, id: &str, answer: &Value) -> Result<(), Vec<String>> {
        let Some(view) = self.view_of(user, id) else { return Ok(()) };
        let inputs: Vec<_> = visible_state::blocks(&view.json).iter().filter(|block| block["type"] == "input").collect();
        let errors = answer["errors"].as_object().filter(|errors| !errors.is_empty());
        let errors = errors.ok_or_else(|| vec!["`errors` must have an error for a block".to_owned()])?;
        let mut faults = Vec::new();
        for (block, error) in errors {
            if !inputs.iter().any(|input| input["block_id"] == block.as_str()) {
                faults.push(format!("`errors` names the block `{block}`, which is no input of the view"));
            }
            if !error.is_string() {
                faults.push(format!("the error of block `{block}` must be a string"));
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let text = |error: &Value| error.as_str().unwrap_or_default().to_owned();
        view.errors = errors.iter().map(|(block, error)| (block.clone(), text(error))).collect();
        Ok(())
    }
}
