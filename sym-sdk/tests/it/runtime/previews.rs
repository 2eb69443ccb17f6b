//! Previews: who would decide a request, and who would be notified.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::poll;
use sym_sdk::audit::AuditKind;
use sym_sdk::config;
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::forms::FieldOption;
use sym_sdk::model::{Channel, ChannelType, Source, UserId};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{FlowRequest, Limits, Preview, Submission};
use sym_sdk::testing::{Harness, HarnessBuilder};

use super::{get_permissions, get_request_notifications};

static HOOK_CALLS: AtomicUsize = AtomicUsize::new(0);

/// Names Ben, Ana and somebody who has left; the number of approvals depends on the reason.
mod named {
    use super::*;

    #[reducer]
    pub(super) async fn get_permissions(event: &Event, directory: &Directory) -> Result<RequestPermission> {
        match event.reason().unwrap_or_default() {
            "fail" => return Err(Error::handler("PagerDuty does not answer")),
            "panic" => panic!("no schedule"),
            "hang" => std::future::pending::<()>().await,
            _ => {}
        }
        let mut users = vec![gone()];
        for email in ["ben@example.com", "ana@example.com", "lea@example.com"] {
            users.extend(directory.user_by_email(email).await?.map(|user| user.id()));
        }
        let permission = RequestPermission::decided_by(user_ids(users).or(PermissionLevel::Admin));
        Ok(permission.approvals(2))
    }

    #[reducer]
    pub(super) fn get_request_notifications() -> Result<Vec<Notification>> {
        let first = Notification::to(SlackChannelName::new("#requests")?).timeout(Duration::from_secs(600));
        Ok(vec![first, Notification::to(SlackUser::new("U123")?)])
    }

    #[hook]
    pub(super) fn on_request() -> Option<NextEvent> {
        HOOK_CALLS.fetch_add(1, Ordering::Relaxed);
        Some(ApprovalTemplate::approve())
    }
}

/// The id of somebody who has left.
fn gone() -> UserId {
    "00000000-0000-4000-8000-000000000007".parse().unwrap()
}

#[prefetch(field = "database")]
fn databases() -> Result<Vec<FieldOption>> {
    Ok(vec![FieldOption::try_from("eu")?, FieldOption::try_from("us")?])
}

fn builder() -> HarnessBuilder {
    let field = |name: &str, prefetch: bool| config::PromptField {
        name: name.into(),
        field_type: "string".into(),
        required: !prefetch,
        prefetch,
        ..config::PromptField::default()
    };
    let builder = Harness::builder().access_flow("prod", ["admins", "readers"]).declare(|config| {
        config.flows[0].params.prompt_fields = vec![field("reason", false), field("database", true)];
    });
    builder.admin("ada@example.com").guest("gus@example.com")
}

async fn named() -> Harness {
    let handlers =
        sym_sdk::handlers![named::get_permissions, named::get_request_notifications, named::on_request, databases];
    let harness = builder().handlers(handlers).build().await.unwrap();
    for email in ["ana@example.com", "ben@example.com"] {
        harness.runtime().directory().contact(email).await.unwrap();
    }
    harness.runtime().directory().contact("lea@example.com").await.unwrap();
    harness.runtime().lock_user("lea@example.com", "ada@example.com", "lost her laptop").await.unwrap();
    harness
}

fn request() -> FlowRequest {
    Submission::request("prod", "ana@example.com")
        .input("target_id", "readers")
        .input("duration", "1h")
        .input("reason", "INC-42")
}

fn names<'a>(users: impl IntoIterator<Item = &'a std::sync::Arc<User>>) -> Vec<&'a str> {
    users.into_iter().map(|user| user.username()).collect()
}

/// Nothing of a preview is stored.
async fn check_nothing_stored(harness: &Harness) {
    assert!(harness.runtime().runs(Default::default(), 10).await.unwrap().is_empty());
    let entries = harness.runtime().audit(None, 10).await.unwrap();
    assert!(entries.iter().all(|entry| matches!(entry.kind, AuditKind::UserAction { .. })), "{entries:?}");
    assert!(harness.delivery().delivered().is_empty());
}

