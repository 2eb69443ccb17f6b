//! The table of who may do what, by hand, and how each way in differs from it by its nature.
//!
//! | actor | see | approve | deny | write off | revoke, held | request | for another |
//! |---|---|---|---|---|---|---|---|
//! | requester | ✓ | `SELF_APPROVAL` | ✓ withdraws | N | ✓ | ✓ | N |
//! | member, named | ✓ | ✓ | ✓ | N | ✓ | ✓ | N |
//! | member, may see | ✓ | N | N | N | N | ✓ | N |
//! | member, neither | – | – | – | – | – | ✓ | N |
//! | guest, named, flow admits guests | ✓ | ✓ | ✓ | N | ✓ | N | N |
//! | guest, named, flow does not | ✓ | N | N | N | N | N | N |
//! | approved already, 1 of 2 | ✓ | `ALREADY_DECIDED` | ✓ | N | `INVALID_RUN` | ✓ | N |
//! | admin | ✓ | ✓ | ✓ | ✓ | ✓ | ✓ | N |
//! | bot, not named | – | – | – | – | – | ✓ | ✓ |
//! | nobody: deleted, expired, revoked, unknown | 401 | 401 | 401 | 401 | 401 | 401 | 401 |
//!
//! N is `NOT_PERMITTED`; – is as if there were no such Run. The requester is among those who are named, else N would come first.

use crate::limit::within_limit;
use crate::world::{Situation, World};
use crate::{through_api, through_console, through_file, through_server, through_slack};

/// A way into a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Slack, which is a fake.
    Slack,
    /// The HTTP API.
    Api,
    /// The web console.
    Console,
    /// The command line, on a server.
    Server,
    /// The command line, on the file of a program that does not run.
    File,
}

/// A kind of user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    Requester,
    MemberNamed,
    MemberWhoMaySee,
    MemberUnrelated,
    GuestAdmitted,
    GuestNotAdmitted,
    ApprovedAlready,
    Admin,
    Bot,
    /// Somebody who was a member until they were deleted.
    Deleted,
    /// Somebody whose credentials have expired.
    Expired,
    /// Somebody whose credentials were revoked.
    Revoked,
    /// Somebody without any.
    Unknown,
}

/// A thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    See,
    Approve,
    Deny,
    /// Give up a revocation that has failed.
    WriteOff,
    /// End access that is held.
    Revoke,
    /// Make a request.
    Request,
    /// Make a request in the name of somebody else.
    RequestForAnother,
}

impl Act {
    pub(crate) const ALL: [Self; 7] =
        [Self::See, Self::Approve, Self::Deny, Self::WriteOff, Self::Revoke, Self::Request, Self::RequestForAnother];

    /// Returns the name of the target that the Run for this act is about, so that no act has to do with another.
    pub(crate) fn target(self) -> &'static str {
        match self {
            Self::See => "see",
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::Revoke => "revoke",
            Self::WriteOff => "write-off",
            Self::Request => "request",
            Self::RequestForAnother => "request-for-another",
        }
    }
}

/// The answer to an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    /// Refused with this code.
    Refused(String),
    /// As if there were no such thing.
    Hidden,
    /// Nobody is signed in.
    Unauthenticated,
    /// The way has no words for it. The reason stands in [`differs`].
    Inexpressible,
}

/// An answer that is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Done,
    NotPermitted,
    SelfApproval,
    AlreadyDecided,
    InvalidRun,
    UnknownUser,
    Hidden,
    Unauthenticated,
    Inexpressible,
}

impl Expected {
    fn answer(self) -> Answer {
        let refused = |code: &str| Answer::Refused(code.to_owned());
        match self {
            Self::Done => Answer::Done,
            Self::NotPermitted => refused("SymSDK:NOT_PERMITTED"),
            Self::SelfApproval => refused("SymSDK:SELF_APPROVAL"),
            Self::AlreadyDecided => refused("SymSDK:ALREADY_DECIDED"),
            Self::InvalidRun => refused("DeescalateAPI:INVALID_RUN"),
            Self::UnknownUser => refused("SymSDK:UNKNOWN_USER"),
            Self::Hidden => Answer::Hidden,
            Self::Unauthenticated => Answer::Unauthenticated,
            Self::Inexpressible => Answer::Inexpressible,
        }
    }
}

use Expected::{
    AlreadyDecided, Done, Hidden, Inexpressible, InvalidRun, NotPermitted as N, SelfApproval, Unauthenticated,
    UnknownUser,
};

/// The table: a row for each actor, in the order of [`Act::ALL`].
fn row(actor: Actor) -> [Expected; 7] {
    match actor {
        Actor::Requester => [Done, SelfApproval, Done, N, Done, Done, N],
        Actor::MemberNamed => [Done, Done, Done, N, Done, Done, N],
        Actor::MemberWhoMaySee => [Done, N, N, N, N, Done, N],
        Actor::MemberUnrelated => [Hidden, Hidden, Hidden, Hidden, Hidden, Done, N],
        Actor::GuestAdmitted => [Done, Done, Done, N, Done, N, N],
        Actor::GuestNotAdmitted => [Done, N, N, N, N, N, N],
        Actor::ApprovedAlready => [Done, AlreadyDecided, Done, N, InvalidRun, Done, N],
        Actor::Admin => [Done, Done, Done, Done, Done, Done, N],
        Actor::Bot => [Hidden, Hidden, Hidden, Hidden, Hidden, Done, Done],
        Actor::Deleted | Actor::Expired | Actor::Revoked | Actor::Unknown => [Unauthenticated; 7],
    }
}

