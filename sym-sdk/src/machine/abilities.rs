//! The abilities of a user on a Run, with the reasons for what they cannot do.
//!
//! Front ends offer what is possible and explain what is not. They have no rules of their own for that: every verdict comes from the
//! function by which [`step`](super::step) admits an action, so that a button never promises what the machine refuses.

use jiff::Timestamp;

use super::Rules;
use super::effect_error::EffectError;
use super::extension::Round;
use super::input::ActionKind;
use super::permissions::{self, Sender};
use super::state::RunState;
use crate::model::{ChannelType, User, UserType};

/// Whether somebody can do something now, or the reason why not.
pub type Verdict = Result<(), EffectError>;

/// The abilities of a user on an existing Run in its current state, through one kind of channel.
///
/// A verdict is the answer that [`step`](super::step) would give to such an action now. While an event is active, actions wait for it, and
/// whoever may take one at all is accepted; it is decided when its turn comes. What an action says is checked when it is taken: a denial
/// may need a reason, and an approval closes a request that may not be granted any more.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Abilities {
    /// See the Run. Otherwise it is as if there were no such Run, and nothing else should be shown.
    pub view: Verdict,
    /// Approve the extension that is open, or else the request.
    pub approve: Verdict,
    /// Deny or withdraw the extension that is open, or else the request.
    pub deny: Verdict,
    /// Ask for an extension.
    pub extend: Verdict,
    /// Remind those who can decide.
    pub remind: Verdict,
    /// End the access early, or retry a failing revocation.
    pub revoke: Verdict,
    /// Give up a failing revocation.
    pub write_off: Verdict,
    /// Grant again what the target has lost.
    pub regrant: Verdict,
}

/// Returns what `user` can do with a Run through a kind of channel. `now` is the time by the engine's clock.
pub fn abilities(rules: &Rules<'_>, state: &RunState, user: &User, channel: ChannelType, now: Timestamp) -> Abilities {
    let sender = Sender { actor: user, channel };
    let verdict = |kind| permissions::admit_kind(rules, state, now, sender, kind).map(drop);
    let (approve, deny) = match state.open_extension() {
        Some(_) => (ActionKind::ApproveExtension, ActionKind::DenyExtension),
        None => (ActionKind::Approve, ActionKind::Deny),
    };
    Abilities {
        view: permissions::may_view(state, user),
        approve: verdict(approve),
        deny: verdict(deny),
        extend: verdict(ActionKind::Extend),
        remind: verdict(ActionKind::Remind),
        revoke: verdict(ActionKind::Revoke),
        write_off: verdict(ActionKind::WriteOff),
        regrant: verdict(ActionKind::Regrant),
    }
}

/// Returns whether the approval of a user would count, whatever the state of the request or of its extension: also once it is decided,
/// and whether or not they have approved it. It tells who can decide, and who could have.
pub fn approver_verdict(rules: &Rules<'_>, state: &RunState, user: &User) -> Verdict {
    let last = state.extension.as_deref().filter(|extension| extension.routing.is_some());
    let round = last.map_or(Round::Request, |extension| Round::Extension(extension.id));
    permissions::may_vote(rules.flow, state, round, user)
}

impl RunState {
    /// Returns whether somebody may see the Run: who began it, the bot that did so for them, those whom the permissions of the request or
    /// of its extension admit to `webapp_view` or `approve_deny`, and administrators. Before it is routed, nobody else.
    pub fn is_visible_to(&self, user: &User) -> bool {
        permissions::may_view(self, user).is_ok()
    }

    /// Returns whether the user is the bot that began the Run for somebody else.
    pub(crate) fn is_begun_by_bot(&self, user: &User) -> bool {
        user.user_type() == UserType::Bot && self.run.source_channel().bot() == Some(user.username())
    }
}
