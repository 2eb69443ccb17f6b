//! The view of a form: one input for each visible field.
//!
//! A form that Slack cannot show is replaced by a message. An input's initial value is never truncated, since the user would
//! submit the truncated value.

use sym_sdk::error::{Error, Result};
use sym_sdk::forms::{FieldOption, FieldSpec, FieldType, FieldValue, PromptField, format_duration};
use sym_sdk::model::{Flow, RunId};
use sym_sdk::routing::SlackUser;

use super::form_place::FormSnapshot;
use super::option_key::option_object;
use super::payload::block_id;
use crate::slack::blocks::{
    ActionId, Actions, Block, BlockId, Button, ButtonValue, CallbackId, Context, DispatchOn, ExternalSelect, Input,
    InputElement, Modal, Mrkdwn, MultiExternalSelect, MultiStaticSelect, MultiUsersSelect, NumberInput, OptionObject,
    OptionValue, Options, PlainTextInput, PrivateMetadata, RadioButtons, Section, StaticSelect, UsersSelect,
};

pub(super) const REQUEST: CallbackId = CallbackId::from_static("request");
pub(super) const RETRY: ActionId = ActionId::from_static("retry");
/// The action id of every input. Each input has its own block.
pub(super) const VALUE: ActionId = ActionId::from_static("value");

/// The maximum number of options in a static menu. More options are loaded while the user types.
const MAX_STATIC_OPTIONS: usize = 100;

/// The maximum number of fields. A view has at most 100 blocks, up to 3 of which precede the fields.
const MAX_FIELDS: usize = 97;

/// Builds the view that is shown until the form is prepared.
pub(super) fn loading(title: &str) -> Result<Modal> {
    let hint = Context::new("If this does not change, close it and try again.");
    let blocks: [Block; 2] = [Section::new("Loading…").into(), hint.into()];
    Ok(Modal::new(title, blocks)?.close("Cancel"))
}

/// Builds a view with a text alone, for when there is no form.
pub(super) fn message_view(title: &str, text: &str) -> Result<Modal> {
    Ok(Modal::new(title, [Section::new(text)])?.close("Close"))
}

/// Builds the view for when the form could not be prepared, with a button to try again.
pub(super) fn failed(title: &str, text: &str, run: RunId) -> Result<Modal> {
    let retry = Button::new(RETRY, "Try again").value(ButtonValue::new(run.to_string())?);
    let blocks: [Block; 2] = [Section::new(text).into(), Actions::new([retry])?.into()];
    let view = Modal::new(title, blocks)?.close("Close").private_metadata(PrivateMetadata::new(run.to_string())?);
    Ok(view)
}

/// Builds the view of a form. An error is shown above the fields. If Slack cannot show the form, the view says so.
pub(super) fn form(flow: &Flow, run: RunId, snapshot: &FormSnapshot, error: Option<&str>) -> Result<Modal> {
    let visible = snapshot.form.fields().iter().filter(|field| field.visible).count();
    if visible > MAX_FIELDS {
        let text = format!(
            "This form has {visible} fields, but Slack shows at most {MAX_FIELDS}. Please contact an administrator."
        );
        return message_view(flow.label(), &text);
    }
    let view = |lazy| {
        let view = Modal::new(flow.label(), blocks(flow, snapshot, error, lazy)?)?;
        let view = view.submit("Request").close("Cancel").callback_id(REQUEST).notify_on_close(true);
        Ok(view.private_metadata(PrivateMetadata::new(run.to_string())?))
    };
    // If the options exceed the size of a view, all menus load them while the user types.
    view(false).or_else(|_: Error| view(true)).or_else(|error| {
        tracing::error!(%error, flow = %flow.name(), "Slack cannot show this form");
        message_view(flow.label(), "This form is too large for Slack. Please contact an administrator.")
    })
}

