//! The policy file as people write it: HuJSON, which is JSON with comments and trailing commas.
//!
//! The file is text that people maintain, so a change touches the bytes of one member of one group, and nothing else: comments, order and
//! layout stay, and a member that is added and removed leaves the file as it was. The parser finds the places; the text is never
//! written from what was parsed. Where the file could be read in two ways, nothing is changed.

use std::ops::Range;

use jsonc_parser::ast::{Array, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use sym_sdk::error::{ErrorKind, Result};

use super::client::TAILSCALE;
use super::codes;

/// The syntax of HuJSON: what it allows beyond JSON, and no more.
const HUJSON: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The beginning of the comment by which a file says that it is maintained in a repository.
const MAINTAINED: &str = "maintained in";

/// A group of the policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) members: Vec<Member>,
    /// The position after the opening bracket of the list.
    start: usize,
    /// The position of the closing bracket.
    end: usize,
}

/// A member of a group, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) login: String,
    at: Range<usize>,
}

/// Returns the groups of a policy file.
///
/// # Errors
/// `Tailscale:AMBIGUOUS_POLICY` if the file is not HuJSON, or has groups that are not lists of texts, or has them twice.
pub(super) fn groups(text: &str) -> Result<Vec<Group>> {
    let Some(Value::Object(root)) = parse(text)? else {
        return Err(ambiguous(text, 0, "the file is not an object"));
    };
    // Tailscale reads the names of sections in any case.
    let mut sections = root.properties.iter().filter(|section| section.name.as_str().eq_ignore_ascii_case("groups"));
    let Some(section) = sections.next() else { return Ok(Vec::new()) };
    if let Some(second) = sections.next() {
        return Err(ambiguous(text, second.range.start, "`groups` is there twice"));
    }
    let Value::Object(section) = &section.value else {
        return Err(ambiguous(text, section.range.start, "`groups` is not an object"));
    };
    let mut groups = Vec::new();
    for property in &section.properties {
        let group = group(text, property)?;
        if groups.iter().any(|known: &Group| known.name == group.name) {
            let problem = format!("group `{}` is there twice", group.name);
            return Err(ambiguous(text, property.range.start, &problem));
        }
        groups.push(group);
    }
    Ok(groups)
}

fn parse(text: &str) -> Result<Option<Value<'_>>> {
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let parsed = parse_to_ast(text, &collect, &HUJSON);
    let parsed = parsed.map_err(|error| ambiguous(text, error.range().start, "the file is not valid HuJSON"))?;
    Ok(parsed.value)
}

/// Returns all that a file says, without comments.
fn value_of(text: &str) -> Result<serde_json::Value> {
    Ok(parse(text)?.map(serde_json::Value::from).unwrap_or_default())
}

fn group(text: &str, property: &ObjectProp<'_>) -> Result<Group> {
    let name = property.name.as_str().to_owned();
    let Value::Array(list) = &property.value else {
        return Err(ambiguous(text, property.range.start, &format!("group `{name}` is not a list")));
    };
    let members = list.elements.iter().map(|element| match element {
        Value::StringLit(login) => {
            Ok(Member { login: login.value.to_string(), at: login.range.start..login.range.end })
        }
        other => Err(ambiguous(text, other.start(), &format!("a member of group `{name}` is not a text"))),
    });
    let members = members.collect::<Result<_>>()?;
    let Array { range, .. } = list;
    Ok(Group { members, name, start: range.start + 1, end: range.end.saturating_sub(1) })
}

/// Returns the comment by which the file says that it is maintained in a repository.
pub(super) fn maintained_in(text: &str) -> Option<&str> {
    let start = skip_trivia(text, 0);
    let comments = text.get(..start)?;
    comments.lines().map(str::trim).find(|line| line.to_ascii_lowercase().contains(MAINTAINED))
}

impl Group {
    pub(super) fn has(&self, login: &str) -> bool {
        self.members.iter().any(|member| is_same_login(&member.login, login))
    }

