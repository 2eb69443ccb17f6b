//! Searching the options of a menu while the user types.
//!
//! Every keystroke is a request, so the options of a field are prepared once: as a [`Menu`] of serialized JSON.

use std::sync::{Arc, Weak};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sym_sdk::error::Result;
use sym_sdk::forms::{FieldOption, Menu, PromptField};
use sym_sdk::model::RunId;

use super::form_place::FormSnapshot;
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
pub(super) struct OptionIndex(Menu<Box<RawValue>>);

/// The response to a search.
#[derive(Serialize)]
struct Suggestions<'a> {
    options: Vec<&'a RawValue>,
}

impl OptionIndex {
    pub(super) fn new(options: &[FieldOption]) -> Result<Self> {
        let render = |option: &FieldOption| -> Result<_> { Ok(to_raw_value(&option_object(option)?)?) };
        Menu::rendered(options, render).map(Self)
    }

    /// Returns a serialized response with the options that match the typed text.
    pub(super) fn search(&self, typed: &str) -> Result<Vec<u8>> {
        let options: Vec<_> = self.0.suggest(typed, MAX_SUGGESTIONS).into_iter().map(AsRef::as_ref).collect();
        // One byte each for the comma.
        let length: usize = options.iter().map(|option: &&RawValue| option.get().len() + 1).sum();
        let mut body = Vec::with_capacity(length + r#"{"options":[]}"#.len());
        serde_json::to_writer(&mut body, &Suggestions { options })?;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use sym_sdk::forms::{FieldSpec, FieldType, PromptForm};

    use super::super::form_open::ViewRef;
    use super::super::form_place::new_snapshot;
    use super::*;

    fn view() -> ViewRef {
        ViewRef { id: "V1".to_owned(), hash: None }
    }

    fn search(index: &OptionIndex, typed: &str) -> Vec<String> {
        let found: Value = serde_json::from_slice(&index.search(typed).unwrap()).unwrap();
        let found = found["options"].as_array().unwrap().iter();
        found.map(|option| option["text"]["text"].as_str().unwrap().to_owned()).collect()
    }

    fn options(labels: &[&str]) -> Vec<FieldOption> {
        labels.iter().map(|label| FieldOption::try_from(*label).unwrap()).collect()
    }

    #[test]
    fn returns_at_most_100_options() {
        let options: Vec<_> = (0..1000).map(|n| format!("db-{n}")).collect();
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        let index = OptionIndex::new(&self::options(&options)).unwrap();
        assert_eq!(search(&index, "").len(), 100);
        assert_eq!(search(&index, "db-999"), ["db-999"]);
        assert_eq!(search(&index, "99")[..3], ["db-99", "db-990", "db-991"]);
    }

    #[test]
    fn an_index_belongs_to_one_state_of_the_form() {
        let snapshot = |labels: &[&str]| {
            let mut field = PromptField::from_spec(&FieldSpec::new("db", FieldType::String).unwrap());
            field.current_allowed_values = options(labels);
            Arc::new(new_snapshot(PromptForm::new(vec![field]), view()))
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
        let empty = || Arc::new(new_snapshot(PromptForm::new(Vec::new()), view()));
        let run = |number: usize| format!("00000000-0000-4000-8000-{number:012}").parse::<RunId>().unwrap();
        let open = empty();
        let first = cache.get_or_build(run(0), &open, &field).unwrap();
        for number in 1..3 * INDEXES_CAPACITY {
            cache.get_or_build(run(number), &empty(), &field).unwrap();
        }
        assert!(Arc::ptr_eq(&cache.get_or_build(run(0), &open, &field).unwrap(), &first));
    }
}
