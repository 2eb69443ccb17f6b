//! The parts of a request that differ, and those that do not.

use expect_test::expect;
use sym_sdk::model::EventId;

use super::*;

/// The handlers of the tests, by what they change.
mod admins {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::decided_by(PermissionLevel::Admin).seen_by(PermissionLevel::Admin)
    }
}

mod channel {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(super) fn get_request_notifications() -> Result<Vec<Notification>> {
        Ok(vec![Notification::to(SlackChannelName::new("#запросы")?)])
    }
}

mod named {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(super) async fn get_permissions(directory: &Directory) -> Result<RequestPermission> {
        let zoe = directory.get_or_create_user_by_email("zoë@example.com").await?;
        Ok(RequestPermission::decided_by(user_ids([zoe]).or(PermissionLevel::Admin)).seen_by(PermissionLevel::Admin))
    }
}

mod two {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin).approvals(2)
    }
}

mod short {
    use sym_sdk::prelude::*;

    /// Approves an hour.
    #[hook]
    pub(super) fn on_request(event: &Event) -> Option<NextEvent> {
        let hour = Duration::from_secs(60 * 60);
        (event.duration() == Some(hour)).then(|| ApprovalTemplate::approve().reason("kurz"))
    }
}

mod half {
    use sym_sdk::prelude::*;

    /// Grants less than was asked for.
    #[hook]
    pub(super) fn on_request(event: &Event) -> Option<NextEvent> {
        let hour = Duration::from_secs(60 * 60);
        (event.duration() == Some(hour)).then(|| ApprovalTemplate::request().duration(hour / 2))
    }
}

mod ignoring {
    use sym_sdk::prelude::*;

    #[hook]
    pub(super) fn on_request() -> NextEvent {
        ApprovalTemplate::ignore().message("nicht heute")
    }
}

mod failing {
    use sym_sdk::prelude::*;

    #[hook]
    pub(super) fn on_request() -> Result<()> {
        Err(Error::handler("no luck"))
    }
}

mod hanging {
    use sym_sdk::prelude::*;

    #[hook]
    pub(super) async fn on_request() -> Result<()> {
        std::future::pending().await
    }
}

mod counting {
    use sym_sdk::prelude::*;

    /// Denies the second request and each after it.
    #[hook]
    pub(super) async fn on_request(event: &Event, directory: &Directory) -> Result<Option<NextEvent>> {
        let requests = directory.event_count(event, Step::Request).await?;
        Ok((requests > 1).then(ApprovalTemplate::deny))
    }
}

mod remembering {
    use sym_sdk::prelude::*;

    /// Denies whoever has the value, and writes it.
    #[hook]
    pub(super) async fn on_request(values: &KeyValue) -> Result<Option<NextEvent>> {
        let seen = values.fetch("seen").await?.is_some();
        values.put("seen", true).await?;
        Ok(seen.then(ApprovalTemplate::deny))
    }
}

/// Records two requests: one of Zoë for an hour, which Ben approves, and one of Ana for ten minutes, which waits.
async fn two_requests() -> Recording {
    let recording = Recording::new();
    let runtime = recording.start().await;
    let run = request(&runtime, "zoë@example.com", "1h").await;
    approve(&runtime, run, "ben@example.com").await;
    recording.clock.advance(HOUR);
    request(&runtime, "ana@example.com", "10m").await;
    drop(runtime);
    recording
}

/// With ids in place of those that tests compute.
fn tidy(text: &str) -> String {
    text.lines()
        .map(|line| match line.split_once("  ") {
            Some((at, rest)) if at.ends_with('Z') => format!("{at}  RUN{}\n", &rest[36..]),
            _ => format!("{line}\n"),
        })
        .collect()
}

