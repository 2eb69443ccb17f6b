//! The simulated approver: decides on requests for which no other approver is named.
//!
//! A flow can thus be seen whole without inventing people for it. The approver is an admin that is added to the directory of the
//! simulation, in the domain of the requester, and the output notes each such approval. A user who exists is never approved as.

use std::sync::Arc;

use super::driver::Driver;
use crate::error::Result;
use crate::model::{Channel, RunId, User, UserRole};
use crate::runtime::{Actor, Submission};

/// Approves a Run as admins that are created for this, as many as the request needs. Adds a note for each.
pub(super) async fn approve(
    driver: &mut impl Driver,
    run: RunId,
    requester: &Actor,
    channel: &Channel,
    notes: &mut Vec<String>,
) -> Result<()> {
    let domain = match requester {
        Actor::Email(email) => email.rsplit_once('@').map(|(_, domain)| domain.trim()),
        _ => None,
    };
    let domain = domain.unwrap_or("example.com").to_owned();
    for _ in 1..=u8::MAX {
        if !driver.is_open(run).await? {
            return Ok(());
        }
        let admin = create(driver, &domain).await?;
        notes.push(format!("no decision given: approved by the simulated admin {}", admin.username()));
        driver.submit(Submission::approve(run, admin.id()).channel(channel.clone())).await?;
    }
    Ok(())
}

/// Creates an admin in a domain, with an address that nobody has.
pub(super) async fn create(driver: &impl Driver, domain: &str) -> Result<Arc<User>> {
    let directory = driver.runtime().directory();
    let (mut email, mut number) = (format!("admin@{domain}"), 1_u32);
    while directory.user_by_email(&email).await?.is_some() {
        number += 1;
        email = format!("admin{number}@{domain}");
    }
    directory.put_user(User::from_email(&email)?.with_role(UserRole::Admin)).await
}
