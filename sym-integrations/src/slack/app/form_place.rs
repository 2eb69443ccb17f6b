//! The place of an open form in Slack: the view that shows it.

use std::sync::{Arc, OnceLock};

use sym_sdk::forms::PromptForm;
use sym_sdk::runtime;

use super::form_open::ViewRef;
use super::payload::View;

/// The view that shows a form.
#[derive(Clone)]
pub(super) struct FormPlace {
    /// The view, with Slack's hash of it in this state of the form.
    pub(super) view: ViewRef,
    /// The Slack account of the user who opened the form, once it has been looked up.
    pub(super) account: Arc<OnceLock<String>>,
}

pub(super) type OpenForm = runtime::OpenForm<FormPlace>;
pub(super) type OpenForms = runtime::OpenForms<FormPlace>;
pub(super) type FormSnapshot = runtime::FormSnapshot<FormPlace>;

impl FormPlace {
    pub(super) fn new(view: ViewRef) -> Self {
        Self { view, account: Arc::default() }
    }

    /// Returns the same place in another state of the view.
    pub(super) fn with_hash(&self, hash: Option<String>) -> Self {
        Self { view: ViewRef { id: self.view.id.clone(), hash }, account: self.account.clone() }
    }
}

/// Returns the snapshot of a form in which nothing was entered yet.
pub(super) fn new_snapshot(form: PromptForm, view: ViewRef) -> FormSnapshot {
    FormSnapshot::new(form, FormPlace::new(view))
}

/// Returns whether the view is newer than the form: another process has updated it, or the response to our update was lost.
pub(super) fn is_outdated(open: &OpenForm, view: &View) -> bool {
    let snapshot = open.snapshot();
    view.revisions().into_iter().any(|(field, revision)| revision > snapshot.revision(field))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;
    use sym_sdk::model::User;

    use super::*;

    #[test]
    fn a_form_is_older_than_a_view_with_later_revisions() {
        let ana = User::from_email("ana@example.com").unwrap();
        let run = "00000000-0000-4000-8000-000000000001".parse().unwrap();
        let place = ViewRef { id: "V1".to_owned(), hash: None };
        let snapshot = new_snapshot(PromptForm::new(Vec::new()), place);
        let flow = "sym:flow:prod:1.0.0".parse().unwrap();
        let open = OpenForm::new(run, flow, Arc::new(ana), Timestamp::UNIX_EPOCH, snapshot);
        let view = |block: &str| -> View {
            serde_json::from_value(json!({ "id": "V1", "blocks": [{ "type": "input", "block_id": block }] })).unwrap()
        };
        assert!(!is_outdated(&open, &view("field:0")));
        assert!(is_outdated(&open, &view("field:1")));
    }
}
