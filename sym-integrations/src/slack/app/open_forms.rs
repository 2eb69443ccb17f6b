//! The forms that users have open, in memory.
//!
//! A form is kept with the options that prefetch handlers returned and with the state that its view shows, so that a keystroke
//! needs neither the store nor a handler. The number of forms and options is bounded. A form that is not in memory is
//! [rebuilt](super::form_rebuild) when the user interacts with it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};
use sym_sdk::forms::{FieldValue, PromptForm};
use sym_sdk::model::{RunId, User};

use super::lock;
use super::payload::View;

/// The lifetime of an open form.
const FORM_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The maximum number of forms. The oldest form is evicted first.
const MAX_FORMS: usize = 2_000;

/// The maximum number of options in all forms together. A thousand options take about 200 KB.
const MAX_OPTIONS: usize = 500_000;

/// The maximum number of concurrent rebuilds, since each calls handlers.
const MAX_CONCURRENT_REBUILDS: usize = 100;

/// `Slack:TOO_MANY_FORMS`: the maximum number of rebuilds are in progress.
const TOO_MANY_FORMS: ErrorCode = ErrorCode::new("Slack", "TOO_MANY_FORMS");

/// An open form.
pub(super) struct OpenForm {
    pub(super) run: RunId,
    /// The id of the view that shows it.
    pub(super) view: String,
    /// The user who opened it.
    pub(super) user: Arc<User>,
    /// The Slack account of that user, once it has been looked up.
    pub(super) account: OnceLock<String>,
    opened: Timestamp,
    /// The number of options when it was opened or rebuilt.
    options: usize,
    snapshot: Mutex<Arc<FormSnapshot>>,
    /// Held while a change is applied, so that changes are serialized.
    pub(super) changes: tokio::sync::Mutex<()>,
}

/// The state of a form that its view shows.
#[derive(Clone)]
pub(super) struct FormSnapshot {
    pub(super) form: PromptForm,
    /// Slack's hash of the view in this state.
    pub(super) hash: Option<String>,
    /// The number of times that a handler has changed each field.
    pub(super) revisions: BTreeMap<String, u32>,
    /// The values that `on_change` handlers have seen. Initial values count as seen.
    pub(super) seen: SeenValues,
}

/// The values that handlers have seen, by field.
pub(super) type SeenValues = BTreeMap<String, Option<FieldValue>>;

impl FormSnapshot {
    pub(super) fn new(form: PromptForm) -> Self {
        let seen = form.fields().iter().map(|field| (field.name().to_owned(), field.value.clone())).collect();
        Self { form, hash: None, revisions: BTreeMap::new(), seen }
    }

    pub(super) fn revision(&self, field: &str) -> u32 {
        self.revisions.get(field).copied().unwrap_or_default()
    }
}

impl OpenForm {
    pub(super) fn new(run: RunId, view: String, user: Arc<User>, opened: Timestamp, snapshot: FormSnapshot) -> Self {
        let options = snapshot.form.fields().iter().map(|field| field.current_allowed_values.len()).sum();
        let (account, changes) = Default::default();
        Self { run, view, user, account, opened, options, snapshot: Mutex::new(Arc::new(snapshot)), changes }
    }

    pub(super) fn snapshot(&self) -> Arc<FormSnapshot> {
        lock(&self.snapshot).clone()
    }

    pub(super) fn set_snapshot(&self, snapshot: FormSnapshot) {
        *lock(&self.snapshot) = Arc::new(snapshot);
    }

    /// Returns whether the view is newer: another process has updated it, or the response to our update was lost.
    fn is_outdated(&self, view: &View) -> bool {
        let snapshot = self.snapshot();
        view.revisions().into_iter().any(|(field, revision)| revision > snapshot.revision(field))
    }
}

/// A rebuild in progress, shared by all interactions that wait for the form.
type PendingRebuild = Shared<BoxFuture<'static, Result<Arc<OpenForm>, Arc<Error>>>>;

/// All open forms, by Run.
#[derive(Default)]
pub(super) struct OpenForms {
    entries: Mutex<Entries>,
    rebuilds: Mutex<HashMap<RunId, PendingRebuild>>,
}

#[derive(Default)]
struct Entries {
    by_run: HashMap<RunId, Arc<OpenForm>>,
    /// The Runs in the order of insertion, oldest first.
    order: VecDeque<RunId>,
    /// The number of options in all forms.
    options: usize,
}

