//! Field types, durations, options, and the validation of declared fields and submitted values.

use std::time::Duration;

use expect_test::expect;
use proptest::prelude::*;
use serde_json::{Value, json};
use sym_sdk::error::codes;
use sym_sdk::forms::{
    FieldOption, FieldSpec, FieldType, FieldValue, PromptField, PromptForm, SlackUserSelection, format_duration,
    parse_duration,
};
use sym_sdk::model::{Flow, Slug};

fn spec(field_type: FieldType) -> FieldSpec {
    FieldSpec::new("f", field_type).unwrap()
}

#[test]
fn parses_field_types() {
    let names = FieldType::ALL.map(FieldType::as_str);
    assert_eq!(names, ["string", "int", "bool", "duration", "slack_user", "slack_user_list", "str_list", "int_list"]);
    for field_type in FieldType::ALL {
        assert_eq!(field_type.as_str().parse::<FieldType>().unwrap(), field_type);
        assert_eq!(serde_json::to_value(field_type).unwrap(), field_type.as_str());
    }
    expect![[r#"
        `strng` is not a field type (SymSDK:INVALID_FIELD)
          help: did you mean `string`? the field types are `string`, `int`, `bool`, `duration`, `slack_user`, `slack_user_list`, `str_list`, `int_list`"#]]
    .assert_eq(&"strng".parse::<FieldType>().unwrap_err().report().to_string());
}

#[test]
fn parses_durations() {
    for (text, seconds) in
        [("30s", 30), ("10m", 600), ("1h", 3600), ("10d", 864_000), ("1mo", 2_592_000), (" 5m ", 300)]
    {
        assert_eq!(parse_duration(text).unwrap(), Duration::from_secs(seconds), "{text}");
    }
    for bad in ["", "5", "m", "1.5h", "-1h", "1h30m", "1H", "1 h", "1y", "٣m"] {
        assert_eq!(*parse_duration(bad).expect_err(bad).code(), codes::INVALID_DURATION);
    }
    expect![[r#"
        expected a duration such as `30m`, got `1 hour` (SymSDK:INVALID_DURATION)
          help: a duration is a whole number and a unit: `s`, `m`, `h`, `d` or `mo` (30 days)"#]]
    .assert_eq(&parse_duration("1 hour").unwrap_err().report().to_string());
    expect!["the duration `0s` must be more than zero (SymSDK:INVALID_DURATION)"]
        .assert_eq(&parse_duration("0s").unwrap_err().to_string());
    for long in ["3651d", "99999999999999999999999s", "18446744073709551615mo"] {
        assert!(parse_duration(long).unwrap_err().message().ends_with("must be at most 3650d"), "{long}");
    }
}

#[test]
fn formats_durations_in_the_largest_whole_unit() {
    for (seconds, text) in [(0, "0s"), (90, "90s"), (3600, "1h"), (5400, "90m"), (86_400, "1d"), (2_592_000, "30d")] {
        assert_eq!(format_duration(Duration::from_secs(seconds)), text);
    }
}

proptest! {
    #[test]
    fn formatted_durations_parse_to_the_same_value(seconds in 1u64..=3650 * 86_400) {
        let duration = Duration::from_secs(seconds);
        prop_assert_eq!(parse_duration(&format_duration(duration)).unwrap(), duration);
    }

    #[test]
    fn parsing_durations_does_not_panic(text in "\\PC{0,24}") {
        let _ = parse_duration(&text);
    }
}

#[test]
fn option_limits_count_characters() {
    assert!(FieldOption::new("é".repeat(55), "é".repeat(55)).is_ok());
    for (value, label) in [("x".repeat(56), "ok".to_owned()), ("ok".to_owned(), "é".repeat(56))] {
        let error = FieldOption::new(value, label).unwrap_err();
        assert!(error.message().contains("55 characters"), "{error}");
    }
    expect!["the value of an option must not be empty (SymSDK:INVALID_FIELD)"]
        .assert_eq(&FieldOption::new("", "label").unwrap_err().to_string());
    expect!["the value of an option must be a single value, got a `str_list` (SymSDK:INVALID_FIELD)"]
        .assert_eq(&FieldOption::new(vec!["a"], "label").unwrap_err().to_string());
}

#[test]
fn converts_listed_items_to_options() {
    let options: Vec<FieldOption> =
        ["a", "b"].into_iter().map(FieldOption::try_from).collect::<Result<_, _>>().unwrap();
    assert_eq!(options[1].label(), "b");
    let pair = FieldOption::try_from((7, "seven")).unwrap();
    assert_eq!((pair.value(), pair.label()), (&FieldValue::Int(7), "seven"));
    assert!(FieldOption::try_from("x".repeat(56)).is_err());
}

#[test]
fn checks_deserialized_options() {
    let option = FieldOption::new(true, "Yes").unwrap();
    let json = serde_json::to_value(&option).unwrap();
    assert_eq!(json, json!({ "value": { "type": "bool", "value": true }, "label": "Yes" }));
    assert_eq!(serde_json::from_value::<FieldOption>(json).unwrap(), option);
    let long = json!({ "value": { "type": "int", "value": 1 }, "label": "x".repeat(56) });
    assert!(serde_json::from_value::<FieldOption>(long).unwrap_err().to_string().contains("55 characters"));
}

#[test]
fn parses_submitted_values_by_type() {
    let cases: [(FieldType, Value, FieldValue); 10] = [
        (FieldType::String, json!("x"), "x".into()),
        (FieldType::Int, json!(-5), (-5).into()),
        (FieldType::Bool, json!(false), false.into()),
        (FieldType::Duration, json!(1800), Duration::from_secs(1800).into()),
        (FieldType::Duration, json!("30m"), Duration::from_secs(1800).into()),
        (FieldType::SlackUser, json!("U1"), SlackUserSelection::new("U1", None).into()),
        (
            FieldType::SlackUser,
            json!({ "user_id": "U1", "username": null }),
            SlackUserSelection::new("U1", None).into(),
        ),
        (FieldType::SlackUserList, json!(["U1"]), vec![SlackUserSelection::new("U1", None)].into()),
        (FieldType::StrList, json!(["a", "b"]), vec!["a", "b"].into()),
        (FieldType::IntList, json!([1, 2]), vec![1i64, 2].into()),
    ];
    for (field_type, json, expected) in cases {
        let value = spec(field_type).parse(&json).unwrap();
        assert_eq!(value, expected);
        assert_eq!(value.field_type(), field_type);
        assert_eq!(spec(field_type).parse(&value.to_json()).unwrap(), value);
    }
}

#[test]
fn rejects_values_of_another_type() {
    let bad: [(FieldType, Value); 15] = [
        (FieldType::String, json!(1)),
        (FieldType::String, json!(null)),
        (FieldType::Int, json!("1")),
        (FieldType::Int, json!(1.5)),
        (FieldType::Int, json!(u64::MAX)),
        (FieldType::Bool, json!("true")),
        (FieldType::Duration, json!(-1)),
        (FieldType::Duration, json!(1.5)),
        (FieldType::SlackUser, json!("")),
        (FieldType::SlackUser, json!({ "username": "ann" })),
        (FieldType::SlackUser, json!({ "user_id": "" })),
        (FieldType::SlackUserList, json!("U1")),
        (FieldType::StrList, json!(["a", 1])),
        (FieldType::IntList, json!(["1"])),
        (FieldType::IntList, json!({})),
    ];
    for (field_type, json) in bad {
        let error = spec(field_type).parse(&json).expect_err(field_type.as_str());
        assert_eq!(*error.code(), codes::INVALID_FIELD_VALUE, "{field_type} {json}");
    }
    expect!["field `f` expects a whole number, got `\"many\"` (SymSDK:INVALID_FIELD_VALUE)"]
        .assert_eq(&spec(FieldType::Int).parse(&json!("many")).unwrap_err().to_string());
    expect!["field `f` expects text, got `[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0…` (SymSDK:INVALID_FIELD_VALUE)"]
        .assert_eq(&spec(FieldType::String).parse(&json!(vec![0; 100])).unwrap_err().to_string());
    expect![[r#"
        field `f`: expected a duration such as `30m`, got `soon` (SymSDK:INVALID_DURATION)
          help: a duration is a whole number and a unit: `s`, `m`, `h`, `d` or `mo` (30 days)"#]]
    .assert_eq(&spec(FieldType::Duration).parse(&json!("soon")).unwrap_err().report().to_string());
    assert_eq!(*spec(FieldType::Duration).parse(&json!(0)).unwrap_err().code(), codes::INVALID_DURATION);
}

/// W11, W14.
#[test]
fn normalizes_values() {
    let text = |json: Value| spec(FieldType::String).parse(&json).unwrap();
    assert_eq!(text(json!(" rene\u{301}\u{200b}\n")), "rené".into());
    assert_eq!(text(json!("one\n two")), "one\n two".into());
    let list = spec(FieldType::StrList).parse(&json!([" a", "\u{a0}", "b\u{feff}"])).unwrap();
    assert_eq!(list, vec!["a", "b"].into());
    for hour in [json!(3600.0), json!("3600"), json!(" 1h ")] {
        assert_eq!(spec(FieldType::Duration).parse(&hour).unwrap(), Duration::from_secs(3600).into(), "{hour}");
    }
    for too_long in [json!(1e300), json!("99999999999999999999999")] {
        let error = spec(FieldType::Duration).parse(&too_long).unwrap_err();
        assert!(error.message().ends_with("must be at most 3650d"), "{error}");
    }
    let options = spec(FieldType::String).with_allowed_values(["rene\u{301} ".into()]).unwrap();
    assert_eq!(options.parse(&json!("ren\u{e9}")).unwrap(), "rené".into());
}

#[test]
fn ignores_the_username_of_a_submitted_slack_user() {
    let claim = json!({ "user_id": "U1", "username": "boss@example.com" });
    let unnamed = SlackUserSelection::new("U1", None);
    assert_eq!(spec(FieldType::SlackUser).parse(&claim).unwrap(), unnamed.clone().into());
    assert_eq!(spec(FieldType::SlackUserList).parse(&json!([claim])).unwrap(), vec![unnamed].into());
}

#[test]
fn rejects_slack_users_that_are_not_ids() {
    for bad in ["U1> <!channel", "ann@example.com", "../U1", " U1", "U1\u{200b}"] {
        for json in [json!(bad), json!({ "user_id": bad })] {
            let error = spec(FieldType::SlackUser).parse(&json).expect_err(bad);
            assert_eq!(*error.code(), codes::INVALID_FIELD_VALUE, "{bad}");
        }
    }
}

#[test]
fn rejects_text_with_nul() {
    for json in [json!("\0"), json!("prod\0-readonly")] {
        let error = spec(FieldType::String).parse(&json).expect_err("a NUL");
        assert_eq!(*error.code(), codes::INVALID_FIELD_VALUE);
        assert!(spec(FieldType::StrList).parse(&json!(["a", json])).is_err());
    }
    expect![[r#"field `f` expects text without NUL, got `"a\u0000b"` (SymSDK:INVALID_FIELD_VALUE)"#]]
        .assert_eq(&spec(FieldType::String).parse(&json!("a\0b")).unwrap_err().to_string());
}

#[test]
fn rejects_values_that_are_not_allowed() {
    let urgency = spec(FieldType::String).with_allowed_values(["Low".into(), "High".into()]).unwrap();
    expect![[r#"
        field `f` does not allow `high` (SymSDK:OPTION_NOT_ALLOWED)
          help: choose one of `Low`, `High`"#]]
    .assert_eq(&urgency.parse(&json!("high")).unwrap_err().report().to_string());
    let durations = [Duration::from_secs(1800), Duration::from_secs(7200)].map(FieldValue::from);
    let duration = spec(FieldType::Duration).with_allowed_values(durations).unwrap();
    assert!(duration.parse(&json!(1800)).is_ok());
    assert!(duration.parse(&json!("120m")).is_ok());
    expect![[r#"
        field `f` does not allow `1h` (SymSDK:OPTION_NOT_ALLOWED)
          help: choose one of `30m`, `2h`"#]]
    .assert_eq(&duration.parse(&json!(3600)).unwrap_err().report().to_string());
    let tags = spec(FieldType::StrList).with_allowed_values(["a".into(), "b".into()]).unwrap();
    assert!(tags.parse(&json!(["b", "a"])).is_ok());
    assert_eq!(*tags.parse(&json!(["a", "c"])).unwrap_err().code(), codes::OPTION_NOT_ALLOWED);
    let ports = spec(FieldType::IntList).with_allowed_values([22.into()]).unwrap();
    assert_eq!(*ports.parse(&json!([22, 23])).unwrap_err().code(), codes::OPTION_NOT_ALLOWED);
}

#[test]
fn declarations_round_trip_and_are_checked() {
    let urgency = spec(FieldType::String).with_label("Urgency").with_required(false);
    let urgency = urgency.with_allowed_values(["Low".into()]).unwrap().with_default("Low").unwrap();
    let json = serde_json::to_value(&urgency).unwrap();
    assert_eq!(serde_json::from_value::<FieldSpec>(json.clone()).unwrap(), urgency);
    let high = json!({ "type": "string", "value": "High" });
    let five = json!({ "type": "int", "value": 5 });
    for (key, value) in
        [("name", json!("a b")), ("default", high), ("allowed_values", json!([five])), ("type", json!("int"))]
    {
        let mut bad = json.clone();
        bad[key] = value;
        assert!(serde_json::from_value::<FieldSpec>(bad).is_err(), "{key}");
    }
}

#[test]
fn rejects_invalid_declarations() {
    for bad in ["", "a b", "é", "a.b"] {
        assert_eq!(*FieldSpec::new(bad, FieldType::String).expect_err(bad).code(), codes::INVALID_FIELD);
    }
    let wording = |result: Result<FieldSpec, sym_sdk::Error>| result.unwrap_err().to_string();
    expect!["field `f` cannot have a default, because its type is `slack_user` (SymSDK:INVALID_FIELD)"]
        .assert_eq(&wording(spec(FieldType::SlackUser).with_default("U1")));
    expect!["field `f` cannot have a default, because its type is `str_list` (SymSDK:INVALID_FIELD)"]
        .assert_eq(&wording(spec(FieldType::StrList).with_default("a")));
    expect!["field `f` cannot have allowed values, because its type is `slack_user_list` (SymSDK:INVALID_FIELD)"]
        .assert_eq(&wording(spec(FieldType::SlackUserList).with_allowed_values(["U1".into()])));
    expect!["the default `5` of field `f` must have the type `int`, but has `string` (SymSDK:INVALID_FIELD)"]
        .assert_eq(&wording(spec(FieldType::Int).with_default("5")));
    expect!["the allowed value `1` of field `f` must have the type `string`, but has `int` (SymSDK:INVALID_FIELD)"]
        .assert_eq(&wording(spec(FieldType::String).with_allowed_values([1.into()])));
    let listed = spec(FieldType::String).with_allowed_values(["a".into()]).unwrap();
    assert_eq!(*listed.with_default("b").unwrap_err().code(), codes::OPTION_NOT_ALLOWED);
}

#[test]
fn parses_declared_text_by_type() {
    assert_eq!(FieldType::Int.parse_text(" 5 ").unwrap(), FieldValue::Int(5));
    assert_eq!(FieldType::IntList.parse_text("5").unwrap(), FieldValue::Int(5));
    assert_eq!(FieldType::Bool.parse_text("true").unwrap(), FieldValue::Bool(true));
    assert_eq!(FieldType::Duration.parse_text("30m").unwrap(), Duration::from_secs(1800).into());
    assert_eq!(FieldType::String.parse_text("5").unwrap(), "5".into());
    expect!["expected a whole number, got `five` (SymSDK:INVALID_FIELD_VALUE)"]
        .assert_eq(&FieldType::Int.parse_text("five").unwrap_err().to_string());
    assert!(FieldType::Bool.parse_text("yes").is_err());
    assert!(FieldType::SlackUser.parse_text("U1").is_err());
}

#[test]
fn formats_values_for_users() {
    let print = |value: FieldValue| value.to_string();
    assert_eq!(print(true.into()), "yes");
    assert_eq!(print(Duration::from_secs(5400).into()), "90m");
    assert_eq!(print(vec!["a", "b"].into()), "a, b");
    assert_eq!(print(SlackUserSelection::new("U1", Some("ann".to_owned())).into()), "ann");
    assert_eq!(print(SlackUserSelection::new("U1", None).into()), "U1");
}

#[test]
fn builds_the_form_of_a_flow() {
    let urgency = FieldSpec::new("urgency", FieldType::String)
        .unwrap()
        .with_label("How urgent?")
        .with_allowed_values(["Low".into(), "High".into()])
        .unwrap()
        .with_on_change(true);
    let incident = FieldSpec::new("incident", FieldType::Int).unwrap().with_required(false).with_visible(false);
    let flow = Flow::builder(Slug::parse("x").unwrap(), "acme").field(urgency).field(incident).var("k", "v").build();
    let mut form = flow.prompt_form();

    let field = form.field("urgency").unwrap();
    assert_eq!((field.label.as_str(), field.required, field.visible), ("How urgent?", true, true));
    assert_eq!(field.field_type(), FieldType::String);
    assert_eq!(field.original_allowed_values(), field.current_allowed_values);
    assert_eq!(form.flow_vars()["k"], "v");

    form.field_mut("urgency").unwrap().value = Some("High".into());
    form.field_mut("urgency").unwrap().current_allowed_values.pop();
    form.field_mut("incident").unwrap().visible = true;
    assert_eq!(form.field("urgency").unwrap().original_allowed_values().len(), 2);
    assert_eq!(form.values().names().collect::<Vec<_>>(), ["urgency"]);
    expect![[r#"
        the form has no field `insident` (SymSDK:UNKNOWN_FIELD)
          help: did you mean `incident`? the fields in the form are `urgency`, `incident`"#]]
    .assert_eq(&form.field_mut("insident").unwrap_err().report().to_string());

    let json = serde_json::to_string(&form).unwrap();
    assert_eq!(serde_json::from_str::<PromptForm>(&json).unwrap(), form);
}

#[test]
fn prefetched_options_replace_the_declared_ones() {
    let spec = spec(FieldType::Int).with_prefetch(true);
    let field = PromptField::with_options(&spec, vec![FieldOption::new(1, "one").unwrap()]);
    assert_eq!(field.original_allowed_values().len(), 1);
    assert_eq!(field.value, None);
}
