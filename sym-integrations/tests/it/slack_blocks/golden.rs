//! Golden files of views and messages as a front end builds them. `UPDATE_EXPECT=1` rewrites them; other Slack libraries read
//! them in `tests/conformance/slack-blocks`.

use std::num::NonZeroU32;

use expect_test::{ExpectFile, expect_file};
use serde::Serialize;
use sym_integrations::slack;
use sym_integrations::slack::blocks::{
    Actions, Block, BlockId, Button, ButtonValue, CallbackId, Checkboxes, Confirm, Context, DispatchOn, Divider,
    ExternalSelect, Header, Input, MenuOptions, Message, Modal, Mrkdwn, MultiExternalSelect, MultiStaticSelect,
    MultiUsersSelect, NumberInput, OptionGroup, Options, Overflow, PlainText, PlainTextInput, PrivateMetadata,
    RadioButtons, RichText, Section, Spans, StaticSelect, Style, Suggestions, TimeStyle, UsersSelect,
};
use sym_sdk::error::Result;
use url::Url;

use super::checker::{faults_of_message, faults_of_modal, faults_of_suggestions};
use super::{action, json, option};

fn assert_golden(expected: ExpectFile, actual: &impl Serialize) {
    expected.assert_eq(&format!("{}\n", serde_json::to_string_pretty(actual).unwrap()));
}

fn id(id: &str) -> BlockId {
    BlockId::new(id).unwrap()
}

