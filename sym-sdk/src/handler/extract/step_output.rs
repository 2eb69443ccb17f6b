//! The argument `StepOutput<T>`.

use serde::Deserialize;

use super::{ExtractError, FromContext};
use crate::error::{Error, ErrorKind, codes};
use crate::handler::{Context, Requires};
use crate::model::{Event, OpenedOutput, StepOutput};

impl<'cx, T: Deserialize<'cx>> FromContext<'cx> for StepOutput<T> {
    const REQUIRES: Requires = Requires::StepOutput;

    fn from_context(context: &'cx Context) -> Result<Self, ExtractError> {
        let event = <&Event>::from_context(context)?;
        let step = event.name();
        let Some(output) = event.step_output(step) else {
            let message = format!("step `{step}` has no output");
            return Err(Error::new(ErrorKind::Handler, codes::ARGUMENT_UNAVAILABLE, message).into());
        };
        let opened = context.opened_output();
        T::deserialize(opened.map_or(&output.0, OpenedOutput::value)).map(Self).map_err(|error| {
            let message = match opened {
                None => format!("the output of step `{step}` cannot be deserialized: {error}"),
                Some(opened) => match opened.unavailable() {
                    Some(error) => return error.into(),
                    // The parser's message can quote the secret.
                    None => format!(
                        "the output of step `{step}` cannot be deserialized; the reason is left out, because the output has secrets"
                    ),
                },
            };
            Error::new(ErrorKind::Decode, codes::INVALID_JSON, message).into()
        })
    }
}
