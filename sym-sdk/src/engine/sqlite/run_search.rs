//! Searches of Runs: each is a walk along the indexes that hold what somebody may see, newest first.
//!
//! A person sees a Run for one of several reasons: they requested it, a level admits their role, or the permissions name them. Each reason
//! has an index in the order in which Runs were created. The query is the union of these walks, which SQLite merges and ends at the limit, so
//! that its cost follows from the length of the page and not from the number of Runs.
//!
//! A list in the order in which access ends is one walk along an index of all access there is, which has what the reasons depend on: there are
//! few Runs that hold access, compared with all.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::queries::RunRow;
use super::rows::{id, limit, nanoseconds};
use super::run_projection::{DECIDE, DECIDED, VIEW, bytes};
use crate::engine::{Relation, RunFilter, RunOrder, RunQuery, Viewer};
use crate::model::{User, UserRole, UserType};

/// The rank of a Run in the order in which access ends: that of `RunOrder`, as in the index `runs_by_end`.
const ENDS_RANK: &str = "(max(coalesce(access_until, 9223372036854775807), 0) - stuck * 9223372036854775807)";

/// A condition in SQL with its values.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Condition {
    fn new(sql: &str, values: impl IntoIterator<Item = Value>) -> Self {
        Self { sql: sql.to_owned(), values: values.into_iter().collect() }
    }

    fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        if !self.sql.is_empty() {
            self.sql.push_str(" AND ");
        }
        self.sql.push_str(sql);
        self.values.extend(values);
    }

    /// Adds that a Run, whose rank and id these are, comes after the one before the page.
    fn after(&mut self, query: &RunQuery, rank: &str, run: &str) {
        if let Some((after, after_id)) = query.position() {
            let position = [Value::from(after), Value::from(id(after_id).to_vec())];
            self.and(&format!("({rank}, {run}) {} (?, ?)", comparison(query.order())), position);
        }
    }

    /// Returns the condition of a filter on the table `runs`.
    pub(super) fn of_filter(filter: &RunFilter) -> Self {
        let mut all = Self::new("true", []);
        let text = |text: &str| Value::from(text.to_owned());
        if let Some(entitlement) = &filter.entitlement {
            // A Run that may hold access states which.
            let sql = if filter.may_hold_access { "entitlement = ?" } else { "entitlement IN (?, '')" };
            all.and(sql, [text(entitlement.as_str())]);
        }
        if let Some(level) = &filter.other_level_than {
            all.and("level IS NOT ?", [level.as_deref().map_or(Value::Null, text)]);
        }
        if filter.without_access {
            all.and("may_hold_access = 0", []);
        }
        if filter.may_hold_access {
            all.and("may_hold_access = 1", []);
        }
        if filter.stuck {
            all.and("stuck = 1", []);
        }
        if filter.active {
            all.and("at_rest = 0", []);
        }
        if filter.open {
            all.and("is_open = 1", []);
        }
        if let Some(after) = filter.changed_after {
            all.and("updated_at > ?", [Value::from(nanoseconds(after))]);
        }
        if let Some(flow) = &filter.flow {
            all.and("flow = ?", [text(flow)]);
        }
        if let Some(requester) = filter.requester {
            all.and("requester = ?", [Value::from(bytes(requester).to_vec())]);
        }
        if let Some(name) = &filter.requester_name {
            all.and("instr(requester_names, ?) > 0", [text(&name.to_lowercase())]);
        }
        if let Some(status) = filter.status {
            all.and("status = ?", [text(status.as_str())]);
        }
        if let Some(target) = &filter.target {
            all.and("target = ?", [text(target)]);
        }
        if let Some(source) = filter.source {
            all.and("source = ?", [text(source.as_str())]);
        }
        if let Some(since) = filter.since {
            all.and("runs.created_at >= ?", [Value::from(nanoseconds(since))]);
        }
        if let Some(until) = filter.until {
            all.and("runs.created_at < ?", [Value::from(nanoseconds(until))]);
        }
        all
    }
}

