//! The request of a Run, as front ends display it.
//!
//! Deliveries are handed the request with the effect that they carry out. A front end that displays a request because somebody wants to
//! see it asks for it here.

use super::Runtime;
use super::effect_executor::build_event;
use crate::delivery::RequestView;
use crate::engine::StoredRun;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::EventRecord;
use crate::model::{RunId, User};

impl Runtime {
    /// Returns the request of a Run in its current state, for a front end that displays it. Its event is the `request`.
    ///
    /// It is for front ends that display a message which they have delivered to those who see it there. For a person who asks for a
    /// request by its Run, use [`request_view_for`](Self::request_view_for).
    ///
    /// # Errors
    /// If there is no such Run, it was pruned, it has no request yet, its flow was removed, or the store fails.
    pub async fn request_view(&self, run: RunId) -> Result<RequestView> {
        self.view_of_run(self.run(run).await?)
    }

    /// Returns the request of a Run in its current state, for somebody who may see it.
    ///
    /// # Errors
    /// As [`request_view`](Self::request_view); and if the user may not see the Run, with the same error as if there were none.
    pub async fn request_view_for(&self, run: RunId, user: &User) -> Result<RequestView> {
        self.view_of_run(self.run_for(run, user).await?)
    }

    fn view_of_run(&self, StoredRun { state, .. }: StoredRun) -> Result<RequestView> {
        let run = state.run.id();
        let Some(record) = EventRecord::request_of(&state) else {
            let message = format!("Run {run} has no request yet");
            return Err(Error::new(ErrorKind::NotFound, codes::INVALID_EVENT, message));
        };
        let flow = self.executor.flows.by_srn(&state.flow)?.flow.clone();
        Ok(RequestView::new(build_event(&flow, &state, &record), state.clone()))
    }
}
