use std::collections::BTreeMap;

use serde_json::Value;

use super::visible_state::{self, Values};

/// A modal as somebody has it before them.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub(super) json: Value,
    pub(super) values: Values,
    /// By block.
    pub(super) errors: BTreeMap<String, String>,
    /// Slack's own word that the app did not do as it should.
    pub(super) trouble: Option<String>,
}

impl View {
    /// The id.
    pub fn id(&self) -> &str {
        self.json["id"].as_str().unwrap_or_default()
    }

    /// The title.
    pub fn title(&self) -> &str {
        self.json["title"]["text"].as_str().unwrap_or_default()
    }

    /// All that is to be read in it, in Slack's notation, a line for each part.
    pub fn all_text(&self) -> String {
        visible_state::all_text(&self.json)
    }

    /// The labels of its inputs.
    pub fn labels(&self) -> Vec<&str> {
        let inputs = visible_state::blocks(&self.json).iter().filter(|block| block["type"] == "input");
        inputs.map(|block| block["label"]["text"].as_str().unwrap_or_default()).collect()
    }

    /// What stands on its buttons.
    pub fn buttons(&self) -> Vec<&str> {
        visible_state::buttons(&self.json)
    }

    /// What is wrong with what was submitted, by the label of the input.
    pub fn errors(&self) -> BTreeMap<String, String> {
        let label = |id: &str| {
            let block = visible_state::blocks(&self.json).iter().find(|block| block["block_id"] == id);
            block.and_then(|block| block["label"]["text"].as_str()).unwrap_or(id).to_owned()
        };
        self.errors.iter().map(|(block, error)| (label(block), error.clone())).collect()
    }

    /// As Slack describes it, with what stands in its inputs.
    pub fn raw(&self) -> Value {
        let mut json = self.json.clone();
        json["state"] = visible_state::state(&self.values);
        json
    }
}
