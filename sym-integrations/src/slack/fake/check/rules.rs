//! Rules that the schema cannot express: constraints between members of a block.

use std::collections::HashSet;

use serde_json::Value;

use super::{Check, list};

impl Check {
    /// Checks the constraints of a type.
    pub(super) fn more(&mut self, kind: &str, value: &Value, at: &str) {
        match kind {
            "section" if value["text"].is_null() && value["fields"].is_null() => {
                self.fault(at, "missing required field: text");
            }
            "actions" | "context" if list(&value["elements"]).is_empty() => {
                self.fault(&format!("{at}/elements"), "must have at least 1 item");
            }
            "image" if value["image_url"].is_null() == value["slack_file"].is_null() => {
                self.fault(at, "must define either `image_url` or `slack_file`");
            }
            "static_select" | "multi_static_select" => {
                if value["options"].is_null() == value["option_groups"].is_null() {
                    self.fault(at, "must define either `options` or `option_groups`, and not both");
                }
                self.initial(value, at);
            }
            "checkboxes" | "radio_buttons" => self.initial(value, at),
            "plain_text_input" => self.typed_text(value, at),
            "number_input" => self.number(value, at),
            "plain_text" if value["text"].as_str().is_some_and(|text| !text.is_empty() && text.trim().is_empty()) => {
                self.fault(&format!("{at}/text"), "must not be blank");
            }
            _ => {}
        }
        let picked = [&value["initial_options"], &value["initial_users"]];
        let picked: usize = picked.into_iter().map(|picked| list(picked).len()).sum();
        let most = value["max_selected_items"].as_u64().and_then(|most| usize::try_from(most).ok());
        if most.is_some_and(|most| picked > most) {
            self.fault(at, "must not select more than `max_selected_items`");
        }
    }

    /// Checks that the initial option equals one of the options.
    fn initial(&mut self, element: &Value, at: &str) {
        let groups = list(&element["option_groups"]).iter().map(|group| &group["options"]);
        let options: Vec<&Value> = groups.chain([&element["options"]]).flat_map(list).collect();
        let picked = list(&element["initial_options"]).iter().chain(element.get("initial_option"));
        for picked in picked.filter(|picked| !options.contains(picked)) {
            self.fault(at, format!("the initial option {} must be one of the options", picked["value"]));
        }
    }

    fn typed_text(&mut self, element: &Value, at: &str) {
        let length = element["initial_value"].as_str().map_or(0, |text| text.encode_utf16().count());
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        let (least, most) = (element["min_length"].as_u64(), element["max_length"].as_u64());
        if most.is_some_and(|most| length > most) {
            self.fault(&format!("{at}/initial_value"), "must not be longer than `max_length`");
        }
        if least.zip(most).is_some_and(|(least, most)| least > most) {
            self.fault(&format!("{at}/min_length"), "must not be more than `max_length`");
        }
    }

    fn number(&mut self, element: &Value, at: &str) {
        let number = |key: &str| element[key].as_str().map(str::parse::<f64>);
        for key in ["initial_value", "min_value", "max_value"] {
            if number(key).is_some_and(|number| number.is_err()) {
                self.fault(&format!("{at}/{key}"), "must be a string that contains a number");
            }
        }
    }

    /// Checks that ids of blocks, and of the elements in each, are unique.
    pub(super) fn ids(&mut self, blocks: &Value, at: &str) {
        let mut blocks_seen = HashSet::new();
        for (index, block) in list(blocks).iter().enumerate() {
            let at = format!("{at}/{index}");
            if let Some(id) = block["block_id"].as_str().filter(|id| !blocks_seen.insert(*id)) {
                self.fault(&at, format!("`block_id` must be unique: {id}"));
            }
            let mut seen = HashSet::new();
            for id in list(&block["elements"]).iter().filter_map(|element| element["action_id"].as_str()) {
                if !seen.insert(id) {
                    self.fault(&at, format!("`action_id` must be unique: {id}"));
                }
            }
        }
    }
}
