//! "Did you mean …?"

use crate::suggest;

/// The advice that names the candidate nearest to a word, if one is near enough to be meant.
pub(crate) fn did_you_mean<S: AsRef<str>>(word: &str, candidates: impl IntoIterator<Item = S>) -> Option<String> {
    let candidates: Vec<S> = candidates.into_iter().collect();
    suggest::nearest(word, candidates.iter().map(AsRef::as_ref)).map(|near| format!("did you mean `{near}`?"))
}
