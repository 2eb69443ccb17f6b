//! Views: modals that people have open, stacked on top of each other, and the home tab that each person has.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::check;
use super::visible_state::{self, Values};
use super::workspace::Workspace;

/// A modal view or a home tab as a person sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub(super) json: Value,
    pub(super) values: Values,
    /// Error messages by block.
    pub(super) errors: BTreeMap<String, String>,
    /// Slack's own error message about the app.
    pub(super) error_message: Option<String>,
}

impl View {
    /// Returns the id.
    pub fn id(&self) -> &str {
        self.json["id"].as_str().unwrap_or_default()
    }

    /// Returns the title. A home tab has none.
    pub fn title(&self) -> &str {
        self.json["title"]["text"].as_str().unwrap_or_default()
    }

    /// Returns all visible text in mrkdwn, one line per part.
    pub fn all_text(&self) -> String {
        visible_state::all_text(&self.json)
    }

    /// Returns the labels of the inputs.
    pub fn labels(&self) -> Vec<&str> {
        let inputs = visible_state::blocks(&self.json).iter().filter(|block| block["type"] == "input");
        inputs.map(|block| block["label"]["text"].as_str().unwrap_or_default()).collect()
    }

    /// Returns the labels of the buttons.
    pub fn buttons(&self) -> Vec<&str> {
        visible_state::buttons(&self.json)
    }

    /// Returns the error messages of the last submission, by the label of the input.
    pub fn errors(&self) -> BTreeMap<String, String> {
        let label = |id: &str| {
            let block = visible_state::blocks(&self.json).iter().find(|block| block["block_id"] == id);
            block.and_then(|block| block["label"]["text"].as_str()).unwrap_or(id).to_owned()
        };
        self.errors.iter().map(|(block, error)| (label(block), error.clone())).collect()
    }

    /// Returns Slack's JSON of the view, with the present values of its inputs.
    pub fn raw(&self) -> Value {
        let mut json = self.json.clone();
        json["state"] = visible_state::state(&self.values);
        json
    }
}

/// Maximum number of views on a stack.
const MAX_VIEW_DEPTH: usize = 3;

impl Workspace {
    /// Returns all views: the open ones, and the home tabs.
    fn all_views(&self) -> impl Iterator<Item = &View> {
        self.views.values().flatten().chain(self.homes.values())
    }

