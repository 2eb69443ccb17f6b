//! Counts, lengths and duplicates that the builders reject.

use std::num::NonZeroU32;

use sym_integrations::slack::blocks::{
    ActionId, Actions, Block, BlockId, Button, ButtonValue, CallbackId, Checkboxes, Context, Divider, Header,
    INVALID_BLOCKS, Input, MenuOptions, Message, Modal, MultiExternalSelect, MultiStaticSelect, MultiUsersSelect,
    NumberInput, OptionGroup, OptionObject, OptionValue, Options, PlainTextInput, PrivateMetadata, RadioButtons,
    Section, StaticSelect, Suggestions,
};
use sym_sdk::error::{ErrorKind, Result};
use url::Url;

use super::{action, json, option};

#[track_caller]
fn assert_invalid<T: std::fmt::Debug>(result: Result<T>, message: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.message(), message);
    assert_eq!((error.kind(), error.code()), (ErrorKind::InvalidInput, &INVALID_BLOCKS));
}

fn options(count: usize) -> Vec<OptionObject> {
    (0..count).map(|n| option(&n.to_string(), "x")).collect()
}

#[test]
fn values_that_slack_sends_back_are_rejected_and_never_truncated() {
    let long = |length| "ü".repeat(length);
    assert_invalid(BlockId::new(long(256)), "the block_id has 256 characters, Slack accepts at most 255");
    assert_invalid(ActionId::new(long(256)), "the action_id has 256 characters, Slack accepts at most 255");
    assert_invalid(CallbackId::new(long(256)), "the callback_id has 256 characters, Slack accepts at most 255");
    assert_invalid(OptionValue::new(long(76)), "the value of an option has 76 characters, Slack accepts at most 75");
    assert_invalid(
        ButtonValue::new(long(2001)),
        "the value of a button has 2001 characters, Slack accepts at most 2000",
    );
    assert_invalid(
        PrivateMetadata::new(long(3001)),
        "the private_metadata has 3001 characters, Slack accepts at most 3000",
    );
    assert_invalid(ActionId::new(""), "the action_id must not be empty");

    assert_eq!(PrivateMetadata::new(long(3000)).unwrap().as_str(), long(3000));
    assert_eq!(OptionValue::new("<&>".repeat(25)).unwrap().as_str(), "<&>".repeat(25));
}