impl Entries {
    fn remove(&mut self, run: RunId) {
        if let Some(form) = self.by_run.remove(&run) {
            self.options = self.options.saturating_sub(form.options);
        }
    }
}

impl OpenForms {
    /// Inserts a form, and evicts expired forms, and the oldest forms while there are too many forms or options.
    pub(super) fn insert(&self, form: Arc<OpenForm>) {
        let mut entries = lock(&self.entries);
        let now = form.opened;
        while let Some(oldest) = entries.order.front().copied() {
            let is_unexpired = entries
                .by_run
                .get(&oldest)
                .is_some_and(|form| now.duration_since(form.opened).unsigned_abs() < FORM_TTL);
            let fits = entries.order.len() < MAX_FORMS && entries.options.saturating_add(form.options) <= MAX_OPTIONS;
            if is_unexpired && fits {
                break;
            }
            entries.order.pop_front();
            entries.remove(oldest);
        }
        if entries.by_run.contains_key(&form.run) {
            entries.remove(form.run);
            entries.order.retain(|other| *other != form.run);
        }
        entries.order.push_back(form.run);
        entries.options += form.options;
        entries.by_run.insert(form.run, form);
    }

    /// Returns the form of a Run, unless the view is newer.
    pub(super) fn get(&self, run: RunId, view: &View) -> Option<Arc<OpenForm>> {
        let open = lock(&self.entries).by_run.get(&run).cloned();
        open.filter(|open| !open.is_outdated(view))
    }

