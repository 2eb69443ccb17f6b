//! A configuration that changes while a request waits.

use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::config::{Config, PromptField};
use sym_sdk::error::{ErrorCode, codes};
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Reconcile, Submission};

use super::*;

/// Has a request made for 8h, changes the configuration, and has the request approved. Returns the refusal.
async fn approve_after(world: &World, change: impl FnOnce(&mut Config)) -> (Runtime, RunId, Result<()>) {
    let run = request(&world.start(config()).await, "8h").await;
    let mut changed = config();
    change(&mut changed);
    let runtime = world.start(changed).await;
    let approved = try_approve(&runtime, run, "ben").await;
    (runtime, run, approved)
}

async fn assert_refused(change: impl FnOnce(&mut Config), code: ErrorCode, reason: &str) {
    let world = World::new();
    let (runtime, run, refused) = approve_after(&world, change).await;
    let refused = refused.expect_err(reason);
    assert_eq!(refused.message(), format!("this request is closed, and no access is granted: {reason}"));
    assert_closed(&world, &runtime, run, code, reason).await;
    let told =
        format!("Your request for prod was closed without access: {reason}. Make a new request if you still need it");
    assert_eq!(world.messages_to("ana"), [told]);
    assert!(world.messages_to("ben").is_empty(), "the reply has told the approver");
    let again = try_approve(&runtime, run, "cho").await.unwrap_err();
    assert_eq!(again.message(), "this request has failed; submit it again");
}

/// Finding 3.
#[tokio::test]
async fn approval_is_refused_after_the_account_has_changed() {
    let change = |config: &mut Config| config.integrations[0].external_id = "production".into();
    let reason = "access is now granted in account `production`, not in account `staging`";
    assert_refused(change, codes::REQUEST_OUTDATED, reason).await;
}

#[tokio::test]
async fn approval_is_refused_after_a_setting_of_the_integration_or_strategy_has_changed() {
    let change = |config: &mut Config| config.integrations[0].settings = support::settings(&[("region", "eu-west-1")]);
    let reason = "the setting `region` of the integration has changed";
    assert_refused(change, codes::REQUEST_OUTDATED, reason).await;
    let change = |config: &mut Config| config.strategies[0].settings = support::settings(&[("role", "root")]);
    assert_refused(change, codes::REQUEST_OUTDATED, "the setting `role` of the strategy has changed").await;
}

/// Finding 3, W18.
#[tokio::test]
async fn approval_is_refused_after_the_target_was_removed() {
    assert_refused(remove_target, codes::UNKNOWN_TARGET, "`admins` is no longer a target of flow `prod`").await;
}

#[tokio::test]
async fn approval_is_refused_after_a_setting_of_the_target_has_changed() {
    let change = |config: &mut Config| config.targets[0].settings = support::settings(&[("group_id", "g2")]);
    let reason = "the setting `group_id` of target `admins` has changed";
    assert_refused(change, codes::REQUEST_OUTDATED, reason).await;
}

#[tokio::test]
async fn approval_is_refused_after_the_flow_has_lost_its_strategy() {
    let change = |config: &mut Config| {
        config.flows[0].params.strategy = None;
        config.flows[0].params.prompt_fields.clear();
    };
    assert_refused(change, codes::REQUEST_OUTDATED, "the flow no longer grants access").await;
}

/// W18: as a new request would be.
#[tokio::test]
async fn approval_is_refused_after_the_duration_was_removed() {
    let change = |config: &mut Config| set_durations(config, &["1h"]);
    let reason = "flow `prod` no longer offers a duration of 8h";
    assert_refused(change, codes::INVALID_DURATION, reason).await;
}

/// The approver saw that the access would end.
#[tokio::test]
async fn approval_is_refused_after_access_has_become_permanent() {
    let change = |config: &mut Config| {
        config.flows[0].params.prompt_fields.clear();
        config.flows[0].params.schedule_deescalation = false;
    };
    let reason = "flow `prod` takes no duration any more: its access lasts until it is revoked";
    assert_refused(change, codes::INVALID_DURATION, reason).await;
}

