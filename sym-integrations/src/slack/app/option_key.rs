//! Options of fields as Slack has them.

use sha2::{Digest, Sha256};
use sym_sdk::error::Result;
use sym_sdk::forms::{FieldOption, FieldValue};

use crate::slack::blocks::{OptionObject, OptionValue};

/// What stands for an option: its value, or where that does not fit, a digest of it. Its place among the options would not do:
/// they can be others by the time the form is sent.
pub(super) fn key(value: &FieldValue) -> String {
    let text = match value {
        FieldValue::Bool(yes) => yes.to_string(),
        FieldValue::Duration(duration) => duration.as_secs().to_string(),
        other => other.to_string(),
    };
    if text.starts_with('#') || OptionValue::new(text.as_str()).is_err() {
        let digest = Sha256::digest(text.as_bytes());
        digest.iter().fold(String::from("#"), |key, byte| key + &format!("{byte:02x}"))
    } else {
        text
    }
}

/// The option that a key stands for.
pub(super) fn by_key<'a>(options: &'a [FieldOption], wanted: &str) -> Option<&'a FieldOption> {
    options.iter().find(|option| key(option.value()) == wanted)
}

pub(super) fn object(option: &FieldOption) -> Result<OptionObject> {
    Ok(OptionObject::new(OptionValue::new(key(option.value()))?, option.label()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_slack_would_not_take_goes_by_a_digest_wherever_it_stands() {
        let long = "👩‍👩‍👧‍👦".repeat(7);
        let mut options = [FieldOption::try_from(long.as_str()).unwrap(), FieldOption::try_from("#0").unwrap()];
        let keys = options.each_ref().map(|option| key(option.value()));
        assert!(keys.iter().all(|key| key.starts_with('#') && OptionValue::new(key.as_str()).is_ok()), "{keys:?}");
        options.reverse();
        assert_eq!(by_key(&options, &keys[0]).unwrap().label(), long);
        assert_eq!(by_key(&options, &keys[1]).unwrap().label(), "#0");
        assert!(by_key(&options, "#0").is_none() && by_key(&options, "#1").is_none());
    }
}
