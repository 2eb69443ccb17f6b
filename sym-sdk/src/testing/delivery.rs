//! A front end that remembers what it was told to show.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::delivery::{Delivery, DeliveryReceipt, RequestView};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::PromptForm;
use crate::machine::{EffectError, MessageRef, Notice};
use crate::model::{ChannelType, RunId, RunStatus, User};
use crate::routing::Destination;
use crate::sync::lock;

/// A [`Delivery`] for tests: it reaches everyone, keeps what it was told to show, and fails where it is told to. Clones are
/// one front end.
///
/// Destinations go by their label, such as `#requests`, and people by their username.
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
    alerts: Vec<EffectError>,
    forms: Vec<PromptForm>,
    broken: BTreeSet<String>,
    down: BTreeMap<String, usize>,
    opted_out: BTreeSet<String>,
}

impl RecordingDelivery {
    /// A front end that has shown nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has everything to this destination or person fail, in a way that trying again does not help.
    pub fn fail_for(&self, label: impl Into<String>) {
        self.lock().broken.insert(label.into());
    }

    /// Has the next things to this destination or person fail, as if the service were down.
    pub fn fail_times(&self, label: impl Into<String>, times: usize) {
        self.lock().down.insert(label.into(), times);
    }

    /// Has this destination want no notifications.
    pub fn opt_out(&self, label: impl Into<String>) {
        self.lock().opted_out.insert(label.into());
    }

    /// Which destinations were told of which Run, in order.
    pub fn delivered(&self) -> Vec<(RunId, String)> {
        self.lock().delivered.clone()
    }

    /// The Runs whose messages were brought up to date, and the status that was shown.
    pub fn updated(&self) -> Vec<(RunId, RunStatus)> {
        self.lock().updated.clone()
    }

    /// Who was told what, in order.
    pub fn messages(&self) -> Vec<(String, String)> {
        self.lock().messages.clone()
    }

    /// What the error destination was told of.
    pub fn alerts(&self) -> Vec<EffectError> {
        self.lock().alerts.clone()
    }

    /// The forms that were shown.
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
            let message = format!("{label} cannot be reached");
            return Err(Error::new(ErrorKind::NotFound, codes::SLACK_NOT_IN_CHANNEL, message));
        }
        match self.down.get_mut(label).filter(|times| **times > 0) {
            Some(times) => {
                *times -= 1;
                let message = format!("{label} cannot be reached now");
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

    async fn update(&self, request: &RequestView, _: &MessageRef) -> Result<()> {
        self.lock().updated.push((request.event().run().id(), request.status()));
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
