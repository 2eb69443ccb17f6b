use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Names a handler: its function and where that stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HandlerRef {
    /// The function.
    pub name: Cow<'static, str>,
    /// Its module.
    pub module: Cow<'static, str>,
    /// The source file, as the compiler names it.
    pub file: Cow<'static, str>,
    /// The line, counted from 1.
    pub line: u32,
}

impl HandlerRef {
    /// A reference to a handler.
    pub const fn new(name: &'static str, module: &'static str, file: &'static str, line: u32) -> Self {
        Self { name: Cow::Borrowed(name), module: Cow::Borrowed(module), file: Cow::Borrowed(file), line }
    }
}

impl fmt::Display for HandlerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.name, self.file, self.line)
    }
}
