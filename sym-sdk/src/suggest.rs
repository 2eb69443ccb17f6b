//! Suggestions in error messages.

/// The known name that is most like `name`, if one is alike enough to be what was meant.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let limit = wanted.chars().count().div_ceil(3);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The advice that names the known name that was probably meant.
pub(crate) fn did_you_mean<S: AsRef<str>>(name: &str, known: impl IntoIterator<Item = S>) -> Option<String> {
    let known: Vec<S> = known.into_iter().collect();
    nearest(name, known.iter().map(AsRef::as_ref)).map(|near| format!("did you mean `{near}`?"))
}

/// A hint for a name that is not among the known ones. `what` is their plural, such as ``vars of flow `prod` ``.
pub(crate) fn hint<'a>(name: &str, what: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() {
        return format!("there are no {what}");
    }
    let listed = format!("the {what} are {}", quoted(known.iter().copied()));
    match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`? {listed}"),
        None => listed,
    }
}

/// The names in backquotes, with commas between.
pub(crate) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_tolerates_small_slips_only() {
        let known = ["request_channel", "approvers", "on"];
        assert_eq!(nearest("request_chanel", known), Some("request_channel"));
        assert_eq!(nearest("Aprovers", known), Some("approvers"));
        assert_eq!(nearest("no", known), Some("on"));
        assert_eq!(nearest("something_else", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn hint_lists_what_there_is() {
        assert_eq!(hint("x", "vars", []), "there are no vars");
        assert_eq!(hint("zzz", "vars", ["alpha", "beta"]), "the vars are `alpha`, `beta`");
        assert_eq!(hint("alhpa", "vars", ["alpha"]), "did you mean `alpha`? the vars are `alpha`");
    }
}
