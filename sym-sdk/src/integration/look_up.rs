//! Look-ups: questions that handlers ask services, whose answers are put on record.
//!
//! The audit log says why a request was routed to somebody or approved by itself, and a replay of the request gets the answers of its time.
//! A client puts its look-ups through [`look_up`] or [`look_up_users`]; what it does otherwise is not recorded. The answer is recorded
//! as the handler gets it: it is small, contains no credentials, and does not depend on how the service is called.
//!
//! The scope of a handler call is bound to its task: what a handler does on tasks of its own is not recorded.

use std::sync::Arc;

#[cfg(feature = "runtime")]
pub(crate) use scope::LookUps;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::model::User;

/// Looks something up in a service for a handler, and records the answer with the call of the handler. Outside of handlers, and for
/// handlers that come after an event, nothing is recorded.
///
/// `service` is the type of the integration. `question` names what is asked, with all arguments on which the answer depends: in a replay of
/// the request, the answer that was recorded to the same question is returned, and `ask` is not awaited. A question of more than 1 KiB, and
/// an answer of more than 4 KiB, are not recorded; nor is what exceeds the limits of one effect, 64 questions and 16 KiB of answers.
///
/// ```
/// use sym_sdk::integration::look_up;
/// use sym_sdk::prelude::*;
///
/// struct Weather;
///
/// impl Weather {
///     async fn is_clear(&self, station: &str) -> Result<bool> {
///         look_up("weather", format!("is_clear {station}"), async {
///             // ... call the service
///             Ok(true)
///         })
///         .await
///     }
/// }
/// ```
///
/// # Errors
/// Those of `ask`. In a replay, those that were recorded, and `SymSDK:NOT_RECORDED` if the question was not asked.
pub async fn look_up<T>(service: &str, question: impl Into<String>, ask: impl Future<Output = Result<T>>) -> Result<T>
where
    T: Serialize + DeserializeOwned,
{
    let question = question.into();
    #[cfg(feature = "runtime")]
    if let Some(scope) = LookUps::current() {
        return scope.look_up(service, question, ask).await;
    }
    let _ = (service, question);
    ask.await
}

/// Looks up users as [`look_up`] does. Their ids are recorded.
///
/// # Errors
/// Those of [`look_up`].
pub async fn look_up_users(
    service: &str,
    question: impl Into<String>,
    ask: impl Future<Output = Result<Vec<Arc<User>>>>,
) -> Result<Vec<Arc<User>>> {
    let question = question.into();
    #[cfg(feature = "runtime")]
    if let Some(scope) = LookUps::current() {
        return scope.look_up_users(service, question, ask).await;
    }
    let _ = (service, question);
    ask.await
}

/// Checks that a service may be asked something that is not put on record. In a replay it may not: nobody knows the answer of the time.
/// HTTP clients of `sym-integrations` check this for each call that reads.
///
/// # Errors
/// `SymSDK:NOT_RECORDED` in a replay.
pub fn check_unrecorded(service: &str, question: impl FnOnce() -> String) -> Result<()> {
    #[cfg(feature = "runtime")]
    if let Some(scope) = LookUps::current() {
        return scope.check_unrecorded(service, question);
    }
    let _ = (service, question);
    Ok(())
}

#[cfg(feature = "runtime")]
mod scope {
    use std::cell::RefCell;
    use std::collections::{BTreeMap, VecDeque};
    use std::pin::pin;
    use std::sync::Mutex;

    use serde_json::Value;

    use super::*;
    use crate::directory::Directory;
    use crate::error::{Error, ErrorKind, codes};
    use crate::model::{HandlerRef, LookUp, LookUpAnswer, UserId};
    use crate::sync::lock;

    /// The maximum number of look-ups that are recorded for one effect.
    const MAX_LOOK_UPS: usize = 64;

    /// The maximum size of a question, in bytes.
    const MAX_QUESTION_BYTES: usize = 1024;

    /// The maximum length of the message of a failure, in characters.
    const MAX_MESSAGE_CHARS: usize = 500;

    /// The maximum size of an answer as JSON, in bytes.
    const MAX_ANSWER_BYTES: usize = 4 * 1024;

