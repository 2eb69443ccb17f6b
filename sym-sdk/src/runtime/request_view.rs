//! The request of a Run, as front ends display it.
//!
//! Deliveries are handed the request with the effect that they carry out. A front end that displays a request because somebody wants to
//! see it asks for it here.

use super::Runtime;
use super::effect_executor::build_event;
use crate::delivery::RequestView;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::EventRecord;
use crate::model::RunId;

impl Runtime {
    /// Returns the request of a Run in its current state, for a front end that displays it. Its event is the `request`.
    ///
    /// Whether somebody may see the request is for the front end to decide, as it is for the message that it has delivered.
    ///
    /// # Errors
    /// If there is no such Run, it was pruned, it has no request yet, its flow was removed, or the store fails.
    pub async fn request_view(&self, run: RunId) -> Result<RequestView> {
        let state = self.run(run).await?.state;
        let Some(record) = EventRecord::request_of(&state) else {
            let message = format!("Run {run} has no request yet");
            return Err(Error::new(ErrorKind::NotFound, codes::INVALID_EVENT, message));
        };
        let flow = self.executor.flows.by_srn(&state.flow)?.flow.clone();
        Ok(RequestView::new(build_event(&flow, &state, &record), state.clone()))
    }
}
