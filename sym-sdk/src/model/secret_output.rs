//! Secrets in the outputs of steps.
//!
//! An output is JSON, and is stored with its Run. A secret in it is an object with a single member that says what became of the value:
//! only between the strategy and the runtime does it contain the value. So nothing that a Run is copied to, such as the store, a backup,
//! a function that receives the event, or another handler, has it.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, codes};
use crate::model::StepOutput;

/// A secret in the output of a step, such as the password of a temporary account.
///
/// It serializes as `{"sym:secret": "…"}`, which a function behind a strategy can return, too. The runtime takes the value out of the
/// output before anything is stored. Only the `after_` hook of the step gets it, as a member of [`StepOutput<T>`](StepOutput); declare the
/// member as [`SecretString`] there.
///
/// ```
/// use secrecy::SecretString;
/// use sym_sdk::model::SecretOutput;
/// use sym_sdk::prelude::*;
///
/// // What the strategy returns:
/// #[derive(Serialize)]
/// struct Role {
///     name: String,
///     password: SecretOutput,
/// }
///
/// // What the hook reads:
/// #[derive(Deserialize)]
/// struct Login {
///     name: String,
///     password: SecretString,
/// }
///
/// #[hook]
/// async fn after_escalate(event: &Event, login: StepOutput<Login>) -> Result<()> {
///     // Show `login.password` to the requester.
///     Ok(())
/// }
///
/// let output = StepOutput::new(Role { name: "tmp_ana".into(), password: SecretOutput::new("correct horse") })?;
/// assert_eq!(output["name"], "tmp_ana");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct SecretOutput(SecretString);

impl SecretOutput {
    /// Marks a value as secret.
    pub fn new(value: impl Into<SecretString>) -> Self {
        Self(value.into())
    }
}

impl From<SecretString> for SecretOutput {
    fn from(value: SecretString) -> Self {
        Self(value)
    }
}

impl Serialize for SecretOutput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut marker = serializer.serialize_map(Some(1))?;
        marker.serialize_entry(SecretState::Plain.marker(), self.0.expose_secret())?;
        marker.end()
    }
}

impl fmt::Debug for SecretOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretOutput(..)")
    }
}

/// The place of a secret's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretState {
    /// It is there.
    Plain,
    /// It is there, encrypted.
    Sealed,
    /// It is in the memory of the process that granted the access.
    InMemory,
    /// It was not kept.
    Dropped,
}

impl SecretState {
    const ALL: [Self; 4] = [Self::Plain, Self::Sealed, Self::InMemory, Self::Dropped];

    /// Returns the name of the member.
    const fn marker(self) -> &'static str {
        match self {
            Self::Plain => "sym:secret",
            Self::Sealed => "sym:sealed",
            Self::InMemory => "sym:in-memory",
            Self::Dropped => "sym:dropped",
        }
    }

    /// Returns a secret in this state.
    #[cfg_attr(not(feature = "runtime"), expect(dead_code, reason = "only the runtime changes secrets"))]
    pub(crate) fn with(self, content: Value) -> Value {
        Value::Object(Map::from_iter([(self.marker().to_owned(), content)]))
    }

    /// Recognizes a secret.
    fn of(value: &Value) -> Option<(Self, &Value)> {
        let members = value.as_object().filter(|members| members.len() == 1)?;
        Self::ALL.into_iter().find_map(|state| Some((state, members.get(state.marker())?)))
    }
}

/// Replaces secrets by what `replace` returns for the JSON pointer, the state and the content of each; `None` leaves one as it is.
pub(crate) fn replace_secrets(value: &mut Value, replace: &mut dyn FnMut(&str, SecretState, &Value) -> Option<Value>) {
    replace_below(value, &mut String::new(), replace);
}

fn replace_below(
    value: &mut Value,
    pointer: &mut String,
    replace: &mut dyn FnMut(&str, SecretState, &Value) -> Option<Value>,
) {
    if let Some((state, content)) = SecretState::of(value) {
        if let Some(replaced) = replace(pointer, state, content) {
            *value = replaced;
        }
        return;
    }
    let length = pointer.len();
    let mut below = |key: &str, value: &mut Value| {
        pointer.push('/');
        pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        replace_below(value, pointer, replace);
        pointer.truncate(length);
    };
    match value {
        Value::Array(values) => {
            values.iter_mut().enumerate().for_each(|(index, value)| below(&index.to_string(), value))
        }
        Value::Object(members) => members.iter_mut().for_each(|(key, value)| below(key, value)),
        _ => {}
    }
}

/// An output with the values of its secrets, for the one handler that may read them.
#[derive(Clone)]
pub(crate) struct OpenedOutput {
    value: Value,
    /// The first value that is not available.
    unavailable: Option<UnavailableSecret>,
}

/// The reason why the value of a secret is not available.
#[derive(Clone, Debug)]
pub(crate) struct UnavailableSecret {
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

impl From<&UnavailableSecret> for Error {
    fn from(secret: &UnavailableSecret) -> Self {
        let error = Self::new(ErrorKind::Handler, codes::OUTPUT_SECRET_UNAVAILABLE, secret.message.clone());
        error.with_hint(secret.hint)
    }
}

impl OpenedOutput {
    /// Opens an output with this function, which returns the value of a secret; `None` if there are no secrets in it.
    pub(crate) fn open(
        output: &StepOutput,
        value_of: &mut dyn FnMut(&str, SecretState, &Value) -> Result<Value, UnavailableSecret>,
    ) -> Option<Self> {
        let mut value = output.0.clone();
        let mut has_secrets = false;
        let mut unavailable = None;
        replace_secrets(&mut value, &mut |pointer, state, content| {
            has_secrets = true;
            match value_of(pointer, state, content) {
                Ok(value) => Some(value),
                Err(reason) => {
                    unavailable.get_or_insert(reason);
                    None
                }
            }
        });
        has_secrets.then_some(Self { value, unavailable })
    }

    /// Opens an output that no runtime has stored, as in the test of a handler.
    pub(crate) fn open_plain(output: &StepOutput) -> Option<Self> {
        Self::open(output, &mut |_, _, content| Ok(content.clone()))
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the error for a handler that needs a value which is not available.
    pub(crate) fn unavailable(&self) -> Option<Error> {
        self.unavailable.as_ref().map(Error::from)
    }
}

impl fmt::Debug for OpenedOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenedOutput(..)")
    }
}