/// Returns the blocks of a form. If `lazy`, every menu loads its options while the user types.
fn blocks(flow: &Flow, snapshot: &FormSnapshot, error: Option<&str>, lazy: bool) -> Result<Vec<Block>> {
    let (mut inputs, mut left_out) = (Vec::<Block>::new(), Vec::new());
    for field in snapshot.form.fields().iter().filter(|field| field.visible) {
        let spec = flow.field(field.name());
        let dispatch = spec.is_some_and(FieldSpec::has_on_change);
        let external = lazy || spec.is_some_and(FieldSpec::is_prefetched);
        let (element, hint) = match element(field, external, dispatch) {
            // Slack cannot show the initial value, so the input is left empty.
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
        let block = block_id(field.name(), snapshot.revision(field.name()));
        inputs.push(input.block_id(BlockId::new(block)?).into());
    }
    let mut blocks: Vec<Block> = error.into_iter().map(|error| Section::new(error).into()).collect();
    if !left_out.is_empty() {
        let text = format!("Left empty, because Slack cannot show their initial values: {}.", left_out.join(", "));
        blocks.push(Section::new(text).into());
    }
    if let Some(text) = snapshot.form.additional_header_text.as_deref().filter(|text| !text.trim().is_empty()) {
        blocks.push(Section::new(Mrkdwn::new().trusted(text)).into());
    }
    blocks.extend(inputs);
    if blocks.is_empty() {
        blocks.push(Section::new("This form has no fields to fill in.").into());
    }
    Ok(blocks)
}

/// Returns the input of a field, and its hint.
fn element(field: &PromptField, external: bool, dispatch: bool) -> Result<(InputElement, Option<&'static str>)> {
    let kind = field.field_type();
    let is_menu = external || !field.original_allowed_values().is_empty() || !field.current_allowed_values.is_empty();
    let element = match kind {
        FieldType::SlackUser => users_select(field).into(),
        FieldType::SlackUserList => multi_users_select(field)?.into(),
        _ if is_menu => menu(field, external)?,
        FieldType::Bool => bool_input(field)?.into(),
        FieldType::Int => number_input(field)?.into(),
        FieldType::Duration => {
            let element = text_input(field, dispatch)?.placeholder("30m, 4h, 2d");
            return Ok((element.into(), Some("A whole number and a unit: s, m, h, d or mo (30 days)")));
        }
        FieldType::StrList | FieldType::IntList => {
            return Ok((text_input(field, dispatch)?.multiline().into(), Some("One per line")));
        }
        // A multiline input takes Enter as a line break, so a field that dispatches changes has a single line.
        _ if dispatch => text_input(field, dispatch)?.into(),
        _ => text_input(field, dispatch)?.multiline().into(),
    };
    Ok((element, None))
}

fn menu(field: &PromptField, external: bool) -> Result<InputElement> {
    let options = distinct_options(&field.current_allowed_values)?;
    let selected = selected_options(field)?;
    let external = external || options.len() > MAX_STATIC_OPTIONS || options.is_empty();
    Ok(match (external, field.field_type().is_list()) {
        (true, true) => MultiExternalSelect::new(VALUE).initial_options(selected)?.into(),
        (true, false) => match selected.into_iter().next() {
            Some(option) => ExternalSelect::new(VALUE).initial_option(option).into(),
            None => ExternalSelect::new(VALUE).into(),
        },
        (false, true) => {
            let values = selected.iter().map(|option| option.value().as_str());
            MultiStaticSelect::new(VALUE, Options::new(options)?).initial_values(values)?.into()
        }
        (false, false) => {
            let menu = StaticSelect::new(VALUE, Options::new(options)?);
            match selected.first() {
                Some(option) => menu.initial_value(option.value())?.into(),
                None => menu.into(),
            }
        }
    })
}

/// Returns the options without duplicate values.
fn distinct_options(options: &[FieldOption]) -> Result<Vec<OptionObject>> {
    let mut seen = std::collections::HashSet::new();
    let objects = options.iter().map(option_object);
    objects.filter(|option| option.as_ref().map_or(true, |option| seen.insert(option.value().clone()))).collect()
}

/// Returns the options that are selected in a field, without those that are no longer allowed.
fn selected_options(field: &PromptField) -> Result<Vec<OptionObject>> {
    let members: Vec<FieldValue> = match &field.value {
        None => return Ok(Vec::new()),
        Some(FieldValue::TextList(texts)) => texts.iter().map(FieldValue::from).collect(),
        Some(FieldValue::IntList(numbers)) => numbers.iter().copied().map(FieldValue::from).collect(),
        Some(value) => vec![value.clone()],
    };
    let mut selected = Vec::new();
    for value in members {
        if let Some(option) = field.current_allowed_values.iter().find(|option| *option.value() == value) {
            selected.push(option_object(option)?);
        }
    }
    Ok(selected)
}

fn bool_input(field: &PromptField) -> Result<RadioButtons> {
    let option = |value: &'static str, label: &str| OptionObject::new(OptionValue::from_static(value), label);
    let buttons = RadioButtons::new(VALUE, Options::new([option("true", "Yes"), option("false", "No")])?);
    match field.value {
        Some(FieldValue::Bool(yes)) => buttons.initial_value(yes.to_string()),
        _ => Ok(buttons),
    }
}

fn number_input(field: &PromptField) -> Result<NumberInput> {
    match field.value {
        Some(FieldValue::Int(number)) => NumberInput::new(VALUE).initial_value(number),
        _ => Ok(NumberInput::new(VALUE)),
    }
}

fn text_input(field: &PromptField, dispatch: bool) -> Result<PlainTextInput> {
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

fn users_select(field: &PromptField) -> UsersSelect {
    match &field.value {
        Some(FieldValue::SlackUser(selected)) => match SlackUser::new(selected.user_id()) {
            Ok(user) => UsersSelect::new(VALUE).initial_user(&user),
            Err(_) => UsersSelect::new(VALUE),
        },
        _ => UsersSelect::new(VALUE),
    }
}

fn multi_users_select(field: &PromptField) -> Result<MultiUsersSelect> {
    let selected = match &field.value {
        Some(FieldValue::SlackUsers(selected)) => selected.as_slice(),
        _ => &[],
    };
    let users: Vec<_> = selected.iter().filter_map(|selected| SlackUser::new(selected.user_id()).ok()).collect();
    MultiUsersSelect::new(VALUE).initial_users(&users)
}
