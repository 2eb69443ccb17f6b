//! Selecting a flow: by the arguments of a command, or else in a view that lists the flows.

use std::sync::Arc;

use sym_sdk::error::Result;
use sym_sdk::model::{Channel, ChannelType, Flow};

use super::form_view;
use super::request_text::shortened;
use crate::slack::blocks::{
    ActionId, Actions, Block, MenuOptions, Modal, Mrkdwn, OptionGroup, OptionObject, OptionValue, Options,
    PrivateMetadata, Section, StaticSelect,
};

pub(super) const PICK_FLOW: ActionId = ActionId::from_static("pick");

/// The maximum number of options in a group.
const MAX_GROUP_OPTIONS: usize = 100;

/// The maximum length of what a user typed, in the view.
const MAX_TYPED_LENGTH: usize = 200;

/// The words with which a user named a flow, and possibly its environment. Both can have blanks.
#[derive(Default)]
pub(super) struct FlowQuery {
    /// As the user typed it.
    typed: String,
    /// The same, in the form in which names are compared.
    comparable: String,
}

impl FlowQuery {
    /// Creates the query for a text that a user typed.
    pub(super) fn new(typed: &str) -> Self {
        Self { typed: typed.trim().to_owned(), comparable: comparable(typed) }
    }

    /// Returns the only flow that matches: by its name or label, and by the name or label of its environment if one is named. Case,
    /// quotation marks and the kinds of dashes and blanks are ignored, since keyboards change them. If nothing is named, any flow
    /// matches.
    pub(super) fn find(&self, flows: &[Arc<Flow>]) -> Option<Arc<Flow>> {
        let mut matching = flows.iter().filter(|flow| self.matches(flow));
        match (matching.next(), matching.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    }

    fn matches(&self, flow: &Flow) -> bool {
        let environment = flow.environment();
        let is_environment = |named: &str| {
            [environment.name().as_str(), environment.label()].into_iter().any(|name| comparable(name) == named)
        };
        // The first words name the flow, and the others the environment.
        self.comparable.is_empty()
            || [flow.name().as_str(), flow.label()].into_iter().any(|name| {
                match self.comparable.strip_prefix(comparable(name).as_str()) {
                    Some("") => true,
                    Some(rest) => rest.strip_prefix(' ').is_some_and(is_environment),
                    None => false,
                }
            })
    }
}

/// Returns a text in the form in which names are compared.
fn comparable(text: &str) -> String {
    let is_quote = |c: char| matches!(c, '"' | '\'' | '`' | '\u{b4}' | '\u{ab}' | '\u{bb}' | '\u{2018}'..='\u{201f}');
    let plain: String = text
        .chars()
        .filter(|c| !is_quote(*c))
        .map(|c| match c {
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => '-',
            c => c,
        })
        .collect();
    plain.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Builds the view in which the user picks a flow, because the query does not match exactly one.
pub(super) fn picker_view(title: &str, flows: &[Arc<Flow>], channel: &Channel, query: &FlowQuery) -> Result<Modal> {
    if flows.is_empty() {
        return form_view::message_view(title, "There are no flows that you can request.");
    }
    let menu = StaticSelect::new(PICK_FLOW, menu_options(flows)?).placeholder("Select a flow");
    let question = match query.typed.as_str() {
        "" => Section::new("What do you need?"),
        typed => {
            let unclear = Mrkdwn::new().text("No single flow matches ").code(shortened(typed, MAX_TYPED_LENGTH));
            Section::new(unclear.text(". What do you need?"))
        }
    };
    let blocks: [Block; 2] = [question.into(), Actions::new([menu])?.into()];
    let view = Modal::new(title, blocks)?.close("Cancel");
    match channel.identifier() {
        Some(name) => Ok(view.private_metadata(PrivateMetadata::new(name)?)),
        None => Ok(view),
    }
}

fn menu_options(flows: &[Arc<Flow>]) -> Result<MenuOptions> {
    let several_environments =
        flows.windows(2).any(|pair| pair[0].environment().name() != pair[1].environment().name());
    let option = |flow: &Arc<Flow>| {
        // A flow's name has at most 55 characters, so it always fits.
        let option = OptionObject::new(OptionValue::new(flow.name().as_str())?, flow.label());
        Ok(if several_environments { option.description(flow.environment().label()) } else { option })
    };
    let options: Vec<OptionObject> = flows.iter().map(option).collect::<Result<_>>()?;
    if options.len() <= MAX_GROUP_OPTIONS {
        return Ok(Options::new(options)?.into());
    }
    let groups = options.chunks(MAX_GROUP_OPTIONS).enumerate().map(|(index, options)| {
        let first = index * MAX_GROUP_OPTIONS;
        let label = format!("{}–{}", first + 1, first + options.len());
        Ok(OptionGroup::new(label, Options::new(options.to_vec())?))
    });
    MenuOptions::groups(groups.collect::<Result<Vec<_>>>()?)
}

/// Returns the channel in which the picker was opened, from the view's metadata.
pub(super) fn source_channel(metadata: &str) -> Channel {
    let channel = Channel::new(ChannelType::Slack);
    if metadata.is_empty() { channel } else { channel.with_identifier(metadata) }
}
