//! The forms that people have open.
//!
//! They are held in memory: the options that prefetch handlers gave, and what the form looks like by now. After a restart a
//! form can still be submitted, but offers nothing to pick from.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::forms::PromptForm;
use sym_sdk::model::{RunId, User};
use tokio::sync::Notify;

/// A form that nobody has sent by then is forgotten.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// So many are held at most; the oldest goes first.
const MOST: usize = 2_000;

/// A form that somebody has open, or will have in a moment.
pub(super) struct OpenForm {
    pub(super) run: RunId,
    /// The view that shows it, by Slack's id.
    pub(super) view: String,
    /// Who has it open, by Slack's id.
    pub(super) account: String,
    pub(super) user: Arc<User>,
    opened: Timestamp,
    shown: Mutex<Arc<Shown>>,
    /// Changes are made one after the other.
    pub(super) turn: tokio::sync::Mutex<()>,
}

/// What a form shows.
#[derive(Clone, Default)]
pub(super) struct Shown {
    /// Nothing yet while handlers look for the options.
    pub(super) form: Option<PromptForm>,
    /// Slack's name for this state of the view.
    pub(super) hash: Option<String>,
    /// How often code, rather than the person, has changed what stands in a field.
    pub(super) revisions: BTreeMap<String, u32>,
}

impl Shown {
    pub(super) fn revision(&self, field: &str) -> u32 {
        self.revisions.get(field).copied().unwrap_or_default()
    }
}

impl OpenForm {
    pub(super) fn new(
        run: RunId,
        view: String,
        hash: Option<String>,
        account: &str,
        user: Arc<User>,
        opened: Timestamp,
    ) -> Self {
        let shown = Mutex::new(Arc::new(Shown { hash, ..Shown::default() }));
        Self { run, view, account: account.to_owned(), user, opened, shown, turn: tokio::sync::Mutex::default() }
    }

    pub(super) fn shown(&self) -> Arc<Shown> {
        lock(&self.shown).clone()
    }

    pub(super) fn show(&self, shown: Shown) {
        *lock(&self.shown) = Arc::new(shown);
    }

    pub(super) fn is_loading(&self) -> bool {
        self.shown().form.is_none()
    }
}

/// All open forms.
#[derive(Default)]
pub(super) struct Forms {
    open: Mutex<Open>,
    added: Notify,
}

#[derive(Default)]
struct Open {
    by_run: HashMap<RunId, Arc<OpenForm>>,
    /// Oldest first.
    order: VecDeque<RunId>,
}

impl Forms {
    pub(super) fn add(&self, form: OpenForm) {
        let mut open = lock(&self.open);
        let now = form.opened;
        while let Some(oldest) = open.order.front().copied() {
            let fresh =
                open.by_run.get(&oldest).is_some_and(|form| now.duration_since(form.opened).unsigned_abs() < KEPT_FOR);
            if fresh && open.order.len() < MOST {
                break;
            }
            open.order.pop_front();
            open.by_run.remove(&oldest);
        }
        open.order.push_back(form.run);
        open.by_run.insert(form.run, Arc::new(form));
        drop(open);
        self.added.notify_waiters();
    }

    pub(super) fn get(&self, run: RunId) -> Option<Arc<OpenForm>> {
        lock(&self.open).by_run.get(&run).cloned()
    }

    /// The form that a view carries the Run of.
    pub(super) fn of_view(&self, metadata: &str) -> Option<Arc<OpenForm>> {
        self.get(metadata.parse().ok()?)
    }

    /// The form of a Run, whose view may be on its way: the Run can be ahead of whoever adds it here.
    pub(super) async fn wait_for(&self, run: RunId) -> Arc<OpenForm> {
        loop {
            let added = self.added.notified();
            tokio::pin!(added);
            added.as_mut().enable();
            if let Some(form) = self.get(run) {
                return form;
            }
            added.await;
        }
    }

    pub(super) fn remove(&self, run: RunId) {
        let mut open = lock(&self.open);
        open.by_run.remove(&run);
        open.order.retain(|other| *other != run);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use sym_sdk::model::UserId;

    use super::*;

    fn form(number: u128, opened: Timestamp) -> OpenForm {
        let ana = User::person(UserId::of_email("ana@example.com"), "ana@example.com").unwrap();
        let run = uuid(number).parse().unwrap();
        OpenForm::new(run, format!("V{number}"), None, "U0ANA", Arc::new(ana), opened)
    }

    fn uuid(number: u128) -> String {
        format!("00000000-0000-4000-8000-{number:012x}")
    }

    #[test]
    fn a_form_is_forgotten_after_a_day_and_the_oldest_when_there_are_many() {
        let (forms, start) = (Forms::default(), Timestamp::UNIX_EPOCH);
        let most = u128::try_from(MOST).unwrap();
        for number in 0..=most {
            forms.add(form(number, start));
        }
        assert!(forms.of_view(&uuid(0)).is_none());
        assert_eq!(forms.of_view(&uuid(1)).unwrap().view, "V1");
        forms.add(form(most + 1, start + KEPT_FOR));
        assert!(forms.of_view(&uuid(most)).is_none());
        assert!(forms.of_view(&uuid(most + 1)).is_some());
        assert!(forms.of_view("").is_none() && forms.of_view("V1").is_none());
    }

    #[tokio::test]
    async fn whoever_waits_for_a_form_gets_it_whenever_it_comes() {
        let forms = Forms::default();
        let run = uuid(1).parse().unwrap();
        let (waited, ()) = tokio::join!(forms.wait_for(run), async {
            forms.add(form(2, Timestamp::UNIX_EPOCH));
            tokio::task::yield_now().await;
            forms.add(form(1, Timestamp::UNIX_EPOCH));
        });
        assert_eq!(waited.view, "V1");
        assert_eq!(forms.wait_for(run).await.view, "V1");
        forms.remove(run);
        assert!(forms.get(run).is_none());
    }
}
