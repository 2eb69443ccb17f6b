//! Calls about the policy file, and changes of its groups.
//!
//! A change is a compare-and-set: the file is read with its version (ETag), changed, and written on the condition that the version is still
//! that one. If somebody else was faster, the change is decided and made afresh on what they have written. Without a version nothing is
//! written, since that would overwrite other people's changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sym_sdk::error::{Error, ErrorKind, Result};

use super::client::TAILSCALE;
use super::policy::{self, Group};
use super::{Tailscale, TailscaleGroup, codes};
use crate::http::lost_attempts::LostAttempts;
use crate::http::{Call, Next, Paginator, Response};

const HUJSON: &str = "application/hujson";

/// The maximum size of a policy file in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The number of attempts at a change, if others change the file at the same time.
const MAX_ATTEMPTS: u32 = 5;

/// The longest delay between two attempts.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(2);

/// The prefix of the names of groups.
const PREFIX: &str = "group:";

/// The policy file of a tailnet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyFile {
    /// The text, in HuJSON.
    pub text: String,
    /// The version, as the service names it.
    pub etag: Option<String>,
}

impl PolicyFile {
    fn of(response: &Response) -> Result<Self> {
        let Ok(text) = std::str::from_utf8(response.body()) else {
            return Err(response.invalid("the policy file is not UTF-8"));
        };
        let etag = response.header("etag").map(str::trim).filter(|etag| !etag.is_empty());
        Ok(Self { text: text.to_owned(), etag: etag.map(str::to_owned) })
    }

    /// Returns the groups, in the order of the file.
    ///
    /// # Errors
    /// `Tailscale:AMBIGUOUS_POLICY` if the file is not HuJSON, or has groups that are not lists of texts, or has them twice.
    pub fn groups(&self) -> Result<Vec<TailscaleGroup>> {
        let groups = policy::groups(&self.text)?.into_iter();
        let described =
            |group: Group| TailscaleGroup { members: group.logins().map(str::to_owned).collect(), name: group.name };
        Ok(groups.map(described).collect())
    }

    /// Returns the comment by which the file says that it is maintained in a repository, if it does.
    pub fn maintained_in(&self) -> Option<&str> {
        policy::maintained_in(&self.text)
    }

    pub(super) fn group(&self, name: &str) -> Result<Group> {
        let found = policy::groups(&self.text)?.into_iter().find(|group| group.name == name);
        found.ok_or_else(|| {
            let hint = if !name.starts_with(PREFIX) {
                "names of groups begin with `group:`"
            } else if name.contains('@') {
                "a group with a domain is synced from the identity provider: change its members there"
            } else {
                "add the group to the section `groups` of the policy file; groups that are synced from an identity provider are not in it"
            };
            let message = format!("the policy file has no group `{name}`");
            TAILSCALE.error(ErrorKind::NotFound, codes::GROUP_NOT_FOUND, message).with_hint(hint)
        })
    }

    /// The version in the form of the header `If-Match`.
    fn condition(&self) -> Result<String> {
        match &self.etag {
            Some(etag) if etag.starts_with('"') || etag.starts_with("W/") => Ok(etag.clone()),
            Some(etag) => Ok(format!("\"{etag}\"")),
            None => {
                let message = "Tailscale sent the policy file without its version, so it was not changed";
                Err(TAILSCALE
                    .error(ErrorKind::Decode, codes::NO_ETAG, message)
                    .with_hint("check whether a proxy removes the header `ETag`"))
            }
        }
    }
}

impl Tailscale {
    /// Returns the policy file, as people have written it.
    /// [`GET /tailnet/{tailnet}/acl`](https://tailscale.com/api#tag/policyfile/GET/tailnet/{tailnet}/acl)
    pub async fn policy_file(&self) -> Result<PolicyFile> {
        PolicyFile::of(&self.policy_call().await?)
    }

    fn policy_call(&self) -> Call {
        self.0.get("tailnet/{tailnet}/acl", &[self.tailnet()]).header("accept", HUJSON).max_bytes(MAX_BYTES)
    }

    /// Has Tailscale check a policy file, with its tests, without storing it.
    /// [`POST /tailnet/{tailnet}/acl/validate`](https://tailscale.com/api#tag/policyfile/POST/tailnet/{tailnet}/acl/validate)
    ///
    /// # Errors
    /// `Tailscale:TESTS_FAILED` or `Tailscale:REJECTED_POLICY` if it is not accepted.
    pub async fn validate_policy(&self, text: &str) -> Result<()> {
        let call = self.0.post("tailnet/{tailnet}/acl/validate", &[self.tailnet()]).body(HUJSON, text.to_owned());
        call.idempotent(true).await.map(drop)
    }

