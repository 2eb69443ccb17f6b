//! All flows to pick from.

use std::sync::Arc;

use sym_sdk::error::Result;
use sym_sdk::model::{Channel, ChannelType, Flow};

use super::form_view;
use super::form_open::Wanted;
use crate::slack::blocks::{
    ActionId, Actions, Block, MenuOptions, Modal, Mrkdwn, OptionGroup, OptionObject, OptionValue, Options, PrivateMetadata,
    Section, StaticSelect,
};

pub(super) const PICK: ActionId = ActionId::from_static("pick");

/// So many options are in a group at most.
const GROUP: usize = 100;

/// A view in which a flow is picked, because none was named or it is not clear which.
pub(super) fn picker(title: &str, flows: &[Arc<Flow>], channel: &Channel, wanted: &Wanted) -> Result<Modal> {
    if flows.is_empty() {
        return form_view::refused(title, "There is nothing that you can request here.");
    }
    let menu = StaticSelect::new(PICK, choice(flows)?).placeholder("Pick a flow");
    let question = match &wanted.flow {
        None => Section::new("What do you need?"),
        Some(flow) => {
            let named = [Some(flow), wanted.environment.as_ref()].into_iter().flatten().cloned().collect::<Vec<_>>();
            let unclear = Mrkdwn::new().text("It is not clear which flow ").code(named.join(" "));
            Section::new(unclear.text(" is. What do you need?"))
        }
    };
    let blocks: [Block; 2] = [question.into(), Actions::new([menu])?.into()];
    let view = Modal::new(title, blocks)?.close("Cancel");
    match channel.identifier() {
        Some(name) => Ok(view.private_metadata(PrivateMetadata::new(name)?)),
        None => Ok(view),
    }
}

fn choice(flows: &[Arc<Flow>]) -> Result<MenuOptions> {
    let several = flows.iter().any(|flow| flow.environment().name() != flows[0].environment().name());
    let option = |flow: &Arc<Flow>| {
        // A slug has at most 55 characters.
        let option = OptionObject::new(OptionValue::new(flow.name().as_str())?, flow.label());
        Ok(if several { option.description(flow.environment().label()) } else { option })
    };
    let options: Vec<OptionObject> = flows.iter().map(option).collect::<Result<_>>()?;
    if options.len() <= GROUP {
        return Ok(Options::new(options)?.into());
    }
    let groups = options.chunks(GROUP).enumerate().map(|(index, options)| {
        let label = format!("{}–{}", index * GROUP + 1, index * GROUP + options.len());
        Ok(OptionGroup::new(label, Options::new(options.to_vec())?))
    });
    MenuOptions::groups(groups.collect::<Result<Vec<_>>>()?)
}

/// The channel in which the picker was asked for.
pub(super) fn channel(metadata: &str) -> Channel {
    let channel = Channel::new(ChannelType::Slack);
    if metadata.is_empty() { channel } else { channel.with_identifier(metadata) }
}

/// The flow that is meant, if that is clear: by its name or its label, and its environment's.
pub(super) fn named(flows: &[Arc<Flow>], wanted: &Wanted) -> Option<Arc<Flow>> {
    let name = wanted.flow.as_deref()?;
    let is = |known: &str, given: &str| known.to_lowercase() == given.to_lowercase();
    let mut found = flows.iter().filter(|flow| {
        let environment = flow.environment();
        let in_environment = wanted
            .environment
            .as_deref()
            .is_none_or(|given| is(environment.name().as_str(), given) || is(environment.label(), given));
        in_environment && (is(flow.name().as_str(), name) || is(flow.label(), name))
    });
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => None,
    }
}