#[tokio::test]
async fn a_preview_tells_who_would_decide_and_who_would_be_notified() {
    let harness = named().await;
    let before = HOOK_CALLS.load(Ordering::Relaxed);
    let preview = harness.runtime().preview(request()).await.unwrap();
    assert!(preview.is_valid());
    assert_eq!(preview.target.as_ref().unwrap().name(), "readers");
    assert_eq!(preview.duration, Some(super::HOUR));

    let deciders = preview.deciders.as_ref().unwrap();
    assert_eq!(deciders.reducer.as_ref().unwrap().name(), "get_permissions");
    assert_eq!((deciders.level, deciders.permission.required_approvals()), (None, 2));
    assert_eq!((names(&deciders.users), names(&deciders.admins)), (vec!["ben@example.com"], vec!["ada@example.com"]));
    assert_eq!(deciders.unknown, [gone()]);
    let barred = deciders.barred.iter().map(|(user, error)| (user.username(), error.code.clone()));
    let expected = [("ana@example.com", codes::SELF_APPROVAL), ("lea@example.com", codes::USER_LOCKED)];
    assert_eq!(barred.collect::<Vec<_>>(), expected);
    assert!(!deciders.includes_requester);
    assert_eq!(deciders.possible_approvers, Some(2));

    assert_eq!(preview.notified_by.as_ref().unwrap().name(), "get_request_notifications");
    let told = preview.notifications.iter().map(|notification| {
        let [destination] = notification.destinations.as_slice() else { panic!("{notification:?}") };
        (destination.destination.label(), destination.front_end.is_some(), notification.timeout)
    });
    let expected = [("#requests".to_owned(), true, Some(10 * super::MINUTE)), ("@U123".to_owned(), true, None)];
    assert_eq!(told.collect::<Vec<_>>(), expected);

    // A hook could decide before all of them. It is named, and not called.
    assert_eq!(preview.hook.as_ref().unwrap().name(), "on_request");
    assert_eq!(HOOK_CALLS.load(Ordering::Relaxed), before);
    check_nothing_stored(&harness).await;
}

#[tokio::test]
async fn a_level_is_told_instead_of_all_its_users() {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, databases];
    let mut harness = builder().handlers(handlers).build().await.unwrap();
    harness.runtime().directory().contact("ana@example.com").await.unwrap();
    let preview = harness.runtime().preview(request()).await.unwrap();
    let deciders = preview.deciders.unwrap();
    assert_eq!((deciders.level, names(&deciders.users)), (Some(PermissionLevel::Member), vec![]));
    assert_eq!(names(&deciders.admins), ["ada@example.com"]);
    assert!(preview.hook.is_none() && preview.earlier_request.is_none());

    // What was requested before is told.
    let run = harness.runtime().submit(request()).await.unwrap().run;
    // Of requests within a millisecond, none is the earlier one.
    harness.advance(Duration::from_secs(1)).await.unwrap();
    let preview = harness.runtime().preview(request()).await.unwrap();
    let earlier = preview.earlier_request.unwrap();
    assert_eq!((earlier.run, earlier.gives_access), (run, false));
}

/// The reducer of a flow that only administrators decide.
mod for_administrators {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::decided_by(PermissionLevel::Admin).seen_by(PermissionLevel::Member)
    }
}

#[tokio::test]
async fn without_other_administrators_nobody_could_approve_and_without_notifications_nobody_is_told() {
    let handlers = sym_sdk::handlers![for_administrators::get_permissions, databases];
    let harness = builder().handlers(handlers).build().await.unwrap();
    let ada = Submission::request("prod", "ada@example.com").input("target_id", "admins").input("duration", "1h");
    let preview = harness.runtime().preview(ada.input("reason", "INC-42")).await.unwrap();
    let deciders = preview.deciders.unwrap();
    assert_eq!(deciders.level, Some(PermissionLevel::Admin));
    assert_eq!((names(&deciders.admins), deciders.includes_requester), (vec![], false));
    assert_eq!(deciders.barred[0].1.code, codes::SELF_APPROVAL);
    assert_eq!(deciders.possible_approvers, Some(0), "nobody could approve");
    assert!(preview.notifications.is_empty() && preview.notified_by.is_none());
}

#[tokio::test]
async fn errors_are_told_by_field_and_reducers_are_not_called_for_them() {
    let harness = named().await;
    let errors = async |request: FlowRequest| {
        let preview = harness.runtime().preview(request).await.unwrap();
        assert!(!preview.is_valid() && preview.deciders.is_none() && preview.failure.is_none());
        let errors = preview.errors.iter().map(|error| (error.field.clone(), error.code().clone()));
        errors.collect::<Vec<_>>()
    };
    let at = |field: &str, code| (Some(field.to_owned()), code);
    let invalid = request().input("reason", "").input("duration", "5h");
    assert_eq!(errors(invalid).await, [at("reason", codes::MISSING_FIELD), at("duration", codes::INVALID_DURATION)]);
    let not_offered = request().input("database", "mars");
    assert_eq!(errors(not_offered).await, [at("database", codes::OPTION_NOT_ALLOWED)]);
    let large = [("log".to_owned(), "x".repeat(1024 * 1024).into())].into_iter().collect();
    assert_eq!(errors(request().context(large)).await, [(None, codes::TOO_LARGE)]);
    check_nothing_stored(&harness).await;
}

