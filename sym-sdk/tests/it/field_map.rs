//! The values of a request: typed access, deserialization and serialization.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use expect_test::expect;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use sym_sdk::error::codes;
use sym_sdk::forms::{FieldMap, FieldValue, SlackUserSelection};

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
enum Urgency {
    Low,
    Urgent,
}

fn fields() -> FieldMap {
    let ann = SlackUserSelection::new("U1", Some("ann@example.com".to_owned()));
    let stranger = SlackUserSelection::new("U2", None);
    FieldMap::from_iter([
        ("urgency", FieldValue::from("Urgent")),
        ("repo", "sym-sdk".into()),
        ("count", 3.into()),
        ("force", true.into()),
        ("duration", Duration::from_secs(1800).into()),
        ("owner", ann.clone().into()),
        ("watchers", vec![ann, stranger].into()),
        ("tags", vec!["a", "b"].into()),
        ("ports", vec![22i64, 443].into()),
    ])
}

#[test]
fn returns_typed_values() {
    let fields = fields();
    assert_eq!(fields.text("repo").unwrap(), "sym-sdk");
    assert_eq!(fields.int("count").unwrap(), 3);
    assert!(fields.bool("force").unwrap());
    assert_eq!(fields.duration("duration").unwrap(), Duration::from_secs(1800));
    assert_eq!(fields.slack_user("owner").unwrap().user_id(), "U1");
    assert_eq!(fields.slack_users("watchers").unwrap()[1].username(), None);
    assert_eq!(fields.text_list("tags").unwrap(), ["a", "b"]);
    assert_eq!(fields.int_list("ports").unwrap(), [22, 443]);
    assert_eq!(fields.len(), 9);
}