    /// Checks that no view has the external id of a new one.
    fn check_external_id(&self, given: &Value, besides: Option<&str>) -> Result<(), &'static str> {
        let Some(id) = given["external_id"].as_str().filter(|id| !id.is_empty()) else { return Ok(()) };
        let mut others = self.all_views().filter(|view| besides != Some(view.id()));
        if others.any(|view| view.json["external_id"] == id) { Err("duplicate_external_id") } else { Ok(()) }
    }

    /// Returns the id of the view with an external id.
    pub(super) fn view_named(&self, external_id: &str) -> Option<String> {
        let view = self.all_views().find(|view| view.json["external_id"] == external_id)?;
        Some(view.id().to_owned())
    }

    /// Whether the id is that of a home tab.
    pub(super) fn is_home(&self, id: &str) -> bool {
        self.homes.values().any(|home| home.id() == id)
    }

    /// Sets the home tab of a person.
    pub(super) fn publish(
        &mut self,
        user: &str,
        hash: Option<&str>,
        given: &Value,
        now: Timestamp,
    ) -> Result<Value, &'static str> {
        if let Some(known) = self.homes.get(user) {
            let id = known.id().to_owned();
            return self.update(&id, hash, given, now);
        }
        self.check_external_id(given, None)?;
        let home = self.create(None, None, given, now);
        let json = home.json.clone();
        self.homes.insert(user.to_owned(), home);
        Ok(json)
    }

    /// Returns the JSON of a view as Slack stores it.
    fn stored(&mut self, id: &str, root: &str, previous: Option<&str>, given: &Value, now: Timestamp) -> Value {
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
        visible_state::assign_ids(&mut json["blocks"], &mut self.random);
        json["state"] = visible_state::state(&visible_state::values(&json, &Values::new()));
        json
    }

    fn create(&mut self, root: Option<&str>, previous: Option<&str>, given: &Value, now: Timestamp) -> View {
        let id = format!("V{:08}", self.next());
        let json = self.stored(&id, root.unwrap_or(&id), previous, given, now);
        View {
            values: visible_state::values(&json, &Values::new()),
            json,
            errors: BTreeMap::new(),
            error_message: None,
        }
    }

    /// Opens a view, replacing the views that a person has open.
    pub(super) fn open(&mut self, user: &str, given: &Value, now: Timestamp) -> Result<Value, &'static str> {
        self.check_external_id(given, None)?;
        let view = self.create(None, None, given, now);
        let json = view.json.clone();
        self.views.insert(user.to_owned(), vec![view]);
        Ok(json)
    }

    /// Pushes a view on top of the stack.
    pub(super) fn push(&mut self, user: &str, given: &Value, now: Timestamp) -> Result<Value, &'static str> {
        let stack = self.views.get(user).map(Vec::as_slice).unwrap_or_default();
        if stack.len() >= MAX_VIEW_DEPTH {
            return Err("push_limit_reached");
        }
        let (root, previous) = match (stack.first(), stack.last()) {
            (Some(first), Some(last)) => (first.id().to_owned(), last.id().to_owned()),
            _ => return Err("not_found"),
        };
        self.check_external_id(given, None)?;
        let view = self.create(Some(&root), Some(&previous), given, now);
        let json = view.json.clone();
        self.views.entry(user.to_owned()).or_default().push(view);
        Ok(json)
    }

    /// Updates the content of a view.
    pub(super) fn update(
        &mut self,
        id: &str,
        hash: Option<&str>,
        given: &Value,
        now: Timestamp,
    ) -> Result<Value, &'static str> {
        let old = self.all_views().find(|view| view.id() == id).ok_or("not_found")?;
        if hash.is_some_and(|hash| old.json["hash"] != hash) {
            return Err("hash_conflict");
        }
        let (root, previous) = (old.json["root_view_id"].clone(), old.json["previous_view_id"].clone());
        self.check_external_id(given, Some(id))?;
        let json = self.stored(id, root.as_str().unwrap_or(id), previous.as_str(), given, now);
        let mut views = self.views.values_mut().flatten().chain(self.homes.values_mut());
        let view = views.find(|view| view.id() == id).ok_or("not_found")?;
        view.values = visible_state::values(&json, &view.values);
        view.json = json;
        view.errors.clear();
        view.error_message = None;
        Ok(view.raw())
    }

    /// Returns the view that a person sees.
    pub(super) fn top(&self, user: &str) -> Option<&View> {
        self.views.get(user)?.last()
    }

    pub(super) fn view_of(&mut self, user: &str, id: &str) -> Option<&mut View> {
        let views = self.views.get_mut(user).into_iter().flatten();
        views.chain(self.homes.get_mut(user)).find(|view| view.id() == id)
    }

    /// Closes a view and those on top of it.
    pub(super) fn close(&mut self, user: &str, id: &str) {
        if let Some(stack) = self.views.get_mut(user)
            && let Some(at) = stack.iter().position(|view| view.id() == id)
        {
            stack.truncate(at);
        }
    }

    /// Applies the app's response to a submitted view. The error lists violations of Slack's rules.
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
        let inputs: Vec<_> =
            visible_state::blocks(&view.json).iter().filter(|block| block["type"] == "input").collect();
        let errors = answer["errors"].as_object().filter(|errors| !errors.is_empty());
        let errors = errors.ok_or_else(|| vec!["`errors` must contain at least one block".to_owned()])?;
        let mut faults = Vec::new();
        for (block, error) in errors {
            if !inputs.iter().any(|input| input["block_id"] == block.as_str()) {
                faults.push(format!("`errors` names block `{block}`, which is not an input of the view"));
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
