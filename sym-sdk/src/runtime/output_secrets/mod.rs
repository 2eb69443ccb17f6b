//! The secrets in outputs of steps, which are never stored in the clear.
//!
//! A value that a strategy has marked as secret is taken out of the output before the machine sees it. With a key, it is stored encrypted.
//! Without one, it is in memory until the `after_` hook of the step was called, and a restart before that loses it: the grant stays, and
//! the hook fails with an error that says so. A secret that no hook can read is not kept at all.

mod key;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

pub use key::OutputKey;

use crate::model::{OpenedOutput, RunId, SecretState, Step, StepOutput, UnavailableSecret, replace_secrets};
use crate::sync::lock;

/// The maximum number of outputs whose secrets are in memory. Each waits for a hook, so there are more only if something is wrong.
const MAX_OUTPUTS_IN_MEMORY: usize = 10_000;

/// Keeps the secrets of outputs until the hooks that read them were called.
pub(super) struct OutputSecrets {
    /// The first one encrypts, and all decrypt.
    keys: Vec<OutputKey>,
    in_memory: Mutex<BTreeMap<(RunId, Step), Values>>,
}

/// The values of secrets as JSON, by their JSON pointers.
type Values = BTreeMap<String, SecretString>;

impl OutputSecrets {
    pub(super) fn new(keys: Vec<OutputKey>) -> Self {
        Self { keys, in_memory: Mutex::default() }
    }

    /// Takes the secrets out of an output that is about to be stored. They are kept if a hook is to read them.
    pub(super) fn protect(&self, run: RunId, step: Step, mut output: StepOutput, is_read: bool) -> StepOutput {
        let mut values = Values::new();
        replace_secrets(&mut output.0, &mut |pointer, state, content| match state {
            SecretState::Plain if !is_read => Some(SecretState::Dropped.with(Value::Null)),
            SecretState::Plain => {
                let value = SecretString::from(content.to_string());
                let Some(key) = self.keys.first() else {
                    values.insert(pointer.to_owned(), value);
                    return Some(SecretState::InMemory.with(Value::Null));
                };
                let sealed = key.seal(&value, &place(run, step, pointer));
                if sealed.is_none() {
                    tracing::error!(%run, "a secret in the output of step `{step}` could not be encrypted, and is lost");
                }
                Some(
                    sealed.map_or(SecretState::Dropped.with(Value::Null), |text| SecretState::Sealed.with(text.into())),
                )
            }
            // A function may repeat what it has read of an earlier step.
            _ => None,
        });
        let mut in_memory = lock(&self.in_memory);
        // The values of an earlier output of the step are not valid any more.
        in_memory.remove(&(run, step));
        if !values.is_empty() {
            in_memory.insert((run, step), values);
        }
        // Ids of Runs ascend in time, so the first is the oldest.
        if in_memory.len() > MAX_OUTPUTS_IN_MEMORY
            && let Some(((run, step), _)) = in_memory.pop_first()
        {
            tracing::error!(%run, "the secrets in the output of step `{step}` are lost: too many hooks wait for theirs");
        }
        output
    }

    /// Opens an output for the hook that may read its secrets. `None` if there are none.
    pub(super) fn open(&self, run: RunId, step: Step, output: &StepOutput) -> Option<OpenedOutput> {
        OpenedOutput::open(output, &mut |pointer, state, content| {
            let text = match state {
                // Written by a version that knew no secrets.
                SecretState::Plain => return Ok(content.clone()),
                SecretState::InMemory => self.remembered(run, step, pointer),
                SecretState::Sealed => content.as_str().and_then(|sealed| {
                    let place = place(run, step, pointer);
                    self.keys.iter().find_map(|key| key.open(sealed, &place))
                }),
                SecretState::Dropped => None,
            };
            let value = text.and_then(|text| serde_json::from_str(text.expose_secret()).ok());
            value.ok_or_else(|| self.unavailable(step, pointer, state))
        })
    }

    /// Forgets the secrets of an output whose hook was called.
    pub(super) fn forget(&self, run: RunId, step: Step) {
        lock(&self.in_memory).remove(&(run, step));
    }

    fn remembered(&self, run: RunId, step: Step, pointer: &str) -> Option<SecretString> {
        let in_memory = lock(&self.in_memory);
        in_memory.get(&(run, step))?.get(pointer).cloned()
    }

    fn unavailable(&self, step: Step, pointer: &str, state: SecretState) -> UnavailableSecret {
        let name = match pointer.trim_start_matches('/') {
            "" => format!("the output of step `{step}`, which is secret,"),
            member => format!("the secret `{member}` in the output of step `{step}`"),
        };
        let (reason, hint) = match state {
            SecretState::Sealed if self.keys.is_empty() => (
                "is encrypted, and the program has no key for it",
                "start the program with the key that it had at the time of the grant",
            ),
            SecretState::Sealed => (
                "cannot be decrypted with the keys of the program",
                "after a key was replaced, give the former one as well",
            ),
            SecretState::Plain | SecretState::InMemory | SecretState::Dropped => (
                "is lost: it was in memory only, and the program was restarted before the hook was called",
                "to have secrets survive restarts, give the program a key: `serve --output-key-file`, or `Builder::output_key`",
            ),
        };
        UnavailableSecret { message: format!("{name} {reason}"), hint }
    }
}

/// Names the one place in which an encrypted secret is valid, so that whoever can write to the store cannot move it to another Run.
fn place(run: RunId, step: Step, pointer: &str) -> String {
    format!("{run} {step} {pointer}")
}

impl fmt::Debug for OutputSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputSecrets").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}