#[test]
fn rejects_too_many_and_too_few_items() {
    assert_invalid(Options::<100>::new([]), "Slack needs at least 1 options, got 0");
    assert_invalid(Options::<100>::new(options(101)), "Slack accepts at most 100 options, got 101");
    assert_invalid(Options::<10>::new(options(11)), "Slack accepts at most 10 options, got 11");
    assert_invalid(MenuOptions::groups([]), "Slack needs at least 1 groups of options, got 0");
    let buttons = (0..26).map(|n| Button::new(action(&n.to_string()), "x"));
    assert_invalid(Actions::new(buttons), "Slack accepts at most 25 elements in a row of actions, got 26");
    assert_invalid(Context::from_texts(["x"; 11]), "Slack accepts at most 10 texts in a context block, got 11");
    assert_invalid(Section::from_fields(["x"; 11]), "Slack accepts at most 10 fields in a section, got 11");
    assert_invalid(Modal::new::<Block>("x", []), "Slack needs at least 1 blocks in a modal, got 0");
    assert_invalid(Modal::new("x", vec![Divider::new(); 101]), "Slack accepts at most 100 blocks in a modal, got 101");
    assert_invalid(Message::new("x", vec![Divider::new(); 51]), "Slack accepts at most 50 blocks in a message, got 51");
    assert!(Message::new::<Block>("x", []).is_ok());

    let sections = Section::split(["x"; 23]);
    let counts: Vec<_> = sections.iter().map(|section| json(section)["fields"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [10, 10, 3]);
}

#[test]
fn rejects_duplicates() {
    assert_invalid(Options::<100>::new([option("a", "1"), option("a", "2")]), "duplicate option `a`");
    let buttons = [Button::new(action("go"), "1"), Button::new(action("go"), "2")];
    assert_invalid(Actions::new(buttons), "duplicate action_id `go`");
    let id = BlockId::from_static("b");
    let blocks = [Divider::new().block_id(id.clone()), Divider::new().block_id(id)];
    assert_invalid(Modal::new("x", blocks.clone()), "duplicate block_id `b`");
    assert_invalid(Message::new("x", blocks), "duplicate block_id `b`");
}

#[test]
fn an_initial_value_must_be_one_of_the_options() {
    let few = || Options::new(options(3)).unwrap();
    let message = "the initial value `9` is not one of the options";
    assert_invalid(StaticSelect::new(action("a"), few()).initial_value("9"), message);
    assert_invalid(MultiStaticSelect::new(action("a"), few()).initial_values(["1", "9"]), message);
    assert_invalid(Checkboxes::new(action("a"), Options::new(options(3)).unwrap()).initial_values(["9"]), message);
    assert_invalid(RadioButtons::new(action("a"), Options::new(options(3)).unwrap()).initial_value("9"), message);

    let groups = MenuOptions::groups([OptionGroup::new("g", few())]).unwrap();
    let select = StaticSelect::new(action("a"), groups).initial_value("2").unwrap();
    assert_eq!(json(&select)["initial_option"]["value"], "2");
    let select = MultiStaticSelect::new(action("a"), few()).initial_values(["2", "0", "2"]).unwrap();
    assert_eq!(json(&select)["initial_options"].as_array().unwrap().len(), 2);
}

#[test]
fn rejects_more_initial_items_than_can_be_selected() {
    let two = NonZeroU32::new(2).unwrap();
    let message = "3 items are selected initially, but at most 2 can be selected";
    let few = || Options::new(options(3)).unwrap();
    let menu = MultiStaticSelect::new(action("a"), few()).initial_values(["0", "1", "2"]).unwrap();
    assert_invalid(menu.max_selected_items(two), message);
    let menu = MultiStaticSelect::new(action("a"), few()).max_selected_items(two).unwrap();
    assert_invalid(menu.initial_values(["0", "1", "2"]), message);
    let menu = MultiExternalSelect::new(action("a")).max_selected_items(two).unwrap();
    assert_invalid(menu.initial_options(options(3)), message);
    let people: Vec<_> = ["U1", "U2", "U3"].map(|id| sym_integrations::slack::user(id).unwrap()).to_vec();
    let menu = MultiUsersSelect::new(action("a")).initial_users(&people).unwrap();
    assert_invalid(menu.max_selected_items(two), message);
    assert_invalid(
        MultiExternalSelect::new(action("a")).initial_options(options(101)),
        "Slack accepts at most 100 initial options, got 101",
    );
}

#[test]
fn initial_values_are_rejected_and_never_truncated() {
    let input = || PlainTextInput::new(action("a"));
    assert_invalid(
        input().initial_value("x".repeat(5000)),
        "the initial value has 5000 characters, the input accepts at most 3000",
    );
    let short = input().initial_value("five!").unwrap().max_length(4);
    assert_invalid(short, "the initial value has 5 characters, the input accepts at most 4");
    assert_invalid(input().max_length(0), "the maximum length of an input must be 1 to 3000, not 0");
    assert_invalid(input().max_length(3001), "the maximum length of an input must be 1 to 3000, not 3001");
    assert!(json(&input().initial_value("").unwrap()).get("initial_value").is_none());

    let number = || NumberInput::new(action("a")).min_value(1).unwrap();
    assert_invalid(number().max_value(0), "the minimum 1 is greater than the maximum 0");
    assert_invalid(number().initial_value(0), "the initial value 0 is less than the minimum 1");
    assert_invalid(
        number().max_value(5).unwrap().initial_value(6),
        "the initial value 6 is greater than the maximum 5",
    );
    let largest = json(&number().initial_value(i64::MAX).unwrap());
    assert_eq!(largest["initial_value"], i64::MAX.to_string());
}

#[test]
fn buttons_accept_only_http_urls() {
    let button = || Button::new(action("a"), "x");
    let long = Url::parse(&format!("https://example.com/{}", "x".repeat(3000))).unwrap();
    assert_invalid(button().url(long), "the URL of a button has 3020 characters, Slack accepts at most 3000");
    let script = Url::parse("javascript:alert(1)").unwrap();
    assert_invalid(button().url(script), "the URL of a button must be `http` or `https`, not `javascript`");
}

#[test]
fn rejects_a_view_that_is_too_large() {
    let menu = || StaticSelect::new(action("a"), Options::new(options(100)).unwrap());
    let blocks = (0..50).map(|_| Input::new("x", menu()));
    let error = Modal::new("x", blocks).unwrap_err();
    assert!(error.message().starts_with("the blocks of a modal have "), "{error}");
    assert!(error.hint().unwrap().contains("external select"));
}

#[test]
fn a_modal_with_inputs_has_a_submit_button() {
    let form = Modal::new("x", [Input::new("x", NumberInput::new(action("a")))]).unwrap();
    assert_eq!(json(&form)["submit"]["text"], "Submit");
    assert_eq!(json(&form.submit("Ask"))["submit"]["text"], "Ask");
    assert!(json(&Modal::new("x", [Header::new("x")]).unwrap()).get("submit").is_none());
}

#[test]
fn suggestions_keep_the_first_100_options() {
    let twice = options(150).into_iter().chain(options(3));
    let suggestions = json(&Suggestions::best(twice));
    assert_eq!(suggestions["options"].as_array().unwrap().len(), 100);
    assert_eq!(suggestions["options"][99]["value"], "99");
    assert_eq!(json(&Suggestions::best([])).to_string(), r#"{"options":[]}"#);
}

#[test]
fn an_option_without_a_label_shows_its_value() {
    assert_eq!(json(&option("role-1", " "))["text"]["text"], "role-1");
    assert!(json(&option("a", "b").description("")).get("description").is_none());
}
