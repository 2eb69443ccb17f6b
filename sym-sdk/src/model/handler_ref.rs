//! References to handlers, as the audit log stores them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The name and source location of a handler, as the audit log stores them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HandlerRef {
    name: Cow<'static, str>,
    module: Cow<'static, str>,
    file: Cow<'static, str>,
    line: u32,
}

impl HandlerRef {
    /// Creates a reference to a function. Module and file are named as by the compiler, and the line is counted from 1.
    pub const fn new(name: &'static str, module: &'static str, file: &'static str, line: u32) -> Self {
        Self { name: Cow::Borrowed(name), module: Cow::Borrowed(module), file: Cow::Borrowed(file), line }
    }

    /// The name of the function.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path of the module that contains the function.
    pub fn module(&self) -> &str {
        &self.module
    }

    /// The source file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line of the attribute.
    pub const fn line(&self) -> u32 {
        self.line
    }
}

/// Formats as `on_request (src/prod.rs:12)`.
impl fmt::Display for HandlerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.name, self.file, self.line)
    }
}
