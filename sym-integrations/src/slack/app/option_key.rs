//! The values of options in Slack.
//!
//! Slack limits an option's value to 75 characters; a field's value may be longer. Such an option is identified by a digest of
//! its value. Its position would not do, because the options may change before the form is submitted.

use sha2::{Digest, Sha256};
use sym_sdk::error::Result;
use sym_sdk::forms::{FieldOption, FieldValue};

use crate::slack::blocks::{OptionObject, OptionValue};

/// Returns the key of a value: the value itself, or a digest of it if Slack would not accept the value.
pub(super) fn key(value: &FieldValue) -> String {
    let text = match value {
        FieldValue::Bool(yes) => yes.to_string(),
        FieldValue::Duration(duration) => duration.as_secs().to_string(),
        other => other.to_string(),
    };
    // A value that begins with `#` could be mistaken for a digest.
    if text.starts_with('#') || OptionValue::new(text.as_str()).is_err() {
        let digest = Sha256::digest(text.as_bytes());
        digest.iter().fold(String::from("#"), |key, byte| key + &format!("{byte:02x}"))
    } else {
        text
    }
}

/// Returns the option with a key.
pub(super) fn find_by_key<'a>(options: &'a [FieldOption], wanted: &str) -> Option<&'a FieldOption> {
    options.iter().find(|option| key(option.value()) == wanted)
}

/// Returns the option object that Slack shows for an option.
pub(super) fn option_object(option: &FieldOption) -> Result<OptionObject> {
    Ok(OptionObject::new(OptionValue::new(key(option.value()))?, option.label()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_slack_rejects_is_found_by_its_digest_at_any_position() {
        let long = "👩‍👩‍👧‍👦".repeat(7);
        let mut options = [FieldOption::try_from(long.as_str()).unwrap(), FieldOption::try_from("#0").unwrap()];
        let keys = options.each_ref().map(|option| key(option.value()));
        assert!(keys.iter().all(|key| key.starts_with('#') && OptionValue::new(key.as_str()).is_ok()), "{keys:?}");
        options.reverse();
        assert_eq!(find_by_key(&options, &keys[0]).unwrap().label(), long);
        assert_eq!(find_by_key(&options, &keys[1]).unwrap().label(), "#0");
        assert!(find_by_key(&options, "#0").is_none() && find_by_key(&options, "#1").is_none());
    }
}
