//! What blocks and elements consist of, as Slack's [reference](https://docs.slack.dev/reference/block-kit) says it.

/// What may stand below a key.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// A text object of at least one and at most so many characters.
    Text(usize),
    /// The same, without formatting.
    Plain(usize),
    /// A string of so many characters.
    Chars(usize, usize),
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Count(u64, u64),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// So many options at most.
    Options(usize),
    /// Groups of options.
    Groups,
    /// One option.
    Option,
    /// Ids, so many at most.
    Ids(usize),
    /// Objects of these types, so many at most.
    Several(&'static [&'static str], usize),
    /// An object of one of these types.
    One(&'static [&'static str]),
    /// So many text objects at most, with so many characters.
    Texts(usize, usize),
    /// A question that is asked before.
    Confirm,
    /// When what is typed is sent.
    DispatchConfig,
    /// Anything.
    Any,
}

/// A key, what stands below it, and whether it must be there.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) rule: Rule,
    pub(super) is_required: bool,
}

const fn must(key: &'static str, rule: Rule) -> Field {
    Field { key, rule, is_required: true }
}

const fn may(key: &'static str, rule: Rule) -> Field {
    Field { key, rule, is_required: false }
}

const ID: Rule = Rule::Chars(1, 255);
const BLOCK_ID: Field = may("block_id", ID);
const ACTION_ID: Field = may("action_id", ID);
const PLACEHOLDER: Field = may("placeholder", Rule::Plain(150));
const CONFIRM: Field = may("confirm", Rule::Confirm);
const FOCUS: Field = may("focus_on_load", Rule::Flag);
const MAX_SELECTED: Field = may("max_selected_items", Rule::Count(1, u64::MAX));
const MIN_QUERY: Field = may("min_query_length", Rule::Count(0, u64::MAX));
const DISPATCH: Field = may("dispatch_action_config", Rule::DispatchConfig);
const INITIAL_VALUE: Field = may("initial_value", Rule::Chars(0, 3000));

pub(super) const CONFIRMATION: &[Field] = &[
    must("title", Rule::Plain(100)),
    must("text", Rule::Text(300)),
    must("confirm", Rule::Plain(30)),
    must("deny", Rule::Plain(30)),
    may("style", Rule::OneOf(&["primary", "danger"])),
];

/// The values may have 150 characters by Slack's reference, and 75 by its own types: the stricter holds.
pub(super) const OPTION: &[Field] = &[
    must("text", Rule::Text(75)),
    must("value", Rule::Chars(1, 75)),
    may("description", Rule::Text(75)),
    may("url", Rule::Chars(1, 3000)),
];

pub(super) const GROUP: &[Field] = &[must("label", Rule::Plain(75)), must("options", Rule::Options(100))];

pub(super) const MODAL: &[Field] = &[
    must("type", Rule::OneOf(&["modal"])),
    must("title", Rule::Plain(24)),
    must("blocks", Rule::Several(BLOCKS_OF_VIEWS, 100)),
    may("submit", Rule::Plain(24)),
    may("close", Rule::Plain(24)),
    may("private_metadata", Rule::Chars(0, 3000)),
    may("callback_id", Rule::Chars(0, 255)),
    may("clear_on_close", Rule::Flag),
    may("notify_on_close", Rule::Flag),
    may("external_id", Rule::Chars(0, 255)),
    may("submit_disabled", Rule::Flag),
];

pub(super) const BLOCKS_OF_VIEWS: &[&str] = &[
    "actions",
    "context",
    "divider",
    "header",
    "image",
    "input",
    "markdown",
    "rich_text",
    "section",
    "table",
    "video",
];

pub(super) const BLOCKS_OF_MESSAGES: &[&str] = &[
    "actions",
    "context",
    "context_actions",
    "divider",
    "file",
    "header",
    "image",
    "input",
    "markdown",
    "rich_text",
    "section",
    "table",
    "video",
];

const ACTIONS: &[&str] = &[
    "button",
    "channels_select",
    "checkboxes",
    "conversations_select",
    "datepicker",
    "datetimepicker",
    "external_select",
    "multi_channels_select",
    "multi_conversations_select",
    "multi_external_select",
    "multi_static_select",
    "multi_users_select",
    "overflow",
    "radio_buttons",
    "static_select",
    "timepicker",
    "users_select",
    "workflow_button",
];

const ACCESSORIES: &[&str] = &[
    "button",
    "channels_select",
    "checkboxes",
    "conversations_select",
    "datepicker",
    "external_select",
    "image",
    "multi_channels_select",
    "multi_conversations_select",
    "multi_external_select",
    "multi_static_select",
    "multi_users_select",
    "overflow",
    "radio_buttons",
    "static_select",
    "timepicker",
    "users_select",
    "workflow_button",
];

const INPUTS: &[&str] = &[
    "channels_select",
    "checkboxes",
    "conversations_select",
    "datepicker",
    "datetimepicker",
    "email_text_input",
    "external_select",
    "file_input",
    "multi_channels_select",
    "multi_conversations_select",
    "multi_external_select",
    "multi_static_select",
    "multi_users_select",
    "number_input",
    "plain_text_input",
    "radio_buttons",
    "rich_text_input",
    "static_select",
    "timepicker",
    "url_text_input",
    "users_select",
];

