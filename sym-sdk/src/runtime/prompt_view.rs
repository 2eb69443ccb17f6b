//! The prompt of a Run, as front ends see it.
//!
//! A front end stores a Run's id with the form that it shows. This is what it may ask about the Run when somebody uses the form
//! later. The machine's state stays in the runtime: a front end that read it would apply rules of its own.

use std::sync::Arc;

use super::Runtime;
use crate::error::Result;
use crate::model::{Channel, RunId, Srn, Step, User};

/// The prompt of a Run: the form that somebody asked for, and whether it is still open. Returned by [`Runtime::prompt`].
#[derive(Clone, Debug)]
pub struct PromptView {
    flow: Srn,
    user: Option<Arc<User>>,
    channel: Channel,
    is_form_open: bool,
}

impl PromptView {
    /// Returns the SRN of the flow. The flow itself may have been removed from the configuration since.
    pub fn flow(&self) -> &Srn {
        &self.flow
    }

    /// Returns the user who asked for the form. `None` if the request was made without one.
    pub fn user(&self) -> Option<&Arc<User>> {
        self.user.as_ref()
    }

    /// Returns the channel through which the Run was begun.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Returns whether the form can be submitted: it was shown, and has not been submitted yet.
    pub fn is_form_open(&self) -> bool {
        self.is_form_open
    }
}

impl Runtime {
    /// Returns the prompt of a Run, for the front end that shows its form. [`form`](Self::form) rebuilds the form itself.
    ///
    /// # Errors
    /// If there is no such Run, it was pruned, or the store fails.
    pub async fn prompt(&self, run: RunId) -> Result<PromptView> {
        let state = self.run(run).await?.state;
        Ok(PromptView {
            flow: state.flow.clone(),
            user: state.run.actors().get(&Step::Prompt).cloned(),
            channel: state.run.source_channel().clone(),
            is_form_open: state.is_form_open(),
        })
    }
}
