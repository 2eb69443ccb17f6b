//! Searching the options of a field while somebody types.
//!
//! Every keystroke is a search, so the options are prepared once: the labels as one lower-case text that a single search goes through.
//! A front end can have its own rendering of each option prepared with it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;

use memchr::memmem::Finder;

use super::FieldOption;

/// The number of characters of a search that count, because each word of it is searched for in all labels.
const MAX_TYPED_CHARS: usize = 256;

/// The options of a field, prepared for type-ahead. `T` is what a search returns for each option.
///
/// ```
/// use sym_sdk::forms::{FieldOption, Menu};
///
/// let databases = ["my-prod-db", "reproduce", "Prod-eu", "prod", "staging"];
/// let options: Result<Vec<_>, _> = databases.map(FieldOption::try_from).into_iter().collect();
/// let menu = Menu::new(options?);
///
/// // Better matches come first.
/// let labels: Vec<_> = menu.suggest("PROD", 3).into_iter().map(FieldOption::label).collect();
/// assert_eq!(labels, ["prod", "Prod-eu", "my-prod-db"]);
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone)]
pub struct Menu<T = FieldOption> {
    /// The lower-case labels, separated by line breaks. A search term never contains a line break, so it never matches across
    /// two labels.
    labels: String,
    /// The end of each label.
    ends: Vec<usize>,
    items: Vec<T>,
    /// For each option, the index of the first option with the same value.
    firsts: Vec<usize>,
}

/// The quality of a match between a label and the typed text, best first.
#[derive(Clone, Copy)]
enum Match {
    Equal,
    Prefix,
    WordPrefixes,
    Contains,
}

impl Menu {
    /// Prepares options.
    pub fn new(options: Vec<FieldOption>) -> Self {
        let Ok(index) = Menu::rendered(&options, |_| Ok::<_, Infallible>(()));
        Self { labels: index.labels, ends: index.ends, items: options, firsts: index.firsts }
    }
}

impl<T> Menu<T> {
    /// Prepares options together with what a front end shows for each, such as serialized JSON.
    ///
    /// # Errors
    /// The first error of `render`.
    pub fn rendered<E>(
        options: &[FieldOption],
        mut render: impl FnMut(&FieldOption) -> Result<T, E>,
    ) -> Result<Self, E> {
        let (mut labels, mut ends, mut items, mut firsts) = (String::new(), Vec::new(), Vec::new(), Vec::new());
        let mut first_by_value = HashMap::new();
        for (index, option) in options.iter().enumerate() {
            labels.push_str(&option.label().to_lowercase());
            ends.push(labels.len());
            labels.push('\n');
            firsts.push(*first_by_value.entry(option.value().to_setting()).or_insert(index));
            items.push(render(option)?);
        }
        Ok(Self { labels, ends, items, firsts })
    }

    /// Returns the number of options.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns whether there are no options.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns at most `most` options whose label contains all typed words, each value once. Better matches come first: the label itself,
    /// labels that begin with the text, those with words that begin with the typed words, then all others. Equally good ones keep the
    /// order of the options. Without typed words, all options match. Only the first 256 characters of the text count.
    pub fn suggest(&self, typed: &str, most: usize) -> Vec<&T> {
        let typed: String = typed.trim().chars().take(MAX_TYPED_CHARS).collect();
        let typed = typed.trim_end().to_lowercase();
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
            None => found[0].extend(0..self.ends.len()),
        }
        let mut is_included = vec![false; self.firsts.len()];
        let is_new = |index: &usize| {
            let first = self.firsts.get(*index).and_then(|first| is_included.get_mut(*first));
            first.is_some_and(|is_included| !std::mem::replace(is_included, true))
        };
        let best = found.into_iter().flatten().filter(is_new).take(most);
        best.filter_map(|index| self.items.get(index)).collect()
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

/// Shows the number of options only.
impl<T> fmt::Debug for Menu<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Menu").field("options", &self.len()).finish_non_exhaustive()
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
    use super::*;

    /// Each word is searched for in all labels, and callers may send a megabyte of words.
    #[test]
    fn only_the_beginning_of_a_long_search_counts() {
        let menu = Menu::new(vec![FieldOption::try_from("alpha").unwrap()]);
        let words = "a ".repeat(MAX_TYPED_CHARS);
        assert_eq!(menu.suggest(&format!("{words}beta"), 1).len(), 1);
        assert_eq!(menu.suggest("a beta", 1).len(), 0);
    }
}
