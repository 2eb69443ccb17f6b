//! Options of fields as Slack has them, and which of them fit what somebody types.

use sha2::{Digest, Sha256};
use sym_sdk::error::Result;
use sym_sdk::forms::{FieldOption, FieldValue};

use crate::slack::blocks::{OptionObject, OptionValue, Suggestions};

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

/// How well a label fits, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Whole,
    Beginning,
    BeginningOfWord,
    Anywhere,
}

/// The options that fit what is typed, best first, in their own order where they fit alike. All words that are typed must be
/// there.
pub(super) fn suggest(options: &[FieldOption], typed: &str) -> Result<Suggestions> {
    let typed = typed.trim().to_lowercase();
    let words: Vec<&str> = typed.split_whitespace().collect();
    let mut found: Vec<(Fit, &FieldOption)> = Vec::new();
    for option in options {
        if let Some(fit) = fit(&option.label().to_lowercase(), &typed, &words) {
            found.push((fit, option));
        }
    }
    // Stable: options that fit alike stay in their order.
    found.sort_by_key(|(fit, _)| *fit);
    let best = found.into_iter().take(100).map(|(_, option)| object(option));
    Ok(Suggestions::best(best.collect::<Result<Vec<_>>>()?))
}

fn fit(label: &str, typed: &str, words: &[&str]) -> Option<Fit> {
    let begins_word = |word: &str| {
        label.match_indices(word).any(|(at, _)| label[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric()))
    };
    if label == typed {
        Some(Fit::Whole)
    } else if label.starts_with(typed) {
        Some(Fit::Beginning)
    } else if words.iter().all(|word| begins_word(word)) {
        Some(Fit::BeginningOfWord)
    } else if words.iter().all(|word| label.contains(word)) {
        Some(Fit::Anywhere)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(options: &[&str], typed: &str) -> Vec<String> {
        let options: Vec<_> = options.iter().map(|label| FieldOption::try_from(*label).unwrap()).collect();
        let found = serde_json::to_value(suggest(&options, typed).unwrap()).unwrap();
        let found = found["options"].as_array().unwrap().iter();
        found.map(|option| option["text"]["text"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn what_fits_best_comes_first() {
        let options = ["my-prod-db", "reproduce", "Prod-eu", "prod", "staging"];
        assert_eq!(labels(&options, "PROD"), ["prod", "Prod-eu", "my-prod-db", "reproduce"]);
        assert_eq!(labels(&options, "db prod"), ["my-prod-db"]);
        assert_eq!(labels(&options, " "), options);
        assert!(labels(&options, "nothing").is_empty());
    }

    #[test]
    fn a_hundred_are_shown() {
        let options: Vec<_> = (0..1000).map(|n| format!("db-{n}")).collect();
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        assert_eq!(labels(&options, "").len(), 100);
        assert_eq!(labels(&options, "db-999"), ["db-999"]);
    }

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