/// W18, for the other fields of the form.
#[tokio::test]
async fn approval_is_refused_after_an_option_was_removed() {
    let with_regions = |regions: &[&str]| {
        let mut config = config();
        config.flows[0].params.prompt_fields.push(PromptField {
            name: "region".into(),
            field_type: "string".into(),
            allowed_values: Some(regions.iter().map(|region| (*region).to_owned()).collect()),
            ..PromptField::default()
        });
        config
    };
    let world = World::new();
    let runtime = world.start(with_regions(&["eu", "us"])).await;
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h").input("region", "us");
    let run = runtime.submit(request).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    let runtime = world.start(with_regions(&["eu"])).await;
    try_approve(&runtime, run, "ben").await.unwrap_err();
    let reason = "field `region` does not allow `us`, as it did when it was requested";
    assert_closed(&world, &runtime, run, codes::OPTION_NOT_ALLOWED, reason).await;
}

#[tokio::test]
async fn changes_that_leave_the_request_as_it_was_do_not_matter() {
    let change = |config: &mut Config| {
        config.flows[0].label = Some("Production".into());
        config.flows[0].vars = support::settings(&[("channel", "#other")]);
        config.strategies[0].label = Some("Groups".into());
        config.targets[0].label = Some("Administrators".into());
        config.targets.push(Target { kind: "test".into(), name: "billing".into(), ..Target::default() });
        config.strategies[0].targets.push(Reference::typed("test", "billing"));
        set_durations(config, &["8h", "30m"]);
    };
    let world = World::new();
    let (runtime, run, approved) = approve_after(&world, change).await;
    approved.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
    assert_eq!(world.grants(), 1);
}

/// A denial is always right.
#[tokio::test]
async fn outdated_requests_can_be_denied() {
    let world = World::new();
    let run = request(&world.start(config()).await, "8h").await;
    let mut changed = config();
    remove_target(&mut changed);
    let runtime = world.start(changed).await;
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::deny(run, "ben@example.com")).await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Denied);
}

/// Somebody who may not decide cannot close a request either.
#[tokio::test]
async fn outdated_requests_are_closed_only_by_those_who_may_approve() {
    mod admins {
        use sym_sdk::prelude::*;

        #[reducer]
        pub(super) fn get_permissions() -> RequestPermission {
            RequestPermission::admins_only()
        }
    }
    let world = World::new();
    let start =
        async |config| world.builder(config).registry(handlers![admins::get_permissions]).build().await.unwrap();
    let run = request(&start(config()).await, "8h").await;
    let mut changed = config();
    remove_target(&mut changed);
    let runtime = start(changed).await;
    let refused = try_approve(&runtime, run, "ben").await.unwrap_err();
    assert_eq!(refused.message(), "ben@example.com is not permitted to decide this request");
    assert_eq!(status(&runtime, run).await, RunStatus::Requested);
}

/// Finding 3: the program stops between the approval and the grant, and is started with another account.
#[tokio::test]
async fn approved_request_is_not_granted_in_another_account() {
    let world = World::new();
    let runtime = world.start(config()).await;
    let run = request(&runtime, "8h").await;
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Approved);
    let mut changed = config();
    changed.integrations[0].external_id = "production".into();
    let runtime = world.start(changed).await;
    runtime.run_until_idle().await.unwrap();
    let reason = "access is now granted in account `production`, not in account `staging`";
    assert_closed(&world, &runtime, run, codes::REQUEST_OUTDATED, reason).await;
    let told = world.messages_to("ana").pop().unwrap();
    assert!(told.contains(reason), "{told}");
    assert_eq!(
        world.messages_to("ben"),
        [format!("this request is closed, and no access is granted: {reason}")],
        "the approver has to be told by a message"
    );
}

mod slow {
    use sym_sdk::prelude::*;

    #[hook]
    pub(super) fn on_request() {}
}

/// Finding 3: the program stops before the `on_request` hook has returned, and calls it with another account. The request is bound to
/// what it was submitted under, not to what its approvers are shown.
#[tokio::test]
async fn request_is_not_granted_in_another_account_than_it_was_submitted_for() {
    let world = World::new();
    let handlers = || plain().merge(handlers![slow::on_request]);
    let runtime = world.start_with(handlers()).await;
    let request = Submission::request("prod", "ana@example.com").input("duration", "8h");
    let run = runtime.submit(request).await.unwrap().run;
    let mut changed = config();
    changed.integrations[0].external_id = "production".into();
    let runtime = world.builder(changed).registry(handlers()).build().await.unwrap();
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Requested);
    try_approve(&runtime, run, "ben").await.unwrap_err();
    let reason = "access is now granted in account `production`, not in account `staging`";
    assert_closed(&world, &runtime, run, codes::REQUEST_OUTDATED, reason).await;
}

