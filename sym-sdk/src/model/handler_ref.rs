use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The name and place of a handler, in the form that the audit log keeps.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HandlerRef {
    name: Cow<'static, str>,
    module: Cow<'static, str>,
    file: Cow<'static, str>,
    line: u32,
}

impl HandlerRef {
    /// A reference to a function, as the compiler names its module and its file. The line is counted from 1.
    pub const fn new(name: &'static str, module: &'static str, file: &'static str, line: u32) -> Self {
        Self { name: Cow::Borrowed(name), module: Cow::Borrowed(module), file: Cow::Borrowed(file), line }
    }

    /// The function's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The module that the function stands in.
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

/// `on_request (src/prod.rs:12)`
impl fmt::Display for HandlerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.name, self.file, self.line)
    }
}