#[test]
fn explains_missing_fields() {
    let fields = FieldMap::from_iter([("repo", FieldValue::from("x")), ("count", 1.into())]);
    expect![[r#"
        there is no field `reop` (SymSDK:UNKNOWN_FIELD)
          help: did you mean `repo`? the fields are `count`: int, `repo`: string"#]]
    .assert_eq(&fields.text("reop").unwrap_err().report().to_string());
    expect![[r#"
        field `count` has the type `int`, not `string` (SymSDK:INVALID_FIELD_VALUE)
          help: the fields are `count`: int, `repo`: string"#]]
    .assert_eq(&fields.text("count").unwrap_err().report().to_string());
    expect![[r#"
        there is no field `x` (SymSDK:UNKNOWN_FIELD)
          help: no field has a value"#]]
    .assert_eq(&FieldMap::new().int("x").unwrap_err().report().to_string());
}

#[test]
fn deserializes_into_a_struct_that_borrows() {
    #[derive(Deserialize)]
    struct Form<'a> {
        urgency: Urgency,
        repo: &'a str,
        #[serde(borrow)]
        tags: Vec<&'a str>,
        #[serde(borrow, rename = "repo_again", default)]
        _again: Option<Cow<'a, str>>,
        count: u8,
        force: bool,
        duration: Duration,
        owner: SlackUserSelection,
        watchers: Vec<SlackUserSelection>,
        ports: Vec<u16>,
        absent: Option<i64>,
    }
    let fields = fields();
    let form: Form<'_> = fields.deserialize().unwrap();
    assert_eq!(form.urgency, Urgency::Urgent);
    assert!(std::ptr::eq(form.repo, fields.text("repo").unwrap()));
    assert!(std::ptr::eq(form.tags[0], fields.text_list("tags").unwrap()[0].as_str()));
    assert_eq!((form.count, form.force, form.duration), (3, true, Duration::from_secs(1800)));
    assert_eq!(form.owner, *fields.slack_user("owner").unwrap());
    assert_eq!(form.watchers, fields.slack_users("watchers").unwrap());
    assert_eq!(form.ports, [22, 443]);
    assert_eq!(form.absent, None);
}

#[test]
fn deserializes_into_less_specific_types() {
    #[derive(Deserialize)]
    struct Seconds {
        duration: u64,
        owner: String,
        watchers: Vec<String>,
        count: f64,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    let fields = fields();
    let form: Seconds = fields.deserialize().unwrap();
    assert_eq!((form.duration, form.owner.as_str(), form.count), (1800, "U1", 3.0));
    assert_eq!(form.watchers, ["U1", "U2"]);
    assert_eq!(form.rest["repo"], "sym-sdk");

    let all: BTreeMap<&str, Value> = fields.deserialize().unwrap();
    assert_eq!(all["owner"], json!({ "user_id": "U1", "username": "ann@example.com" }));
    fields.deserialize::<()>().unwrap();
    let maybe: Option<BTreeMap<String, Value>> = fields.deserialize().unwrap();
    assert_eq!(maybe.unwrap().len(), fields.len());
}

#[test]
fn errors_name_the_field() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Form<T> {
        value: T,
    }
    fn report<T: std::fmt::Debug + for<'de> Deserialize<'de>>(value: impl Into<FieldValue>) -> String {
        let fields = FieldMap::from_iter([("value", value)]);
        fields.deserialize::<Form<T>>().unwrap_err().report().to_string()
    }
    expect!["field `value`: invalid type: string \"3\", expected u8 (SymSDK:INVALID_FIELD_VALUE)"]
        .assert_eq(&report::<u8>("3"));
    expect!["field `value`: invalid value: integer `300`, expected u8 (SymSDK:INVALID_FIELD_VALUE)"]
        .assert_eq(&report::<u8>(300));
    expect!["field `value`: unknown variant `Later`, expected `Low` or `Urgent` (SymSDK:INVALID_FIELD_VALUE)"]
        .assert_eq(&report::<Urgency>("Later"));
    expect!["field `value`: invalid type: sequence, expected a string (SymSDK:INVALID_FIELD_VALUE)"]
        .assert_eq(&report::<String>(vec!["a"]));
    expect!["field `value`: invalid type: integer `1`, expected enum Urgency (SymSDK:INVALID_FIELD_VALUE)"]
        .assert_eq(&report::<Urgency>(1));
}

#[test]
fn reports_missing_and_unexpected_fields() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Form {
        repo: String,
    }
    let error = FieldMap::from_iter([("reppo", "x")]).deserialize::<Form>().unwrap_err();
    assert_eq!(*error.code(), codes::UNKNOWN_FIELD);
    expect![[r#"
        field `reppo` is not expected (SymSDK:UNKNOWN_FIELD)
          help: did you mean `repo`? the expected fields are `repo`"#]]
    .assert_eq(&error.report().to_string());

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Lax {
        repo: String,
    }
    expect![[r#"
        field `repo` is required, but has no value (SymSDK:MISSING_FIELD)
          help: did you mean `reppo`? the fields are `reppo`: string"#]]
    .assert_eq(&FieldMap::from_iter([("reppo", "x")]).deserialize::<Lax>().unwrap_err().report().to_string());
}

fn slack_user() -> impl Strategy<Value = SlackUserSelection> {
    (".{0,8}", proptest::option::of(".{0,8}")).prop_map(|(id, name)| SlackUserSelection::new(id, name))
}

fn value() -> impl Strategy<Value = FieldValue> {
    prop_oneof![
        ".{0,20}".prop_map(FieldValue::from),
        any::<i64>().prop_map(FieldValue::from),
        any::<bool>().prop_map(FieldValue::from),
        any::<u64>().prop_map(|seconds| FieldValue::from(Duration::from_secs(seconds))),
        slack_user().prop_map(FieldValue::from),
        prop::collection::vec(slack_user(), 0..4).prop_map(FieldValue::from),
        prop::collection::vec(".{0,8}", 0..4).prop_map(FieldValue::from),
        prop::collection::vec(any::<i64>(), 0..4).prop_map(FieldValue::from),
    ]
}

proptest! {
    #[test]
    fn serialization_round_trips(fields in prop::collection::btree_map("[a-z_]{1,8}", value(), 0..8)) {
        let fields: FieldMap = fields.into_iter().collect();
        let text = serde_json::to_string(&fields).unwrap();
        prop_assert_eq!(serde_json::from_str::<FieldMap>(&text).unwrap(), fields);
    }

    #[test]
    fn deserializes_to_plain_json(fields in prop::collection::btree_map("[a-z_]{1,8}", value(), 0..8)) {
        let fields: FieldMap = fields.into_iter().collect();
        let read: serde_json::Map<String, Value> = fields.deserialize().unwrap();
        prop_assert_eq!(read, fields.to_json());
    }
}