    /// Returns the file with a member added at the end of this group; `None` if it is in it already.
    pub(super) fn add(&self, text: &str, login: &str) -> Result<Option<String>> {
        if self.has(login) {
            return Ok(None);
        }
        let quoted = serde_json::to_string(login)?;
        let mut edits = Vec::new();
        match self.members.last() {
            None => edits.push(Edit::insert(self.start, quoted)),
            Some(last) => {
                let comma = comma_after(text, last.at.end);
                let line = line_of(text, &last.at).filter(|line| line.end <= self.end);
                match (line.filter(|line| comma.is_none_or(|comma| comma < line.end)), comma) {
                    // On a line of its own, below the last and the comment beside it.
                    (Some(line), None) => {
                        edits.push(Edit::insert(last.at.end, ",".to_owned()));
                        edits.push(Edit::insert(line.end, format!("{}{}{quoted}", line.ending, line.indent)));
                    }
                    (Some(line), Some(_)) => {
                        edits.push(Edit::insert(line.end, format!("{}{}{quoted},", line.ending, line.indent)));
                    }
                    (None, None) => edits.push(Edit::insert(last.at.end, format!(", {quoted}"))),
                    (None, Some(comma)) => edits.push(Edit::insert(comma + 1, format!(" {quoted},"))),
                }
            }
        }
        let mut expected: Vec<&str> = self.logins().collect();
        expected.push(login);
        self.checked(text, apply(text, edits), &expected).map(Some)
    }

    /// Returns the file without a member, however often and in whatever case it is in this group; `None` if it is not in it.
    pub(super) fn remove(&self, text: &str, login: &str) -> Result<Option<String>> {
        let Some(index) = self.members.iter().position(|member| is_same_login(&member.login, login)) else {
            return Ok(None);
        };
        let others = self.members.iter().enumerate().filter(|(other, _)| *other != index);
        let expected: Vec<&str> = others.map(|(_, member)| member.login.as_str()).collect();
        let changed = self.checked(text, apply(text, self.without(text, index)), &expected)?;
        match groups(&changed)?.into_iter().find(|group| group.name == self.name) {
            Some(group) => Ok(group.remove(&changed, login)?.or(Some(changed))),
            None => Ok(Some(changed)),
        }
    }

    pub(super) fn logins(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.login.as_str())
    }

    /// Returns a changed file, if it says what it said before but for the members of this group.
    fn checked(&self, before: &str, after: String, members: &[&str]) -> Result<String> {
        let mut expected = value_of(before)?;
        let section =
            expected.as_object_mut().into_iter().flatten().find(|(name, _)| name.eq_ignore_ascii_case("groups"));
        if let Some(group) = section.and_then(|(_, groups)| groups.get_mut(&self.name)) {
            *group = members.iter().copied().collect();
        }
        match value_of(&after)? == expected {
            true => Ok(after),
            false => {
                let problem = format!("group `{}` is written in an unusual way", self.name);
                Err(ambiguous(before, self.start, &problem))
            }
        }
    }

    fn without(&self, text: &str, index: usize) -> Vec<Edit> {
        let Some(member) = self.members.get(index) else { return Vec::new() };
        let (at, comma) = (&member.at, comma_after(text, member.at.end));
        let before = text.get(..at.start).unwrap_or_default();
        let blank = before.get(before.trim_end().len()..).unwrap_or_default();
        let after = comma.map_or(at.end, |comma| comma + 1);
        let line_break =
            blank.rfind('\n').map(|at| if blank.get(..at).is_some_and(|b| b.ends_with('\r')) { at - 1 } else { at });
        // On a line of its own, a member goes with the line. If something follows on the line, the line stays: what follows would end
        // up in a comment at the end of the line above.
        let is_own_line = line_break.is_some() && is_end_of_line(text, after);
        let blank = match line_break {
            None => blank.len(),
            Some(line_break) if is_own_line => blank.len() - line_break,
            Some(_) => 0,
        };
        let is_last = index + 1 == self.members.len();
        match comma {
            Some(comma) if !is_last && !is_own_line => {
                // Up to the next member, unless that is on another line.
                let after = text.get(comma + 1..).unwrap_or_default();
                let spaces = after.len() - after.trim_start_matches([' ', '\t']).len();
                vec![Edit::delete(at.clone()), Edit::delete(comma..comma + 1 + spaces)]
            }
            Some(comma) => vec![Edit::delete(at.start - blank..at.end), Edit::delete(comma..comma + 1)],
            None => {
                let previous = index.checked_sub(1).and_then(|index| self.members.get(index));
                let comma = previous.and_then(|previous| comma_after(text, previous.at.end));
                let comma = comma.map(|comma| Edit::delete(comma..comma + 1));
                comma.into_iter().chain([Edit::delete(at.start - blank..at.end)]).collect()
            }
        }
    }
}