#[tokio::test]
async fn errors_of_reducers_are_told_with_their_place() {
    let harness = named().await;
    let failure = async |reason: &str| {
        let preview = harness.runtime().preview(request().input("reason", reason)).await.unwrap();
        assert!(!preview.is_valid() && preview.errors.is_empty() && preview.deciders.is_none());
        let failure = preview.failure.unwrap();
        let handler = failure.handler.clone().unwrap();
        assert!(handler.name() == "get_permissions" && handler.file().ends_with("previews.rs"), "{handler}");
        failure
    };
    assert_eq!(failure("fail").await.message, "PagerDuty does not answer");
    assert_eq!(failure("panic").await.code, codes::HANDLER_PANICKED);
    // A reducer that hangs is given up at its limit.
    let mut hanging = pin!(failure("hang"));
    let failure = loop {
        if let Poll::Ready(failure) = poll!(&mut hanging) {
            break failure;
        }
        let clock = harness.simulation().clock();
        clock.advance_to(clock.next_sleeper().unwrap());
    };
    assert_eq!(failure.code, codes::HANDLER_TIMED_OUT);
    check_nothing_stored(&harness).await;
}

#[tokio::test]
async fn who_may_not_request_gets_no_preview() {
    let harness = named().await;
    let runtime = harness.runtime();
    let refusal = async |request: FlowRequest| {
        let error = runtime.preview(request).await.unwrap_err();
        (error.kind(), error.code().clone())
    };
    let by = |email: &str| Submission::request("prod", email);
    assert_eq!(refusal(by("gus@example.com")).await, (ErrorKind::Forbidden, codes::NOT_PERMITTED));
    assert_eq!(refusal(by("lea@example.com")).await, (ErrorKind::Forbidden, codes::USER_LOCKED));
    // A request would make them known. A preview does not.
    assert_eq!(refusal(by("new@example.com")).await, (ErrorKind::NotFound, codes::UNKNOWN_USER));
    assert!(runtime.directory().user_by_email("new@example.com").await.unwrap().is_none());
    assert_eq!(refusal(Submission::request("nope", "ana@example.com")).await.1, codes::UNKNOWN_FLOW);
    let scheduled = by("ana@example.com").channel(Channel::new(ChannelType::Scheduler));
    assert_eq!(refusal(scheduled).await.1, codes::INVALID_EVENT);
}

#[tokio::test]
async fn a_preview_is_of_one_channel() {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, databases];
    let builder = builder().declare(|config| {
        config.flows[0].params.allowed_sources = Some(vec![Source::Api.to_string()]);
    });
    let harness = builder.handlers(handlers).build().await.unwrap();
    harness.runtime().directory().contact("ana@example.com").await.unwrap();
    let through = async |channel| harness.runtime().preview(request().channel(Channel::new(channel))).await;
    assert!(through(ChannelType::Api).await.unwrap().is_valid());
    assert_eq!(through(ChannelType::Web).await.unwrap_err().code(), &codes::NOT_PERMITTED);
}

/// The reason for which a request would be refused is told, and looking costs none of the requests that one may make.
#[tokio::test]
async fn previews_count_as_no_requests() {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, databases];
    let limits = Limits { requests_per_minute: 1, open_requests: 1, ..Limits::default() };
    let mut harness = builder().handlers(handlers).limits(limits).build().await.unwrap();
    harness.runtime().directory().contact("ana@example.com").await.unwrap();
    for _ in 0..3 {
        assert!(harness.runtime().preview(request()).await.unwrap().is_valid());
    }
    let run = harness.runtime().submit(request()).await.unwrap().run;
    harness.simulation_mut().settle().await.unwrap();
    let preview: Preview = harness.runtime().preview(request()).await.unwrap();
    let errors: BTreeMap<_, _> = preview.errors.iter().map(|error| (error.code().to_string(), &error.field)).collect();
    assert_eq!(errors, BTreeMap::from([("SymSDK:TOO_MANY_OPEN_REQUESTS".to_owned(), &None)]));
    harness.approve_as(run, "ada@example.com").await.unwrap();
    assert!(harness.runtime().preview(request()).await.unwrap().is_valid());
}
