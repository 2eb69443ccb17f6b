//! A form as a view.

use sym_sdk::error::{Error, Result};
use sym_sdk::forms::{FieldOption, FieldSpec, FieldType, FieldValue, PromptField, format_duration};
use sym_sdk::model::{Flow, RunId};
use sym_sdk::routing::SlackUser;

use super::open_forms::Shown;
use super::option_key::object;
use super::payload::block_of;
use crate::slack::blocks::{
    ActionId, Actions, Block, BlockId, Button, ButtonValue, CallbackId, DispatchOn, ExternalSelect, Input,
    InputElement, Modal, Mrkdwn, MultiExternalSelect, MultiStaticSelect, MultiUsersSelect, NumberInput, OptionObject,
    OptionValue, Options, PlainTextInput, PrivateMetadata, RadioButtons, Section, StaticSelect, UsersSelect,
};

pub(super) const REQUEST: CallbackId = CallbackId::from_static("request");
pub(super) const RETRY: ActionId = ActionId::from_static("retry");
/// Every input has a block of its own.
pub(super) const VALUE: ActionId = ActionId::from_static("value");

/// More than these are offered while people type.
const AT_ONCE: usize = 100;

/// So many fields leave room for the rest of a view, of 100 blocks.
const MOST_FIELDS: usize = 97;

/// The view while handlers look for what can be picked.
pub(super) fn loading(title: &str) -> Result<Modal> {
    Ok(Modal::new(title, [Section::new("Loading…")])?.close("Cancel"))
}

/// The view when there is no form, and will be none.
pub(super) fn refused(title: &str, text: &str) -> Result<Modal> {
    Ok(Modal::new(title, [Section::new(text)])?.close("Close"))
}

/// The view when there is no form for now.
pub(super) fn failed(title: &str, text: &str, run: RunId) -> Result<Modal> {
    let retry = Button::new(RETRY, "Try again").value(ButtonValue::new(run.to_string())?);
    let blocks: [Block; 2] = [Section::new(text).into(), Actions::new([retry])?.into()];
    let view = Modal::new(title, blocks)?.close("Close").private_metadata(PrivateMetadata::new(run.to_string())?);
    Ok(view)
}

/// The view of a form. `trouble` stands above the fields. If Slack cannot show such a form, the view says so.
pub(super) fn form(flow: &Flow, run: RunId, shown: &Shown, trouble: Option<&str>) -> Result<Modal> {
    let asked = shown.form.fields().iter().filter(|field| field.visible).count();
    if asked > MOST_FIELDS {
        let text = format!(
            "This form has {asked} fields, and Slack shows at most {MOST_FIELDS}. Tell the people who run this, please."
        );
        return refused(flow.label(), &text);
    }
    let view = |lazy| {
        let view = Modal::new(flow.label(), blocks(flow, shown, trouble, lazy)?)?;
        let view = view.submit("Request").close("Cancel").callback_id(REQUEST).notify_on_close(true);
        Ok(view.private_metadata(PrivateMetadata::new(run.to_string())?))
    };
    // Many options take more room than there is; menus that load them as people type take none.
    view(false).or_else(|_: Error| view(true)).or_else(|error| {
        tracing::error!(%error, flow = %flow.name(), "Slack cannot show this form");
        refused(flow.label(), "This form is larger than what Slack can show. Tell the people who run this, please.")
    })
}

/// What a form shows. If it is `lazy`, all menus load their options.
fn blocks(flow: &Flow, shown: &Shown, trouble: Option<&str>, lazy: bool) -> Result<Vec<Block>> {
    let (mut inputs, mut left_out) = (Vec::<Block>::new(), Vec::new());
    for field in shown.form.fields().iter().filter(|field| field.visible) {
        let spec = flow.field(field.name());
        let dispatch = spec.is_some_and(FieldSpec::has_on_change);
        let external = lazy || spec.is_some_and(FieldSpec::is_prefetched);
        let (element, hint) = match element(field, external, dispatch) {
            // It would be what is sent, so it is not cut.
            Err(_) if field.value.is_some() => {
                left_out.push(field.label.as_str());
                let mut empty = field.clone();
                empty.value = None;
                element(&empty, external, dispatch)?
            }
            built => built?,
        };
        let input = Input::new(&field.label, element).optional(!field.required).dispatch_action(dispatch);
        let input = match hint {
            Some(hint) => input.hint(hint),
            None => input,
        };
        let block = block_of(field.name(), shown.revision(field.name()));
        inputs.push(input.block_id(BlockId::new(block)?).into());
    }
    let mut blocks: Vec<Block> = trouble.into_iter().map(|trouble| Section::new(trouble).into()).collect();
    if !left_out.is_empty() {
        let text = format!("Left empty, as Slack cannot show what was filled in beforehand: {}.", left_out.join(", "));
        blocks.push(Section::new(text).into());
    }
    if let Some(text) = shown.form.additional_header_text.as_deref().filter(|text| !text.trim().is_empty()) {
        blocks.push(Section::new(Mrkdwn::new().trusted(text)).into());
    }
    blocks.extend(inputs);
    if blocks.is_empty() {
        blocks.push(Section::new("There is nothing to fill in.").into());
    }
    Ok(blocks)
}

