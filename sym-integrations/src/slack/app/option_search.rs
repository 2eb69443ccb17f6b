//! Searching the options of a menu while the user types.
//!
//! Every keystroke is a request, so the options of a field are prepared once: the labels as one lower-case text that a single
//! search goes through, and each option as serialized JSON.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use memchr::memmem::Finder;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sym_sdk::error::Result;
use sym_sdk::forms::{FieldOption, PromptField};
use sym_sdk::model::RunId;

use super::open_forms::FormSnapshot;
use super::option_key::option_object;
use crate::bounded_cache::BoundedCache;

/// The maximum number of options in a response. Slack shows no more.
const MAX_SUGGESTIONS: usize = 100;

/// The maximum number of cached indexes. The index of a thousand options takes about 150 KB.
const INDEXES_CAPACITY: usize = 256;

/// A cache of indexes, by form and field.
pub(super) struct OptionIndexCache(BoundedCache<(RunId, String), CachedIndex>);

#[derive(Clone)]
struct CachedIndex {
    /// The state of the form from which the index was built. In another state, the field may have other options.
    snapshot: Weak<FormSnapshot>,
    index: Arc<OptionIndex>,
}

impl Default for OptionIndexCache {
    fn default() -> Self {
        Self(BoundedCache::new(INDEXES_CAPACITY))
    }
}

impl OptionIndexCache {
    /// Returns the index of a field's options in this state of the form.
    pub(super) fn get_or_build(
        &self,
        run: RunId,
        snapshot: &Arc<FormSnapshot>,
        field: &PromptField,
    ) -> Result<Arc<OptionIndex>> {
        let key = (run, field.name().to_owned());
        let is_current = |cached: &CachedIndex| std::ptr::eq(cached.snapshot.as_ptr(), Arc::as_ptr(snapshot));
        if let Some(cached) = self.0.get(&key).filter(is_current) {
            return Ok(cached.index);
        }
        let index = Arc::new(OptionIndex::new(&field.current_allowed_values)?);
        let cached = CachedIndex { snapshot: Arc::downgrade(snapshot), index: index.clone() };
        self.0.insert(key, cached, |cached| cached.snapshot.strong_count() == 0);
        Ok(index)
    }

    /// Removes the indexes of a form.
    pub(super) fn remove(&self, run: RunId) {
        self.0.retain(|(other, _)| *other != run);
    }
}

/// The options of a field, prepared for searching.
pub(super) struct OptionIndex {
    /// The lower-case labels, separated by line breaks. A search term never contains a line break, so it never matches across
    /// two labels.
    labels: String,
    /// The end of each label.
    ends: Vec<usize>,
    /// The serialized options.
    options: Vec<Box<RawValue>>,
    /// For each option, the index of the first option with the same value.
    firsts: Vec<usize>,
}

/// The response to a search.
#[derive(Serialize)]
struct Suggestions<'a> {
    options: Vec<&'a RawValue>,
}

/// The quality of a match between a label and the typed text, best first.
#[derive(Clone, Copy)]
enum Match {
    Equal,
    Prefix,
    WordPrefixes,
    Contains,
}

impl OptionIndex {
    pub(super) fn new(field_options: &[FieldOption]) -> Result<Self> {
        let (mut labels, mut ends, mut options, mut firsts) = (String::new(), Vec::new(), Vec::new(), Vec::new());
        let mut first_by_value = HashMap::new();
        for (index, option) in field_options.iter().enumerate() {
            labels.push_str(&option.label().to_lowercase());
            ends.push(labels.len());
            labels.push('\n');
            let object = option_object(option)?;
            firsts.push(*first_by_value.entry(object.value().clone()).or_insert(index));
            options.push(to_raw_value(&object)?);
        }
        Ok(Self { labels, ends, options, firsts })
    }

