//! Options of fields as Slack has them.

use sym_sdk::error::Result;
use sym_sdk::forms::{FieldOption, FieldValue};

use crate::slack::blocks::{OptionObject, OptionValue};

/// What stands for an option: its value, or where that does not fit, its place among the options.
pub(super) fn key(index: usize, value: &FieldValue) -> String {
    let text = match value {
        FieldValue::Bool(yes) => yes.to_string(),
        FieldValue::Duration(duration) => duration.as_secs().to_string(),
        other => other.to_string(),
    };
    if text.starts_with('#') || OptionValue::new(text.as_str()).is_err() { format!("#{index}") } else { text }
}

/// The option that a key stands for.
pub(super) fn by_key<'a>(options: &'a [FieldOption], wanted: &str) -> Option<&'a FieldOption> {
    let mut options = options.iter().enumerate();
    options.find(|(index, option)| key(*index, option.value()) == wanted).map(|(_, option)| option)
}

pub(super) fn object(index: usize, option: &FieldOption) -> Result<OptionObject> {
    Ok(OptionObject::new(OptionValue::new(key(index, option.value()))?, option.label()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_slack_would_not_take_goes_by_its_place() {
        let long = "👩‍👩‍👧‍👦".repeat(7);
        let options = [FieldOption::try_from(long.as_str()).unwrap(), FieldOption::try_from("#0").unwrap()];
        let keys: Vec<_> = options.iter().enumerate().map(|(index, option)| key(index, option.value())).collect();
        assert_eq!(keys, ["#0", "#1"]);
        assert_eq!(by_key(&options, "#0").unwrap().label(), long);
        assert_eq!(by_key(&options, "#1").unwrap().label(), "#0");
        assert!(by_key(&options, "#2").is_none());
    }
}
