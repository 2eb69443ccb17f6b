//! What an engine drives.

use std::sync::Arc;

use crate::error::Result;
use crate::future::BoxFuture;
use crate::machine::{Effect, Input, Outcome, RunState, Transition};
use crate::model::RunId;

/// The program that an engine runs: a pure step, and a way to carry out what a step asks for.
pub trait Process: Send + Sync + 'static {
    /// Steps a Run. Pure: no I/O, no clock, no randomness.
    ///
    /// # Errors
    /// If the Run's flow is not configured.
    fn step(&self, state: Option<&RunState>, input: &Input) -> Result<Transition>;

    /// Carries out an effect. It never fails: a failure is an [`Outcome`]. It may be called again with the same effect, after
    /// a crash or when a lease ran out. What `state` no longer waits for must not be done: it was withdrawn, and has an outcome
    /// that says nothing.
    ///
    /// `holders` are the other Runs that need the access which the effect is about.
    fn perform(&self, effect: Effect, state: Arc<RunState>, holders: Vec<RunId>) -> BoxFuture<'_, Outcome>;
}
