//! The forms that people have open.
//!
//! They are held in memory: the options that prefetch handlers gave, and what the form looks like by now. What is not held, after
//! a restart say, is made anew when somebody does something in it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};
use sym_sdk::forms::{FieldValue, PromptForm};
use sym_sdk::model::{RunId, User};

use super::payload::View;

/// A form that nobody has sent by then is forgotten.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// So many are held at most; the oldest goes first.
const MOST: usize = 2_000;

/// So many options are held at most, in all forms; of the oldest ones they are forgotten first. A thousand take some 200 KB.
const MOST_OPTIONS: usize = 500_000;

/// So many are made anew at once at most, as handlers are called for each.
const MOST_AT_ONCE: usize = 100;

/// As many forms as there can be are being made anew.
const TOO_MANY: ErrorCode = ErrorCode::new("Slack", "TOO_MANY_FORMS");

/// A form that somebody has open.
pub(super) struct OpenForm {
    pub(super) run: RunId,
    /// The view that shows it, by Slack's id.
    pub(super) view: String,
    /// Who opened it.
    pub(super) user: Arc<User>,
    /// Their account, by Slack's id, once it is known.
    pub(super) account: OnceLock<String>,
    opened: Timestamp,
    /// How many options it had when it was made.
    options: usize,
    shown: Mutex<Arc<Shown>>,
    /// Changes are made one after the other.
    pub(super) turn: tokio::sync::Mutex<()>,
}

/// What a form shows.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) form: PromptForm,
    /// Slack's name for this state of the view.
    pub(super) hash: Option<String>,
    /// How often code, rather than the person, has changed what stands in a field.
    pub(super) revisions: BTreeMap<String, u32>,
    /// What stood in the fields when `on_change` handlers last saw to that, or when the form was made.
    pub(super) settled: Settled,
}

/// What stands in fields, by name.
pub(super) type Settled = BTreeMap<String, Option<FieldValue>>;

impl Shown {
    pub(super) fn new(form: PromptForm) -> Self {
        let settled = form.fields().iter().map(|field| (field.name().to_owned(), field.value.clone())).collect();
        Self { form, hash: None, revisions: BTreeMap::new(), settled }
    }

    pub(super) fn revision(&self, field: &str) -> u32 {
        self.revisions.get(field).copied().unwrap_or_default()
    }
}

impl OpenForm {
    pub(super) fn new(run: RunId, view: String, user: Arc<User>, opened: Timestamp, shown: Shown) -> Self {
        let options = shown.form.fields().iter().map(|field| field.current_allowed_values.len()).sum();
        let shown = Mutex::new(Arc::new(shown));
        Self { run, view, user, account: OnceLock::new(), opened, options, shown, turn: tokio::sync::Mutex::default() }
    }

    pub(super) fn shown(&self) -> Arc<Shown> {
        lock(&self.shown).clone()
    }

    pub(super) fn show(&self, shown: Shown) {
        *lock(&self.shown) = Arc::new(shown);
    }

    /// Whether the view shows what is not known here: another process has changed it, or Slack did without saying so.
    fn is_behind(&self, view: &View) -> bool {
        let shown = self.shown();
        view.revisions().into_iter().any(|(field, revision)| revision > shown.revision(field))
    }
}

/// A form that is being made anew. All who need it wait for the same.
type Making = Shared<BoxFuture<'static, Result<Arc<OpenForm>, Arc<Error>>>>;

/// All open forms.
#[derive(Default)]
pub(super) struct Forms {
    open: Mutex<Open>,
    making: Mutex<HashMap<RunId, Making>>,
}

#[derive(Default)]
struct Open {
    by_run: HashMap<RunId, Arc<OpenForm>>,
    /// Oldest first.
    order: VecDeque<RunId>,
    /// How many options all of them have.
    options: usize,
}

impl Open {
    fn remove(&mut self, run: RunId) {
        if let Some(form) = self.by_run.remove(&run) {
            self.options = self.options.saturating_sub(form.options);
        }
    }
}

