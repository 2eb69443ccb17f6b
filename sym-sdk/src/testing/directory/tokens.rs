//! Conformance of the tokens of bots.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{DirectoryStores, at, error_code, expected_error, person};
use crate::error::{ErrorKind, Result, codes};
use crate::model::{TokenId, User, UserId, UserRole};

const HOUR: Duration = Duration::from_secs(3_600);

pub(super) async fn authenticates_the_bot(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let (one, other, of_another) = {
        let (directory, _) = open().await.at(0);
        let (ci, cd) = (directory.create_bot("ci").await?, directory.create_bot("cd").await?);
        (
            directory.issue_token(ci.id(), "one", HOUR).await?,
            directory.issue_token(ci.id(), "other", HOUR * 2).await?,
            directory.issue_token(cd.id(), "", HOUR).await?,
        )
    };
    let stores = open().await;
    let (directory, _) = stores.at(0);
    for (issued, bot) in [(&one, "ci"), (&other, "ci"), (&of_another, "cd")] {
        assert_eq!(directory.authenticate(&issued.secret).await?.username(), bot);
    }
    let ci = directory.user_by_email("ci").await?.expect("the bot").id();
    directory.set_role(ci, UserRole::Guest).await?;
    assert_eq!(directory.authenticate(&one.secret).await?.role(), UserRole::Guest, "the role is the bot's");

    let listed = directory.tokens(Some(ci)).await?;
    let mut labels: Vec<_> =
        listed.iter().map(|token| (token.label.as_str(), token.created_at, token.expires_at)).collect();
    labels.sort_unstable();
    assert_eq!(labels, [("one", at(0), at(3_600)), ("other", at(0), at(7_200))]);
    assert_eq!(directory.tokens(None).await?.len(), 3);
    assert!(directory.tokens(Some(UserId::random())).await?.is_empty());

    let secret = one.secret.expose_secret();
    let hash = stores.directory.token(one.id).await?.expect("the token").hash;
    assert!(!secret.as_bytes().windows(32).any(|part| part == hash.as_bytes()), "the token itself is not stored");
    Ok(())
}

pub(super) async fn tokens_expire(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let issued = {
        let (directory, _) = open().await.at(0);
        let bot = directory.create_bot("ci").await?;
        directory.issue_token(bot.id(), "build", HOUR).await?
    };
    assert_eq!(issued.expires_at, at(3_600));
    let stores = open().await;
    assert!(stores.at(3_599).0.authenticate(&issued.secret).await.is_ok());
    for second in [3_600, 1_000_000] {
        let error = expected_error(stores.at(second).0.authenticate(&issued.secret).await);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unauthorized, &codes::AUTHENTICATION_TOKEN_EXPIRED));
    }
    Ok(())
}

pub(super) async fn revocation_is_final(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let (revoked, other) = {
        let stores = open().await;
        let (directory, _) = stores.at(0);
        let bot = directory.create_bot("ci").await?;
        let revoked = directory.issue_token(bot.id(), "lost", HOUR).await?;
        let other = directory.issue_token(bot.id(), "kept", HOUR).await?;
        assert_eq!(stores.at(10).0.revoke_token(revoked.id).await?.revoked_at, Some(at(10)));
        (revoked, other)
    };
    let stores = open().await;
    assert_eq!(stores.at(20).0.revoke_token(revoked.id).await?.revoked_at, Some(at(10)), "the first time counts");
    for second in [20, 1_000_000] {
        let error = expected_error(stores.at(second).0.authenticate(&revoked.secret).await);
        assert_eq!(*error.code(), codes::AUTHENTICATION_TOKEN_REVOKED);
        assert!(!format!("{error:?}").contains(revoked.secret.expose_secret()), "an error does not contain the token");
    }
    assert!(stores.at(20).0.authenticate(&other.secret).await.is_ok(), "other tokens stay valid");
    let unknown = TokenId::from_uuid(uuid::Uuid::nil());
    assert_eq!(error_code(stores.at(20).0.revoke_token(unknown).await), codes::UNKNOWN_TOKEN);
    assert_eq!(stores.at(20).0.tokens(None).await?.len(), 2, "revoked tokens are still listed");
    Ok(())
}