/// The answers of a way that differ from the table by its nature, each with the reason.
fn differs(way: Way, actor: Actor, act: Act) -> Option<(Expected, &'static str)> {
    let nobody = matches!(actor, Actor::Deleted | Actor::Expired | Actor::Revoked | Actor::Unknown);
    match (way, actor, act) {
        (Way::Slack, Actor::Bot, _) => Some((Inexpressible, "a bot of the directory has no account in Slack")),
        (Way::Slack, Actor::Expired | Actor::Revoked | Actor::Unknown, _) => {
            Some((Inexpressible, "Slack signs its requests, and names who acts: nobody has credentials of their own"))
        }
        (Way::Slack, _, Act::WriteOff) => Some((Inexpressible, "messages have no such button: it is in the console")),
        (Way::Slack, _, Act::RequestForAnother) => Some((Inexpressible, "the form has no such field")),
        (Way::Slack, Actor::Deleted, Act::See) => {
            Some((Inexpressible, "Slack shows a channel to its members, whoever is known here"))
        }
        (Way::Slack, Actor::Deleted, _) => Some((UnknownUser, "Slack knows them: the account is nobody's here")),
        (Way::Slack, Actor::ApprovedAlready, Act::Revoke) => {
            Some((Inexpressible, "a message has no such button before there is access"))
        }

        (Way::Console, Actor::Bot, _) => Some((Inexpressible, "bots have tokens, and cannot sign in")),
        (Way::Console, _, Act::RequestForAnother) if !nobody => Some((Inexpressible, "the form has no such field")),

        (Way::File, Actor::Expired | Actor::Revoked | Actor::Unknown, _) => {
            Some((Inexpressible, "whoever can write to the file names a user, and nobody has credentials"))
        }
        (Way::File, Actor::Deleted, _) => Some((UnknownUser, "`--as` names a user of the store")),
        (Way::File, Actor::Bot, _) => Some((N, "`--as` names a person: a bot has a token, for the server")),
        (Way::File, Actor::MemberUnrelated, Act::Request) => Some((N, "a file takes access away, and gives none")),
        (Way::File, Actor::MemberUnrelated, _) => None,
        (Way::File, _, Act::Approve | Act::Deny | Act::Request) => {
            Some((N, "a file takes access away, and gives none: nobody is authenticated"))
        }
        _ => None,
    }
}

fn expected(way: Way, actor: Actor, act: Act) -> (Expected, &'static str) {
    let at = Act::ALL.iter().position(|other| *other == act).unwrap();
    differs(way, actor, act).unwrap_or((row(actor)[at], "the table"))
}

/// Tries each act as an actor, through a way, and compares the answer and what it has done.
pub(crate) fn check(way: Way, actor: Actor) {
    within_limit(async move {
        let mut world = World::new(way).await;
        let situation = Situation::new(&mut world, actor).await;
        let mut wrong = Vec::new();
        for act in Act::ALL {
            let (expected, reason) = expected(way, actor, act);
            if expected == Inexpressible {
                continue;
            }
            let before = world.state(&situation, act).await;
            world.release().await;
            let answer = match way {
                Way::Slack => through_slack::attempt(&world, &situation, act).await,
                Way::Api => through_api::attempt(&world, &situation, act).await,
                Way::Console => through_console::attempt(&world, &situation, act).await,
                Way::Server => through_server::attempt(&world, &situation, act).await,
                Way::File => through_file::attempt(&world, &situation, act).await,
            };
            world.resume().await;
            if answer != expected.answer() {
                wrong.push(format!("{act:?}: expected {expected:?} ({reason}), got {answer:?}"));
                continue;
            }
            if answer == Answer::Done {
                if act != Act::See {
                    world.settle().await;
                }
                let after = world.state(&situation, act).await;
                let effect = effect(act, &before);
                if after != effect {
                    wrong.push(format!("{act:?}: expected the state {effect:?} afterwards, got {after:?}"));
                }
            } else {
                let after = world.state(&situation, act).await;
                if after != before {
                    wrong.push(format!("{act:?}: refused with {answer:?}, but {before:?} has become {after:?}"));
                }
            }
        }
        world.end().await;
        assert!(wrong.is_empty(), "{actor:?} through {way:?}\n  {}", wrong.join("\n  "));
    });
}

/// Returns the state that a Run is in after an act was done, and the number of requests of the one who is asked for.
fn effect(act: Act, before: &(String, usize)) -> (String, usize) {
    let (state, requests) = before;
    let state = match act {
        Act::See | Act::Request | Act::RequestForAnother => state,
        Act::Approve => "escalated, held",
        Act::Deny => "denied, none",
        Act::Revoke => "deescalated, ended",
        Act::WriteOff => "errored, written off",
    };
    let more = usize::from(matches!(act, Act::Request | Act::RequestForAnother));
    (state.to_owned(), requests + more)
}

/// One test for each actor.
macro_rules! each_actor {
    ($way:expr) => {
        $crate::table::each_actor! { $way;
            requester: Requester, member_named: MemberNamed, member_who_may_see: MemberWhoMaySee,
            member_unrelated: MemberUnrelated, admitted_guest: GuestAdmitted, guest_not_admitted: GuestNotAdmitted,
            approved_already: ApprovedAlready, admin: Admin, bot: Bot, deleted: Deleted, expired: Expired,
            revoked: Revoked, unknown: Unknown
        }
    };
    ($way:expr; $($name:ident: $actor:ident),+) => {
        $(
            #[test]
            fn $name() {
                $crate::table::check($way, $crate::table::Actor::$actor);
            }
        )+
    };
}
pub(crate) use each_actor;