    /// Returns a serialized response with the options whose label contains all typed words, each value once. Better matches come
    /// first; equally good ones keep the order of the options.
    pub(super) fn search(&self, typed: &str) -> Result<Vec<u8>> {
        let typed = typed.trim().to_lowercase();
        let words: Vec<_> = typed.split_whitespace().map(Finder::new).collect();
        let mut found = [const { Vec::new() }; 4];
        let sort = |index: usize| {
            if let Some(quality) = match_label(self.label(index), &typed, &words) {
                found[quality as usize].push(index);
            }
        };
        match words.iter().max_by_key(|word| word.needle().len()) {
            // Few labels contain the longest word, so it is searched for first.
            Some(longest) => self.for_each_containing(longest, sort),
            // Without search terms, all options match.
            None => found[0].extend(0..self.ends.len()),
        }
        let mut is_included = vec![false; self.firsts.len()];
        let is_new = |index: &usize| {
            let first = self.firsts.get(*index).and_then(|first| is_included.get_mut(*first));
            first.is_some_and(|is_included| !std::mem::replace(is_included, true))
        };
        let best = found.into_iter().flatten().filter(is_new).take(MAX_SUGGESTIONS);
        let options: Vec<&RawValue> = best.filter_map(|index| self.options.get(index).map(AsRef::as_ref)).collect();
        // One byte each for the comma.
        let length: usize = options.iter().map(|option| option.get().len() + 1).sum();
        let mut body = Vec::with_capacity(length + r#"{"options":[]}"#.len());
        serde_json::to_writer(&mut body, &Suggestions { options })?;
        Ok(body)
    }

    /// Calls `then` with the index of each option whose label contains the word.
    fn for_each_containing(&self, word: &Finder<'_>, mut then: impl FnMut(usize)) {
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

fn match_label(label: &str, typed: &str, words: &[Finder<'_>]) -> Option<Match> {
    let begins_word = |word: &Finder<'_>| {
        let before = |at| label.get(..at).and_then(|before| before.chars().next_back());
        word.find_iter(label.as_bytes()).any(|at| before(at).is_none_or(|c| !c.is_alphanumeric()))
    };
    if label == typed {
        Some(Match::Equal)
    } else if label.starts_with(typed) {
        Some(Match::Prefix)
    } else if words.iter().all(begins_word) {
        Some(Match::WordPrefixes)
    } else if words.iter().all(|word| word.find(label.as_bytes()).is_some()) {
        Some(Match::Contains)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use sym_sdk::forms::{FieldSpec, FieldType, FieldValue, PromptForm};

    use super::*;

    fn search(index: &OptionIndex, typed: &str) -> Vec<String> {
        let found: Value = serde_json::from_slice(&index.search(typed).unwrap()).unwrap();
        let found = found["options"].as_array().unwrap().iter();
        found.map(|option| option["text"]["text"].as_str().unwrap().to_owned()).collect()
    }

    fn options(labels: &[&str]) -> Vec<FieldOption> {
        labels.iter().map(|label| FieldOption::try_from(*label).unwrap()).collect()
    }

    fn matching(labels: &[&str], typed: &str) -> Vec<String> {
        search(&OptionIndex::new(&options(labels)).unwrap(), typed)
    }

    #[test]
    fn better_matches_come_first() {
        let options = ["my-prod-db", "reproduce", "Prod-eu", "prod", "staging"];
        assert_eq!(matching(&options, "PROD"), ["prod", "Prod-eu", "my-prod-db", "reproduce"]);
        assert_eq!(matching(&options, "db prod"), ["my-prod-db"]);
        assert_eq!(matching(&options, " "), options);
        assert!(matching(&options, "nothing").is_empty());
    }

    #[test]
    fn returns_at_most_100_options() {
        let options: Vec<_> = (0..1000).map(|n| format!("db-{n}")).collect();
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        assert_eq!(matching(&options, "").len(), 100);
        assert_eq!(matching(&options, "db-999"), ["db-999"]);
        assert_eq!(matching(&options, "99")[..3], ["db-99", "db-990", "db-991"]);
    }

    #[test]
    fn a_match_never_spans_two_labels() {
        let options = ["ab", "b a", "İzmir É", "日本 東京", "x ab"];
        assert_eq!(matching(&options, "ab"), ["ab", "x ab"]);
        assert!(matching(&options, "abb").is_empty());
        assert_eq!(matching(&options, "a b"), ["b a", "ab", "x ab"]);
        assert_eq!(matching(&options, "é"), ["İzmir É"]);
        assert_eq!(matching(&options, "東京"), ["日本 東京"]);
    }

    #[test]
    fn a_value_is_returned_once_with_the_matching_label() {
        let named = |label: &str| FieldOption::new(FieldValue::from("db"), label).unwrap();
        let index = OptionIndex::new(&[named("First"), named("Second"), named("First of all")]).unwrap();
        assert_eq!(search(&index, "first"), ["First"]);
        assert_eq!(search(&index, "second"), ["Second"]);
        assert_eq!(search(&index, ""), ["First"]);
    }

    #[test]
    fn an_index_belongs_to_one_state_of_the_form() {
        let snapshot = |labels: &[&str]| {
            let mut field = PromptField::from_spec(&FieldSpec::new("db", FieldType::String).unwrap());
            field.current_allowed_values = options(labels);
            Arc::new(FormSnapshot::new(PromptForm::new(vec![field])))
        };
        let (cache, run) = (OptionIndexCache::default(), "00000000-0000-4000-8000-000000000001".parse().unwrap());
        let index = |snapshot: &Arc<FormSnapshot>| {
            cache.get_or_build(run, snapshot, snapshot.form.field("db").unwrap()).unwrap()
        };
        let before = snapshot(&["blue"]);
        assert_eq!(search(&index(&before), ""), ["blue"]);
        assert!(Arc::ptr_eq(&index(&before), &index(&before)));
        let after = snapshot(&["green"]);
        assert_eq!(search(&index(&after), ""), ["green"]);
        assert_eq!(search(&index(&before), ""), ["blue"]);
    }

    #[test]
    fn a_full_cache_keeps_the_indexes_of_open_forms() {
        let cache = OptionIndexCache::default();
        let field = PromptField::from_spec(&FieldSpec::new("db", FieldType::String).unwrap());
        let empty = || Arc::new(FormSnapshot::new(PromptForm::new(Vec::new())));
        let run = |number: usize| format!("00000000-0000-4000-8000-{number:012}").parse::<RunId>().unwrap();
        let open = empty();
        let first = cache.get_or_build(run(0), &open, &field).unwrap();
        for number in 1..3 * INDEXES_CAPACITY {
            cache.get_or_build(run(number), &empty(), &field).unwrap();
        }
        assert!(Arc::ptr_eq(&cache.get_or_build(run(0), &open, &field).unwrap(), &first));
    }
}
