//! Stored states of Runs, which an older version or a damaged disk has written.

use std::sync::Arc;

use sym_sdk::machine::{Input, InputBody, Outcome, Rules, RunState, TimerKind, step};
use sym_sdk::model::{AccessTarget, Flow, FlowParams, Hooks, Strategy};

use crate::target::fuzz;

/// The flow of the samples.
fn flow() -> Arc<Flow> {
    let target = AccessTarget::new("acme", "okta_group", "admins".parse().unwrap()).with_setting("group_id", "g1");
    let strategy = Strategy::new("prod".parse().unwrap(), "okta").with_target(target);
    Arc::new(Flow::builder("prod".parse().unwrap(), "acme").params(FlowParams::default()).strategy(strategy).build())
}

#[test]
fn stored_states_read_back_and_can_be_stepped() {
    let flow = flow();
    let rules = Rules { flow: &flow, hooks: Hooks::default() };
    fuzz("run_state", |input| {
        let Ok(state) = serde_json::from_slice::<RunState>(input) else { return };
        let stored = serde_json::to_vec(&state).unwrap();
        assert_eq!(serde_json::from_slice::<RunState>(&stored).unwrap(), state);

        let mut inputs = vec![InputBody::Rearm, InputBody::ClockWentBack];
        for (kind, timer) in &state.timers {
            inputs.push(InputBody::TimerFired { kind: *kind, generation: timer.generation });
        }
        for kind in [TimerKind::Forward, TimerKind::Expire] {
            inputs.push(InputBody::TimerFired { kind, generation: 1 });
        }
        for seq in state.pending.keys() {
            inputs.push(InputBody::EffectDone { seq: *seq, outcome: Outcome::Done });
        }
        for body in inputs {
            let input = Input::new(state.run.id(), state.flow.clone(), state.updated_at, body);
            let transition = step(&rules, Some(&state), &input);
            // Time does not go back.
            if let Some(next) = transition.state {
                assert!(next.updated_at >= state.updated_at);
            }
        }
    });
}
