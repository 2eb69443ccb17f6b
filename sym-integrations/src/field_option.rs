use std::collections::{HashMap, HashSet};

use sym_sdk::error::Result;
use sym_sdk::forms::FieldOption;

/// The longest label of an option, in characters.
const LABEL_MAX: usize = 55;

/// What a service lists and a form can offer: it has an id, and a name that people know it by.
pub trait ToFieldOption {
    /// The value that the field takes.
    fn option_value(&self) -> String;

    /// What people see.
    fn option_label(&self) -> String;
}

/// Options for a field, in the order of what is listed, each value once.
///
/// A label that is too long is cut; those that would then be the same, or were from the start, end with the value. A value that
/// is too long is an error: cut, it would name another thing.
///
/// ```
/// use sym_integrations::{ToFieldOption, field_options};
///
/// struct Team {
///     id: u32,
///     name: &'static str,
/// }
///
/// impl ToFieldOption for Team {
///     fn option_value(&self) -> String {
///         self.id.to_string()
///     }
///
///     fn option_label(&self) -> String {
///         self.name.to_owned()
///     }
/// }
///
/// let teams = [Team { id: 1, name: "On call" }, Team { id: 2, name: "Data" }, Team { id: 3, name: "On call" }];
/// let options = field_options(&teams)?;
/// let labels: Vec<_> = options.iter().map(|option| option.label()).collect();
/// assert_eq!(labels, ["On call (1)", "Data", "On call (3)"]);
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub fn field_options<'a, T: ToFieldOption + 'a>(listed: impl IntoIterator<Item = &'a T>) -> Result<Vec<FieldOption>> {
    let mut values = HashSet::new();
    let items: Vec<_> = listed
        .into_iter()
        .map(|item| (item.option_value(), item.option_label()))
        .filter(|(value, _)| values.insert(value.clone()))
        .collect();
    let mut count: HashMap<String, usize> = HashMap::new();
    for (value, label) in &items {
        *count.entry(shown(value, label)).or_default() += 1;
    }
    let mut taken = HashSet::new();
    items
        .into_iter()
        .map(|(value, label)| {
            let shown = shown(&value, &label);
            let is_shared = count.get(&shown).is_some_and(|times| *times > 1);
            let label = if is_shared { disambiguate(&value, &label) } else { shown };
            // One may be called what another one is told apart by.
            let numbered = (2_u64..).map(|number| cut(&value, LABEL_MAX - 23) + &format!(" ({number})"));
            let label = [label, value.clone()].into_iter().chain(numbered).find(|label| taken.insert(label.clone()));
            FieldOption::new(value, label.unwrap_or_default())
        })
        .collect()
}

/// An option for one thing that is listed, whatever else is offered with it.
#[cfg(any(feature = "okta", feature = "pagerduty", feature = "slack"))]
pub(crate) fn field_option(item: &impl ToFieldOption) -> Result<FieldOption> {
    let value = item.option_value();
    let label = shown(&value, &item.option_label());
    FieldOption::new(value, label)
}

/// The label as it is shown if no other one looks like it.
fn shown(value: &str, label: &str) -> String {
    match label.trim() {
        "" => value.to_owned(),
        label => cut(label, LABEL_MAX),
    }
}

/// A label that ends with the value, which no other option has.
fn disambiguate(value: &str, label: &str) -> String {
    let end = format!(" ({value})");
    match LABEL_MAX.checked_sub(end.chars().count()) {
        Some(room) if room > 1 && !label.trim().is_empty() => cut(label.trim(), room) + &end,
        _ => value.to_owned(),
    }
}

/// At most so many characters, the last of them an ellipsis if something was cut off.
fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Group(String, String);

    impl ToFieldOption for Group {
        fn option_value(&self) -> String {
            self.0.clone()
        }

        fn option_label(&self) -> String {
            self.1.clone()
        }
    }

    fn labels(groups: &[(&str, &str)]) -> Vec<String> {
        let groups: Vec<_> = groups.iter().map(|(id, name)| Group((*id).into(), (*name).into())).collect();
        field_options(&groups).unwrap().iter().map(|option| option.label().to_owned()).collect()
    }

    #[test]
    fn long_labels_are_cut_between_characters_and_stay_apart() {
        let long = "ü".repeat(60);
        assert_eq!(labels(&[("1", &long)]), [format!("{}…", "ü".repeat(54))]);
        let other = format!("{}x", "ü".repeat(60));
        let cut = "ü".repeat(50);
        assert_eq!(labels(&[("1", &long), ("2", &other)]), [format!("{cut}… (1)"), format!("{cut}… (2)")]);
    }

    #[test]
    fn a_label_is_never_empty_and_a_value_never_offered_twice() {
        assert_eq!(labels(&[("1", " "), ("2", "Data"), ("2", "Data")]), ["1", "Data"]);
        let id = "v".repeat(54);
        assert_eq!(labels(&[(&id, "Data"), ("2", "Data")]), [id.clone(), "Data (2)".to_owned()]);
        assert_eq!(labels(&[("1", "A"), ("2", "A"), ("3", "A (1)")]), ["A (1)", "A (2)", "3"]);
        assert_eq!(labels(&[("1", "A"), ("2", "A"), ("3", "A (1)"), ("4", "3")]), ["A (1)", "A (2)", "3", "4"]);
        assert!(field_options(&[Group("v".repeat(56), "Data".into())]).is_err());
        assert!(field_options::<Group>(&[]).unwrap().is_empty());
    }
}
