//! Options of a field while somebody types, for front ends that keep no form.
//!
//! Every keystroke is a request, so the options are prefetched once for a caller and a minute, and once for all requests of the caller
//! that wait for them. Within that minute, an answer may be of before a change of roles, of the flows filter or of the options; a request
//! is checked against what is offered when it is made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use super::Runtime;
use super::forms::prompt_event;
use super::single_flight::SingleFlight;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::{FieldOption, Menu};
use crate::future::BoxFuture;
use crate::model::{User, UserId};
use crate::sync::lock;

/// The time for which options are not fetched again.
const MENU_TTL: Duration = Duration::from_secs(60);

/// The maximum number of menus in the cache. They are all dropped when there are more.
const MENUS_CAPACITY: usize = 2_000;

/// The maximum number of options in all menus together. A thousand options take about 200 KB.
const MAX_OPTIONS: usize = 200_000;

/// The maximum number of concurrent fetches, since each calls a handler.
const MAX_CONCURRENT_FETCHES: usize = 100;

/// A caller, a flow and a field.
type Key = (UserId, String, String);

/// The options that were fetched in the last minute. Clones refer to the same options.
#[derive(Clone, Debug)]
pub(super) struct MenuCache {
    entries: Arc<Mutex<Entries>>,
    fetches: SingleFlight<Key, Arc<Menu>>,
}

#[derive(Debug, Default)]
struct Entries {
    menus: HashMap<Key, (Timestamp, Arc<Menu>)>,
    /// The number of options in all menus.
    options: usize,
}

impl Default for MenuCache {
    fn default() -> Self {
        Self { entries: Arc::default(), fetches: SingleFlight::new(MAX_CONCURRENT_FETCHES) }
    }
}

impl MenuCache {
    fn get(&self, key: &Key, now: Timestamp) -> Option<Arc<Menu>> {
        let entries = lock(&self.entries);
        let (fetched_at, menu) = entries.menus.get(key)?;
        is_current(*fetched_at, now).then(|| menu.clone())
    }

    fn insert(&self, key: Key, menu: Arc<Menu>, now: Timestamp) {
        let mut entries = lock(&self.entries);
        let Entries { menus, options } = &mut *entries;
        let fits = |menus: &HashMap<_, _>, options: usize| {
            menus.len() < MENUS_CAPACITY && options.saturating_add(menu.len()) <= MAX_OPTIONS
        };
        if !fits(menus, *options) {
            menus.retain(|_, (fetched_at, _)| is_current(*fetched_at, now));
            *options = menus.values().map(|(_, menu)| menu.len()).sum();
            if !fits(menus, *options) {
                menus.clear();
                *options = 0;
            }
        }
        *options = options.saturating_add(menu.len());
        if let Some((_, former)) = menus.insert(key, (now, menu)) {
            *options = options.saturating_sub(former.len());
        }
    }
}

/// After the clock went back, the age is unknown.
fn is_current(fetched_at: Timestamp, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(fetched_at)).is_ok_and(|age| age < MENU_TTL)
}

impl Runtime {
    /// Returns at most `most` options of a field that match what a user has typed, ranked as by [`Menu::suggest`]. The options are those
    /// with which the form opens: targets, durations, allowed values, and what prefetch reducers return, which are called once for
    /// a user and a minute.
    ///
    /// A front end that keeps forms searches the options in the form instead, which `on_change` handlers may have changed.
    ///
    /// ```
    /// # async fn search(
    /// #     runtime: &sym_sdk::runtime::Runtime,
    /// #     user: &std::sync::Arc<sym_sdk::model::User>,
    /// # ) -> sym_sdk::Result<()> {
    /// for option in runtime.field_options("prod", "database", user, "eu", 20).await? {
    ///     println!("{}: {}", option.value(), option.label());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there is no such flow or field, the user may not request the flow, or the prefetch reducer fails: then the error has the kind
    /// [`ErrorKind::Handler`] and names the reducer. `SymSDK:TOO_MANY_FORMS` if too many options are being fetched.
    pub async fn field_options(
        &self,
        flow: &str,
        field: &str,
        user: &Arc<User>,
        typed: &str,
        most: usize,
    ) -> Result<Vec<FieldOption>> {
        let entry = self.executor.flows.accepting(flow)?;
        let key = (user.id(), entry.flow.name().to_string(), field.to_owned());
        let menu = match self.menus.get(&key, self.clock().now()) {
            Some(menu) => menu,
            None => {
                let (runtime, user, work_key) = (self.clone(), user.clone(), key.clone());
                let fetch = move || {
                    let work = async move { runtime.fetch_menu(work_key, &user).await };
                    Box::pin(work) as BoxFuture<'static, _>
                };
                let full = || {
                    let message = "too many options are being fetched";
                    Error::new(ErrorKind::Unavailable, codes::TOO_MANY_FORMS, message)
                };
                self.menus.fetches.run(key, fetch, full).await?
            }
        };
        Ok(menu.suggest(typed, most).into_iter().cloned().collect())
    }

    async fn fetch_menu(&self, key: Key, user: &Arc<User>) -> Result<Arc<Menu>> {
        let (_, flow, field) = &key;
        let entry = self.requestable(flow, user).await?;
        let event = prompt_event(&self.executor, entry, user);
        let options = super::forms::options_of(&self.executor, entry, event, field).await?;
        let menu = Arc::new(Menu::new(options));
        self.menus.insert(key, menu.clone(), self.clock().now());
        Ok(menu)
    }
}
