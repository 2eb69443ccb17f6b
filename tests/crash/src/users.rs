//! The directory of the store, with a crash point before and after each write.

use std::sync::Arc;

use jiff::Timestamp;
use sym_sdk::directory::{DeletedBy, DeletedUser, DirectoryStore, Inserted, StoredToken, UserChange};
use sym_sdk::model::{TokenId, User, UserId, UserIdentity};
use sym_sdk::{BoxFuture, Result};

use crate::store::CrashStore;

impl DirectoryStore for CrashStore {
    fn user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        self.call(self.inner().user(id))
    }

    fn users_with_ids<'a>(&'a self, ids: &'a [UserId]) -> BoxFuture<'a, Result<Vec<Arc<User>>>> {
        self.call(self.inner().users_with_ids(ids))
    }

    fn user_by_username<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        self.call(self.inner().user_by_username(username))
    }

    fn user_by_identity<'a>(&'a self, identity: &'a UserIdentity) -> BoxFuture<'a, Result<Option<Arc<User>>>> {
        self.call(self.inner().user_by_identity(identity))
    }

    fn users(&self) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        self.call(self.inner().users())
    }

    fn insert_user(&self, user: User) -> BoxFuture<'_, Result<Inserted>> {
        self.call(self.between("user", self.inner().insert_user(user)))
    }

    fn admit_user(&self, user: User) -> BoxFuture<'_, Result<Inserted>> {
        self.call(self.between("user", self.inner().admit_user(user)))
    }

    fn put_users(&self, users: Vec<User>) -> BoxFuture<'_, Result<Vec<Arc<User>>>> {
        self.call(self.between("users", self.inner().put_users(users)))
    }

    fn change_user(&self, id: UserId, change: UserChange) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        let name = match change {
            UserChange::PutIdentity(_) => "identity",
            _ => "user change",
        };
        self.call(self.between(name, self.inner().change_user(id, change)))
    }

    fn delete_user(&self, id: UserId, now: Timestamp) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        self.call(self.between("user deletion", self.inner().delete_user(id, now)))
    }

    fn deleted_user<'a>(&'a self, by: DeletedBy<'a>) -> BoxFuture<'a, Result<Option<DeletedUser>>> {
        self.call(self.inner().deleted_user(by))
    }

    fn deleted_users(&self) -> BoxFuture<'_, Result<Vec<DeletedUser>>> {
        self.call(self.inner().deleted_users())
    }

    fn restore_user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        self.call(self.between("user restoration", self.inner().restore_user(id)))
    }

    fn insert_token(&self, token: StoredToken) -> BoxFuture<'_, Result<bool>> {
        self.call(self.between("token", self.inner().insert_token(token)))
    }

    fn token(&self, id: TokenId) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        self.call(self.inner().token(id))
    }

    fn tokens(&self, bot: Option<UserId>) -> BoxFuture<'_, Result<Vec<StoredToken>>> {
        self.call(self.inner().tokens(bot))
    }

    fn revoke_token(&self, id: TokenId, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        self.call(self.between("token revocation", self.inner().revoke_token(id, now)))
    }
}