/// The grant was requested and is not yet executed.
#[tokio::test]
async fn requested_grant_of_a_changed_target_is_not_executed() {
    let world = World::new();
    let runtime = world.start(config()).await;
    let run = request(&runtime, "8h").await;
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    while !state(&runtime, run).await.may_hold_access() {
        assert!(runtime.run_one().await.unwrap());
    }
    let mut changed = config();
    changed.targets[0].settings = support::settings(&[("group_id", "g2")]);
    let runtime = world.start(changed).await;
    runtime.run_until_idle().await.unwrap();
    let reason = "the setting `group_id` of target `admins` has changed";
    assert_closed(&world, &runtime, run, codes::REQUEST_OUTDATED, reason).await;
    let revoked = kinds(&runtime, run).await.into_iter().any(|kind| matches!(kind, AuditKind::Revoked { .. }));
    assert!(revoked, "an earlier attempt might have granted it");
}

/// Access that a target has lost is granted again only if it would be granted now.
#[tokio::test]
async fn access_is_not_granted_again_to_a_changed_target() {
    let world = World::new();
    let runtime = world.start(config()).await;
    let run = request(&runtime, "8h").await;
    approve(&runtime, run, "ben").await;
    let (admins, identity) = world.strategy.granted().pop().unwrap();
    world.strategy.revoke_externally(&admins, &identity);
    let mut changed = config();
    changed.targets[0].settings = support::settings(&[("group_id", "g2")]);
    let runtime = world.start(changed).await;
    runtime.reconcile(Reconcile::new().regrant_missing()).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    assert_eq!(world.grants(), 1, "not granted again");
    assert_eq!(status(&runtime, run).await, RunStatus::Escalated, "the access ends as scheduled");
}

/// W25.
#[tokio::test]
async fn hook_cannot_approve_a_longer_duration_than_the_flow_offers() {
    mod endless {
        use sym_sdk::prelude::*;

        #[hook]
        pub(super) fn on_request() -> Option<NextEvent> {
            Some(ApprovalTemplate::approve().duration(std::time::Duration::MAX))
        }
    }
    mod fired_again {
        use sym_sdk::prelude::*;

        #[hook]
        pub(super) fn on_request() -> Option<NextEvent> {
            Some(ApprovalTemplate::request().duration(std::time::Duration::from_secs(8 * 60 * 60 + 1)))
        }
    }
    for hooks in [handlers![endless::on_request], handlers![fired_again::on_request]] {
        let world = World::new();
        let runtime = world.start_with(plain().merge(hooks)).await;
        let run = request(&runtime, "1h").await;
        let state = state(&runtime, run).await;
        assert_eq!((state.run.status(), world.grants()), (RunStatus::Errored, 0));
        let error = state.error.as_ref().unwrap();
        assert_eq!(error.code, codes::INVALID_DURATION);
        assert!(error.message.contains("is too long: flow `prod` offers at most 8h"), "{}", error.message);
    }
}

/// A hook may approve less than the flow offers, and somebody may approve what a hook has shortened.
#[tokio::test]
async fn hook_can_choose_a_shorter_duration() {
    mod shortened {
        use sym_sdk::prelude::*;

        #[hook]
        pub(super) fn on_request(event: &Event) -> Option<NextEvent> {
            let shorter = std::time::Duration::from_secs(15 * 60);
            (event.duration() != Some(shorter)).then(|| ApprovalTemplate::request().duration(shorter))
        }
    }
    let world = World::new();
    let runtime = world.start_with(plain().merge(handlers![shortened::on_request])).await;
    let run = request(&runtime, "8h").await;
    approve(&runtime, run, "ben").await;
    let state = state(&runtime, run).await;
    assert_eq!(state.run.status(), RunStatus::Escalated, "{:?}", state.error);
    assert_eq!(state.request.as_ref().unwrap().duration, Some(Duration::from_secs(15 * 60)));
}