impl Forms {
    pub(super) fn add(&self, form: Arc<OpenForm>) {
        let mut open = lock(&self.open);
        let now = form.opened;
        while let Some(oldest) = open.order.front().copied() {
            let fresh =
                open.by_run.get(&oldest).is_some_and(|form| now.duration_since(form.opened).unsigned_abs() < KEPT_FOR);
            if fresh && open.order.len() < MOST && open.options.saturating_add(form.options) <= MOST_OPTIONS {
                break;
            }
            open.order.pop_front();
            open.remove(oldest);
        }
        if open.by_run.contains_key(&form.run) {
            open.remove(form.run);
            open.order.retain(|other| *other != form.run);
        }
        open.order.push_back(form.run);
        open.options += form.options;
        open.by_run.insert(form.run, form);
    }

    /// The form of a Run, if it is held and knows all that the view shows.
    pub(super) fn get(&self, run: RunId, view: &View) -> Option<Arc<OpenForm>> {
        let open = lock(&self.open).by_run.get(&run).cloned();
        open.filter(|open| !open.is_behind(view))
    }

    /// Makes a form anew, once for all who ask meanwhile.
    pub(super) async fn make(
        self: &Arc<Self>,
        run: RunId,
        make: impl FnOnce() -> BoxFuture<'static, Result<OpenForm>>,
    ) -> Result<Arc<OpenForm>> {
        let making = {
            let mut all = lock(&self.making);
            match all.get(&run) {
                Some(making) => making.clone(),
                None if all.len() >= MOST_AT_ONCE => {
                    let message = "too many forms are being made at once";
                    return Err(Error::new(ErrorKind::Unavailable, TOO_MANY, message));
                }
                None => {
                    let (forms, work) = (self.clone(), make());
                    let under_way = UnderWay { forms, run };
                    let making = async move {
                        let made = work.await.map(Arc::new).map_err(Arc::new);
                        if let Ok(form) = &made {
                            under_way.forms.add(form.clone());
                        }
                        drop(under_way);
                        made
                    };
                    let making: Making = (Box::pin(making) as BoxFuture<'static, _>).shared();
                    all.insert(run, making.clone());
                    // It comes to its end also if nobody waits for it any more.
                    tokio::spawn(making.clone());
                    making
                }
            }
        };
        making.await.map_err(|error| again(&error))
    }

    pub(super) fn remove(&self, run: RunId) {
        let mut open = lock(&self.open);
        open.remove(run);
        open.order.retain(|other| *other != run);
    }
}

/// A form is being made anew, however that ends.
struct UnderWay {
    forms: Arc<Forms>,
    run: RunId,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        lock(&self.forms.making).remove(&self.run);
    }
}

