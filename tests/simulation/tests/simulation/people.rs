//! People, and what they ask for. They are told what became of it, or not; some ask again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sym_sdk::engine::InputKey;
use sym_sdk::error::{ErrorCode, ErrorKind, Result};
use sym_sdk::model::RunId;
use sym_sdk::runtime::{Receipt, Submission};

use crate::world::World;

/// Members of the organization; those who make requests come first.
pub(crate) const MEMBERS: [&str; 4] = ["ana@example.com", "ben@example.com", "cho@example.com", "dan@example.com"];
pub(crate) const ADMIN: &str = "ada@example.com";
pub(crate) const GUEST: &str = "gus@elsewhere.com";

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Deed {
    Request { flow: &'static str, target: &'static str, duration: Option<&'static str>, urgent: bool },
    Approve(RunId),
    Deny(RunId),
    Revoke(RunId),
    WriteOff(RunId),
}

/// What somebody was told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Taken(Receipt),
    Refused(ErrorCode),
}

/// One thing that somebody wants, under one key however often it is submitted.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) who: &'static str,
    pub(crate) deed: Deed,
    pub(crate) answer: Option<Answer>,
    /// Submissions without an answer so far.
    pub(crate) under_way: u32,
}

impl Wish {
    /// What it was answered with, if it was taken.
    pub(crate) fn taken(&self) -> Option<Receipt> {
        match self.answer {
            Some(Answer::Taken(receipt)) => Some(receipt),
            _ => None,
        }
    }

    /// Who began a Run with it, and which.
    pub(crate) fn begun(&self) -> Option<(&'static str, RunId)> {
        let run = self.taken()?.run;
        matches!(self.deed, Deed::Request { .. }).then_some((self.who, run))
    }
}

/// Everybody. Clones are the same people.
#[derive(Clone, Default)]
pub(crate) struct People(Arc<Mutex<Vec<Wish>>>);

impl People {
    fn lock(&self) -> MutexGuard<'_, Vec<Wish>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that has been wished for.
    pub(crate) fn wishes(&self) -> Vec<Wish> {
        self.lock().clone()
    }

    /// A new wish; its number is its key.
    pub(crate) fn wish(&self, who: &'static str, deed: Deed) -> usize {
        let mut wishes = self.lock();
        wishes.push(Wish { who, deed, answer: None, under_way: 0 });
        wishes.len() - 1
    }

    /// What is submitted for a wish.
    pub(crate) fn submission(&self, number: usize) -> Submission {
        let wish = &mut self.lock()[number];
        wish.under_way += 1;
        let submission: Submission = match wish.deed {
            Deed::Request { flow, target, duration, urgent } => {
                let request = Submission::request(flow, wish.who).input("target_srn", target).input("urgent", urgent);
                match duration {
                    Some(duration) => request.input("duration", duration).into(),
                    None => request.into(),
                }
            }
            Deed::Approve(run) => Submission::approve(run, wish.who).into(),
            Deed::Deny(run) => Submission::deny(run, wish.who).into(),
            Deed::Revoke(run) => Submission::revoke(run, wish.who).into(),
            Deed::WriteOff(run) => Submission::write_off(run, wish.who, "it is gone").into(),
        };
        submission.key(InputKey::new(format!("wish:{number}")))
    }

    /// Keeps what somebody was told.
    pub(crate) fn answered(&self, world: &World, number: usize, result: Result<Receipt>) {
        let wish = &mut self.lock()[number];
        wish.under_way -= 1;
        let answer = match result {
            Ok(receipt) => Answer::Taken(receipt),
            // Whoever is told this does not know what became of it.
            Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout) => return,
            Err(error) => Answer::Refused(error.code().clone()),
        };
        world.tell(format_args!("{} is told of wish {number}: {answer:?}", wish.who));
        let before = wish.answer.replace(answer.clone());
        if let Some(before) = before {
            world.count("duplicate answered");
            world.holds(before == answer, || format!("P1: wish {number} was answered {before:?}, then {answer:?}"));
        }
    }

    /// Somebody no longer waits for an answer.
    pub(crate) fn left(&self, number: usize) {
        self.lock()[number].under_way -= 1;
    }

    /// The process died: nobody is told anything any more.
    pub(crate) fn cut_off(&self) {
        self.lock().iter_mut().for_each(|wish| wish.under_way = 0);
    }

    /// Whether this person has ever tried to approve this Run.
    pub(crate) fn approved(&self, who: &str, run: RunId) -> bool {
        self.lock().iter().any(|wish| wish.who == who && wish.deed == Deed::Approve(run))
    }

    /// What was asked for when this Run began.
    pub(crate) fn request_of(&self, run: RunId) -> Option<Wish> {
        self.lock().iter().find(|wish| wish.begun().is_some_and(|(_, begun)| begun == run)).cloned()
    }
}