    /// Rebuilds a form, once for all concurrent callers.
    ///
    /// # Errors
    /// That of the rebuild, for each caller; `Slack:TOO_MANY_FORMS` if too many rebuilds are in progress.
    pub(super) async fn rebuild_once(
        self: &Arc<Self>,
        run: RunId,
        rebuild: impl FnOnce() -> BoxFuture<'static, Result<OpenForm>>,
    ) -> Result<Arc<OpenForm>> {
        let pending = {
            let mut rebuilds = lock(&self.rebuilds);
            match rebuilds.get(&run) {
                Some(pending) => pending.clone(),
                None if rebuilds.len() >= MAX_CONCURRENT_REBUILDS => {
                    let message = "too many forms are being rebuilt";
                    return Err(Error::new(ErrorKind::Unavailable, TOO_MANY_FORMS, message));
                }
                None => {
                    let work = rebuild();
                    let guard = RebuildGuard { forms: self.clone(), run };
                    let pending = async move {
                        let rebuilt = work.await.map(Arc::new).map_err(Arc::new);
                        if let Ok(form) = &rebuilt {
                            guard.forms.insert(form.clone());
                        }
                        drop(guard);
                        rebuilt
                    };
                    let pending: PendingRebuild = (Box::pin(pending) as BoxFuture<'static, _>).shared();
                    rebuilds.insert(run, pending.clone());
                    // Complete the rebuild even if all callers are dropped.
                    tokio::spawn(pending.clone());
                    pending
                }
            }
        };
        pending.await.map_err(|error| clone_error(&error))
    }

    pub(super) fn remove(&self, run: RunId) {
        let mut entries = lock(&self.entries);
        entries.remove(run);
        entries.order.retain(|other| *other != run);
    }
}

/// Removes a rebuild from the pending ones when it completes or panics.
struct RebuildGuard {
    forms: Arc<OpenForms>,
    run: RunId,
}

impl Drop for RebuildGuard {
    fn drop(&mut self) {
        lock(&self.forms.rebuilds).remove(&self.run);
    }
}

/// Returns the same error for another caller. [`Error`] is not `Clone`, because its source is not.
fn clone_error(error: &Error) -> Error {
    let clone = Error::new(error.kind(), error.code().clone(), error.message());
    match error.hint() {
        Some(hint) => clone.with_hint(hint),
        None => clone,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;
    use sym_sdk::forms::{FieldOption, FieldSpec, FieldType, PromptField};

    use super::*;

    fn form(number: u128, opened: Timestamp) -> OpenForm {
        let ana = User::from_email("ana@example.com").unwrap();
        let snapshot = FormSnapshot::new(PromptForm::new(Vec::new()));
        OpenForm::new(run(number), format!("V{number}"), Arc::new(ana), opened, snapshot)
    }

    fn run(number: u128) -> RunId {
        format!("00000000-0000-4000-8000-{number:012x}").parse().unwrap()
    }

    fn view(block: &str) -> View {
        serde_json::from_value(json!({ "id": "V1", "blocks": [{ "type": "input", "block_id": block }] })).unwrap()
    }

    #[test]
    fn evicts_forms_after_a_day_and_the_oldest_form_when_there_are_too_many() {
        let (forms, start, view) = (OpenForms::default(), Timestamp::UNIX_EPOCH, view("field:0"));
        let max = u128::try_from(MAX_FORMS).unwrap();
        for number in 0..=max {
            forms.insert(Arc::new(form(number, start)));
        }
        assert!(forms.get(run(0), &view).is_none());
        assert_eq!(forms.get(run(1), &view).unwrap().view, "V1");
        forms.insert(Arc::new(form(1, start)));
        forms.insert(Arc::new(form(max + 1, start + FORM_TTL)));
        assert!(forms.get(run(max), &view).is_none());
        assert!(forms.get(run(max + 1), &view).is_some());
        forms.remove(run(max + 1));
        assert!(forms.get(run(max + 1), &view).is_none());
    }

    #[test]
    fn limits_the_number_of_options() {
        let mut field = PromptField::from_spec(&FieldSpec::new("field", FieldType::String).unwrap());
        let option = FieldOption::try_from("one of many").unwrap();
        field.current_allowed_values = vec![option; MAX_OPTIONS / 2];
        let form = |number: u128| {
            let user = form(number, Timestamp::UNIX_EPOCH).user.clone();
            let snapshot = FormSnapshot::new(PromptForm::new(vec![field.clone()]));
            Arc::new(OpenForm::new(run(number), format!("V{number}"), user, Timestamp::UNIX_EPOCH, snapshot))
        };
        let (forms, view) = (OpenForms::default(), view("field:0"));
        let kept = || (1..=4).filter(|number| forms.get(run(*number), &view).is_some()).collect::<Vec<_>>();
        forms.insert(form(1));
        forms.insert(form(2));
        assert_eq!(kept(), [1, 2]);
        forms.insert(form(3));
        assert_eq!(kept(), [2, 3]);
        // A rebuilt form counts as the newest. Removing a form frees its options.
        forms.insert(form(2));
        assert_eq!(kept(), [2, 3]);
        forms.remove(run(2));
        forms.insert(form(4));
        assert_eq!(kept(), [3, 4]);
    }

    #[test]
    fn does_not_return_a_form_that_is_older_than_its_view() {
        let forms = OpenForms::default();
        forms.insert(Arc::new(form(1, Timestamp::UNIX_EPOCH)));
        assert!(forms.get(run(1), &view("field:0")).is_some());
        assert!(forms.get(run(1), &view("field:1")).is_none());
    }

    #[tokio::test]
    async fn rebuilds_a_form_once_for_concurrent_callers_and_limits_concurrent_rebuilds() {
        let (forms, rebuilds) = (Arc::new(OpenForms::default()), Arc::new(AtomicUsize::new(0)));
        let rebuild = |fails: bool| {
            let rebuilds = rebuilds.clone();
            move || {
                let work = async move {
                    tokio::task::yield_now().await;
                    rebuilds.fetch_add(1, Ordering::Relaxed);
                    if fails { Err(Error::handler("no options")) } else { Ok(form(1, Timestamp::UNIX_EPOCH)) }
                };
                Box::pin(work) as BoxFuture<'static, _>
            }
        };
        let (one, other) =
            tokio::join!(forms.rebuild_once(run(1), rebuild(true)), forms.rebuild_once(run(1), rebuild(true)));
        for error in [one.err().unwrap(), other.err().unwrap()] {
            assert_eq!((error.kind(), error.message()), (ErrorKind::Handler, "no options"));
        }
        assert_eq!(rebuilds.load(Ordering::Relaxed), 1);
        let (one, other) =
            tokio::join!(forms.rebuild_once(run(1), rebuild(false)), forms.rebuild_once(run(1), rebuild(false)));
        assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
        assert_eq!(rebuilds.load(Ordering::Relaxed), 2);
        assert!(forms.get(run(1), &view("field:0")).is_some());

        let mut waiting = Vec::new();
        for number in 0..=u128::try_from(MAX_CONCURRENT_REBUILDS).unwrap() {
            let mut pending = Box::pin(forms.rebuild_once(run(number), || Box::pin(std::future::pending())));
            waiting.push(futures_util::poll!(&mut pending).is_ready());
        }
        assert_eq!(waiting.iter().filter(|is_refused| **is_refused).count(), 1);
    }
}
