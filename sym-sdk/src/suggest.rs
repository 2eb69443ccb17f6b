//! Hints for mistyped names: the nearest known name, and the list of all of them.

/// The maximal length of a name that may be a typo of another, in bytes. The comparison takes time in proportion to its square.
const MAX_LENGTH: usize = 100;

/// Returns the known name that is most similar to `name`, if `name` may be a typo of it.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_LENGTH {
        return None;
    }
    let typed = name.to_lowercase();
    let limit = typed.chars().count().div_ceil(3);
    known
        .into_iter()
        .filter(|candidate| candidate.len() <= MAX_LENGTH)
        .map(|candidate| (strsim::damerau_levenshtein(&typed, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Suggests the known name that is most similar to `name`, if there is one.
pub(crate) fn did_you_mean<S: AsRef<str>>(name: &str, known: impl IntoIterator<Item = S>) -> Option<String> {
    let known: Vec<S> = known.into_iter().collect();
    nearest(name, known.iter().map(AsRef::as_ref)).map(|near| format!("did you mean `{near}`?"))
}

/// Returns the hint for an unknown name: the nearest known name and the list of known names. `noun` is their plural, such as
/// ``vars of flow `prod` ``.
pub(crate) fn hint<'a>(name: &str, noun: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() {
        return format!("there are no {noun}");
    }
    let listed = format!("the {noun} are {}", quoted(known.iter().copied()));
    match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`? {listed}"),
        None => listed,
    }
}

/// Formats names in backquotes, separated by commas.
pub(crate) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_names_with_small_differences_only() {
        let known = ["request_channel", "approvers", "on"];
        assert_eq!(nearest("request_chanel", known), Some("request_channel"));
        assert_eq!(nearest("Aprovers", known), Some("approvers"));
        assert_eq!(nearest("no", known), Some("on"));
        assert_eq!(nearest("something_else", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn hint_lists_the_known_names() {
        assert_eq!(hint("x", "vars", []), "there are no vars");
        assert_eq!(hint("zzz", "vars", ["alpha", "beta"]), "the vars are `alpha`, `beta`");
        assert_eq!(hint("alhpa", "vars", ["alpha"]), "did you mean `alpha`? the vars are `alpha`");
    }
}
