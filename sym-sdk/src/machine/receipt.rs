//! The receipt: one message in which the requester follows the request, from its delivery to the end of its access.
//!
//! It is sent when the request was first delivered, since it says where to, and updated with the messages of the request. A front end that
//! sends receipts need not send its reader a message of every step. A receipt that could not be sent is tried again at the next step, and
//! holds nothing up.

use std::sync::Arc;

use super::effect::EffectKind;
use super::event_record::EventRecord;
use super::message_status::MessageRef;
use super::state::RunState;
use super::stepper::Stepper;
use crate::model::UserType;

impl RunState {
    /// Returns whether the requester is to get a receipt and has none.
    fn lacks_receipt(&self) -> bool {
        let is_sent =
            self.receipt.is_some() || self.pending.values().any(|pending| matches!(pending.kind, EffectKind::Receipt));
        let is_for_person = self.run.requester().is_some_and(|requester| requester.user_type() == UserType::Normal);
        !is_sent && is_for_person && self.routing.as_ref().is_some_and(|routing| routing.sends_receipt)
    }
}

impl Stepper<'_> {
    /// Sends the receipt, if the requester is to get one and has none.
    pub(super) fn request_receipt(&mut self, event: &Arc<EventRecord>) {
        if self.state.lacks_receipt() {
            self.effect(event, EffectKind::Receipt);
        }
    }

    /// Updates the receipt, for a change that the messages of the request do not show.
    pub(super) fn update_receipt(&mut self, event: &Arc<EventRecord>) {
        if self.state.receipt.is_some() {
            self.effect(event, EffectKind::UpdateMessages);
        }
    }

    /// Records the receipt. It shows the request as it was when the message was sent, which may not be how it is now.
    pub(super) fn receipt_sent(&mut self, event: &Arc<EventRecord>, message: &MessageRef) {
        self.state.receipt = Some(message.clone());
        if !self.state.is_open() {
            self.effect(event, EffectKind::UpdateMessages);
        }
    }
}
