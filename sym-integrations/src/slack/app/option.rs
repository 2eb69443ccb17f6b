//! Options of fields as Slack has them, and which of them fit what somebody types.

use sym_sdk::error::Result;
use sym_sdk::forms::{FieldOption, FieldValue};

use crate::slack::blocks::{OptionObject, OptionValue, Suggestions};

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
    let mut found: Vec<(Fit, usize, &FieldOption)> = Vec::new();
    for (index, option) in options.iter().enumerate() {
        if let Some(fit) = fit(&option.label().to_lowercase(), &typed, &words) {
            found.push((fit, index, option));
        }
    }
    // Stable: options that fit alike stay in their order.
    found.sort_by_key(|(fit, ..)| *fit);
    let best = found.into_iter().take(100).map(|(_, index, option)| object(index, option));
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
