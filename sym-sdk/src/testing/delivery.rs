//! A delivery that records what it is asked to show.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::delivery::{Delivery, DeliveryReceipt, RequestView};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::PromptForm;
use crate::machine::{EffectError, MessageRef, Notice};
use crate::model::{ChannelType, RunId, RunStatus, User};
use crate::routing::Destination;
use crate::sync::lock;

/// A [`Delivery`] for tests: it reaches everyone, records what it is asked to show, and fails on demand. Clones share one record.
///
/// Destinations are identified by their label, such as `#requests`, and users by their username.
///
/// ```
/// use sym_sdk::testing::RecordingDelivery;
///
/// let delivery = RecordingDelivery::new();
/// delivery.fail_for("#archived");
/// assert!(delivery.delivered().is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct RecordingDelivery(Arc<Mutex<Record>>);

#[derive(Debug, Default)]
struct Record {
    delivered: Vec<(RunId, String)>,
    updated: Vec<(RunId, RunStatus)>,
    messages: Vec<(String, String)>,
    reminders: Vec<(RunId, String)>,
    alerts: Vec<EffectError>,
    forms: Vec<PromptForm>,
    broken: BTreeSet<String>,
    down: BTreeMap<String, usize>,
    opted_out: BTreeSet<String>,
}

impl RecordingDelivery {
    /// Returns a delivery with an empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes everything to this destination or user fail permanently.
    pub fn fail_for(&self, label: impl Into<String>) {
        self.lock().broken.insert(label.into());
    }

    /// Makes the next `times` calls for this destination or user fail, as if the service were unavailable.
    pub fn fail_times(&self, label: impl Into<String>, times: usize) {
        self.lock().down.insert(label.into(), times);
    }

    /// Makes this destination opt out of notifications.
    pub fn opt_out(&self, label: impl Into<String>) {
        self.lock().opted_out.insert(label.into());
    }

    /// Returns the delivered notifications in order: Run and destination.
    pub fn delivered(&self) -> Vec<(RunId, String)> {
        self.lock().delivered.clone()
    }

    /// Returns the updates of messages in order: Run and the status that was shown.
    pub fn updated(&self) -> Vec<(RunId, RunStatus)> {
        self.lock().updated.clone()
    }

    /// Returns the reminders in order: Run and reference of the message.
    pub fn reminders(&self) -> Vec<(RunId, String)> {
        self.lock().reminders.clone()
    }

    /// Returns the messages to users in order: username and text.
    pub fn messages(&self) -> Vec<(String, String)> {
        self.lock().messages.clone()
    }

    /// Returns the errors that were sent to the error destination.
    pub fn alerts(&self) -> Vec<EffectError> {
        self.lock().alerts.clone()
    }

    /// Returns the forms that were opened.
    pub fn forms(&self) -> Vec<PromptForm> {
        self.lock().forms.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        lock(&self.0)
    }
}

impl Record {
    fn reach(&mut self, label: &str) -> Result<()> {
        if self.broken.contains(label) {
            let message = format!("cannot deliver to {label}");
            return Err(Error::new(ErrorKind::NotFound, codes::SLACK_NOT_IN_CHANNEL, message));
        }
        match self.down.get_mut(label).filter(|times| **times > 0) {
            Some(times) => {
                *times -= 1;
                let message = format!("{label} is unavailable");
                Err(Error::new(ErrorKind::Unavailable, codes::HTTP_ERROR_RESPONSE, message))
            }
            None => Ok(()),
        }
    }
}

impl Delivery for RecordingDelivery {
    fn name(&self) -> &str {
        "recording"
    }

    fn reaches(&self, _: &Destination) -> bool {
        true
    }

    async fn deliver(&self, request: &RequestView, destination: &Destination) -> Result<DeliveryReceipt> {
        let mut record = self.lock();
        let label = destination.label();
        if record.opted_out.contains(&label) {
            return Ok(DeliveryReceipt::OptedOut);
        }
        record.reach(&label).map(|()| {
            record.delivered.push((request.event().run().id(), label));
            DeliveryReceipt::Delivered(MessageRef::new(self.name(), record.delivered.len().to_string()))
        })
    }

    async fn link(&self, message: &MessageRef) -> Option<String> {
        Some(format!("https://messages.example/{}", message.reference))
    }

    async fn update(&self, request: &RequestView, _: &MessageRef) -> Result<()> {
        self.lock().updated.push((request.event().run().id(), request.status()));
        Ok(())
    }

    async fn remind(&self, request: &RequestView, message: &MessageRef) -> Result<()> {
        self.lock().reminders.push((request.event().run().id(), message.reference.clone()));
        Ok(())
    }

    fn reaches_user(&self, _: &User) -> bool {
        true
    }

    async fn message(&self, request: &RequestView, to: &User, notice: &Notice) -> Result<()> {
        let mut record = self.lock();
        record.reach(to.username()).map(|()| {
            let text = notice.text(request.event().flow().label());
            record.messages.push((to.username().to_owned(), text));
        })
    }

    async fn alert(&self, _: &RequestView, destination: &str, error: &EffectError) -> Result<()> {
        let mut record = self.lock();
        record.reach(destination).map(|()| record.alerts.push(error.clone()))
    }

    fn opens_forms_for(&self, _: ChannelType) -> bool {
        true
    }

    async fn open_form(&self, _: &RequestView, form: &PromptForm) -> Result<()> {
        self.lock().forms.push(form.clone());
        Ok(())
    }
}