/// A walk along one index.
enum Walk {
    /// Of Runs with this condition.
    Runs(Condition),
    /// Of the Runs that one user began in one way, which this index has. There are few of them, whereas an index for the filter may have many.
    Begun { index: &'static str, condition: Condition },
    /// Of Runs with a row for this user that has this flag, with this condition.
    Named { user: Value, flag: i64, condition: Condition },
}

pub(super) fn find(db: &Connection, query: &RunQuery) -> rusqlite::Result<Vec<RunRow>> {
    let Condition { sql, values } = statement(query);
    db.prepare_cached(&sql)?.query_map(params_from_iter(values), |row| row.try_into())?.collect()
}

/// Counts the Runs of a page. None of them is read.
pub(super) fn count(db: &Connection, query: &RunQuery) -> rusqlite::Result<usize> {
    let Condition { mut sql, values } = positions(query, query.limit());
    sql = format!("SELECT count(*) FROM ({sql})");
    let count: i64 = db.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
    usize::try_from(count).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, count))
}

/// Returns the statement for a page, and one Run more if there is a next page.
fn statement(query: &RunQuery) -> Condition {
    let mut page = positions(query, query.limit().saturating_add(1));
    let direction = direction(query.order());
    page.sql = format!(
        "SELECT runs.id, runs.version, runs.state, runs.packed FROM ({}) AS page CROSS JOIN runs ON runs.id = page.id
         ORDER BY page.rank {direction}, page.id {direction}",
        page.sql
    );
    page
}

fn direction(order: RunOrder) -> &'static str {
    match order {
        RunOrder::NewestFirst => "DESC",
        RunOrder::OldestFirst | RunOrder::SoonestEndFirst => "ASC",
    }
}

/// Returns the comparison of a Run with the one before the page.
fn comparison(order: RunOrder) -> &'static str {
    match order {
        RunOrder::NewestFirst => "<",
        RunOrder::OldestFirst | RunOrder::SoonestEndFirst => ">",
    }
}

/// Returns the statement for the places of at most this many Runs in the list.
fn positions(query: &RunQuery, most: usize) -> Condition {
    let mut page = match query.order() {
        RunOrder::NewestFirst | RunOrder::OldestFirst => positions_by_creation(query),
        RunOrder::SoonestEndFirst => positions_by_end(query),
    };
    let direction = direction(query.order());
    page.sql.push_str(&format!(" ORDER BY rank {direction}, id {direction} LIMIT ?"));
    page.values.push(Value::from(limit(most)));
    page
}

fn positions_by_creation(query: &RunQuery) -> Condition {
    let filter = Condition::of_filter(query.filter());
    let mut page = Condition::default();
    for walk in walks(query.seen_by()) {
        if !page.sql.is_empty() {
            page.sql.push_str(" UNION ");
        }
        let (created_at, run) = match walk {
            Walk::Runs(condition) => {
                page.sql.push_str("SELECT runs.created_at AS rank, runs.id AS id FROM runs WHERE ");
                page.sql.push_str(&condition.sql);
                page.values.extend(condition.values);
                ("runs.created_at", "runs.id")
            }
            Walk::Begun { index, condition } => {
                page.sql.push_str("SELECT runs.created_at AS rank, runs.id AS id FROM runs INDEXED BY ");
                page.sql.push_str(index);
                page.sql.push_str(" WHERE ");
                page.sql.push_str(&condition.sql);
                page.values.extend(condition.values);
                ("runs.created_at", "runs.id")
            }
            Walk::Named { user, flag, condition } => {
                page.sql.push_str(
                    "SELECT named.created_at AS rank, named.run AS id
                     FROM run_permissions AS named CROSS JOIN runs ON runs.id = named.run
                     WHERE named.user = ? AND named.flags & ? AND ",
                );
                page.sql.push_str(&condition.sql);
                page.values.extend([user, Value::from(flag)].into_iter().chain(condition.values));
                ("named.created_at", "named.run")
            }
        };
        page.and(&filter.sql, filter.values.iter().cloned());
        page.after(query, created_at, run);
    }
    page
}