#[tokio::test]
async fn the_same_handlers_make_no_difference() {
    let recording = two_requests().await;
    let done = recording.replay(recorded_handlers()).await;
    expect![[""]].assert_eq(&done.err);
    expect![[r#"
        2024-02-29T12:00:00Z  RUN  prod  zoë@example.com  same
        2024-02-29T13:00:00Z  RUN  prod  ana@example.com  same

        2 requests: 2 same, 0 different, 0 not replayed
    "#]]
    .assert_eq(&tidy(&done.out));
    assert_eq!(done.exit, Exit::Success);
}

#[tokio::test]
async fn tells_other_approvers_and_other_channels() {
    let recording = two_requests().await;
    let done = recording.replay(handlers![admins::get_permissions, channel::get_request_notifications]).await;
    expect![[r#"
        2024-02-29T12:00:00Z  RUN  prod  zoë@example.com  differs
            routing: #zugänge; now #запросы
            approvers: members; seen by admins; now admins; seen by admins
            decision: approved by ben@example.com; now people decide, and ben@example.com is refused: ben@example.com is not permitted to decide this request
        2024-02-29T13:00:00Z  RUN  prod  ana@example.com  differs
            routing: #zugänge; now #запросы
            approvers: members; seen by admins; now admins; seen by admins

        2 requests: 0 same, 2 different, 0 not replayed
            routing: 2 requests
            approvers: 2 requests
            decision: 1 request
    "#]].assert_eq(&tidy(&done.out));
    assert_eq!(done.exit, Exit::Failure);
}

#[tokio::test]
async fn names_approvers() {
    let recording = two_requests().await;
    let (exit, replayed) =
        recording.json(handlers![named::get_permissions, members::get_request_notifications], config()).await;
    assert_eq!(exit, Exit::Failure);
    // Zoë cannot approve what she has requested, and Ben is not named.
    assert_eq!(parts(&replayed, 0), ["approvers", "decision"]);
    assert_eq!(parts(&replayed, 1), ["approvers"]);
    let difference = &replayed["requests"][1]["differences"][0];
    assert_eq!(difference["recorded"], "members; seen by admins");
    assert_eq!(difference["now"], "zoë@example.com; seen by admins");
}

#[tokio::test]
async fn tells_approvals_that_are_not_enough() {
    let recording = two_requests().await;
    let (_, replayed) =
        recording.json(handlers![two::get_permissions, members::get_request_notifications], config()).await;
    assert_eq!(parts(&replayed, 0), ["approvers", "decision"]);
    assert_eq!(replayed["requests"][0]["differences"][1]["recorded"], "approved by ben@example.com");
    assert_eq!(replayed["requests"][0]["differences"][1]["now"], "people decide");
}

#[tokio::test]
async fn tells_auto_approval() {
    let recording = two_requests().await;
    let handlers = handlers![members::get_permissions, members::get_request_notifications, short::on_request];
    let (exit, replayed) = recording.json(handlers.clone(), config()).await;
    assert_eq!(exit, Exit::Failure);
    assert_eq!(parts(&replayed, 0), ["auto_approval"]);
    assert_eq!(replayed["requests"][0]["differences"][0]["now"], "approved by a hook");
    assert_eq!(replayed["requests"][1]["result"], "same");
    assert_eq!(replayed["summary"]["differences"]["auto_approval"], 1);

    // And the reverse.
    let automatic = Recording::with(handlers, config());
    let runtime = automatic.start().await;
    request(&runtime, "zoë@example.com", "1h").await;
    drop(runtime);
    let (_, replayed) = automatic.json(recorded_handlers(), config()).await;
    assert_eq!(parts(&replayed, 0), ["auto_approval"]);
    assert_eq!(replayed["requests"][0]["differences"][0]["now"], "people decide");
}

#[tokio::test]
async fn tells_durations() {
    let recording = two_requests().await;
    let handlers = handlers![members::get_permissions, members::get_request_notifications, half::on_request];
    let (_, replayed) = recording.json(handlers, config()).await;
    assert_eq!((parts(&replayed, 0), &replayed["requests"][1]["result"]), (vec!["duration"], &"same".into()));
    assert_eq!(replayed["requests"][0]["differences"][0]["recorded"], "1h");
    assert_eq!(replayed["requests"][0]["differences"][0]["now"], "30m");
}

#[tokio::test]
async fn tells_requests_that_a_hook_ignores_then_or_now() {
    let recording = two_requests().await;
    let handlers = || handlers![members::get_permissions, members::get_request_notifications, ignoring::on_request];
    let (_, replayed) = recording.json(handlers(), config()).await;
    assert_eq!(parts(&replayed, 0), ["auto_approval"]);
    assert_eq!(replayed["requests"][0]["differences"][0]["now"], "ignored by a hook");

    let ignored = Recording::with(handlers(), config());
    let runtime = ignored.start().await;
    request(&runtime, "zoë@example.com", "1h").await;
    drop(runtime);
    let (exit, replayed) = ignored.json(handlers(), config()).await;
    assert_eq!((exit, &replayed["requests"][0]["result"]), (Exit::Success, &"same".into()));
    let (_, replayed) = ignored.json(recorded_handlers(), config()).await;
    assert_eq!(replayed["requests"][0]["differences"][0]["recorded"], "ignored by a hook");
}

/// A form whose request was ignored is submitted again: these are two requests.
#[tokio::test]
async fn requests_of_one_form_are_told_apart() {
    let recording = Recording::with(
        handlers![members::get_permissions, members::get_request_notifications, short_only::on_request],
        config(),
    );
    let runtime = recording.start().await;
    let form = runtime.submit(Submission::prompt("prod", "zoë@example.com")).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    for duration in ["10m", "1h"] {
        let request = Submission::request("prod", "zoë@example.com").input("duration", duration).form(form);
        runtime.submit(request).await.unwrap();
        runtime.run_until_idle().await.unwrap();
    }
    approve(&runtime, form, "ben@example.com").await;
    drop(runtime);
    let (_, replayed) = recording.json(recorded_handlers(), config()).await;
    assert_eq!(replayed["summary"]["requests"], 2);
    assert_eq!((parts(&replayed, 0), &replayed["requests"][1]["result"]), (vec!["auto_approval"], &"same".into()));
}

mod short_only {
    use sym_sdk::prelude::*;

    /// Ignores all but an hour.
    #[hook]
    pub(super) fn on_request(event: &Event) -> Option<NextEvent> {
        let hour = Duration::from_secs(60 * 60);
        (event.duration() != Some(hour)).then(ApprovalTemplate::ignore)
    }
}

#[tokio::test]
async fn names_handlers_that_fail_or_hang() {
    let recording = two_requests().await;
    for (hook, text) in [(handlers![failing::on_request], "no luck"), (handlers![hanging::on_request], "its limit")] {
        let handlers = hook.merge(recorded_handlers());
        let (exit, replayed) = recording.json(handlers, config()).await;
        assert_eq!(exit, Exit::Failure);
        let row = &replayed["requests"][0];
        assert_eq!((&row["result"], &row["reason"]), (&"not_replayed".into(), &"failed".into()));
        let message = row["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("on_request") && message.contains(text), "{message}");
        assert_eq!(replayed["summary"]["reasons"]["failed"], 2);
    }
}

/// At the first request there was no second one.
#[tokio::test]
async fn counts_of_events_are_those_of_the_time() {
    let recording = Recording::new();
    let runtime = recording.start().await;
    for duration in ["1h", "10m"] {
        request(&runtime, "zoë@example.com", duration).await;
        recording.clock.advance(HOUR);
    }
    drop(runtime);
    let handlers = handlers![members::get_permissions, members::get_request_notifications, counting::on_request];
    let (_, replayed) = recording.json(handlers, config()).await;
    assert_eq!(replayed["requests"][0]["result"], "same");
    assert_eq!(replayed["requests"][1]["differences"][0]["now"], "denied by a hook");
}

/// A value that a handler writes is seen in the same request alone.
#[tokio::test]
async fn values_that_are_written_are_forgotten() {
    let recording = two_requests().await;
    let before = std::fs::read(recording.path()).unwrap();
    let handlers = || handlers![members::get_permissions, members::get_request_notifications, remembering::on_request];
    let done = recording.replay(handlers()).await;
    assert_eq!(done.exit, Exit::Success, "{}", done.out);
    assert_eq!(std::fs::read(recording.path()).unwrap(), before, "the store was changed");

    let runtime = recording.start().await;
    runtime.key_value().put("seen", true).await.unwrap();
    drop(runtime);
    let (_, replayed) = recording.json(handlers(), config()).await;
    assert_eq!(parts(&replayed, 1), ["auto_approval"]);
}

#[tokio::test]
async fn names_flows_and_fields_that_are_gone() {
    let recording = two_requests().await;
    let mut renamed = config();
    renamed.flows[0].name = "production".into();
    let (exit, replayed) = recording.json(recorded_handlers(), renamed).await;
    assert_eq!(exit, Exit::Failure);
    assert_eq!(replayed["requests"][0]["reason"], "flow");
    assert_eq!(replayed["requests"][0]["errors"][0]["message"], "there is no flow `prod`");

    let mut without_reason = config();
    without_reason.flows[0].params.prompt_fields.clear();
    let (_, replayed) = recording.json(recorded_handlers(), without_reason).await;
    assert_eq!(replayed["requests"][0]["reason"], "inputs");
    assert_eq!(replayed["requests"][0]["errors"][0]["message"], "flow `prod` has no field `reason`");
}

#[tokio::test]
async fn names_durations_and_targets_that_are_not_offered_any_more() {
    let recording = two_requests().await;
    let mut hours = config();
    let duration = PromptField {
        name: "duration".into(),
        field_type: "duration".into(),
        allowed_values: Some(vec!["1h".into()]),
        ..PromptField::default()
    };
    hours.flows[0].params.prompt_fields.push(duration);
    let (_, replayed) = recording.json(recorded_handlers(), hours).await;
    assert_eq!(replayed["requests"][0]["result"], "same");
    assert_eq!(replayed["requests"][1]["reason"], "inputs");
    assert_eq!(replayed["requests"][1]["errors"][0]["message"], "flow `prod` does not offer a duration of 10m");
}

#[tokio::test]
async fn extensions_are_no_requests() {
    let recording = Recording::new();
    let runtime = recording.start().await;
    let run = request(&runtime, "zoë@example.com", "10m").await;
    approve(&runtime, run, "ben@example.com").await;
    let extend = Submission::extend(run, "zoë@example.com", HOUR / 6);
    let extension: EventId = runtime.submit(extend).await.unwrap().event;
    runtime.run_until_idle().await.unwrap();
    runtime.submit(Submission::deny(run, "ben@example.com").of_extension(extension)).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    drop(runtime);
    let (exit, replayed) = recording.json(recorded_handlers(), config()).await;
    assert_eq!((exit, &replayed["summary"]["requests"]), (Exit::Success, &1.into()));
}

/// Also an approval for less than was asked for.
#[tokio::test]
async fn decisions_of_people_and_withdrawals_are_replayed() {
    let recording = Recording::new();
    let runtime = recording.start().await;
    let denied = request(&runtime, "zoë@example.com", "1h").await;
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::deny(denied, "ben@example.com").message("nein")).await.unwrap();
    let withdrawn = request(&runtime, "ana@example.com", "1h").await;
    runtime.submit(Submission::deny(withdrawn, "ana@example.com")).await.unwrap();
    let shorter = request(&runtime, "léa@example.com", "1h").await;
    let minutes = Duration::from_secs(10 * 60);
    runtime.submit(Submission::approve(shorter, "ben@example.com").for_duration(minutes)).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    drop(runtime);
    let done = recording.replay(recorded_handlers()).await;
    assert_eq!(done.exit, Exit::Success, "{}", done.out);
    assert!(done.out.contains("3 requests: 3 same"), "{}", done.out);
}
