//! Visibility in SQL is that of the permissions, for random Runs, people and queries.

use std::sync::Arc;

use jiff::ToSpan;
use proptest::prelude::*;
use proptest::strategy::Strategy;
use serde_json::json;
use sym_sdk::engine::*;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{PermissionLevel, PermissionScope, RequestPermission, Step};
use uuid::Uuid;

use super::{at, commit, in_directory, run_id, write};

fn people() -> [Arc<User>; 5] {
    let person = |name: &str, role| Arc::new(User::from_email(name).unwrap().with_role(role));
    [
        person("ana@example.com", UserRole::Member),
        person("ben@example.com", UserRole::Member),
        person("gus@example.com", UserRole::Guest),
        person("ada@example.com", UserRole::Admin),
        Arc::new(User::bot(UserId::from_bot_name("ci"), "ci")),
    ]
}

/// A random Run.
#[derive(Clone, Debug)]
struct Spec {
    by: usize,
    /// Whether it is a form that was not submitted.
    is_form: bool,
    through_bot: bool,
    permission: Option<RequestPermission>,
    status: usize,
    decided_by: Option<usize>,
    extension: Option<(bool, RequestPermission)>,
    second: i64,
    /// Whether access is held, and the second at which it ends.
    held: Option<Option<i64>>,
}

fn scope() -> impl Strategy<Value = PermissionScope> {
    prop_oneof![
        (0..3usize).prop_map(|level| PermissionLevel::ALL[level].into()),
        proptest::collection::btree_set(0..5usize, 1..3).prop_map(|users| {
            let ids: Vec<_> = users.into_iter().map(|user| people()[user].id()).collect();
            serde_json::from_value(json!(ids)).unwrap()
        }),
    ]
}

fn permission() -> impl Strategy<Value = RequestPermission> {
    (scope(), scope(), any::<bool>())
        .prop_map(|(view, decide, own)| RequestPermission::decided_by(decide).seen_by(view).allow_self_approval(own))
}

fn spec() -> impl Strategy<Value = Spec> {
    (
        (0..5usize, prop::bool::weighted(0.1), prop::bool::weighted(0.2), prop::option::weighted(0.8, permission())),
        (0..4usize, prop::option::of(0..5usize), prop::option::weighted(0.2, (any::<bool>(), permission())), 0..3i64),
        prop::option::of(prop::option::of(0..3i64)),
    )
        .prop_map(|((by, is_form, through_bot, permission), (status, decided_by, extension, second), held)| Spec {
            by,
            is_form,
            through_bot,
            permission,
            status,
            decided_by,
            extension,
            second,
            held,
        })
}

impl Spec {
    fn state(&self, number: u128) -> RunState {
        let flow = Flow::builder("prod".parse().unwrap(), "acme").build();
        let people = people();
        let channel = if self.through_bot { Channel::of_bot(&people[4]) } else { Channel::new(ChannelType::Slack) };
        let action = if self.is_form { Action::Prompt } else { Action::Request(Box::default()) };
        let mut actor = people[self.by].clone();
        if actor.role() == UserRole::Guest {
            // Guests make no requests.
            actor = people[0].clone();
        }
        let event = EventId::from_uuid(Uuid::from_u128(number));
        let body = InputBody::Submitted { event, actor, channel, action };
        let now = at(self.second);
        let input = Input::new(run_id(number), flow.srn().clone(), now, body);
        let mut state = step(&Rules { flow: &flow, hooks: Hooks::NONE }, None, &input).state.unwrap();
        let Some(permission) = self.permission.clone().filter(|_| !self.is_form) else { return state };
        let statuses = [RunStatus::Requested, RunStatus::Forwarded, RunStatus::Denied, RunStatus::Escalated];
        state.run = state.run.clone().with_status(statuses[self.status]);
        let event = state.active_event.take().unwrap().event;
        state.pending.clear();
        state.routing = Some(Routing::new(permission, vec![]));
        if let Some(decider) = self.decided_by.filter(|_| self.status > 1) {
            let mut decision = EventRecord::clone(&event);
            decision.actor = people[decider].clone();
            decision.name = Step::Approve;
            state.decision = Some(Arc::new(decision));
        }
        if let Some(until) = self.held {
            let target = AccessTarget::new("acme", "okta_group", "db".parse().unwrap());
            let mut json = serde_json::to_value(&state).unwrap();
            json["access"] = json!({ "held": {
                "target": target, "identity": "u1", "until": until.map(at), "duration": null, "entitlement": "e",
                "strategy": "okta", "account": null,
            } });
            state = serde_json::from_value(json).unwrap();
        }
        if let Some((is_open, permission)) = &self.extension {
            let mut json = serde_json::to_value(&state).unwrap();
            json["extension"] = json!({
                "id": Uuid::from_u128(number + 1_000),
                "status": if *is_open { "open" } else { "closed" },
                "requested_at": now,
                "duration": { "secs": 60, "nanos": 0 },
                "reason": null,
                "access_until": now + 1.hour(),
                "routing": Routing::new(permission.clone(), vec![]),
            });
            state = serde_json::from_value(json).unwrap();
        }
        state
    }
}

