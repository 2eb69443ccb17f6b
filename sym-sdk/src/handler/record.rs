use std::fmt;
use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;

use super::handler_fn::{CallResult, Thunk};
use super::{Context, HandlerKind, Requires, Services};
use crate::config::{Diagnostic, SourceLocation};
use crate::forms::FieldOption;
use crate::future::BoxFuture;
use crate::model::HandlerRef;

/// Everything that is known of a handler. The attribute macros write one for each.
#[derive(Clone, Debug)]
pub struct HandlerRecord {
    #[doc(hidden)]
    pub name: &'static str,
    #[doc(hidden)]
    pub module: &'static str,
    #[doc(hidden)]
    pub file: &'static str,
    #[doc(hidden)]
    pub line: u32,
    #[doc(hidden)]
    pub column: u32,
    #[doc(hidden)]
    pub doc: &'static str,
    #[doc(hidden)]
    pub is_async: bool,
    #[doc(hidden)]
    pub requires: &'static [Requires],
    #[doc(hidden)]
    pub thunk: Thunk,
}

inventory::collect!(HandlerRecord);

/// Implemented for the hidden struct of a handler's name.
#[doc(hidden)]
#[diagnostic::on_unimplemented(message = "`{Self}` is not a handler", label = "no handler macro on it")]
pub trait Handler {
    /// The handler's record.
    const RECORD: HandlerRecord;
}

impl HandlerRecord {
    /// What stands for a handler that does not compile, so that its fault is reported once.
    #[doc(hidden)]
    pub const INVALID: Self = {
        fn call(_: &Context) -> BoxFuture<'_, CallResult<Vec<FieldOption>>> {
            Box::pin(ready(Err("this handler does not compile".into())))
        }
        Self {
            name: "",
            module: "",
            file: "",
            line: 0,
            column: 0,
            doc: "",
            is_async: false,
            requires: &[],
            thunk: Thunk::Prefetch("", call),
        }
    };

    /// What the handler is for.
    pub const fn kind(&self) -> HandlerKind {
        self.thunk.kind()
    }

    /// The function's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The form's field, for `#[prefetch]` and `#[on_change]` handlers.
    pub const fn field(&self) -> Option<&'static str> {
        self.thunk.field()
    }

    /// The module that the function stands in, such as `my_flows::prod`.
    pub const fn module(&self) -> &'static str {
        self.module
    }

    /// The source file.
    pub const fn file(&self) -> &'static str {
        self.file
    }

    /// The line of the attribute.
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// The column of the attribute.
    pub const fn column(&self) -> u32 {
        self.column
    }

    /// The function's doc comment.
    pub const fn doc(&self) -> &'static str {
        self.doc
    }

    /// Whether it is an `async fn`.
    pub const fn is_async(&self) -> bool {
        self.is_async
    }

    /// What its arguments need, one entry each.
    pub const fn requires(&self) -> &'static [Requires] {
        self.requires
    }

    /// File, line and column.
    pub fn location(&self) -> SourceLocation {
        SourceLocation { file: Some(Arc::new(PathBuf::from(self.file))), line: self.line, column: self.column }
    }

    /// Name and place, to be kept.
    pub const fn to_ref(&self) -> HandlerRef {
        HandlerRef::new(self.name, self.module, self.file, self.line)
    }

    /// The handler as messages begin with it: ``hook `on_request` ``.
    pub(crate) fn subject(&self) -> String {
        format!("{} `{}`", self.kind().macro_name(), self.name)
    }

    /// Whether both are of the same function.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let identity = |record: &Self| (record.module, record.name, record.line, record.column);
        identity(self) == identity(other)
    }

    /// One fault for each integration and each state that the handler needs and `services` lack.
    pub fn unmet_requirements<'a>(&'a self, services: &'a Services) -> impl Iterator<Item = Diagnostic> + 'a {
        self.requires.iter().filter(|requires| !services.satisfies(requires)).map(|requires| {
            let subject = self.subject();
            match requires {
                Requires::Integration(integration) => {
                    let (kind, key) = (integration.kind(), integration.key());
                    let message = format!("{subject} needs integration `{key}`, which is not configured");
                    let hint = match kind == key {
                        true => "add the integration, and name it in the flow's environment".to_owned(),
                        false => format!(
                            "add an integration of type `{kind}`, and name it in the flow's environment as `{key}_id`"
                        ),
                    };
                    Diagnostic::error(self.location(), message).with_hint(hint)
                }
                Requires::State(state) => {
                    let message = format!("{subject} needs `State<{}>`, which was not given", state.type_name());
                    Diagnostic::error(self.location(), message).with_hint("hand the value over at start")
                }
                _ => Diagnostic::error(self.location(), format!("{subject} has an argument that cannot be had")),
            }
        })
    }
}

impl fmt::Display for HandlerRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_ref().fmt(f)
    }
}
