//! Notices to people whom no other front end reaches.
//!
//! Whoever can sign in sees in the console what waits for them and what became of their requests: the entry of the record is the notice, so
//! there is nothing to send. Without this, each notice of a program that has a console and no messenger would be an error, and a request
//! whose destinations are people would be passed on as if they could not be reached.

use crate::delivery::{Delivery, DeliveryReceipt, RequestView};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::PromptForm;
use crate::machine::{EffectError, MessageRef, Notice};
use crate::model::{ChannelType, User, UserType};
use crate::routing::Destination;

/// Takes what is for people and reached nobody else. Channels and error destinations are left to front ends that have them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notices;

impl Delivery for Notices {
    fn name(&self) -> &str {
        super::NAME
    }

    fn is_fallback(&self) -> bool {
        true
    }

    fn reaches(&self, destination: &Destination) -> bool {
        matches!(destination, Destination::User(_))
    }

    async fn deliver(&self, request: &RequestView, _: &Destination) -> Result<DeliveryReceipt> {
        Ok(DeliveryReceipt::Delivered(MessageRef::new(super::NAME, request.event().run().id().to_string())))
    }

    async fn update(&self, _: &RequestView, _: &MessageRef) -> Result<()> {
        // The page of the request is always what it is now.
        Ok(())
    }

    fn reaches_user(&self, user: &User) -> bool {
        // Programs do not sign in.
        user.user_type() == UserType::Normal
    }

    async fn message(&self, _: &RequestView, _: &User, _: &Notice) -> Result<()> {
        Ok(())
    }

    fn reaches_error_destination(&self, _: &str) -> bool {
        // The operations page shows errors to who opens it; that is no alert.
        false
    }

    async fn alert(&self, _: &RequestView, destination: &str, _: &EffectError) -> Result<()> {
        Err(unreachable_by(destination))
    }

    fn opens_forms_for(&self, channel: ChannelType) -> bool {
        channel == ChannelType::Web
    }

    async fn open_form(&self, _: &RequestView, _: &PromptForm) -> Result<()> {
        // The page that waits for it builds it.
        Ok(())
    }
}

fn unreachable_by(destination: &str) -> Error {
    let message = format!("the console cannot reach {destination}");
    Error::new(ErrorKind::Configuration, codes::INVALID_DESTINATION, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserId;

    #[test]
    fn people_are_reached_and_nothing_else() {
        let ana = User::from_email("ana@example.com").unwrap();
        let bot = User::bot(UserId::from_email("ci@example.com"), "ci");
        assert!(Delivery::reaches_user(&Notices, &ana));
        assert!(!Delivery::reaches_user(&Notices, &bot));
        assert!(!Delivery::reaches_error_destination(&Notices, "#sym-errors"));
        assert!(Delivery::is_fallback(&Notices), "Slack comes first");
    }
}