/// Compares logins as Tailscale does, without regard to case.
pub(super) fn is_same_login(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// A replacement of bytes.
struct Edit {
    at: Range<usize>,
    text: String,
}

impl Edit {
    fn insert(at: usize, text: String) -> Self {
        Self { at: at..at, text }
    }

    fn delete(at: Range<usize>) -> Self {
        Self { at, text: String::new() }
    }
}

/// Applies edits that do not overlap, in the order of their places.
fn apply(text: &str, edits: Vec<Edit>) -> String {
    let mut result = String::with_capacity(text.len() + 64);
    let mut position = 0;
    for edit in edits {
        result.push_str(text.get(position..edit.at.start).unwrap_or_default());
        result.push_str(&edit.text);
        position = edit.at.end;
    }
    result.push_str(text.get(position..).unwrap_or_default());
    result
}

/// The line that a member ends.
struct Line<'a> {
    /// The position before the line's ending.
    end: usize,
    /// The characters that end the line.
    ending: &'a str,
    /// The blank characters before the member.
    indent: &'a str,
}

/// Returns the line of a member that is the first and the last on it; what follows it may be its comma and comments.
fn line_of<'a>(text: &'a str, member: &Range<usize>) -> Option<Line<'a>> {
    let before = text.get(..member.start)?;
    let indent = before.get(before.rfind('\n')? + 1..)?;
    if !indent.chars().all(|c| matches!(c, ' ' | '\t')) {
        return None;
    }
    let mut end = member.end;
    loop {
        let rest = text.get(end..)?;
        if rest.starts_with("\r\n") {
            return Some(Line { end, ending: "\r\n", indent });
        } else if rest.starts_with('\n') {
            return Some(Line { end, ending: "\n", indent });
        } else if rest.starts_with("//") {
            let line = rest.get(..rest.find('\n')?)?;
            end += line.strip_suffix('\r').unwrap_or(line).len();
        } else if rest.starts_with("/*") {
            end += rest.find("*/")? + 2;
        } else if rest.starts_with([' ', '\t', ',']) {
            end += 1;
        } else {
            return None;
        }
    }
}

/// Whether nothing but blank characters and comments follows on the line.
fn is_end_of_line(text: &str, mut at: usize) -> bool {
    loop {
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with("//") || rest.starts_with('\n') || rest.starts_with("\r\n") {
            return true;
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
        } else if rest.starts_with([' ', '\t']) {
            at += 1;
        } else {
            return false;
        }
    }
}

/// Returns the position of the comma after a value, if there is one.
fn comma_after(text: &str, end: usize) -> Option<usize> {
    let at = skip_trivia(text, end);
    text.get(at..)?.starts_with(',').then_some(at)
}

/// Returns the position after blank characters and comments.
fn skip_trivia(text: &str, mut at: usize) -> usize {
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            rest.len() - rest.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).len()
        };
        if skipped == 0 {
            return at;
        }
        at += skipped;
    }
}