pub(super) async fn deleting_a_bot_revokes_its_tokens(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let (ci, issued, of_another) = {
        let stores = open().await;
        let (directory, _) = stores.at(0);
        let (bot, other) = (directory.create_bot("ci").await?, directory.create_bot("cd").await?);
        let revoked = directory.issue_token(bot.id(), "lost", HOUR).await?;
        directory.revoke_token(revoked.id).await?;
        let issued = stores.at(1).0.issue_token(bot.id(), "build", HOUR).await?;
        let of_another = directory.issue_token(other.id(), "build", HOUR).await?;
        stores.at(10).0.delete_user(bot.id()).await?;
        (bot.id(), issued, of_another)
    };
    let (directory, _) = open().await.at(20);
    assert_eq!(error_code(directory.authenticate(&issued.secret).await), codes::AUTHENTICATION_BOT_DELETED);
    assert_eq!(error_code(directory.issue_token(ci, "", HOUR).await), codes::UNKNOWN_USER);
    let tokens = directory.tokens(Some(ci)).await?;
    let revoked: Vec<_> = tokens.iter().map(|token| token.revoked_at).collect();
    assert_eq!(revoked, [Some(at(0)), Some(at(10))], "the time of the revocation is recorded");
    assert!(directory.authenticate(&of_another.secret).await.is_ok(), "the token of another bot stays valid");
    // Nobody gets the id of the bot.
    let thief = directory.put_user(User::person(ci, "ana@example.com")?).await;
    assert_eq!(error_code(thief), codes::USER_DELETED);
    // A new bot with the same name has neither the id nor the tokens.
    let again = directory.create_bot("ci").await?;
    assert_ne!(again.id(), ci);
    assert_eq!(error_code(directory.authenticate(&issued.secret).await), codes::AUTHENTICATION_BOT_DELETED);
    // Nor has the bot itself, if it is restored under its id: revocation is final.
    directory.delete_user(again.id()).await?;
    directory.restore_user(ci).await?;
    assert_eq!(error_code(directory.authenticate(&issued.secret).await), codes::AUTHENTICATION_TOKEN_REVOKED);
    directory.delete_user(ci).await?;
    let again = directory.restore_user(again.id()).await?;
    let new = directory.issue_token(again.id(), "build", HOUR).await?;
    assert!(directory.authenticate(&new.secret).await.is_ok());
    Ok(())
}

pub(super) async fn issues_tokens_for_bots_only(stores: &DirectoryStores) -> Result<()> {
    let (directory, _) = stores.at(0);
    let ana = directory.put_user(person("ana@example.com")).await?;
    assert_eq!(error_code(directory.issue_token(ana.id(), "", HOUR).await), codes::INVALID_TOKEN);
    let bot = directory.create_bot("ci").await?.id();
    for expires_in in [Duration::ZERO, Duration::MAX] {
        assert_eq!(
            error_code(directory.issue_token(bot, "", expires_in).await),
            codes::INVALID_TOKEN,
            "{expires_in:?}"
        );
    }
    assert_eq!(error_code(directory.issue_token(bot, &"x".repeat(201), HOUR).await), codes::INVALID_TOKEN);
    assert!(directory.tokens(None).await?.is_empty(), "none was issued");

    let issued = directory.issue_token(bot, "build", HOUR).await?;
    let token = issued.secret.expose_secret();
    let (start, end) = token.split_at(token.len() - 1);
    let changed = format!("{start}{}", if end == "0" { "1" } else { "0" });
    let padded = format!("{token} ");
    for wrong in ["", "symbot", "symbot__", start, &changed, &padded, &token.to_uppercase()] {
        let error = expected_error(directory.authenticate(&SecretString::from(wrong)).await);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unauthorized, &codes::AUTHENTICATION_INVALID_JWT));
    }
    // A lifetime beyond the range of the store saturates. It does not overflow.
    let years = Duration::try_from(Timestamp::MAX.duration_since(at(1))).expect("a time to come");
    let forever = directory.issue_token(bot, "for ever", years).await?;
    assert!(stores.at(1).0.authenticate(&forever.secret).await.is_ok());
    Ok(())
}

pub(super) async fn uses_are_recorded_to_the_day(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    // The tests begin at noon.
    const MIDNIGHT: i64 = 12 * 3_600;
    let issued = {
        let (directory, _) = open().await.at(0);
        let bot = directory.create_bot("ci").await?;
        directory.issue_token(bot.id(), "build", HOUR * 100).await?
    };
    let stores = open().await;
    let last_used = async |second: i64| -> Result<_> {
        let (directory, _) = stores.at(second);
        directory.authenticate(&issued.secret).await?;
        Ok(directory.tokens(None).await?.first().and_then(|token| token.last_used_at))
    };
    assert_eq!(stores.at(0).0.tokens(None).await?.first().and_then(|token| token.last_used_at), None);
    for (second, expected) in [
        (10, 10),
        (MIDNIGHT - 1, 10),
        (MIDNIGHT, MIDNIGHT),
        (MIDNIGHT + 80_000, MIDNIGHT),
        (MIDNIGHT + 86_400, MIDNIGHT + 86_400),
        // The clock was set back.
        (20, MIDNIGHT + 86_400),
    ] {
        assert_eq!(last_used(second).await?, Some(at(expected)), "{second}");
    }
    // A token that is not good was not used.
    let wrong = SecretString::from(format!("{}0", issued.secret.expose_secret()));
    assert!(stores.at(3 * 86_400).0.authenticate(&wrong).await.is_err());
    let token = stores.directory.token(issued.id).await?.expect("the token").token;
    assert_eq!(token.last_used_on(), Some(jiff::civil::date(2024, 3, 2)));
    Ok(())
}
