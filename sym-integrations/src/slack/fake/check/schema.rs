//! The schema of blocks and elements, after Slack's [reference](https://docs.slack.dev/reference/block-kit).

/// The rule for a value.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// A text object with 1 to `n` characters.
    Text(usize),
    /// A plain text object with 1 to `n` characters.
    Plain(usize),
    /// A string with a minimum and maximum number of characters.
    Chars(usize, usize),
    /// `true` or `false`.
    Flag,
    /// A whole number with a minimum and a maximum.
    Count(u64, u64),
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// Up to `n` options.
    Options(usize),
    /// Groups of options.
    Groups,
    /// One option.
    Option,
    /// Up to `n` ids.
    Ids(usize),
    /// Up to `n` objects of these types.
    Several(&'static [&'static str], usize),
    /// An object of one of these types.
    One(&'static [&'static str]),
    /// Up to a number of text objects, with up to a number of characters.
    Texts(usize, usize),
    /// 1 to `n` objects of these types.
    Parts(&'static [&'static str], usize),
    /// A confirmation dialog.
    Confirm,
    /// A dispatch configuration.
    DispatchConfig,
    /// Any value.
    Any,
}

/// A member of an object: its key, its rule, and whether it is required.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) rule: Rule,
    pub(super) is_required: bool,
}

const fn required(key: &'static str, rule: Rule) -> Field {
    Field { key, rule, is_required: true }
}

const fn optional(key: &'static str, rule: Rule) -> Field {
    Field { key, rule, is_required: false }
}

const ID: Rule = Rule::Chars(1, 255);
const BLOCK_ID: Field = optional("block_id", ID);
const ACTION_ID: Field = optional("action_id", ID);
const PLACEHOLDER: Field = optional("placeholder", Rule::Plain(150));
const CONFIRM: Field = optional("confirm", Rule::Confirm);
const FOCUS: Field = optional("focus_on_load", Rule::Flag);
const MAX_SELECTED: Field = optional("max_selected_items", Rule::Count(1, u64::MAX));
const MIN_QUERY: Field = optional("min_query_length", Rule::Count(0, u64::MAX));
const DISPATCH: Field = optional("dispatch_action_config", Rule::DispatchConfig);
const INITIAL_VALUE: Field = optional("initial_value", Rule::Chars(0, 3000));

pub(super) const CONFIRMATION: &[Field] = &[
    required("title", Rule::Plain(100)),
    required("text", Rule::Text(300)),
    required("confirm", Rule::Plain(30)),
    required("deny", Rule::Plain(30)),
    optional("style", Rule::OneOf(&["primary", "danger"])),
];

/// Slack's reference allows values of 150 characters, its published types 75. The stricter limit applies.
pub(super) const OPTION: &[Field] = &[
    required("text", Rule::Text(75)),
    required("value", Rule::Chars(1, 75)),
    optional("description", Rule::Text(75)),
    optional("url", Rule::Chars(1, 3000)),
];

pub(super) const GROUP: &[Field] = &[required("label", Rule::Plain(75)), required("options", Rule::Options(100))];

pub(super) const MODAL: &[Field] = &[
    required("type", Rule::OneOf(&["modal"])),
    required("title", Rule::Plain(24)),
    required("blocks", Rule::Several(BLOCKS_OF_VIEWS, 100)),
    optional("submit", Rule::Plain(24)),
    optional("close", Rule::Plain(24)),
    optional("private_metadata", Rule::Chars(0, 3000)),
    optional("callback_id", Rule::Chars(0, 255)),
    optional("clear_on_close", Rule::Flag),
    optional("notify_on_close", Rule::Flag),
    optional("external_id", Rule::Chars(0, 255)),
    optional("submit_disabled", Rule::Flag),
];