fn ambiguous(text: &str, at: usize, problem: &str) -> sym_sdk::Error {
    let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
    let message = format!("the policy file cannot be changed: in line {line}, {problem}");
    TAILSCALE
        .error(ErrorKind::Configuration, codes::AMBIGUOUS_POLICY, message)
        .with_hint("correct the file in Tailscale's admin console; nothing was changed")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn find(text: &str) -> Group {
        groups(text).unwrap().into_iter().find(|group| group.name == "group:ops").unwrap()
    }

    /// A list in one of the ways in which people write them.
    fn list() -> impl Strategy<Value = String> {
        let blank = prop::sample::select(vec![
            "",
            " ",
            "\n    ",
            "\r\n\t",
            " /* c */ ",
            " // c, \"x\"]\n  ",
            "\n  // own line\n  ",
        ]);
        let member = prop::sample::select(vec!["\"a@x\"", "\"b,@x\"", "\"c]\\u0040x\"", "\"d//x\"", "\"\\\"e\""]);
        let element = (blank.clone(), member, blank.clone());
        (prop::collection::vec(element, 0..4), blank, any::<bool>()).prop_map(|(elements, end, has_trailing_comma)| {
            let comma = if has_trailing_comma && !elements.is_empty() { "," } else { "" };
            let elements: Vec<_> =
                elements.iter().map(|(before, member, after)| format!("{before}{member}{after}")).collect();
            format!("[{}{comma}{end}]", elements.join(","))
        })
    }

    proptest! {
        /// TS01: whatever the layout, a member that is added and removed leaves the file as it was, and others stay meanwhile.
        #[test]
        fn adding_and_removing_a_member_leaves_the_file_as_it_was(list in list(), crossed in any::<bool>()) {
            let text = format!("// head\n{{ \"groups\": {{ \"group:ops\": {list}, \"group:b\": [] }}, \"acls\": [1e400, 0.10] }} // tail");
            let added = find(&text).add(&text, "ana@example.com").unwrap().unwrap();
            let members: Vec<_> = find(&text).logins().map(str::to_owned).chain(["ana@example.com".to_owned()]).collect();
            let with_ana = find(&added);
            prop_assert_eq!(with_ana.logins().collect::<Vec<_>>(), members);
            prop_assert_eq!(find(&added).add(&added, "ANA@example.com").unwrap(), None);
            if crossed {
                // Another Run adds a member, and ends later or earlier.
                let both = find(&added).add(&added, "ben@example.com").unwrap().unwrap();
                let ben = find(&both).remove(&both, "ana@example.com").unwrap().unwrap();
                prop_assert_eq!(find(&ben).remove(&ben, "ben@example.com").unwrap().unwrap(), text.clone());
                let ana = find(&both).remove(&both, "ben@example.com").unwrap().unwrap();
                prop_assert_eq!(&ana, &added);
            }
            prop_assert_eq!(find(&added).remove(&added, "Ana@Example.com").unwrap().unwrap(), text);
        }

        /// TS01: a member that people have written is removed without anything else, however often it is there.
        #[test]
        fn removing_a_member_keeps_all_others(list in list(), index in 0..4_usize) {
            let text = format!("{{\"groups\": {{\"group:ops\": {list}}}}}");
            let group = find(&text);
            if let Some(member) = group.members.get(index) {
                let left = group.remove(&text, &member.login).unwrap().unwrap();
                let others: Vec<_> = group.logins().filter(|login| *login != member.login).collect();
                let found = find(&left);
                prop_assert_eq!(found.logins().collect::<Vec<_>>(), others);
                prop_assert_eq!(left.matches("/* c */").count(), text.matches("/* c */").count());
            }
        }
    }

    /// The text after a member must not end up in the comment above it.
    #[test]
    fn comments_swallow_nothing() {
        for (text, expected) in [
            (
                "{\"groups\": {\"group:ops\": [\"a\", // c\n  \"x\", \"b\"]}}",
                "{\"groups\": {\"group:ops\": [\"a\", // c\n  \"b\"]}}",
            ),
            (
                "{\"groups\": {\"group:ops\": [\"a\", // c\n  \"x\"]}}",
                "{\"groups\": {\"group:ops\": [\"a\" // c\n  ]}}",
            ),
            ("{\"groups\": {\"group:ops\": [// c\n  \"x\"]}}", "{\"groups\": {\"group:ops\": [// c\n  ]}}"),
        ] {
            assert_eq!(find(text).remove(text, "x").unwrap().unwrap(), expected);
        }
    }
}
