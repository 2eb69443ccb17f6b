//! Slack's response deadline.
//!
//! An interaction is handled in a task of its own. If it is not done by the deadline, Slack gets a fallback response and the
//! task continues, so that a slow store or handler never cancels a decision half-way.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use serde_json::json;
use tokio::sync::oneshot;

use super::dispatcher::Dispatcher;
use super::payload::Incoming;
use super::response::{Response, ResponseWithFollowUp};

/// The time after which Slack gets a fallback response. Slack waits 3 seconds, including the time on the network.
const RESPONSE_DEADLINE: Duration = Duration::from_millis(2_500);

/// Handles an interaction and returns the response, or a fallback once the deadline has passed.
pub(super) async fn respond_in_time(dispatcher: Dispatcher, incoming: Incoming) -> Response {
    let fallback = fallback_for(&incoming);
    let clock = dispatcher.runtime().clock().clone();
    let tasks = dispatcher.app().tasks().clone();
    let mut work = Box::pin(AssertUnwindSafe(dispatcher.dispatch(incoming)).catch_unwind());
    // Fast path: most keystrokes complete without waiting, and need neither a task nor a timer.
    match (&mut work).now_or_never() {
        Some(Ok(ResponseWithFollowUp { response, follow_up })) => {
            if let Some(follow_up) = follow_up {
                tasks.spawn(follow_up);
            }
            return response;
        }
        Some(Err(_)) => return Response::Unavailable,
        None => {}
    }
    let (sender, receiver) = oneshot::channel();
    tasks.spawn(async move {
        let Ok(ResponseWithFollowUp { response, follow_up }) = work.await else { return };
        // Fails if the deadline has passed and nobody waits for the response.
        let _ = sender.send(response);
        if let Some(follow_up) = follow_up {
            follow_up.await;
        }
    });
    match select(receiver, clock.sleep(RESPONSE_DEADLINE)).await {
        Either::Left((Ok(response), _)) => response,
        // The task panicked.
        Either::Left((Err(_), _)) => Response::Unavailable,
        Either::Right(_) => {
            tracing::warn!("the response deadline of Slack has passed; the work continues");
            fallback
        }
    }
}

/// Returns the response if the deadline passes. A menu shows no options; anything else shows Slack's error.
fn fallback_for(incoming: &Incoming) -> Response {
    match incoming {
        Incoming::BlockSuggestion(_) => Response::Json(json!({ "options": [] })),
        _ => Response::Unavailable,
    }
}