/// A home tab has no title and no buttons of its own, and is never closed.
pub(super) const HOME: &[Field] = &[
    required("type", Rule::OneOf(&["home"])),
    required("blocks", Rule::Several(BLOCKS_OF_VIEWS, 100)),
    optional("private_metadata", Rule::Chars(0, 3000)),
    optional("callback_id", Rule::Chars(0, 255)),
    optional("external_id", Rule::Chars(0, 255)),
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

const RICH_TEXT_PARTS: &[&str] = &["rich_text_list", "rich_text_preformatted", "rich_text_quote", "rich_text_section"];

const RICH_TEXT_SPANS: &[&str] =
    &["broadcast", "channel", "color", "date", "emoji", "link", "text", "user", "usergroup"];

const STYLE: Field = optional("style", Rule::Any);

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

/// The types that are checked in detail.
const TYPES: &[(&str, &[Field])] = &[
    ("actions", &[BLOCK_ID, required("elements", Rule::Several(ACTIONS, 25))]),
    ("context", &[BLOCK_ID, required("elements", Rule::Several(&["image", "mrkdwn", "plain_text"], 10))]),
    ("divider", &[BLOCK_ID]),
    ("header", &[BLOCK_ID, required("text", Rule::Plain(150))]),
    (
        "image",
        &[
            BLOCK_ID,
            required("alt_text", Rule::Chars(1, 2000)),
            optional("image_url", Rule::Chars(1, 3000)),
            optional("slack_file", Rule::Any),
            optional("title", Rule::Plain(2000)),
        ],
    ),
    (
        "input",
        &[
            BLOCK_ID,
            required("label", Rule::Plain(2000)),
            required("element", Rule::One(INPUTS)),
            optional("hint", Rule::Plain(2000)),
            optional("optional", Rule::Flag),
            optional("dispatch_action", Rule::Flag),
        ],
    ),
    // Slack documents no limits for rich text, apart from that of the whole message.
    ("rich_text", &[BLOCK_ID, required("elements", Rule::Parts(RICH_TEXT_PARTS, usize::MAX))]),
    ("rich_text_section", &[required("elements", Rule::Parts(RICH_TEXT_SPANS, usize::MAX))]),
    (
        "rich_text_quote",
        &[required("elements", Rule::Parts(RICH_TEXT_SPANS, usize::MAX)), optional("border", Rule::Count(0, 1))],
    ),
    ("text", &[required("text", Rule::Chars(1, usize::MAX)), STYLE]),
    ("user", &[required("user_id", ID), STYLE]),
    (
        "date",
        &[
            required("timestamp", Rule::Count(0, u64::MAX)),
            required("format", Rule::Chars(1, 3000)),
            optional("fallback", Rule::Chars(1, 3000)),
            optional("url", Rule::Chars(1, 3000)),
            STYLE,
        ],
    ),
    (
        "section",
        &[
            BLOCK_ID,
            optional("text", Rule::Text(3000)),
            optional("fields", Rule::Texts(10, 2000)),
            optional("accessory", Rule::One(ACCESSORIES)),
            optional("expand", Rule::Flag),
        ],
    ),
    (
        "button",
        &[
            ACTION_ID,
            required("text", Rule::Plain(75)),
            optional("value", Rule::Chars(0, 2000)),
            optional("url", Rule::Chars(1, 3000)),
            optional("style", Rule::OneOf(&["primary", "danger"])),
            optional("accessibility_label", Rule::Chars(1, 75)),
            CONFIRM,
        ],
    ),
    (
        "checkboxes",
        &[
            ACTION_ID,
            required("options", Rule::Options(10)),
            optional("initial_options", Rule::Options(10)),
            CONFIRM,
            FOCUS,
        ],
    ),
    (
        "radio_buttons",
        &[ACTION_ID, required("options", Rule::Options(10)), optional("initial_option", Rule::Option), CONFIRM, FOCUS],
    ),
    ("overflow", &[ACTION_ID, required("options", Rule::Options(5)), CONFIRM]),
    (
        "static_select",
        &[
            ACTION_ID,
            optional("options", Rule::Options(100)),
            optional("option_groups", Rule::Groups),
            optional("initial_option", Rule::Option),
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
        ],
    ),
    (
        "multi_static_select",
        &[
            ACTION_ID,
            optional("options", Rule::Options(100)),
            optional("option_groups", Rule::Groups),
            optional("initial_options", Rule::Options(100)),
            MAX_SELECTED,
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
        ],
    ),
    ("external_select", &[ACTION_ID, optional("initial_option", Rule::Option), MIN_QUERY, CONFIRM, FOCUS, PLACEHOLDER]),
    (
        "multi_external_select",
        &[
            ACTION_ID,
            optional("initial_options", Rule::Options(100)),
            MIN_QUERY,
            MAX_SELECTED,
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
        ],
    ),
    ("users_select", &[ACTION_ID, optional("initial_user", ID), CONFIRM, FOCUS, PLACEHOLDER]),
    (
        "multi_users_select",
        &[ACTION_ID, optional("initial_users", Rule::Ids(100)), MAX_SELECTED, CONFIRM, FOCUS, PLACEHOLDER],
    ),
    (
        "plain_text_input",
        &[
            ACTION_ID,
            INITIAL_VALUE,
            optional("multiline", Rule::Flag),
            optional("min_length", Rule::Count(0, 3000)),
            optional("max_length", Rule::Count(1, 3000)),
            DISPATCH,
            FOCUS,
            PLACEHOLDER,
        ],
    ),
    (
        "number_input",
        &[
            ACTION_ID,
            required("is_decimal_allowed", Rule::Flag),
            INITIAL_VALUE,
            optional("min_value", Rule::Chars(1, 100)),
            optional("max_value", Rule::Chars(1, 100)),
            DISPATCH,
            FOCUS,
            PLACEHOLDER,
        ],
    ),
    ("email_text_input", &[ACTION_ID, INITIAL_VALUE, DISPATCH, FOCUS, PLACEHOLDER]),
    ("url_text_input", &[ACTION_ID, INITIAL_VALUE, DISPATCH, FOCUS, PLACEHOLDER]),
    ("mrkdwn", &[required("text", Rule::Chars(1, 3000)), optional("verbatim", Rule::Flag)]),
    ("plain_text", &[required("text", Rule::Chars(1, 3000)), optional("emoji", Rule::Flag)]),
];

/// Returns the members of a type, or `None` for a type that is not checked in detail.
pub(super) fn of(kind: &str) -> Option<&'static [Field]> {
    TYPES.iter().find(|(name, _)| *name == kind).map(|(_, fields)| *fields)
}
