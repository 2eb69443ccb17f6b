//! The forms that people have open, in memory.
//!
//! A front end that shows forms keeps each with the options that prefetch handlers returned and with the state that people see, so that a
//! keystroke needs neither the store nor a handler. The number of forms and options is bounded. A form that is not in memory, after a
//! restart or because another process showed it, is [rebuilt](Runtime::rebuild_form) when somebody interacts with it, once for all who
//! wait.
//!
//! An `on_change` handler is called once for each value of its field. The values that it has seen are tracked with the form, so that
//! [settling](Runtime::settle_form) it before it is sent can call the handlers that failed, are still running or ran in another process.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

#[cfg(doc)]
use super::Runtime;
use super::single_flight::SingleFlight;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::{FieldValue, PromptForm};
use crate::future::BoxFuture;
use crate::model::{RunId, Srn, User};
use crate::sync::lock;

/// The lifetime of an open form.
const FORM_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The maximum number of forms. The oldest form is evicted first.
const MAX_FORMS: usize = 2_000;

/// The maximum number of options in all forms together. A thousand options take about 200 KB.
const MAX_OPTIONS: usize = 500_000;

/// The maximum number of concurrent rebuilds, since each calls handlers.
const MAX_CONCURRENT_REBUILDS: usize = 100;

/// A form that somebody has open, which belongs to a Run. `P` is the front end's place of it, such as the view that shows it.
#[derive(Debug)]
pub struct OpenForm<P> {
    run: RunId,
    flow: Srn,
    user: Arc<User>,
    opened: Timestamp,
    /// The number of options when it was opened or rebuilt.
    options: usize,
    snapshot: Mutex<Arc<FormSnapshot<P>>>,
    changes: tokio::sync::Mutex<()>,
}

/// The state of a form that people see.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FormSnapshot<P> {
    /// The form, with the values so far.
    pub form: PromptForm,
    /// The front end's place of the form.
    pub place: P,
    /// The number of times that a handler has changed each field. A front end that shows it with the field can tell what was entered in an
    /// input that a handler has replaced since.
    pub revisions: BTreeMap<String, u32>,
    /// The values that `on_change` handlers have seen. Initial values count as seen.
    pub(super) seen: SeenValues,
}

/// The values that handlers have seen, by field.
pub(super) type SeenValues = BTreeMap<String, Option<FieldValue>>;

impl<P> FormSnapshot<P> {
    /// Creates the snapshot of a form in which nothing was entered yet.
    pub fn new(form: PromptForm, place: P) -> Self {
        let seen = form.fields().iter().map(|field| (field.name().to_owned(), field.value.clone())).collect();
        Self { form, place, revisions: BTreeMap::new(), seen }
    }

    /// Returns the number of times that a handler has changed the field.
    pub fn revision(&self, field: &str) -> u32 {
        self.revisions.get(field).copied().unwrap_or_default()
    }

    /// Replaces the form by one that a handler has changed. Fields with another value or other options get a new revision.
    pub(super) fn change(&mut self, form: PromptForm) {
        for field in form.fields() {
            let is_changed = self.form.field(field.name()).is_ok_and(|old| {
                old.value != field.value || old.current_allowed_values != field.current_allowed_values
            });
            if is_changed {
                *self.revisions.entry(field.name().to_owned()).or_default() += 1;
            }
        }
        self.form = form;
    }
}

impl<P> OpenForm<P> {
    /// Creates the form that the Run of `flow` has open for a user since `opened`.
    pub fn new(run: RunId, flow: Srn, user: Arc<User>, opened: Timestamp, snapshot: FormSnapshot<P>) -> Self {
        let options = snapshot.form.fields().iter().map(|field| field.current_allowed_values.len()).sum();
        let (snapshot, changes) = (Mutex::new(Arc::new(snapshot)), tokio::sync::Mutex::default());
        Self { run, flow, user, opened, options, snapshot, changes }
    }

    /// Returns the Run.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// Returns the flow.
    pub fn flow(&self) -> &Srn {
        &self.flow
    }

    /// Returns the user who has opened the form. Nobody else can fill it in.
    pub fn user(&self) -> &Arc<User> {
        &self.user
    }

    /// Returns the state that people see.
    pub fn snapshot(&self) -> Arc<FormSnapshot<P>> {
        lock(&self.snapshot).clone()
    }

    /// Waits for changes in progress, and returns the form for a change of its own.
    pub async fn lock(&self) -> LockedForm<'_, P> {
        LockedForm { form: self, _guard: self.changes.lock().await }
    }
}

/// A form that nobody else changes until this is dropped. Returned by [`OpenForm::lock`].
#[derive(Debug)]
pub struct LockedForm<'a, P> {
    form: &'a OpenForm<P>,
    _guard: tokio::sync::MutexGuard<'a, ()>,
}

impl<P> LockedForm<'_, P> {
    /// Sets the state that people see from now on.
    pub fn set_snapshot(&self, snapshot: FormSnapshot<P>) {
        *lock(&self.form.snapshot) = Arc::new(snapshot);
    }
}

