use std::time::Duration;

use expect_test::expect;
use serde_json::json;
use sym_sdk::error::codes;
use sym_sdk::model::{AccessTarget, Slug, Srn, Step, StepOutput};
use sym_sdk::template::{ApprovalTemplate, NextEvent, NextEventKind};

fn target() -> AccessTarget {
    AccessTarget::new("acme", "okta_group", Slug::parse("admins").unwrap())
}

#[test]
fn steps_parse_by_name() {
    for step in Step::ALL {
        assert_eq!(step.as_str().parse::<Step>().unwrap(), step);
        assert_eq!(serde_json::to_value(step).unwrap(), step.as_str());
    }
    expect![[r#"
        `aprove` is not an event (SymSDK:INVALID_STEP)
          help: did you mean `approve`? the events are `prompt`, `request`, `request_forward`, `request_expire`, `approve`, `deny`, `escalate`, `deescalate`"#]]
    .assert_eq(&"aprove".parse::<Step>().unwrap_err().report().to_string());
}

#[test]
fn ranks_increase_along_a_run() {
    let ranks = Step::ALL.map(Step::rank);
    assert_eq!(ranks, [0, 1, 2, 3, 4, 4, 5, 6]);
    assert!(ranks.is_sorted());
}

#[test]
fn rejects_settings_that_do_not_apply_to_the_event() {
    let hour = Duration::from_secs(3600);
    for event in [
        ApprovalTemplate::request(),
        ApprovalTemplate::approve(),
        ApprovalTemplate::deny(),
        ApprovalTemplate::escalate(),
    ] {
        assert!(event.target(&target()).duration(hour).reason("because").with("k", 1).validate().is_ok());
    }
    assert!(ApprovalTemplate::deescalate().target(target().srn()).reason("late").validate().is_ok());
    assert!(ApprovalTemplate::ignore().message("no").with("k", 1).validate().is_ok());
    assert!(ApprovalTemplate::prompt().with("k", 1).validate().is_ok());

    let wrong = [
        ApprovalTemplate::deescalate().duration(hour),
        ApprovalTemplate::prompt().target(&target()),
        ApprovalTemplate::prompt().duration(hour),
        ApprovalTemplate::prompt().reason("x"),
        ApprovalTemplate::ignore().target(&target()),
        ApprovalTemplate::ignore().reason("x"),
        ApprovalTemplate::approve().message("x"),
        ApprovalTemplate::approve().duration(Duration::from_millis(999)),
    ];
    for event in wrong {
        assert_eq!(*event.validate().unwrap_err().code(), codes::INVALID_EVENT);
    }
    expect!["`duration` does not apply to `deescalate` (SymSDK:INVALID_EVENT)"]
        .assert_eq(&ApprovalTemplate::deescalate().duration(hour).message("x").validate().unwrap_err().to_string());
}

#[test]
fn rejects_values_without_a_json_form() {
    let nameless = std::collections::BTreeMap::from([((1, 2), 3)]);
    expect!["the value of `k` has no JSON form: key must be a string (SymSDK:INVALID_EVENT)"]
        .assert_eq(&ApprovalTemplate::approve().with("k", nameless).validate().unwrap_err().to_string());
}

#[test]
fn next_events_have_a_kind() {
    assert_eq!(ApprovalTemplate::approve().step(), Some(Step::Approve));
    assert_eq!(ApprovalTemplate::ignore().step(), None);
    assert_eq!(ApprovalTemplate::ignore().kind(), NextEventKind::Ignore);
}

#[test]
fn next_events_round_trip() {
    let events = [
        ApprovalTemplate::approve()
            .target(&target())
            .duration(Duration::from_secs(60))
            .reason("on call")
            .with("ticket", json!({ "id": 7 })),
        ApprovalTemplate::request().target(Srn::parse("acme:access_target:okta_group:admins:latest").unwrap()),
        ApprovalTemplate::ignore().message("no"),
        ApprovalTemplate::deescalate().duration(Duration::from_secs(60)),
    ];
    for event in events {
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<NextEvent>(&json).unwrap(), event, "{json}");
    }
}

#[test]
fn step_outputs_hold_json() {
    let output = StepOutput::new(json!({ "body": { "secret": "s3" } })).unwrap();
    assert_eq!(output["body"]["secret"], "s3");
    assert_eq!(serde_json::to_value(&output).unwrap(), *output);
    assert!(StepOutput::new(std::collections::BTreeMap::from([((1, 2), 3)])).is_err());
}
