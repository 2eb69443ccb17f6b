//! The labels of the options that a requester chose.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The labels of the options that a requester chose, by field.
///
/// Values such as `00g1emaKYZTWRYYRRTSK` mean little to an approver, who is therefore shown the label that the requester has seen. A
/// value whose label is the value itself is not in here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OptionLabels(BTreeMap<String, BTreeMap<String, String>>);

impl OptionLabels {
    /// Adds the labels of a field's values.
    #[cfg(feature = "runtime")]
    pub(crate) fn insert(&mut self, field: &str, labels: impl Iterator<Item = (String, String)>) {
        let labels: BTreeMap<_, _> = labels.filter(|(value, label)| value != label).collect();
        if !labels.is_empty() {
            self.0.insert(field.to_owned(), labels);
        }
    }

    /// Returns the label of a field's value, if it differs from the value. `value` is one member if the field is a list.
    pub fn get(&self, field: &str, value: &str) -> Option<&str> {
        self.0.get(field)?.get(value).map(String::as_str)
    }

    /// Returns `true` if no value has a label of its own.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