#[test]
fn every_kind_of_input() -> Result<()> {
    let regions = || Options::new([option("eu", "Europe").description("Frankfurt"), option("us", "United States")]);
    let groups = MenuOptions::groups([OptionGroup::new("Live", regions()?), OptionGroup::new("Test", regions()?)])?;
    let few = |options: [(&str, &str); 2]| Options::<10>::new(options.map(|(value, label)| option(value, label)));
    let (ana, ben) = (slack::user("U012AB3CD")?, slack::user("W045EF6GH")?);
    let three = NonZeroU32::MIN.saturating_add(2);
    let fields: Vec<Block> = vec![
        Header::new("Break glass").block_id(id("top")).into(),
        Section::new(Mrkdwn::new().text("Access to ").bold("R&D <prod>").text(", by ").user(&ana)).into(),
        Divider::new().into(),
        Input::new("Target", StaticSelect::new(action("v"), regions()?).initial_value("us")?.placeholder("Pick one"))
            .block_id(id("target"))
            .dispatch_action(true)
            .into(),
        Input::new("Cluster", StaticSelect::new(action("v"), groups)).block_id(id("cluster")).into(),
        Input::new("Regions", MultiStaticSelect::new(action("v"), regions()?).initial_values(["eu"])?).into(),
        Input::new(
            "Database",
            ExternalSelect::new(action("v")).min_query_length(2).initial_option(option("1", "orders")),
        )
        .hint("Type two letters to search")
        .into(),
        Input::new(
            "Tables",
            MultiExternalSelect::new(action("v")).initial_options([option("7", "a")])?.max_selected_items(three)?,
        )
        .optional(true)
        .into(),
        Input::new("On behalf of", UsersSelect::new(action("v")).initial_user(&ana).placeholder("Somebody")).into(),
        Input::new("Watchers", MultiUsersSelect::new(action("v")).initial_users([&ana, &ben])?).into(),
        Input::new(
            "Reason",
            PlainTextInput::new(action("v")).multiline().max_length(500)?.initial_value("The build hangs")?,
        )
        .into(),
        Input::new(
            "Minutes",
            NumberInput::new(action("v"))
                .min_value(1)?
                .max_value(480)?
                .initial_value(30)?
                .dispatch_on(DispatchOn::Enter),
        )
        .dispatch_action(true)
        .into(),
        Input::new("Urgent", Checkboxes::new(action("v"), few([("y", "Yes"), ("p", "Page")])?).initial_values(["y"])?)
            .into(),
        Input::new("Level", RadioButtons::new(action("v"), few([("r", "Read"), ("w", "Write")])?).initial_value("r")?)
            .into(),
        Context::from_texts([Mrkdwn::from("Requests are logged")])?.into(),
    ];
    let modal = Modal::new("Request access", fields)?
        .submit("Request")
        .close("Cancel")
        .callback_id(CallbackId::from_static("request"))
        .private_metadata(PrivateMetadata::new(r#"{"flow":"prod"}"#)?)
        .notify_on_close(true);
    assert_eq!(faults_of_modal(&json(&modal)), Vec::<String>::new());
    assert_golden(expect_file!["golden/view_every_input.json"], &modal);
    Ok(())
}

#[test]
fn a_view_of_truncated_text() -> Result<()> {
    let long = "👩🏽‍🚒 גישה & <prod> ".repeat(300);
    let blocks: Vec<Block> = vec![
        Header::new(&long).into(),
        Section::new(&long).into(),
        Section::new(Mrkdwn::new().bold(&long)).fields([&long, &long])?.into(),
        Section::from_fields(vec![Mrkdwn::new().quote(&long); 10])?.into(),
        Context::new(Mrkdwn::new().code(&long)).into(),
        Input::new(&long, StaticSelect::new(action("v"), Options::new([option("1", &long)])?).placeholder(&long))
            .hint(&long)
            .into(),
    ];
    let modal = Modal::new(&long, blocks)?.submit(&long).close(&long);
    assert_eq!(faults_of_modal(&json(&modal)), Vec::<String>::new());
    assert_golden(expect_file!["golden/view_cut_text.json"], &modal);
    Ok(())
}

#[test]
fn a_request() -> Result<()> {
    let ana = slack::user("U012AB3CD")?;
    let runbook = Url::parse("https://example.com/runbook?a=1&b=2").unwrap();
    let until = "2026-11-22T20:40:00Z".parse().unwrap();
    let confirm = Confirm::new("Deny?", "Ana will be told.", "Deny", "Back").style(Style::Danger);
    let blocks: Vec<Block> = vec![
        Section::new(Mrkdwn::new().user(&ana).text(" asks for ").bold("Production"))
            .fields([
                Mrkdwn::new().trusted("*Until*\n").time(until, TimeStyle::DateTime),
                Mrkdwn::new().trusted("*Runbook*\n").link(&runbook, "R&D"),
            ])?
            .accessory(Overflow::new(action("more"), Options::new([option("log", "Show the log")])?))
            .into(),
        Section::new(Mrkdwn::new().quote("the build hangs\n> since *noon*")).into(),
        Input::new("Message", PlainTextInput::new(action("v")).placeholder("For Ana"))
            .optional(true)
            .block_id(id("decision"))
            .into(),
        Actions::new([
            Button::new(action("approve"), PlainText::new(":white_check_mark: Approve").emoji())
                .style(Style::Primary)
                .value(ButtonValue::new("run-1")?),
            Button::new(action("deny"), "Deny").style(Style::Danger).confirm(confirm),
            Button::new(action("open"), "Runbook").url(runbook)?,
        ])?
        .block_id(id("decide"))
        .into(),
        Context::new("Request 1").into(),
    ];
    let message = Message::new("Ana asks for Production", blocks)?;
    assert_eq!(faults_of_message(&json(&message)), Vec::<String>::new());
    assert_golden(expect_file!["golden/message_request.json"], &message);
    assert_golden(expect_file!["golden/message_text.json"], &Message::text("R&D: <@U012AB3CD> is not mentioned"));
    Ok(())
}

#[test]
fn a_request_in_rich_text() -> Result<()> {
    let ana = slack::user("U012AB3CD")?;
    let until = "2026-11-22T20:40:00Z".parse().unwrap();
    let values = Spans::new().bold("Target").text(": ").text("*prod* :tada:\n").bold("Roles").text(": ").code("a, `b`");
    let blocks: Vec<Block> = vec![
        RichText::section(Spans::new().user(&ana).text(" asks for ").bold("R&D <admin>")).block_id(id("title")).into(),
        RichText::section(values)
            .then_section(Spans::new().bold("Ticket"))
            .then_quote(Spans::new().text("OPS-1\n*Target*\nstaging <!here>"))
            .then_section(Spans::new().italic("1 more character is not shown here"))
            .into(),
        RichText::quote(Spans::new().text("until ").time(until, TimeStyle::DateTime)).into(),
    ];
    let message = Message::new("Ana asks for Production", blocks)?;
    assert_eq!(faults_of_message(&json(&message)), Vec::<String>::new());
    assert_golden(expect_file!["golden/message_rich_text.json"], &message);
    Ok(())
}

#[test]
fn suggestions() {
    let answer = Suggestions::best([option("1", "orders"), option("2", "users & roles").description("read only")]);
    assert_eq!(faults_of_suggestions(&json(&answer)), Vec::<String>::new());
    assert_golden(expect_file!["golden/options_found.json"], &answer);
}
