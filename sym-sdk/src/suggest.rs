//! "Did you mean" suggestions in error messages.

/// Returns the known name that is most similar to `name`, unless all of them differ too much.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    // Up to a third of the letters may differ.
    let limit = name.chars().count().div_ceil(3);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the hint "did you mean …?" with the most similar known name.
pub(crate) fn did_you_mean<S: AsRef<str>>(name: &str, known: impl IntoIterator<Item = S>) -> Option<String> {
    let known: Vec<S> = known.into_iter().collect();
    nearest(name, known.iter().map(AsRef::as_ref)).map(|near| format!("did you mean `{near}`?"))
}

/// Returns a hint that lists the known names. `plural` describes them, such as ``vars of flow `prod` ``.
pub(crate) fn hint<'a>(name: &str, plural: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() {
        return format!("there are no {plural}");
    }
    let listed = format!("the {plural} are {}", quoted(known.iter().copied()));
    match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`? {listed}"),
        None => listed,
    }
}

/// Joins names, each in backquotes, with commas.
pub(crate) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_similar_names_only() {
        let known = ["request_channel", "approvers", "on"];
        assert_eq!(nearest("request_chanel", known), Some("request_channel"));
        assert_eq!(nearest("Aprovers", known), Some("approvers"));
        assert_eq!(nearest("no", known), Some("on"));
        assert_eq!(nearest("something_else", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn hints_list_the_known_names() {
        assert_eq!(hint("x", "vars", []), "there are no vars");
        assert_eq!(hint("zzz", "vars", ["alpha", "beta"]), "the vars are `alpha`, `beta`");
        assert_eq!(hint("alhpa", "vars", ["alpha"]), "did you mean `alpha`? the vars are `alpha`");
    }
}