    /// The maximum size of all answers for one effect as JSON, in bytes.
    const MAX_TOTAL_BYTES: usize = 16 * 1024;

    thread_local! {
        /// The scope of the work that is being polled.
        static CURRENT: RefCell<Option<LookUps>> = const { RefCell::new(None) };
    }

    /// The look-ups of an effect: a recording, or the answers for a replay. Clones are the same.
    #[derive(Clone)]
    pub(crate) struct LookUps(Arc<Mutex<Scope>>);

    #[cfg_attr(
        not(all(feature = "cli", feature = "sqlite")),
        allow(dead_code, reason = "only a command replays requests")
    )]
    enum Scope {
        Recording(Recording),
        Replay(Replay),
    }

    #[derive(Default)]
    struct Recording {
        /// The handler that is being called.
        handler: Option<HandlerRef>,
        recorded: Vec<(HandlerRef, Vec<LookUp>)>,
        number: usize,
        bytes: usize,
    }

    struct Replay {
        /// The answers to each question of each service, in order.
        answers: BTreeMap<(String, String), VecDeque<LookUpAnswer>>,
        directory: Directory,
        /// The questions without an answer.
        missing: Vec<String>,
    }

    impl LookUps {
        /// Begins a recording.
        pub(crate) fn recording() -> Self {
            Self(Arc::new(Mutex::new(Scope::Recording(Recording::default()))))
        }

        /// Creates the scope of a replay with these answers. Users are those of the directory.
        #[cfg(all(feature = "cli", feature = "sqlite"))]
        pub(crate) fn replay(recorded: impl IntoIterator<Item = LookUp>, directory: Directory) -> Self {
            let mut answers = BTreeMap::<_, VecDeque<_>>::new();
            for LookUp { service, question, answer } in recorded {
                answers.entry((service, question)).or_default().push_back(answer);
            }
            Self(Arc::new(Mutex::new(Scope::Replay(Replay { answers, directory, missing: Vec::new() }))))
        }

        /// Returns the scope of the work that is being polled.
        pub(crate) fn current() -> Option<Self> {
            CURRENT.with_borrow(Clone::clone)
        }

        /// Awaits work in this scope.
        pub(crate) async fn within<T>(&self, work: impl Future<Output = T>) -> T {
            let mut work = pin!(work);
            std::future::poll_fn(|cx| {
                let _entered = Entered(CURRENT.replace(Some(self.clone())));
                work.as_mut().poll(cx)
            })
            .await
        }

        /// Sets the handler that is called next.
        pub(crate) fn set_handler(&self, handler: HandlerRef) {
            if let Scope::Recording(recording) = &mut *lock(&self.0) {
                recording.handler = Some(handler);
            }
        }

        /// Returns what was recorded, by handler.
        pub(crate) fn recorded(&self) -> Vec<(HandlerRef, Vec<LookUp>)> {
            match &mut *lock(&self.0) {
                Scope::Recording(recording) => std::mem::take(&mut recording.recorded),
                Scope::Replay(_) => Vec::new(),
            }
        }

        /// Returns whether this is the scope of a replay.
        pub(crate) fn is_replay(&self) -> bool {
            matches!(*lock(&self.0), Scope::Replay(_))
        }

        /// Returns the questions that a replay had no answer to.
        #[cfg(all(feature = "cli", feature = "sqlite"))]
        pub(crate) fn missing(&self) -> Vec<String> {
            match &*lock(&self.0) {
                Scope::Recording(_) => Vec::new(),
                Scope::Replay(replay) => replay.missing.clone(),
            }
        }

        pub(super) async fn look_up<T>(
            &self,
            service: &str,
            question: String,
            ask: impl Future<Output = Result<T>>,
        ) -> Result<T>
        where
            T: Serialize + DeserializeOwned,
        {
            if let Some((answer, _)) = self.recorded_answer(service, &question) {
                let answer = answer?;
                return serde_json::from_value(answer).map_err(|_| self.not_recorded(service, &question));
            }
            let found = ask.await;
            self.record(service, question, found.as_ref().map(serde_json::to_value));
            found
        }

        pub(super) async fn look_up_users(
            &self,
            service: &str,
            question: String,
            ask: impl Future<Output = Result<Vec<Arc<User>>>>,
        ) -> Result<Vec<Arc<User>>> {
            if let Some((answer, directory)) = self.recorded_answer(service, &question) {
                let ids: Vec<UserId> =
                    serde_json::from_value(answer?).map_err(|_| self.not_recorded(service, &question))?;
                let users = directory.users_with_ids(&ids).await?;
                let found = |id: &UserId| users.iter().find(|user| user.id() == *id).cloned();
                return Ok(ids.iter().filter_map(found).collect());
            }
            let found = ask.await;
            let ids = found.as_ref().map(|users| {
                let ids: Vec<_> = users.iter().map(|user| user.id()).collect();
                serde_json::to_value(ids)
            });
            self.record(service, question, ids);
            found
        }

        pub(super) fn check_unrecorded(&self, service: &str, question: impl FnOnce() -> String) -> Result<()> {
            if self.is_replay() { Err(self.not_recorded(service, &question())) } else { Ok(()) }
        }

        /// Returns the recorded answer to a question, and the directory of the replay. `None` in a recording.
        fn recorded_answer(&self, service: &str, question: &str) -> Option<(Result<Value>, Directory)> {
            let (answer, directory) = match &mut *lock(&self.0) {
                Scope::Recording(_) => return None,
                Scope::Replay(replay) => {
                    let answers = replay.answers.get_mut(&(service.to_owned(), question.to_owned()));
                    // Who asks more often than then gets the last answer again.
                    let answer = answers.and_then(|answers| match answers.len() {
                        0 | 1 => answers.front().cloned(),
                        _ => answers.pop_front(),
                    });
                    (answer, replay.directory.clone())
                }
            };
            let answer = match answer {
                Some(LookUpAnswer::Returned(value)) => Ok(value),
                Some(LookUpAnswer::Failed { kind, code, message }) => Err(Error::new(kind, code, message)),
                Some(LookUpAnswer::Omitted) | None => Err(self.not_recorded(service, question)),
            };
            Some((answer, directory))
        }

        /// Notes a question without an answer, and returns the error of who has asked it.
        fn not_recorded(&self, service: &str, question: &str) -> Error {
            if let Scope::Replay(replay) = &mut *lock(&self.0)
                && replay.missing.len() < MAX_LOOK_UPS
            {
                replay.missing.push(format!("{service}: {question}"));
            }
            let message = format!("the answer of {service} to `{question}` was not recorded");
            Error::new(ErrorKind::Unavailable, codes::NOT_RECORDED, message)
        }

        fn record(&self, service: &str, question: String, found: Result<serde_json::Result<Value>, &Error>) {
            let Scope::Recording(recording) = &mut *lock(&self.0) else { return };
            let Some(handler) = recording.handler.clone().filter(|_| recording.number < MAX_LOOK_UPS) else { return };
            // A part of it would be another question.
            if question.len() > MAX_QUESTION_BYTES {
                return;
            }
            let answer = match found {
                Ok(Ok(value)) => {
                    let bytes = value.to_string().len();
                    let total = recording.bytes.saturating_add(bytes);
                    if bytes <= MAX_ANSWER_BYTES && total <= MAX_TOTAL_BYTES {
                        recording.bytes = total;
                        LookUpAnswer::Returned(value)
                    } else {
                        LookUpAnswer::Omitted
                    }
                }
                Ok(Err(_)) => LookUpAnswer::Omitted,
                Err(error) => LookUpAnswer::Failed {
                    kind: error.kind(),
                    code: error.code().clone(),
                    message: error.message().chars().take(MAX_MESSAGE_CHARS).collect(),
                },
            };
            recording.number += 1;
            let look_up = LookUp::new(service, question, answer);
            match recording.recorded.last_mut().filter(|(last, _)| *last == handler) {
                Some((_, look_ups)) => look_ups.push(look_up),
                None => recording.recorded.push((handler, vec![look_up])),
            }
        }
    }

    /// Restores the scope that was there before, also after a panic.
    struct Entered(Option<LookUps>);

    impl Drop for Entered {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
}
