use serde::Serialize;
use sym_sdk::error::Result;

use super::id::OptionValue;
use super::invalid::{counted, unique};
use super::text::{PlainText, Shown};
use super::{invalid, limits};

/// Something that can be picked.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/composition-objects/option-object).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OptionObject {
    text: Shown,
    value: OptionValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Shown>,
}

impl OptionObject {
    /// The value that comes back, and the label that people see, of 75 characters; without a label they see the value.
    pub fn new(value: OptionValue, label: impl Into<PlainText>) -> Self {
        let label = label.into();
        let label = if label.is_blank() { PlainText::new(value.as_str()) } else { label };
        Self { text: label.cut(limits::OPTION_TEXT), value, description: None }
    }

    /// A second line below the label, of 75 characters.
    pub fn description(mut self, text: impl Into<PlainText>) -> Self {
        self.description = text.into().cut_unless_blank(limits::OPTION_TEXT);
        self
    }

    /// The value that comes back.
    pub fn value(&self) -> &OptionValue {
        &self.value
    }
}

/// Options to pick from: at least one, at most `MAX`, each value once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Options<const MAX: usize = { limits::OPTIONS }>(Vec<OptionObject>);

impl<const MAX: usize> Options<MAX> {
    /// All of these, or an error if Slack would not take them. Where there can be more, offer them in an
    /// [`ExternalSelect`](super::ExternalSelect).
    pub fn new(options: impl IntoIterator<Item = OptionObject>) -> Result<Self> {
        let options: Vec<_> = options.into_iter().collect();
        counted("options", options.len(), 1, MAX)?;
        unique("option", options.iter().map(OptionObject::value))?;
        Ok(Self(options))
    }

    /// The option that has this value.
    pub fn get(&self, value: &str) -> Option<&OptionObject> {
        self.0.iter().find(|option| option.value == *value)
    }
}

/// Options below a label.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/composition-objects/option-group-object).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OptionGroup {
    label: Shown,
    options: Options,
}

impl OptionGroup {
    /// The label, of 75 characters, and its options.
    pub fn new(label: impl Into<PlainText>, options: Options) -> Self {
        Self { label: label.into().cut(limits::OPTION_TEXT), options }
    }
}

/// What a menu offers: options, or groups of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Choice(Kind);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Options(Options),
    OptionGroups(Vec<OptionGroup>),
}

impl Choice {
    /// Groups of options: at least one, at most 100.
    pub fn groups(groups: impl IntoIterator<Item = OptionGroup>) -> Result<Self> {
        let groups: Vec<_> = groups.into_iter().collect();
        counted("groups of options", groups.len(), 1, limits::OPTION_GROUPS)?;
        Ok(Self(Kind::OptionGroups(groups)))
    }

    /// The option that has this value, the first if several groups have it.
    pub fn get(&self, value: &str) -> Option<&OptionObject> {
        match &self.0 {
            Kind::Options(options) => options.get(value),
            Kind::OptionGroups(groups) => groups.iter().find_map(|group| group.options.get(value)),
        }
    }

    pub(super) fn pick(&self, value: &str) -> Result<OptionObject> {
        self.get(value).cloned().ok_or_else(|| not_offered(value))
    }
}

impl From<Options> for Choice {
    fn from(options: Options) -> Self {
        Self(Kind::Options(options))
    }
}

pub(super) fn not_offered(value: &str) -> sym_sdk::Error {
    invalid(format!("the initial value `{value}` is none of the options"))
}

/// The answer to a person who types into an [`ExternalSelect`](super::ExternalSelect) (`block_suggestion`).
///
/// ```
/// use sym_integrations::slack::blocks::{OptionObject, OptionValue, Suggestions};
///
/// let found = (0..250).map(|n| Ok(OptionObject::new(OptionValue::new(n.to_string())?, format!("Database {n}"))));
/// let suggestions = Suggestions::best(found.collect::<sym_sdk::Result<Vec<_>>>()?);
/// assert_eq!(suggestions.len(), 100);
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Suggestions {
    options: Vec<OptionObject>,
}

impl Suggestions {
    /// The first 100 of these, as Slack shows no more; none is fine too. An option whose value has come before is left out.
    pub fn best(options: impl IntoIterator<Item = OptionObject>) -> Self {
        let mut seen = std::collections::HashSet::new();
        let options = options.into_iter().filter(|option| seen.insert(option.value.clone()));
        Self { options: options.take(limits::OPTIONS).collect() }
    }

    /// How many options there are.
    pub fn len(&self) -> usize {
        self.options.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.options.is_empty()
    }
}