    /// Returns the groups of the policy file, in its order.
    ///
    /// # Errors
    /// `Tailscale:AMBIGUOUS_POLICY` if the file could be read in several ways.
    pub async fn list_groups(&self) -> Result<Vec<TailscaleGroup>> {
        self.policy_file().await?.groups()
    }

    /// The logins of a group's members, in the order of the file.
    pub(super) fn member_logins(&self, group: &str) -> Paginator<String> {
        let name = group.to_owned();
        self.policy_call().pages_by(move |response| {
            let group = PolicyFile::of(response)?.group(&name)?;
            Ok((group.logins().map(str::to_owned).collect(), Next::End))
        })
    }

    /// Adds a login to a group, or leaves the file as it is if it is in it.
    ///
    /// # Errors
    /// `Tailscale:GROUP_NOT_FOUND` if there is no such group: it is never created.
    pub(super) async fn add_to_group(&self, name: &str, login: &str) -> Result<()> {
        self.change(|file| file.group(name)?.add(&file.text, login)).await
    }

    /// Removes a login from a group.
    pub(super) async fn remove_from_group(&self, name: &str, login: &str) -> Result<()> {
        self.change(|file| file.group(name)?.remove(&file.text, login)).await
    }

    /// Makes a change on the present version of the file. `None` means that the file is as it should be.
    async fn change(&self, change: impl Fn(&PolicyFile) -> Result<Option<String>> + Send + Sync) -> Result<()> {
        // Our own changes follow one another, so that mostly other people's changes lead to another attempt. Revocations have a queue of
        // their own: they do not wait for a grant that the service keeps waiting.
        let queue = queue_of(&format!("{} {} {}", self.0.base_url().as_str(), self.tailnet(), self.0.rate_group()));
        let _turn = queue.lock().await;
        let mut lost = LostAttempts::default();
        let result = self.attempt_change(change, &mut lost).await;
        lost.then(result)
    }

    async fn attempt_change(
        &self,
        change: impl Fn(&PolicyFile) -> Result<Option<String>> + Send + Sync,
        lost: &mut LostAttempts,
    ) -> Result<()> {
        let mut attempt = 1;
        loop {
            let file = self.policy_file().await?;
            let Some(text) = change(&file)? else { return Ok(()) };
            match self.write(&file, text).await {
                Err(error) if error.status() == Some(412) && attempt < MAX_ATTEMPTS => {
                    lost.note(error.is_outcome_unknown());
                    attempt += 1;
                    self.0.clock().sleep(MAX_RETRY_DELAY.mul_f64(fastrand::f64())).await;
                }
                result => return result,
            }
        }
    }

    /// Writes the file in place of the version that was read.
    /// [`POST /tailnet/{tailnet}/acl`](https://tailscale.com/api#tag/policyfile/POST/tailnet/{tailnet}/acl)
    async fn write(&self, read: &PolicyFile, text: String) -> Result<()> {
        let condition = read.condition()?;
        let call = self.0.post("tailnet/{tailnet}/acl", &[self.tailnet()]).header("accept", HUJSON);
        let call = call.header("if-match", &condition).body(HUJSON, text).max_bytes(MAX_BYTES);
        // The condition makes a repetition harmless: it fails if the first attempt has been carried out.
        let response = call.idempotent(true).await.map_err(|error| match error.status() {
            // An objection with the status of a success. Nothing says that the file is as it was.
            Some(200..=299) => error.with_unknown_outcome(),
            _ => error,
        })?;
        // Only the new file confirms the change; a sign-in page does not.
        PolicyFile::of(&response)
            .and_then(|file| policy::groups(&file.text).map(drop))
            .map_err(Error::with_unknown_outcome)
    }
}

type Queue = Arc<futures_util::lock::Mutex<()>>;

/// Returns a queue of changes of one tailnet in this process, by its name.
fn queue_of(name: &str) -> Queue {
    static QUEUES: Mutex<BTreeMap<String, Weak<futures_util::lock::Mutex<()>>>> = Mutex::new(BTreeMap::new());
    let mut queues = QUEUES.lock().unwrap_or_else(PoisonError::into_inner);
    queues.retain(|_, queue| queue.strong_count() > 0);
    if let Some(queue) = queues.get(name).and_then(Weak::upgrade) {
        return queue;
    }
    let queue = Queue::default();
    queues.insert(name.to_owned(), Arc::downgrade(&queue));
    queue
}
