//! Names of the configuration that occur in the body of a handler, such as the `"urgency"` of `event.fields().text("urgency")`.
//!
//! The macros find them, and leave out what is not certainly a call of this crate's API: a method of an argument whose type is one of this
//! crate's, or of a variable that holds the result of one.

use crate::forms::FieldType;

/// A name in the body of a handler. Written by the macros.
#[derive(Clone, Copy, Debug)]
pub struct Literal {
    /// The kind of item that has the name.
    pub kind: LiteralKind,
    /// The name.
    pub name: &'static str,
    /// Whether an unknown name ends the handler, as in `…text("urgency")?`.
    pub is_strict: bool,
    /// The line, counted from 1; 0 if unknown.
    pub line: u32,
    /// The column, counted from 1; 0 if unknown.
    pub column: u32,
}

/// The kind of item that a [`Literal`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LiteralKind {
    /// A field of the request, of any type.
    Field,
    /// A field of the request, read as a value of a type.
    TypedField(FieldType),
    /// A field of the form.
    FormField,
    /// A declared field of the flow.
    DeclaredField,
    /// A var.
    Var,
    /// A setting of a target.
    TargetSetting,
    /// A setting of a strategy.
    StrategySetting,
    /// An integration of the environment, by its key.
    Integration,
    /// A target, by its name.
    Target,
    /// A flow, by its name.
    Flow,
}

macro_rules! typed {
    ($($name:ident = $ty:ident;)*) => {
        /// The kinds that the macros refer to by one name.
        #[allow(non_upper_case_globals, reason = "they look like variants in the expansion")]
        impl LiteralKind {
            $(
                #[doc(hidden)]
                pub const $name: Self = Self::TypedField(FieldType::$ty);
            )*
        }
    };
}

typed! {
    Text = String;
    Int = Int;
    Bool = Bool;
    Duration = Duration;
    SlackUser = SlackUser;
    SlackUsers = SlackUserList;
    TextList = StrList;
    IntList = IntList;
}