/// The same error once more, for the next one who waited.
fn again(error: &Error) -> Error {
    let same = Error::new(error.kind(), error.code().clone(), error.message());
    match error.hint() {
        Some(hint) => same.with_hint(hint),
        None => same,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;
    use sym_sdk::forms::{FieldOption, FieldSpec, FieldType, PromptField};
    use sym_sdk::model::UserId;

    use super::*;

    fn form(number: u128, opened: Timestamp) -> OpenForm {
        let ana = User::person(UserId::of_email("ana@example.com"), "ana@example.com").unwrap();
        let shown = Shown::new(PromptForm::new(Vec::new()));
        OpenForm::new(run(number), format!("V{number}"), Arc::new(ana), opened, shown)
    }

    fn run(number: u128) -> RunId {
        format!("00000000-0000-4000-8000-{number:012x}").parse().unwrap()
    }

    fn view(block: &str) -> View {
        serde_json::from_value(json!({ "id": "V1", "blocks": [{ "type": "input", "block_id": block }] })).unwrap()
    }

    #[test]
    fn a_form_is_forgotten_after_a_day_and_the_oldest_when_there_are_many() {
        let (forms, start, view) = (Forms::default(), Timestamp::UNIX_EPOCH, view("field:0"));
        let most = u128::try_from(MOST).unwrap();
        for number in 0..=most {
            forms.add(Arc::new(form(number, start)));
        }
        assert!(forms.get(run(0), &view).is_none());
        assert_eq!(forms.get(run(1), &view).unwrap().view, "V1");
        forms.add(Arc::new(form(1, start)));
        forms.add(Arc::new(form(most + 1, start + KEPT_FOR)));
        assert!(forms.get(run(most), &view).is_none());
        assert!(forms.get(run(most + 1), &view).is_some());
        forms.remove(run(most + 1));
        assert!(forms.get(run(most + 1), &view).is_none());
    }

    #[test]
    fn only_so_many_options_are_held() {
        let mut field = PromptField::from_spec(&FieldSpec::new("field", FieldType::String).unwrap());
        let option = FieldOption::try_from("one of many").unwrap();
        field.current_allowed_values = vec![option; MOST_OPTIONS / 2];
        let form = |number: u128| {
            let user = form(number, Timestamp::UNIX_EPOCH).user.clone();
            let shown = Shown::new(PromptForm::new(vec![field.clone()]));
            Arc::new(OpenForm::new(run(number), format!("V{number}"), user, Timestamp::UNIX_EPOCH, shown))
        };
        let (forms, view) = (Forms::default(), view("field:0"));
        let held = || (1..=4).filter(|number| forms.get(run(*number), &view).is_some()).collect::<Vec<_>>();
        forms.add(form(1));
        forms.add(form(2));
        assert_eq!(held(), [1, 2]);
        forms.add(form(3));
        assert_eq!(held(), [2, 3]);
        // Made anew, it is the newest; and what is gone makes room.
        forms.add(form(2));
        assert_eq!(held(), [2, 3]);
        forms.remove(run(2));
        forms.add(form(4));
        assert_eq!(held(), [3, 4]);
    }

    #[test]
    fn a_form_of_which_the_view_shows_more_than_is_known_is_made_anew() {
        let forms = Forms::default();
        forms.add(Arc::new(form(1, Timestamp::UNIX_EPOCH)));
        assert!(forms.get(run(1), &view("field:0")).is_some());
        assert!(forms.get(run(1), &view("field:1")).is_none());
    }

    #[tokio::test]
    async fn a_form_is_made_once_for_all_who_wait() {
        let (forms, made) = (Arc::new(Forms::default()), Arc::new(AtomicUsize::new(0)));
        let make = |fails: bool| {
            let made = made.clone();
            move || {
                let work = async move {
                    tokio::task::yield_now().await;
                    made.fetch_add(1, Ordering::Relaxed);
                    if fails { Err(Error::handler("no options")) } else { Ok(form(1, Timestamp::UNIX_EPOCH)) }
                };
                Box::pin(work) as BoxFuture<'static, _>
            }
        };
        let (one, other) = tokio::join!(forms.make(run(1), make(true)), forms.make(run(1), make(true)));
        for error in [one.err().unwrap(), other.err().unwrap()] {
            assert_eq!((error.kind(), error.message()), (ErrorKind::Handler, "no options"));
        }
        assert_eq!(made.load(Ordering::Relaxed), 1);
        let (one, other) = tokio::join!(forms.make(run(1), make(false)), forms.make(run(1), make(false)));
        assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
        assert_eq!(made.load(Ordering::Relaxed), 2);
        assert!(forms.get(run(1), &view("field:0")).is_some());

        let mut waiting = Vec::new();
        for number in 0..=u128::try_from(MOST_AT_ONCE).unwrap() {
            let mut making = Box::pin(forms.make(run(number), || Box::pin(std::future::pending())));
            waiting.push(futures_util::poll!(&mut making).is_ready());
        }
        assert_eq!(waiting.iter().filter(|refused| **refused).count(), 1);
    }
}
