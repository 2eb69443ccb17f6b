//! Menus that people type into. A keystroke comes with each letter, so what can be done once for all of them is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use memchr::memmem::Finder;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sym_sdk::error::Result;
use sym_sdk::forms::{FieldOption, PromptField};
use sym_sdk::model::RunId;

use super::open_forms::Shown;
use super::option_key::object;

/// Slack shows no more.
const OFFERED: usize = 100;

/// So many are held ready at most. A thousand options take some 150 KB.
const MOST: usize = 256;

/// The menus into which somebody types just now, by form and field.
#[derive(Default)]
pub(super) struct Menus(Mutex<HashMap<(RunId, String), Held>>);

struct Held {
    /// What the form showed then. Once it shows something else, its options can be others.
    of: Weak<Shown>,
    menu: Arc<Menu>,
}

impl Menus {
    /// The menu of a field of what a form shows.
    pub(super) fn of(&self, run: RunId, shown: &Arc<Shown>, field: &PromptField) -> Result<Arc<Menu>> {
        let key = (run, field.name().to_owned());
        if let Some(held) = self.lock().get(&key).filter(|held| std::ptr::eq(held.of.as_ptr(), Arc::as_ptr(shown))) {
            return Ok(held.menu.clone());
        }
        let menu = Arc::new(Menu::new(&field.current_allowed_values)?);
        let mut held = self.lock();
        if held.len() >= MOST {
            held.retain(|_, held| held.of.strong_count() > 0);
        }
        if held.len() >= MOST {
            held.clear();
        }
        held.insert(key, Held { of: Arc::downgrade(shown), menu: menu.clone() });
        Ok(menu)
    }

    /// Holds those of a form no more.
    pub(super) fn remove(&self, run: RunId) {
        self.lock().retain(|(of, _), _| *of != run);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(RunId, String), Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The options of a field, ready to be searched and sent.
pub(super) struct Menu {
    /// The labels in lower case, one after the other, so that one search goes through all. Between them is a line break, which no
    /// word has.
    labels: String,
    /// Where each label ends.
    ends: Vec<usize>,
    /// As they are sent.
    options: Vec<Box<RawValue>>,
    /// Of each option, the first that has the same value.
    firsts: Vec<usize>,
}

/// What is sent.
#[derive(Serialize)]
struct Offered<'a> {
    options: Vec<&'a RawValue>,
}

/// How well a label fits, best first.
#[derive(Clone, Copy)]
enum Fit {
    Whole,
    Beginning,
    BeginningOfWord,
    Anywhere,
}

impl Menu {
    pub(super) fn new(given: &[FieldOption]) -> Result<Self> {
        let (mut labels, mut ends, mut options, mut firsts) = (String::new(), Vec::new(), Vec::new(), Vec::new());
        let mut known = HashMap::new();
        for (index, option) in given.iter().enumerate() {
            labels.push_str(&option.label().to_lowercase());
            ends.push(labels.len());
            labels.push('\n');
            let object = object(option)?;
            firsts.push(*known.entry(object.value().clone()).or_insert(index));
            options.push(to_raw_value(&object)?);
        }
        Ok(Self { labels, ends, options, firsts })
    }

