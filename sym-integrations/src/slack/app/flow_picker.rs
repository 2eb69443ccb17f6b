//! Selecting a flow: by the arguments of a command, or else in a view that lists the flows.

use std::sync::Arc;

use sym_sdk::error::Result;
use sym_sdk::model::{Channel, ChannelType, Flow};

use super::form_view;
use crate::slack::blocks::{
    ActionId, Actions, Block, MenuOptions, Modal, Mrkdwn, OptionGroup, OptionObject, OptionValue, Options,
    PrivateMetadata, Section, StaticSelect,
};

pub(super) const PICK_FLOW: ActionId = ActionId::from_static("pick");

/// The maximum number of options in a group.
const MAX_GROUP_OPTIONS: usize = 100;

/// The flow and the environment that a user named.
#[derive(Default)]
pub(super) struct FlowQuery {
    pub(super) flow: Option<String>,
    pub(super) environment: Option<String>,
}

impl FlowQuery {
    /// Returns the only flow that matches: by its name or label, and by the name or label of its environment. Case is ignored.
    pub(super) fn find(&self, flows: &[Arc<Flow>]) -> Option<Arc<Flow>> {
        let name = self.flow.as_deref()?;
        let equal = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let mut matching = flows.iter().filter(|flow| {
            let environment = flow.environment();
            let in_environment = self
                .environment
                .as_deref()
                .is_none_or(|given| equal(environment.name().as_str(), given) || equal(environment.label(), given));
            in_environment && (equal(flow.name().as_str(), name) || equal(flow.label(), name))
        });
        match (matching.next(), matching.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    }
}

/// Builds the view in which the user picks a flow, because the query does not match exactly one.
pub(super) fn picker_view(title: &str, flows: &[Arc<Flow>], channel: &Channel, query: &FlowQuery) -> Result<Modal> {
    if flows.is_empty() {
        return form_view::message_view(title, "There are no flows that you can request.");
    }
    let menu = StaticSelect::new(PICK_FLOW, menu_options(flows)?).placeholder("Select a flow");
    let question = match &query.flow {
        None => Section::new("What do you need?"),
        Some(flow) => {
            let named = [Some(flow), query.environment.as_ref()].into_iter().flatten().cloned().collect::<Vec<_>>();
            let unclear = Mrkdwn::new().text("No single flow matches ").code(named.join(" "));
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
