//! People and their wishes. Not every wish gets its reply; some are submitted again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sym_sdk::engine::InputKey;
use sym_sdk::error::{ErrorCode, ErrorKind, Result};
use sym_sdk::model::RunId;
use sym_sdk::runtime::{Receipt, Submission};

use crate::staff::{By, Staff};
use crate::world::World;

/// Members of the organization; those who make requests come first.
pub(crate) const MEMBERS: [&str; 4] = ["ana@example.com", "ben@example.com", "cho@example.com", "dan@example.com"];
pub(crate) const ADMIN: &str = "ada@example.com";
pub(crate) const GUEST: &str = "gus@elsewhere.com";
/// An administrator about whom nothing changes.
pub(crate) const ROOT: &str = "root@example.com";
/// Another address of the first member.
pub(crate) const ALIAS: &str = "ana+two@example.com";
/// Somebody of another organization, known by their account alone.
pub(crate) const OUTSIDER: &str = "an outsider";
/// Somebody who gets the address that another person had.
pub(crate) const NAMESAKE: &str = "a namesake";

/// The action that a person wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum WishAction {
    Request { flow: &'static str, target: &'static str, duration: Option<&'static str>, urgent: bool },
    Approve(RunId),
    Deny(RunId),
    Revoke(RunId),
    WriteOff(RunId),
}

/// The reply to a wish.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Taken(Receipt),
    Refused(ErrorCode),
}

/// An action that a person wants, with one key however often it is submitted.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) who: &'static str,
    /// The way in which the front end names the person.
    pub(crate) by: By,
    pub(crate) action: WishAction,
    pub(crate) answer: Option<Answer>,
    /// The number of submissions without a reply.
    pub(crate) in_flight: u32,
    /// The number of submissions.
    pub(crate) submissions: usize,
}

impl Wish {
    /// The receipt, if the wish was accepted.
    pub(crate) fn taken(&self) -> Option<Receipt> {
        match self.answer {
            Some(Answer::Taken(receipt)) => Some(receipt),
            _ => None,
        }
    }

    /// The person who began a Run, and the Run.
    pub(crate) fn begun(&self) -> Option<(&'static str, RunId)> {
        let run = self.taken()?.run;
        matches!(self.action, WishAction::Request { .. }).then_some((self.who, run))
    }
}

/// All people with their wishes. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct People(Arc<Mutex<Vec<Wish>>>);

impl People {
    fn lock(&self) -> MutexGuard<'_, Vec<Wish>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all wishes.
    pub(crate) fn wishes(&self) -> Vec<Wish> {
        self.lock().clone()
    }

    /// Adds a wish. Its number is its key.
    pub(crate) fn wish(&self, who: &'static str, by: By, action: WishAction) -> usize {
        let mut wishes = self.lock();
        wishes.push(Wish { who, by, action, answer: None, in_flight: 0, submissions: 0 });
        wishes.len() - 1
    }

    /// Returns the submission of a wish.
    pub(crate) fn submission(&self, staff: &Staff, number: usize) -> Submission {
        let wish = &mut self.lock()[number];
        wish.in_flight += 1;
        wish.submissions += 1;
        let actor = staff.actor(wish.who, wish.by);
        let submission: Submission = match wish.action {
            WishAction::Request { flow, target, duration, urgent } => {
                let request = Submission::request(flow, actor).input("target_srn", target).input("urgent", urgent);
                match duration {
                    Some(duration) => request.input("duration", duration).into(),
                    None => request.into(),
                }
            }
            WishAction::Approve(run) => Submission::approve(run, actor).into(),
            WishAction::Deny(run) => Submission::deny(run, actor).into(),
            WishAction::Revoke(run) => Submission::revoke(run, actor).into(),
            WishAction::WriteOff(run) => Submission::write_off(run, actor, "it is gone").into(),
        };
        submission.key(InputKey::new(format!("wish:{number}")))
    }

    /// Stores the reply to a submission.
    pub(crate) fn answered(&self, world: &World, number: usize, result: Result<Receipt>) {
        let wish = &mut self.lock()[number];
        wish.in_flight -= 1;
        let answer = match result {
            Ok(receipt) => Answer::Taken(receipt),
            // These errors leave the outcome unknown.
            Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout) => return,
            Err(error) => Answer::Refused(error.code().clone()),
        };
        world.log(format_args!("{} gets the reply to wish {number}: {answer:?}", wish.who));
        let before = wish.answer.replace(answer.clone());
        if let Some(before) = before {
            world.count("duplicate answered");
            // What was refused may be accepted once people or the configuration have changed. A repetition of what was accepted may be
            // refused then, as everything is that somebody submits who was locked meanwhile: the first reply stays true.
            let may_change = before != answer && world.changes_rules();
            if may_change && matches!(before, Answer::Taken(_)) {
                wish.answer = Some(before.clone());
            }
            let is_same =
                before == answer || (may_change && !matches!((&before, &answer), (Answer::Taken(_), Answer::Taken(_))));
            world.check(is_same, || format!("P1: wish {number} got the reply {before:?}, then {answer:?}"));
        }
    }

    /// Records that a caller no longer waits.
    pub(crate) fn left(&self, number: usize) {
        self.lock()[number].in_flight -= 1;
    }

    /// Records that the process crashed, so that no caller gets a reply.
    pub(crate) fn cut_off(&self) {
        self.lock().iter_mut().for_each(|wish| wish.in_flight = 0);
    }

    /// Returns whether the person has ever tried to approve the Run.
    pub(crate) fn approved(&self, who: &str, run: RunId) -> bool {
        self.lock().iter().any(|wish| wish.who == who && wish.action == WishAction::Approve(run))
    }

    /// Returns the number of submissions of a person that may have been refused: submissions, and repeated ones.
    pub(crate) fn refusals_of(&self, who: &str) -> usize {
        self.lock().iter().filter(|wish| wish.who == who).map(|wish| wish.submissions).sum()
    }

    /// Returns the request with which the Run began.
    pub(crate) fn request_of(&self, run: RunId) -> Option<Wish> {
        self.lock().iter().find(|wish| wish.begun().is_some_and(|(_, begun)| begun == run)).cloned()
    }
}