/// The input for a field, and what to say below it.
fn element(field: &PromptField, external: bool, dispatch: bool) -> Result<(InputElement, Option<&'static str>)> {
    let kind = field.field_type();
    let is_menu = external || !field.original_allowed_values().is_empty() || !field.current_allowed_values.is_empty();
    let element = match kind {
        FieldType::SlackUser => users(field).into(),
        FieldType::SlackUserList => several_users(field)?.into(),
        _ if is_menu => menu(field, external)?,
        FieldType::Bool => yes_or_no(field)?.into(),
        FieldType::Int => number(field)?.into(),
        FieldType::Duration => {
            let element = text(field, dispatch)?.placeholder("30m, 4h, 2d");
            return Ok((element.into(), Some("A whole number and a unit: s, m, h, d or mo (30 days)")));
        }
        FieldType::StrList | FieldType::IntList => {
            return Ok((text(field, dispatch)?.multiline().into(), Some("One on each line")));
        }
        // Enter ends a line in an input of several, so a field whose changes matter has one.
        _ if dispatch => text(field, dispatch)?.into(),
        _ => text(field, dispatch)?.multiline().into(),
    };
    Ok((element, None))
}

fn menu(field: &PromptField, external: bool) -> Result<InputElement> {
    let offered = offered(&field.current_allowed_values)?;
    let picked = picked(field)?;
    let external = external || offered.len() > AT_ONCE || offered.is_empty();
    Ok(match (external, field.field_type().is_list()) {
        (true, true) => MultiExternalSelect::new(VALUE).initial_options(picked)?.into(),
        (true, false) => match picked.into_iter().next() {
            Some(option) => ExternalSelect::new(VALUE).initial_option(option).into(),
            None => ExternalSelect::new(VALUE).into(),
        },
        (false, true) => {
            let values = picked.iter().map(|option| option.value().as_str());
            MultiStaticSelect::new(VALUE, Options::new(offered)?).initial_values(values)?.into()
        }
        (false, false) => {
            let menu = StaticSelect::new(VALUE, Options::new(offered)?);
            match picked.first() {
                Some(option) => menu.initial_value(option.value())?.into(),
                None => menu.into(),
            }
        }
    })
}

/// Each option once.
fn offered(options: &[FieldOption]) -> Result<Vec<OptionObject>> {
    let mut seen = std::collections::HashSet::new();
    let offered = options.iter().map(object);
    offered.filter(|option| option.as_ref().map_or(true, |option| seen.insert(option.value().clone()))).collect()
}

/// The options that stand in the field, as far as they are still offered.
fn picked(field: &PromptField) -> Result<Vec<OptionObject>> {
    let members: Vec<FieldValue> = match &field.value {
        None => return Ok(Vec::new()),
        Some(FieldValue::TextList(texts)) => texts.iter().map(FieldValue::from).collect(),
        Some(FieldValue::IntList(numbers)) => numbers.iter().copied().map(FieldValue::from).collect(),
        Some(value) => vec![value.clone()],
    };
    let mut picked = Vec::new();
    for value in members {
        if let Some(option) = field.current_allowed_values.iter().find(|option| *option.value() == value) {
            picked.push(object(option)?);
        }
    }
    Ok(picked)
}

fn yes_or_no(field: &PromptField) -> Result<RadioButtons> {
    let option = |value: &'static str, label: &str| OptionObject::new(OptionValue::from_static(value), label);
    let buttons = RadioButtons::new(VALUE, Options::new([option("true", "Yes"), option("false", "No")])?);
    match field.value {
        Some(FieldValue::Bool(yes)) => buttons.initial_value(yes.to_string()),
        _ => Ok(buttons),
    }
}

fn number(field: &PromptField) -> Result<NumberInput> {
    match field.value {
        Some(FieldValue::Int(number)) => NumberInput::new(VALUE).initial_value(number),
        _ => Ok(NumberInput::new(VALUE)),
    }
}

fn text(field: &PromptField, dispatch: bool) -> Result<PlainTextInput> {
    let text = match &field.value {
        None => String::new(),
        Some(FieldValue::Duration(duration)) => format_duration(*duration),
        Some(FieldValue::TextList(texts)) => texts.join("\n"),
        Some(FieldValue::IntList(numbers)) => numbers.iter().map(i64::to_string).collect::<Vec<_>>().join("\n"),
        Some(value) => value.to_string(),
    };
    let input = PlainTextInput::new(VALUE).initial_value(text)?;
    Ok(if dispatch { input.dispatch_on(DispatchOn::Enter) } else { input })
}

fn users(field: &PromptField) -> UsersSelect {
    match &field.value {
        Some(FieldValue::SlackUser(picked)) => match SlackUser::new(picked.user_id()) {
            Ok(user) => UsersSelect::new(VALUE).initial_user(&user),
            Err(_) => UsersSelect::new(VALUE),
        },
        _ => UsersSelect::new(VALUE),
    }
}

fn several_users(field: &PromptField) -> Result<MultiUsersSelect> {
    let picked = match &field.value {
        Some(FieldValue::SlackUsers(picked)) => picked.as_slice(),
        _ => &[],
    };
    let users: Vec<_> = picked.iter().filter_map(|picked| SlackUser::new(picked.user_id()).ok()).collect();
    MultiUsersSelect::new(VALUE).initial_users(&users)
}