    /// The options that fit what is typed, best first, in their own order where they fit alike, and each value once. All words that
    /// are typed must be there.
    pub(super) fn suggest(&self, typed: &str) -> Result<Vec<u8>> {
        let typed = typed.trim().to_lowercase();
        let words: Vec<_> = typed.split_whitespace().map(Finder::new).collect();
        let mut found = [const { Vec::new() }; 4];
        let sort = |index: usize| {
            if let Some(fit) = fit(self.label(index), &typed, &words) {
                found[fit as usize].push(index);
            }
        };
        match words.iter().max_by_key(|word| word.needle().len()) {
            Some(longest) => self.each_with(longest, sort),
            // Nothing is typed, and all fit alike.
            None => found[0].extend(0..self.ends.len()),
        }
        let mut is_offered = vec![false; self.firsts.len()];
        let is_new = |index: &usize| {
            let first = self.firsts.get(*index).and_then(|first| is_offered.get_mut(*first));
            first.is_some_and(|is_offered| !std::mem::replace(is_offered, true))
        };
        let best = found.into_iter().flatten().filter(is_new).take(OFFERED);
        let options: Vec<&RawValue> = best.filter_map(|index| self.options.get(index).map(AsRef::as_ref)).collect();
        // Each with a comma.
        let length: usize = options.iter().map(|option| option.get().len() + 1).sum();
        let mut body = Vec::with_capacity(length + r#"{"options":[]}"#.len());
        serde_json::to_writer(&mut body, &Offered { options })?;
        Ok(body)
    }

    /// Calls `then` with each option in whose label the word is.
    fn each_with(&self, word: &Finder<'_>, mut then: impl FnMut(usize)) {
        let (mut start, mut index) = (0, 0);
        while let Some(at) = self.labels.as_bytes().get(start..).and_then(|rest| word.find(rest)) {
            while self.ends.get(index).is_some_and(|end| *end <= start + at) {
                index += 1;
            }
            let Some(end) = self.ends.get(index) else { return };
            then(index);
            start = *end;
        }
    }

    fn label(&self, index: usize) -> &str {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| end + 1);
        self.ends.get(index).and_then(|end| self.labels.get(start..*end)).unwrap_or_default()
    }
}

fn fit(label: &str, typed: &str, words: &[Finder<'_>]) -> Option<Fit> {
    let begins_word = |word: &Finder<'_>| {
        let before = |at| label.get(..at).and_then(|before| before.chars().next_back());
        word.find_iter(label.as_bytes()).any(|at| before(at).is_none_or(|c| !c.is_alphanumeric()))
    };
    if label == typed {
        Some(Fit::Whole)
    } else if label.starts_with(typed) {
        Some(Fit::Beginning)
    } else if words.iter().all(begins_word) {
        Some(Fit::BeginningOfWord)
    } else if words.iter().all(|word| word.find(label.as_bytes()).is_some()) {
        Some(Fit::Anywhere)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use sym_sdk::forms::{FieldSpec, FieldType, FieldValue, PromptForm};

    use super::*;

    fn offered(menu: &Menu, typed: &str) -> Vec<String> {
        let found: Value = serde_json::from_slice(&menu.suggest(typed).unwrap()).unwrap();
        let found = found["options"].as_array().unwrap().iter();
        found.map(|option| option["text"]["text"].as_str().unwrap().to_owned()).collect()
    }

    fn options(labels: &[&str]) -> Vec<FieldOption> {
        labels.iter().map(|label| FieldOption::try_from(*label).unwrap()).collect()
    }

    fn labels(labels: &[&str], typed: &str) -> Vec<String> {
        offered(&Menu::new(&options(labels)).unwrap(), typed)
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
        assert_eq!(labels(&options, "99")[..3], ["db-99", "db-990", "db-991"]);
    }

    #[test]
    fn labels_are_searched_one_by_one() {
        let options = ["ab", "b a", "İzmir É", "日本 東京", "x ab"];
        assert_eq!(labels(&options, "ab"), ["ab", "x ab"]);
        // Not across the end of a label.
        assert!(labels(&options, "abb").is_empty());
        assert_eq!(labels(&options, "a b"), ["b a", "ab", "x ab"]);
        assert_eq!(labels(&options, "é"), ["İzmir É"]);
        assert_eq!(labels(&options, "東京"), ["日本 東京"]);
    }

    #[test]
    fn a_value_is_offered_once_by_the_label_that_fits() {
        let named = |label: &str| FieldOption::new(FieldValue::from("db"), label).unwrap();
        let menu = Menu::new(&[named("First"), named("Second"), named("First of all")]).unwrap();
        assert_eq!(offered(&menu, "first"), ["First"]);
        assert_eq!(offered(&menu, "second"), ["Second"]);
        assert_eq!(offered(&menu, ""), ["First"]);
    }

    #[test]
    fn a_menu_is_that_of_what_the_form_shows_now() {
        let shown = |labels: &[&str]| {
            let mut field = PromptField::from_spec(&FieldSpec::new("db", FieldType::String).unwrap());
            field.current_allowed_values = options(labels);
            Arc::new(Shown::new(PromptForm::new(vec![field])))
        };
        let (menus, run) = (Menus::default(), "00000000-0000-4000-8000-000000000001".parse().unwrap());
        let menu = |shown: &Arc<Shown>| menus.of(run, shown, shown.form.field("db").unwrap()).unwrap();
        let before = shown(&["blue"]);
        assert_eq!(offered(&menu(&before), ""), ["blue"]);
        assert!(Arc::ptr_eq(&menu(&before), &menu(&before)));
        let after = shown(&["green"]);
        assert_eq!(offered(&menu(&after), ""), ["green"]);
        assert_eq!(offered(&menu(&before), ""), ["blue"]);
    }

    #[test]
    fn only_so_many_are_held() {
        let menus = Menus::default();
        let field = PromptField::from_spec(&FieldSpec::new("db", FieldType::String).unwrap());
        let nothing = || Arc::new(Shown::new(PromptForm::new(Vec::new())));
        let kept = nothing();
        for number in 0..3 * MOST {
            let run = format!("00000000-0000-4000-8000-{number:012}").parse().unwrap();
            let passing = nothing();
            menus.of(run, if number == 0 { &kept } else { &passing }, &field).unwrap();
        }
        let held = menus.lock();
        assert!(held.len() <= MOST);
        assert!(held.values().any(|held| held.of.strong_count() > 0), "what is still shown stays");
    }
}
