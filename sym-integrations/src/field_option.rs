//! Options for form fields, made of the objects that a service lists.

use std::collections::{HashMap, HashSet};

use sym_sdk::error::Result;
use sym_sdk::forms::FieldOption;

/// The maximum length of an option's label, in characters.
const MAX_LABEL: usize = 55;

/// An object of a service that a form can offer as an option: it has an id, and a name that people know it by.
pub trait ToFieldOption {
    /// Returns the value of the option.
    fn option_value(&self) -> String;

    /// Returns the label of the option.
    fn option_label(&self) -> String;

    /// Returns the option, with the label cut if it is too long. Several options whose labels may be alike are made by
    /// [`field_options`].
    ///
    /// # Errors
    /// If the value is too long.
    fn to_field_option(&self) -> Result<FieldOption> {
        let value = self.option_value();
        let label = display_label(&value, &self.option_label());
        FieldOption::new(value, label)
    }
}

/// Returns options for a field, in the order of the objects, without duplicate values.
///
/// A label that is too long is truncated; labels that are equal, or become equal by that, end with the value. A value that is too long is
/// an error, since it would name another object if it were truncated.
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
pub fn field_options<'a, T: ToFieldOption + 'a>(objects: impl IntoIterator<Item = &'a T>) -> Result<Vec<FieldOption>> {
    let mut values = HashSet::new();
    let items: Vec<_> = objects
        .into_iter()
        .map(|item| (item.option_value(), item.option_label()))
        .filter(|(value, _)| values.insert(value.clone()))
        .collect();
    let mut count: HashMap<String, usize> = HashMap::new();
    for (value, label) in &items {
        *count.entry(display_label(value, label)).or_default() += 1;
    }
    let mut taken = HashSet::new();
    items
        .into_iter()
        .map(|(value, label)| {
            let shown = display_label(&value, &label);
            let is_shared = count.get(&shown).is_some_and(|times| *times > 1);
            let label = if is_shared { disambiguate(&value, &label) } else { shown };
            // The label of one object may equal what another one is disambiguated by.
            let numbered = (2_u64..).map(|number| truncate(&value, MAX_LABEL - 23) + &format!(" ({number})"));
            let label = [label, value.clone()].into_iter().chain(numbered).find(|label| taken.insert(label.clone()));
            FieldOption::new(value, label.unwrap_or_default())
        })
        .collect()
}

/// Returns the label of an option that no other one resembles.
fn display_label(value: &str, label: &str) -> String {
    match label.trim() {
        "" => value.to_owned(),
        label => truncate(label, MAX_LABEL),
    }
}

/// Returns a label that ends with the value, which no other option has.
fn disambiguate(value: &str, label: &str) -> String {
    let end = format!(" ({value})");
    match MAX_LABEL.checked_sub(end.chars().count()) {
        Some(room) if room > 1 && !label.trim().is_empty() => truncate(label.trim(), room) + &end,
        _ => value.to_owned(),
    }
}

/// Truncates a text to a number of characters, with an ellipsis at the end.
fn truncate(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let start: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", start.trim_end())
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
    fn truncates_long_labels_and_keeps_them_distinct() {
        let long = "ü".repeat(60);
        assert_eq!(labels(&[("1", &long)]), [format!("{}…", "ü".repeat(54))]);
        let other = format!("{}x", "ü".repeat(60));
        let prefix = "ü".repeat(50);
        assert_eq!(labels(&[("1", &long), ("2", &other)]), [format!("{prefix}… (1)"), format!("{prefix}… (2)")]);
    }

    #[test]
    fn labels_are_never_empty_and_values_never_repeat() {
        assert_eq!(labels(&[("1", " "), ("2", "Data"), ("2", "Data")]), ["1", "Data"]);
        let id = "v".repeat(54);
        assert_eq!(labels(&[(&id, "Data"), ("2", "Data")]), [id.clone(), "Data (2)".to_owned()]);
        assert_eq!(labels(&[("1", "A"), ("2", "A"), ("3", "A (1)")]), ["A (1)", "A (2)", "3"]);
        assert_eq!(labels(&[("1", "A"), ("2", "A"), ("3", "A (1)"), ("4", "3")]), ["A (1)", "A (2)", "3", "4"]);
        assert!(field_options(&[Group("v".repeat(56), "Data".into())]).is_err());
        assert!(field_options::<Group>(&[]).unwrap().is_empty());
    }
}