fn positions_by_end(query: &RunQuery) -> Condition {
    let sql = format!(
        "SELECT {ENDS_RANK} AS rank, runs.id AS id FROM runs INDEXED BY runs_by_end WHERE may_hold_access = 1 AND ("
    );
    let mut page = Condition::new(&sql, []);
    for (number, walk) in walks(query.seen_by()).into_iter().enumerate() {
        if number > 0 {
            page.sql.push_str(" OR ");
        }
        match walk {
            Walk::Runs(condition) | Walk::Begun { condition, .. } => {
                page.sql.push_str(&format!("({})", condition.sql));
                page.values.extend(condition.values);
            }
            Walk::Named { user, flag, condition } => {
                page.sql.push_str(&format!(
                    "EXISTS (SELECT 1 FROM run_permissions AS named WHERE named.user = ? AND named.created_at = runs.created_at
                        AND named.run = runs.id AND named.flags & ? AND {})",
                    condition.sql
                ));
                page.values.extend([user, Value::from(flag)].into_iter().chain(condition.values));
            }
        }
    }
    page.sql.push(')');
    let filter = Condition::of_filter(query.filter());
    page.and(&filter.sql, filter.values);
    page.after(query, ENDS_RANK, "runs.id");
    page
}

fn walks(viewer: Option<&Viewer>) -> Vec<Walk> {
    let everything = || Walk::Runs(Condition::new("true", []));
    let Some(viewer) = viewer else { return vec![everything()] };
    let user = viewer.user();
    let me = || Value::from(bytes(user.id()).to_vec());
    let mine = || {
        let begun = |index, sql| Walk::Begun { index, condition: Condition::new(sql, [me()]) };
        [begun("runs_of_requester", "requester = ?"), begun("runs_of_opener", "opener = ?")]
    };
    let named = |flag, condition| Walk::Named { user: me(), flag, condition };
    match viewer.relation() {
        Relation::Visible if user.is_admin() => vec![everything()],
        Relation::Visible => {
            let mut walks = Vec::from(mine());
            if let Some(bot) = bot(user) {
                walks.push(Walk::Begun { index: "runs_of_bot", condition: Condition::new("bot = ?", [bot]) });
            }
            walks.extend(
                levels(user).iter().map(|level| Walk::Runs(Condition::new(&format!("view_level = {level}"), []))),
            );
            walks.push(named(VIEW, Condition::new("true", [])));
            walks
        }
        Relation::Mine => mine().into(),
        Relation::CanDecide => {
            let open = || {
                let sql = "is_open = 1 AND decide_level IS NOT NULL AND (requester IS NOT ? OR self_approval = 1)";
                let mut open = Condition::new(sql, [me()]);
                if let Some(bot) = bot(user) {
                    open.and("(bot IS NOT ? OR self_approval = 1)", [bot]);
                }
                open
            };
            if user.is_admin() {
                return vec![Walk::Runs(open())];
            }
            let mut walks = vec![named(DECIDE, open())];
            if let Some(lowest) = levels(user).iter().min() {
                let mut by_level = open();
                by_level.and(&format!("decide_level >= {lowest}"), []);
                walks.push(Walk::Runs(by_level));
            }
            walks
        }
        Relation::Decided if user.is_admin() => vec![named(DECIDED, Condition::new("true", []))],
        Relation::Decided => {
            let mut visible = Condition::new("(named.flags & ?", [Value::from(VIEW)]);
            visible.sql.push_str(" OR requester = ? OR opener = ?");
            visible.values.extend([me(), me()]);
            if let Some(bot) = bot(user) {
                visible.sql.push_str(" OR bot = ?");
                visible.values.push(bot);
            }
            if let Some(lowest) = levels(user).iter().min() {
                visible.sql.push_str(&format!(" OR view_level >= {lowest}"));
            }
            visible.sql.push(')');
            vec![named(DECIDED, visible)]
        }
    }
}