impl<P> Deref for LockedForm<'_, P> {
    type Target = OpenForm<P>;

    fn deref(&self) -> &OpenForm<P> {
        self.form
    }
}

/// The open forms of a front end, by Run. Clones refer to the same forms.
///
/// At most 2,000 forms and 500,000 options are kept, each form for a day; the oldest are evicted first.
///
/// ```
/// # async fn form(
/// #     runtime: &sym_sdk::runtime::Runtime,
/// #     forms: &sym_sdk::runtime::OpenForms<String>,
/// #     run: sym_sdk::model::RunId,
/// #     page: String,
/// # ) -> sym_sdk::Result<()> {
/// // The place is whatever the front end needs to find the form again.
/// let open = match forms.get(run) {
///     Some(open) => open,
///     None => {
///         let runtime = runtime.clone();
///         // Nothing was entered that only the front end has.
///         let entered = |_: &_| Default::default();
///         let rebuild = async move { runtime.rebuild_form(run, page, Default::default(), entered).await };
///         forms.rebuild_once(run, || Box::pin(rebuild)).await?
///     }
/// };
/// # let _ = open.snapshot().form.fields();
/// # Ok(())
/// # }
/// ```
pub struct OpenForms<P> {
    entries: Arc<Mutex<Entries<P>>>,
    rebuilds: SingleFlight<RunId, Arc<OpenForm<P>>>,
}

struct Entries<P> {
    by_run: HashMap<RunId, Arc<OpenForm<P>>>,
    /// The Runs in the order of insertion, oldest first.
    order: VecDeque<RunId>,
    /// The number of options in all forms.
    options: usize,
}

impl<P> Entries<P> {
    fn remove(&mut self, run: RunId) {
        if let Some(form) = self.by_run.remove(&run) {
            self.options = self.options.saturating_sub(form.options);
        }
    }

    fn insert(&mut self, form: Arc<OpenForm<P>>) {
        let now = form.opened;
        while let Some(oldest) = self.order.front().copied() {
            let is_unexpired =
                self.by_run.get(&oldest).is_some_and(|form| now.duration_since(form.opened).unsigned_abs() < FORM_TTL);
            let fits = self.order.len() < MAX_FORMS && self.options.saturating_add(form.options) <= MAX_OPTIONS;
            if is_unexpired && fits {
                break;
            }
            self.order.pop_front();
            self.remove(oldest);
        }
        if self.by_run.contains_key(&form.run) {
            self.remove(form.run);
            self.order.retain(|other| *other != form.run);
        }
        self.order.push_back(form.run);
        self.options = self.options.saturating_add(form.options);
        self.by_run.insert(form.run, form);
    }
}

impl<P> Default for OpenForms<P> {
    fn default() -> Self {
        let entries = Entries { by_run: HashMap::new(), order: VecDeque::new(), options: 0 };
        Self { entries: Arc::new(Mutex::new(entries)), rebuilds: SingleFlight::new(MAX_CONCURRENT_REBUILDS) }
    }
}

impl<P> Clone for OpenForms<P> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone(), rebuilds: self.rebuilds.clone() }
    }
}

impl<P> fmt::Debug for OpenForms<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenForms").field("forms", &lock(&self.entries).by_run.len()).finish_non_exhaustive()
    }
}

impl<P> OpenForms<P> {
    /// Inserts a form, and evicts expired forms, and the oldest forms while there are too many forms or options.
    pub fn insert(&self, form: Arc<OpenForm<P>>) {
        lock(&self.entries).insert(form);
    }

    /// Returns the form of a Run.
    pub fn get(&self, run: RunId) -> Option<Arc<OpenForm<P>>> {
        lock(&self.entries).by_run.get(&run).cloned()
    }

    /// Removes the form of a Run: it was sent, or closed.
    pub fn remove(&self, run: RunId) {
        let mut entries = lock(&self.entries);
        entries.remove(run);
        entries.order.retain(|other| *other != run);
    }
}

impl<P: Send + Sync + 'static> OpenForms<P> {
    /// Rebuilds a form and inserts it, once for all concurrent callers.
    ///
    /// # Errors
    /// That of the rebuild, for each caller; `SymSDK:TOO_MANY_FORMS` if too many rebuilds are in progress.
    pub async fn rebuild_once(
        &self,
        run: RunId,
        rebuild: impl FnOnce() -> BoxFuture<'static, Result<OpenForm<P>>>,
    ) -> Result<Arc<OpenForm<P>>> {
        let forms = self.clone();
        let work = move || {
            let rebuild = rebuild();
            let work = async move {
                let form = Arc::new(rebuild.await?);
                forms.insert(form.clone());
                Ok(form)
            };
            Box::pin(work) as BoxFuture<'static, _>
        };
        let full = || {
            let message = "too many forms are being rebuilt";
            Error::new(ErrorKind::Unavailable, codes::TOO_MANY_FORMS, message)
        };
        self.rebuilds.run(run, work, full).await
    }
}