/// The types that are looked into.
const TYPES: &[(&str, &[Field])] = &[
    ("actions", &[BLOCK_ID, must("elements", Rule::Several(ACTIONS, 25))]),
    ("context", &[BLOCK_ID, must("elements", Rule::Several(&["image", "mrkdwn", "plain_text"], 10))]),
    ("divider", &[BLOCK_ID]),
    ("header", &[BLOCK_ID, must("text", Rule::Plain(150))]),
    (
        "image",
        &[
            BLOCK_ID,
            must("alt_text", Rule::Chars(1, 2000)),
            may("image_url", Rule::Chars(1, 3000)),
            may("slack_file", Rule::Any),
            may("title", Rule::Plain(2000)),
        ],
    ),
    (
        "input",
        &[
            BLOCK_ID,
            must("label", Rule::Plain(2000)),
            must("element", Rule::One(INPUTS)),
            may("hint", Rule::Plain(2000)),
            may("optional", Rule::Flag),
            may("dispatch_action", Rule::Flag),
        ],
    ),
    (
        "section",
        &[
            BLOCK_ID,
            may("text", Rule::Text(3000)),
            may("fields", Rule::Texts(10, 2000)),
            may("accessory", Rule::One(ACCESSORIES)),
            may("expand", Rule::Flag),
        ],
    ),
    (
        "button",
        &[
            ACTION_ID,
            must("text", Rule::Plain(75)),
            may("value", Rule::Chars(0, 2000)),
            may("url", Rule::Chars(1, 3000)),
            may("style", Rule::OneOf(&["primary", "danger"])),
            may("accessibility_label", Rule::Chars(1, 75)),
            CONFIRM,
        ],
    ),
    (
        "checkboxes",
        &[ACTION_ID, must("options", Rule::Options(10)), may("initial_options", Rule::Options(10)), CONFIRM, FOCUS],
    ),
    (
        "radio_buttons",
        &[ACTION_ID, must("options", Rule::Options(10)), may("initial_option", Rule::Option), CONFIRM, FOCUS],
    ),
    ("overflow", &[ACTION_ID, must("options", Rule::Options(5)), CONFIRM]),
    (
        "static_select",
        &[
            ACTION_ID,
            may("options", Rule::Options(100)),
            may("option_groups", Rule::Groups),
            may("initial_option", Rule::Option),
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
        ],
    ),
    (
        "multi_static_select",
        &[
            ACTION_ID,
            may("options", Rule::Options(100)),
            may("option_groups", Rule::Groups),
            may("initial_options", Rule::Options(100)),
            MAX_SELECTED,
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
        ],
    ),
    ("external_select", &[ACTION_ID, may("initial_option", Rule::Option), MIN_QUERY, CONFIRM, FOCUS, PLACEHOLDER]),
    (
        "multi_external_select",
        &[ACTION_ID, may("initial_options", Rule::Options(100)), MIN_QUERY, MAX_SELECTED, CONFIRM, FOCUS, PLACEHOLDER],
    ),
    ("users_select", &[ACTION_ID, may("initial_user", ID), CONFIRM, FOCUS, PLACEHOLDER]),
    (
        "multi_users_select",
        &[ACTION_ID, may("initial_users", Rule::Ids(100)), MAX_SELECTED, CONFIRM, FOCUS, PLACEHOLDER],
    ),
    (
        "plain_text_input",
        &[
            ACTION_ID,
            INITIAL_VALUE,
            may("multiline", Rule::Flag),
            may("min_length", Rule::Count(0, 3000)),
            may("max_length", Rule::Count(1, 3000)),
            DISPATCH,
            FOCUS,
            PLACEHOLDER,
        ],
    ),
    (
        "number_input",
        &[
            ACTION_ID,
            must("is_decimal_allowed", Rule::Flag),
            INITIAL_VALUE,
            may("min_value", Rule::Chars(1, 100)),
            may("max_value", Rule::Chars(1, 100)),
            DISPATCH,
            FOCUS,
            PLACEHOLDER,
        ],
    ),
    ("email_text_input", &[ACTION_ID, INITIAL_VALUE, DISPATCH, FOCUS, PLACEHOLDER]),
    ("url_text_input", &[ACTION_ID, INITIAL_VALUE, DISPATCH, FOCUS, PLACEHOLDER]),
    ("mrkdwn", &[must("text", Rule::Chars(1, 3000)), may("verbatim", Rule::Flag)]),
    ("plain_text", &[must("text", Rule::Chars(1, 3000)), may("emoji", Rule::Flag)]),
];

/// What an object of a type consists of; `None` for one that is not looked into.
pub(super) fn of(kind: &str) -> Option<&'static [Field]> {
    TYPES.iter().find(|(name, _)| *name == kind).map(|(_, fields)| *fields)
}
