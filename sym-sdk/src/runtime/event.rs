//! The event that handlers see, from what is stored.

use std::sync::Arc;

use crate::machine::{EventRecord, RunState};
use crate::model::{Event, Flow};

pub(super) fn event(flow: &Arc<Flow>, state: &RunState, record: &EventRecord) -> Event {
    let mut run = state.run.clone();
    // The event in hand counts among the events so far.
    run.set_actor(record.name, record.actor.clone());
    if let Some(context) = &record.context {
        run.set_context(record.name, context.clone());
    }
    Event {
        id: record.id,
        name: record.name,
        payload: record.payload(),
        flow: flow.clone(),
        run,
        channel: record.channel.clone(),
        user: record.actor.clone(),
    }
}
