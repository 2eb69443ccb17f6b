//! A part of the migration to schema 3: names of users that an earlier version has stored as they were typed.
//!
//! `ren\u{e9}@example.com` and `rene\u{301}@example.com` look the same, and are one person since. Somebody who is stored twice stays two
//! users; the one with the other spelling can no longer be reached by address, and is left to an administrator.

use std::sync::Arc;

use rusqlite::Connection;

use super::directory::{UserRow, to_user, unreadable, user_of_name};
use crate::model::{User, UserType};
use crate::normalize::fold_email;

/// Composes the names of people (NFC).
pub(super) fn normalize_names(db: &Connection) -> rusqlite::Result<()> {
    let people: Vec<Arc<User>> =
        db.prepare("SELECT id, user FROM users")?.query_map((), to_user)?.collect::<rusqlite::Result<_>>()?;
    for user in people.into_iter().filter(|user| user.user_type() == UserType::Normal) {
        let name = fold_email(user.username());
        if name == user.username() {
            continue;
        }
        let id = user.id();
        if user_of_name(db, &name)?.is_some_and(|other| other.id() != id) {
            tracing::warn!(user = %id, "a user is stored twice, with two spellings of one address; delete one of them");
            continue;
        }
        let renamed = User { email: Some(name.clone()), username: name, ..Arc::unwrap_or_clone(user) };
        UserRow::of(renamed).map_err(|error| unreadable(format!("user {id}: {error}")))?.write(db)?;
    }
    Ok(())
}
