//! The table through Slack: people in a fake workspace, who act on what they see there.
//!
//! A click is acknowledged once the decision is durable, or the refusal on record, so the record tells which it was. Whoever is refused is told
//! so, and nobody else is.

use sym_integrations::slack::fake::{Message, NOT_VISIBLE, Person, Submitted};
use sym_sdk::error::Error;

use crate::table::{Act, Answer, Way, each_actor};
use crate::world::{Situation, World};

each_actor!(Way::Slack);

pub(crate) async fn attempt(world: &World, situation: &Situation, act: Act) -> Answer {
    let person = world.slack.as_ref().unwrap().person(situation.account());
    if act == Act::Request {
        return request(world, situation, &person, act).await;
    }
    let run = situation.run(act).to_string();
    let of_run = |message: &Message| message.channel() == "C0ACCESS" && message.all_text().contains(&run);
    let Some(message) = person.messages().into_iter().find(of_run) else { return Answer::Hidden };
    let before = world.last_refusal(&situation.email).await;
    assert!(before.is_none() || act != Act::See);
    let refusals = private(&person).len();
    let refused = match act {
        Act::See => return Answer::Done,
        Act::Approve => click(&person, &message, "Approve").await,
        Act::Revoke => click(&person, &message, "Revoke").await,
        Act::Deny => match click(&person, &message, "Deny").await {
            Some(hidden) => Some(hidden),
            // Somebody else than the requester is asked for a reason, and a refusal is shown there.
            None if person.view().is_some() => {
                person.fill("Reason", "no").await.unwrap();
                match person.submit().await.unwrap() {
                    Submitted::Closed => None,
                    Submitted::Errors(errors) => {
                        assert!(!errors["Reason"].is_empty());
                        person.close().await.unwrap();
                        Some(Answer::Refused(world.last_refusal(&situation.email).await.unwrap_or_default()))
                    }
                    other => panic!("{other:?}"),
                }
            }
            None => None,
        },
        _ => unreachable!("{act:?} is not tried in Slack"),
    };
    if let Some(refused) = refused {
        return refused;
    }
    world.settle().await;
    if private(&person).len() == refusals {
        return Answer::Done;
    }
    Answer::Refused(world.last_refusal(&situation.email).await.unwrap_or_default())
}

/// Clicks a button, unless there is none.
async fn click(person: &Person, message: &Message, button: &str) -> Option<Answer> {
    assert!(message.buttons().contains(&button), "{:?} has no button {button}", message.buttons());
    match person.click(message, button).await {
        Ok(()) => None,
        Err(error) if is_not_visible(&error) => Some(Answer::Hidden),
        Err(error) => panic!("{button}: {error}"),
    }
}

/// Returns what a person was told in private.
fn private(person: &Person) -> Vec<Message> {
    let mut messages = person.messages();
    messages.retain(|message| message.only_for() == Some(person.id()));
    messages
}

/// Asks for access with the command and its form.
async fn request(world: &World, situation: &Situation, person: &Person, act: Act) -> Answer {
    person.command(&format!("/sym req {}", situation.flow)).await.unwrap();
    world.settle().await;
    let view = person.view().expect("the command opens a view");
    if view.labels().is_empty() {
        let answer = match view.all_text().as_str() {
            text if text.contains("There are no flows that you can request.") => Answer::Hidden,
            _ => Answer::Refused(world.last_refusal(&situation.email).await.unwrap_or_default()),
        };
        person.close().await.unwrap();
        return answer;
    }
    person.fill("Target", act.target()).await.unwrap();
    person.fill("Duration", "1h").await.unwrap();
    match person.submit().await.unwrap() {
        Submitted::Closed => Answer::Done,
        Submitted::Errors(errors) => panic!("{errors:?}"),
        other => panic!("{other:?}"),
    }
}

fn is_not_visible(error: &Error) -> bool {
    *error.code() == NOT_VISIBLE
}
