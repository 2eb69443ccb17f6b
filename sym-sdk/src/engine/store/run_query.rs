//! Queries of Runs: a filter, the person for whom the Runs are listed, and pages with cursors.
//!
//! What somebody may see is decided here and not by who asks: a query for a [`Viewer`] finds what [`RunState::is_visible_to`] admits and
//! nothing else. A store may keep a projection of that, which `testing::check_store` compares with the rule.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{RunFilter, StoredRun};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::RunState;
use crate::model::{RunId, User};

/// The number of Runs on a page, unless one is set.
const DEFAULT_LIMIT: usize = 50;

/// The person for whom Runs are listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Viewer {
    user: Arc<User>,
    relation: Relation,
}

impl Viewer {
    /// Creates a viewer who sees all Runs that they may see.
    pub fn new(user: Arc<User>) -> Self {
        Self { user, relation: Relation::Visible }
    }

    /// Restricts the Runs to those in this relation to the viewer.
    #[must_use]
    pub fn related(mut self, relation: Relation) -> Self {
        self.relation = relation;
        self
    }

    /// Returns the user.
    pub fn user(&self) -> &Arc<User> {
        &self.user
    }

    /// Returns the relation.
    pub fn relation(&self) -> Relation {
        self.relation
    }

    /// Returns whether a Run may be seen, and is in the relation.
    pub fn admits(&self, state: &RunState) -> bool {
        state.is_visible_to(&self.user) && self.relation.holds(state, &self.user)
    }
}

impl From<Arc<User>> for Viewer {
    fn from(user: Arc<User>) -> Self {
        Self::new(user)
    }
}

/// The relation of a Run to its viewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Relation {
    /// The viewer may see it.
    #[default]
    Visible,
    /// The viewer has requested it, or opened its form.
    Mine,
    /// It waits for a decision, and the permissions admit the viewer to it. The viewer's own requests, and those that a bot has made for
    /// others, are among them only if they may approve them, and so are those that they have approved already and that need more approvals.
    CanDecide,
    /// The viewer has approved or denied it, or an extension of it.
    Decided,
}

impl Relation {
    /// All relations.
    pub const ALL: [Self; 4] = [Self::Visible, Self::Mine, Self::CanDecide, Self::Decided];

    /// Returns the name, as in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Mine => "mine",
            Self::CanDecide => "can_decide",
            Self::Decided => "decided",
        }
    }

    fn holds(self, state: &RunState, user: &User) -> bool {
        match self {
            Self::Visible => true,
            Self::Mine => state.requester_id().or(state.opener_id()) == Some(user.id()),
            Self::CanDecide => state.open_permission().is_some_and(|permission| {
                let is_own = state.requester_id() == Some(user.id()) || state.is_begun_by_bot(user);
                permission.approve_deny().admits(user) && (!is_own || permission.self_approval_allowed())
            }),
            Self::Decided => state.deciders().any(|decider| decider == user.id()),
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Relation {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|relation| relation.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str);
            let error = Error::invalid(codes::INVALID_EVENT, format!("`{name}` is not a relation to a Run"));
            error.with_hint(crate::suggest::hint(name, "relations", names))
        })
    }
}

/// The order of a list of Runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunOrder {
    /// The newest first.
    #[default]
    NewestFirst,
    /// The oldest first: of those that wait for a decision, the longest wait.
    OldestFirst,
    /// Access that has not ended when it was to comes first, then what ends next, and what has no end comes last.
    SoonestEndFirst,
}

impl RunOrder {
    /// Returns the number by which Runs are ordered, which stores keep: the time at which a Run was created, in nanoseconds since 1970, or
    /// [`ends_rank`].
    fn rank(self, state: &RunState) -> i64 {
        match self {
            Self::NewestFirst | Self::OldestFirst => nanoseconds(state.created_at),
            Self::SoonestEndFirst => ends_rank(state),
        }
    }