/// Returns the stored levels that admit the user's role.
fn levels(user: &User) -> &'static [i64] {
    match user.role() {
        UserRole::Admin | UserRole::Member => &[2, 3],
        UserRole::Guest => &[3],
    }
}

/// Returns the name under which a bot begins Runs for others.
fn bot(user: &User) -> Option<Value> {
    (user.user_type() == UserType::Bot).then(|| Value::from(user.username().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::super::lock::FileLock;
    use super::super::schema;
    use super::*;
    use crate::model::{ChannelType, RunStatus, UserId};

    /// Returns the plan of a query, without the numbers of its nodes.
    fn plan(db: &Connection, query: &RunQuery) -> Vec<String> {
        let Condition { sql, values } = statement(query);
        let mut explained = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let lines = explained.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        lines.map(Result::unwrap).collect()
    }

    /// The cost of a page does not grow with the number of Runs: no table is scanned, and nothing but the page itself is sorted.
    #[test]
    fn lists_are_walks_along_indexes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("runs.db");
        let _lock = FileLock::take(&path).unwrap();
        let db = schema::open_to_write(&path, None).unwrap();
        let user = |role, name: &str| {
            let user = User::from_email(name).unwrap().with_role(role);
            Viewer::new(Arc::new(user))
        };
        let member = || user(UserRole::Member, "ana@example.com");
        let guest = || user(UserRole::Guest, "gus@example.com");
        let bot = Viewer::new(Arc::new(User::bot(UserId::from_email("ci@example.com"), "ci")));
        let admin = || user(UserRole::Admin, "ada@example.com");
        let mut viewers = vec![None, Some(bot)];
        for relation in Relation::ALL {
            viewers.extend([member(), guest(), admin()].map(|viewer| Some(viewer.related(relation))));
        }
        let filters = [
            RunFilter::default(),
            RunFilter { flow: Some("prod".into()), ..RunFilter::default() },
            RunFilter { status: Some(RunStatus::Denied), ..RunFilter::default() },
            RunFilter { requester: Some(UserId::from_email("ana@example.com")), ..RunFilter::default() },
            RunFilter { target: Some("db".into()), ..RunFilter::default() },
            RunFilter { requester_name: Some("ana".into()), ..RunFilter::default() },
            RunFilter { source: Some(ChannelType::Slack), ..RunFilter::default() },
            RunFilter { flow: Some("prod".into()), target: Some("db".into()), ..RunFilter::default() },
            RunFilter { open: true, ..RunFilter::default() },
            RunFilter { stuck: true, may_hold_access: true, ..RunFilter::default() },
            RunFilter { since: Some(Timestamp::UNIX_EPOCH), until: Some(Timestamp::MAX), ..RunFilter::default() },
        ];
        let orders = [RunOrder::NewestFirst, RunOrder::OldestFirst, RunOrder::SoonestEndFirst];
        for (viewer, order) in viewers.iter().flat_map(|viewer| orders.map(|order| (viewer, order))) {
            for filter in &filters {
                let query = RunQuery::new(filter.clone(), viewer.clone()).in_order(order);
                let plan = plan(&db, &query);
                let is_scan =
                    |line: &&String| line.starts_with("SCAN") && !line.contains("USING") && **line != "SCAN page";
                assert_eq!(plan.iter().find(is_scan), None, "{filter:?} {viewer:?} {order:?}: {plan:#?}");
                let sorts = plan.iter().filter(|line| line.contains("TEMP B-TREE")).count();
                // Of the page, after it was found.
                assert!(sorts <= 1, "{filter:?} {viewer:?} {order:?}: {plan:#?}");
                let own =
                    plan.iter().filter(|line| line.contains("(requester=?") || line.contains("(opener=?")).count();
                let is_mine = viewer.as_ref().is_some_and(|viewer| viewer.relation() == Relation::Mine);
                if is_mine && order != RunOrder::SoonestEndFirst {
                    assert_eq!(own, 2, "{filter:?} {viewer:?} {order:?}: {plan:#?}");
                }
            }
        }
        schema::close(db).unwrap();
    }
}
