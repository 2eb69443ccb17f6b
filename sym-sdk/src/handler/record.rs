//! The static description of a handler, as the macros register it.

use std::fmt;
use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;

use super::handler_fn::{CallResult, Thunk};
use super::literal::Literal;
use super::{Context, HandlerKind, IntegrationRequirement, Requires, Services};
use crate::config::{Diagnostic, SourceLocation};
use crate::forms::FieldOption;
use crate::future::BoxFuture;
use crate::model::HandlerRef;

/// The description of a handler: its kind, name, location and requirements. The attribute macros create one for each
/// handler.
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
    pub literals: &'static [Literal],
    #[doc(hidden)]
    pub thunk: Thunk,
}

inventory::collect!(HandlerRecord);

/// Implemented by the macros for a hidden struct with the name of the handler.
#[doc(hidden)]
#[diagnostic::on_unimplemented(message = "`{Self}` is not a handler", label = "not annotated with a handler macro")]
pub trait Handler {
    /// The handler's record.
    const RECORD: HandlerRecord;
}

impl HandlerRecord {
    /// The placeholder for a handler that does not compile, so that the compiler does not report a missing record too.
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
            literals: &[],
            thunk: Thunk::Prefetch("", call),
        }
    };

    /// The kind.
    pub const fn kind(&self) -> HandlerKind {
        self.thunk.kind()
    }

    /// The name of the function.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The form field, for `#[prefetch]` and `#[on_change]` handlers.
    pub const fn field(&self) -> Option<&'static str> {
        self.thunk.field()
    }

    /// The path of the module that contains the function, such as `my_flows::prod`.
    pub const fn module(&self) -> &'static str {
        self.module
    }

    /// The source file.
    pub const fn file(&self) -> &'static str {
        self.file
    }

    /// The line of the attribute, counted from 1.
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// The column of the attribute, counted from 1.
    pub const fn column(&self) -> u32 {
        self.column
    }

    /// The doc comment of the function.
    pub const fn doc(&self) -> &'static str {
        self.doc
    }

    /// Whether the function is an `async fn`.
    pub const fn is_async(&self) -> bool {
        self.is_async
    }

    /// The requirements of the arguments, in order.
    pub const fn requires(&self) -> &'static [Requires] {
        self.requires
    }

    /// The names of the configuration that occur in the body as literals.
    #[cfg(feature = "runtime")]
    pub(crate) const fn literals(&self) -> &'static [Literal] {
        self.literals
    }

    /// The source location of the attribute.
    pub fn location(&self) -> SourceLocation {
        SourceLocation { file: Some(Arc::new(PathBuf::from(self.file))), line: self.line, column: self.column }
    }

    /// Returns the name and the source location, for the audit log.
    pub const fn to_ref(&self) -> HandlerRef {
        HandlerRef::new(self.name, self.module, self.file, self.line)
    }

    /// The subject of messages about the handler: ``hook `on_request` ``.
    pub(crate) fn subject(&self) -> String {
        format!("{} `{}`", self.kind().macro_name(), self.name)
    }

    /// Whether both records describe the same function.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let identity = |record: &Self| (record.module, record.name, record.line, record.column);
        identity(self) == identity(other)
    }

    /// Returns a diagnostic for each integration and each state that the handler requires and `services` lack.
    pub fn unmet_requirements<'a>(&'a self, services: &'a Services) -> impl Iterator<Item = Diagnostic> + 'a {
        self.unmet(services, |_| None)
    }

    /// Returns a diagnostic for each requirement that `services` do not meet. `advise` says what to do about an integration, if it knows
    /// more than that the integration is not there.
    pub(crate) fn unmet<'a>(
        &'a self,
        services: &'a Services,
        advise: impl Fn(&IntegrationRequirement) -> Option<String> + 'a,
    ) -> impl Iterator<Item = Diagnostic> + 'a {
        self.requires.iter().filter(|requires| !services.satisfies(requires)).map(move |requires| {
            let subject = self.subject();
            match requires {
                Requires::Integration(integration) => {
                    let (kind, key) = (integration.kind(), integration.key());
                    let message = format!("{subject} requires integration `{key}`, which is not configured");
                    let hint = advise(integration).unwrap_or_else(|| match kind == key {
                        true => "add the integration to the flow's environment".to_owned(),
                        false => {
                            format!("add an integration of type `{kind}` to the flow's environment, as `{key}_id`")
                        }
                    });
                    Diagnostic::error(self.location(), message).with_hint(hint)
                }
                Requires::State(state) => {
                    let message = format!("{subject} requires `State<{}>`, which is not registered", state.type_name());
                    Diagnostic::error(self.location(), message).with_hint("register the value with `App::state`")
                }
                _ => Diagnostic::error(self.location(), format!("{subject} has an argument that is not available")),
            }
        })
    }
}

impl fmt::Display for HandlerRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_ref().fmt(f)
    }
}