    /// Returns whether a position comes after another one.
    fn is_after(self, position: Position, other: Position) -> bool {
        match self {
            Self::NewestFirst => position < other,
            Self::OldestFirst | Self::SoonestEndFirst => position > other,
        }
    }
}

/// Returns the rank of the end of access: the nanoseconds since 1970, of access that has not ended when it was to less `i64::MAX`, so that it is
/// before all others.
fn ends_rank(state: &RunState) -> i64 {
    let until = state.access_until().map_or(i64::MAX, nanoseconds).max(0);
    if state.is_stuck() { until - i64::MAX } else { until }
}

/// A query of Runs, newest first unless it has another order.
///
/// ```
/// use std::sync::Arc;
/// use sym_sdk::engine::{MemoryStore, Relation, RunFilter, RunQuery, Store, Viewer};
/// use sym_sdk::model::User;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ben = Arc::new(User::from_email("ben@example.com")?);
/// let inbox = Viewer::new(ben).related(Relation::CanDecide);
/// let query = RunQuery::new(RunFilter::default(), Some(inbox)).with_limit(20);
/// let page = MemoryStore::new().find_runs(&query).await?;
/// assert!(page.runs.is_empty() && page.next.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RunQuery {
    filter: RunFilter,
    seen_by: Option<Viewer>,
    limit: usize,
    order: RunOrder,
    after: Option<RunCursor>,
}

impl RunQuery {
    /// Creates a query. Without a viewer it finds all Runs, which is for administrators.
    pub fn new(filter: RunFilter, seen_by: Option<Viewer>) -> Self {
        Self { filter, seen_by, limit: DEFAULT_LIMIT, order: RunOrder::default(), after: None }
    }

    /// Sets the order. [`RunOrder::SoonestEndFirst`] restricts the Runs to those that hold access, or may. Default: the newest first.
    #[must_use]
    pub fn in_order(mut self, order: RunOrder) -> Self {
        self.order = order;
        self.filter.may_hold_access |= order == RunOrder::SoonestEndFirst;
        self
    }

    /// Sets the maximum number of Runs on a page, at least one. Default: 50.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// Continues after a page of the same query.
    ///
    /// # Errors
    /// If the cursor is that of another query, or was edited.
    pub fn after(mut self, cursor: RunCursor) -> Result<Self> {
        if cursor.tag != cursor.position.tag(self.digest()) {
            let message = "the cursor is not one of this list";
            let error = Error::invalid(codes::INVALID_CURSOR, message);
            return Err(error.with_hint("use it with the filters that it was returned for, or begin without a cursor"));
        }
        self.after = Some(cursor);
        Ok(self)
    }

    /// Returns the filter.
    pub fn filter(&self) -> &RunFilter {
        &self.filter
    }

    /// Returns the person for whom the Runs are listed.
    pub fn seen_by(&self) -> Option<&Viewer> {
        self.seen_by.as_ref()
    }

    /// Returns the maximum number of Runs on a page.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Returns the order.
    pub fn order(&self) -> RunOrder {
        self.order
    }

    /// Returns the place after which the page begins: a number by which Runs are ordered, and the id of a Run, by which those with the same
    /// number are. The number is the time at which the Run was created, in nanoseconds since 1970; if what ends soonest comes first, it
    /// is the time of the end, less `i64::MAX` if the access has not ended when it was to.
    pub fn position(&self) -> Option<(i64, RunId)> {
        self.after.map(|cursor| (cursor.position.rank, cursor.position.id))
    }

    /// Returns whether a Run passes the filter and may be seen, whatever page it is on.
    pub fn matches(&self, state: &RunState) -> bool {
        self.filter.matches(state) && self.seen_by.as_ref().is_none_or(|viewer| viewer.admits(state))
    }

