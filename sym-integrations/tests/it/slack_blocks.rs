//! Block Kit builders.

mod checker;
mod golden;
mod limits;
mod properties;
mod text;

use serde::Serialize;
use serde_json::Value;
use sym_integrations::slack::blocks::{ActionId, OptionObject, OptionValue};

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

fn action(id: &str) -> ActionId {
    ActionId::new(id).unwrap()
}

fn option(value: &str, label: &str) -> OptionObject {
    OptionObject::new(OptionValue::new(value).unwrap(), label)
}