/// The rule, written down once more.
fn is_visible(state: &RunState, user: &User) -> bool {
    let extension = state.extension.as_ref().and_then(|extension| extension.routing.as_ref());
    let mut permissions = state.routing.iter().chain(extension).map(|routing| &routing.permission);
    let owner = state.run.requester().or(state.run.actor(Step::Prompt)).map(User::id).or(state.begun_by);
    let is_bot_of_it = state.run.source_channel().identifier() == Some("bot:ci") && user.username() == "ci";
    user.role() == UserRole::Admin
        || owner == Some(user.id())
        || is_bot_of_it
        || permissions.any(|permission| permission.webapp_view().admits(user) || permission.approve_deny().admits(user))
}

async fn all_pages(store: &impl Store, filter: &RunFilter, viewer: &Viewer, order: RunOrder) -> Vec<RunId> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let query = RunQuery::new(filter.clone(), Some(viewer.clone())).in_order(order).with_limit(3);
        let query = match cursor {
            Some(cursor) => query.after(cursor).unwrap(),
            None => query,
        };
        let page = store.find_runs(&query).await.unwrap();
        found.extend(page.runs.iter().map(|run| run.state.run.id()));
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

async fn compare(specs: &[(Spec, Spec)]) {
    let (sqlite, memory) = (in_directory().await, MemoryStore::new());
    for (number, (first, second)) in (1..).zip(specs) {
        for (version, spec) in [first, second].into_iter().enumerate() {
            let version = u64::try_from(version).unwrap();
            let mut commit = commit(run_id(number), version, &format!("{number}:{version}"));
            (commit.state, commit.audit) = (Some(Arc::new(spec.state(number))), vec![]);
            write(&*sqlite, commit.clone()).await;
            write(&memory, commit).await;
        }
    }
    let stored = memory.runs(RunFilter::default(), 100).await.unwrap();
    let filter = |change: &dyn Fn(&mut RunFilter)| {
        let mut filter = RunFilter::default();
        change(&mut filter);
        filter
    };
    let filters = [
        RunFilter::default(),
        filter(&|filter| filter.open = true),
        filter(&|filter| (filter.since, filter.status) = (Some(at(1)), Some(RunStatus::Requested))),
        filter(&|filter| (filter.requester, filter.source) = (Some(people()[0].id()), Some(ChannelType::Slack))),
        filter(&|filter| filter.requester_name = Some("BEN@example".to_owned())),
    ];
    for user in people() {
        let visible: Vec<_> =
            stored.iter().filter(|run| is_visible(&run.state, &user)).map(|run| run.state.run.id()).collect();
        let viewer = Viewer::new(user.clone());
        assert_eq!(
            all_pages(&*sqlite, &filters[0], &viewer, RunOrder::NewestFirst).await,
            visible,
            "what {} sees",
            user.username()
        );
        for relation in Relation::ALL {
            let viewer = viewer.clone().related(relation);
            let orders = [RunOrder::NewestFirst, RunOrder::OldestFirst, RunOrder::SoonestEndFirst];
            for (filter, order) in filters.iter().flat_map(|filter| orders.map(|order| (filter, order))) {
                let found = all_pages(&*sqlite, filter, &viewer, order).await;
                let expected = all_pages(&memory, filter, &viewer, order).await;
                assert_eq!(found, expected, "{relation} of {}, {order:?}: {filter:?}", user.username());
                assert!(found.iter().all(|run| visible.contains(run)), "{relation} of {}", user.username());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn people_find_what_they_may_see(specs in proptest::collection::vec((spec(), spec()), 1..14)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(compare(&specs));
    }
}