    /// Returns the page that begins with these Runs: those that match, in the order of the query. There is a next page if they are more
    /// than the limit.
    pub fn page(&self, mut runs: Vec<StoredRun>) -> RunPage {
        let has_more = runs.len() > self.limit;
        runs.truncate(self.limit);
        let next = runs.last().filter(|_| has_more).map(|last| {
            let position = Position::of(&last.state, self.order);
            RunCursor { position, tag: position.tag(self.digest()) }
        });
        RunPage { runs, next }
    }

    /// Returns the page, given all Runs of a store, newest first.
    pub(crate) fn page_of_all(&self, all: impl IntoIterator<Item = StoredRun>) -> RunPage {
        let after = self.after.map(|cursor| cursor.position);
        let position = |run: &StoredRun| Position::of(&run.state, self.order);
        let is_later = |run: &StoredRun| after.is_none_or(|after| self.order.is_after(position(run), after));
        let runs = all.into_iter().filter(|run| is_later(run) && self.matches(&run.state));
        if self.order == RunOrder::NewestFirst {
            return self.page(runs.take(self.limit.saturating_add(1)).collect());
        }
        let mut runs: Vec<_> = runs.collect();
        runs.sort_by_key(position);
        self.page(runs)
    }

    /// Returns a digest of what the query finds.
    fn digest(&self) -> [u8; 32] {
        let viewer = self.seen_by.as_ref().map(|viewer| (viewer.user.id(), viewer.relation));
        Sha256::digest(format!("{:?} {viewer:?} {:?}", self.filter, self.order)).into()
    }
}

/// A page of Runs, in the order of the query.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunPage {
    /// The Runs.
    pub runs: Vec<StoredRun>,
    /// The cursor of the next page. `None` on the last page.
    pub next: Option<RunCursor>,
}

/// The place of a Run in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    rank: i64,
    id: RunId,
}

impl Position {
    fn of(state: &RunState, order: RunOrder) -> Self {
        Self { rank: order.rank(state), id: state.run.id() }
    }

    fn tag(self, query: [u8; 32]) -> [u8; TAG_BYTES] {
        let mut sha = Sha256::new();
        sha.update(query);
        sha.update(self.rank.to_be_bytes());
        sha.update(self.id.as_uuid().as_bytes());
        let digest: [u8; 32] = sha.finalize().into();
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&digest[..TAG_BYTES]);
        tag
    }
}

/// Returns the nanoseconds since 1970, within the range of the type.
fn nanoseconds(at: Timestamp) -> i64 {
    let saturated = if at < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX };
    i64::try_from(at.as_nanosecond()).unwrap_or(saturated)
}

const TAG_BYTES: usize = 8;
const CURSOR_BYTES: usize = 8 + 16 + TAG_BYTES;

/// A cursor: the place in a list of Runs after which the next page begins.
///
/// It is text without a meaning to others, and belongs to one query: one of another query, or one that was edited, is refused. Runs that
/// are created meanwhile do not move it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunCursor {
    position: Position,
    tag: [u8; TAG_BYTES],
}

impl fmt::Display for RunCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, tag } = self;
        write!(f, "{:016x}{}", position.rank, position.id.as_uuid().simple())?;
        tag.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for RunCursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text).ok_or_else(|| {
            let error = Error::new(ErrorKind::InvalidInput, codes::INVALID_CURSOR, "this is not the cursor of a list");
            error.with_hint("use the `next` of the page before, or begin without a cursor")
        })
    }
}

fn parse(text: &str) -> Option<RunCursor> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?);
    if text.len() != CURSOR_BYTES * 2 {
        return None;
    }
    let bytes: Vec<u8> = text.as_bytes().chunks(2).map(byte).collect::<Option<_>>()?;
    let (rank, rest) = bytes.split_first_chunk()?;
    let (id, rest) = rest.split_first_chunk()?;
    let position = Position { rank: i64::from_be_bytes(*rank), id: RunId::from_uuid(Uuid::from_bytes(*id)) };
    Some(RunCursor { position, tag: rest.try_into().ok()? })
}
