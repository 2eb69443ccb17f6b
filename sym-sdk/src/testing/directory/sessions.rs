//! Conformance of the sessions of people.

use secrecy::{ExposeSecret as _, SecretString};

use super::{DirectoryStores, at, error_code, person};
use crate::directory::{CommandLineAnswer, PendingSignIn, ReturnPath, SessionKind, SignInSecret, UserChange};
use crate::error::{Result, codes};
use crate::model::{SessionId, UserRole};

const HOUR: i64 = 3_600;

pub(super) async fn sessions_are_found_by_their_secret(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let (ana, session, secret, other) = {
        let (directory, _) = open().await.at(0);
        let ana = directory.get_or_create_user_by_email("ana@example.com").await?;
        let ben = directory.get_or_create_user_by_email("ben@example.com").await?;
        let (session, secret) = directory.begin_session(ana.id(), SessionKind::Browser).await?;
        let (_, other) = directory.begin_session(ben.id(), SessionKind::CommandLine).await?;
        assert!(other.expose_secret().starts_with("symcli_"), "by which scanners recognize it");
        (ana, session, secret, other)
    };
    let stores = open().await;
    let (directory, _) = stores.at(1);
    assert_eq!(directory.session(&secret).await?, Some((session.clone(), ana.clone())));
    // The id without the secret, with that of another session, and as another kind.
    let text = secret.expose_secret();
    let (id, _) = text.rsplit_once('_').expect("three parts");
    let (_, of_other) = other.expose_secret().rsplit_once('_').expect("three parts");
    for wrong in [id.to_owned(), format!("{id}_{of_other}"), text.replace("symweb", "symcli"), String::new()] {
        assert_eq!(directory.session(&SecretString::from(wrong)).await?, None);
    }
    // The user is read anew.
    let now = directory.set_role(ana.id(), UserRole::Admin).await?;
    assert_eq!(directory.session(&secret).await?, Some((session.clone(), now)));
    assert_eq!(directory.sessions_of(ana.id()).await?, std::slice::from_ref(&session));

    assert_eq!(directory.end_session(session.id).await?.map(|ended| ended.id), Some(session.id));
    assert_eq!(directory.end_session(session.id).await?, None);
    assert_eq!(directory.session(&secret).await?, None);
    assert!(directory.session(&other).await?.is_some(), "the others go on");
    let bot = directory.create_bot("ci").await?;
    assert_eq!(
        error_code(directory.begin_session(bot.id(), SessionKind::CommandLine).await),
        codes::AUTHENTICATION_SIGN_IN_REFUSED
    );
    Ok(())
}

pub(super) async fn sessions_expire(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let stores = open().await;
    let directory = |second| stores.at(second).0;
    let ana = directory(0).get_or_create_user_by_email("ana@example.com").await?.id();
    let (idle, idle_secret) = directory(0).begin_session(ana, SessionKind::Browser).await?;
    let (used, used_secret) = directory(0).begin_session(ana, SessionKind::Browser).await?;
    let (_, cli) = directory(0).begin_session(ana, SessionKind::CommandLine).await?;
    let last_use = async |second| {
        let found = directory(second).session(&used_secret).await?;
        Ok::<_, crate::Error>(found.map(|(session, _)| session.last_used_at))
    };
    assert_eq!(last_use(59).await?, Some(at(0)), "not each use is written down");
    assert_eq!(last_use(61).await?, Some(at(61)));
    assert_eq!(last_use(62).await?, Some(at(61)), "it was written down");
    assert_eq!(last_use(30).await?, Some(at(61)), "although the clock was set back");
    assert_eq!(directory(HOUR).session(&idle_secret).await?, None, "an hour without use");
    for half in 1..24 {
        assert!(last_use(half * HOUR / 2).await?.is_some(), "{half} half hours");
    }
    assert!(directory(12 * HOUR - 1).session(&cli).await?.is_some(), "a command line may be idle");
    assert!(last_use(12 * HOUR - 1).await?.is_some());
    assert_eq!(last_use(12 * HOUR).await?, None, "twelve hours, whatever the use");
    assert_eq!(directory(12 * HOUR).session(&cli).await?, None);
    assert!(directory(12 * HOUR).sessions_of(ana).await?.is_empty());

    assert!(stores.directory.session(idle.id).await?.is_some());
    directory(12 * HOUR).begin_session(ana, SessionKind::Browser).await?;
    for id in [idle.id, used.id] {
        assert!(stores.directory.session(id).await?.is_none(), "what has expired is removed");
    }
    Ok(())
}

pub(super) async fn sessions_end_with_their_user(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let stores = open().await;
    let (directory, _) = stores.at(0);
    let kinds = [SessionKind::Browser, SessionKind::CommandLine];
    let sign_in = async |email: &str| {
        let user = directory.get_or_create_user_by_email(email).await?.id();
        let mut ids = Vec::new();
        for kind in kinds {
            ids.push(directory.begin_session(user, kind).await?.0.id);
        }
        Ok::<_, crate::Error>((user, ids))
    };
    // Asked of the store, which does not look at the user.
    let stored = async |ids: &[_]| {
        let mut found = 0;
        for id in ids {
            found += usize::from(stores.directory.session(*id).await?.is_some());
        }
        Ok::<_, crate::Error>(found)
    };
    let (zoe, of_zoe) = sign_in("zoe@example.com").await?;

    let (locked, ids) = sign_in("locked@example.com").await?;
    directory.change(locked, UserChange::Locked(true)).await?;
    assert_eq!(stored(&ids).await?, 0, "a lock");
    assert_eq!(error_code(directory.begin_session(locked, SessionKind::Browser).await), codes::USER_LOCKED);

    let (deleted, ids) = sign_in("deleted@example.com").await?;
    directory.delete_user(deleted).await?;
    assert_eq!(stored(&ids).await?, 0, "a deletion");
    assert_eq!(error_code(directory.begin_session(deleted, SessionKind::Browser).await), codes::UNKNOWN_USER);
    directory.restore_user(deleted).await?;
    assert_eq!(stored(&ids).await?, 0, "they do not come back");

    let (demoted, ids) = sign_in("demoted@example.com").await?;
    directory.set_role(demoted, UserRole::Admin).await?;
    directory.set_name(demoted, "Dee", "Moted").await?;
    assert_eq!(stored(&ids).await?, 2, "a higher role and another name");
    directory.set_role(demoted, UserRole::Member).await?;
    assert_eq!(stored(&ids).await?, 0, "the loss of a role");

    let (declared, ids) = sign_in("declared@example.com").await?;
    let guest = crate::model::User::person(declared, "declared@example.com")?.with_role(UserRole::Guest);
    directory.put_user(guest).await?;
    assert_eq!(stored(&ids).await?, 0, "the loss of a role by a declaration");

    assert_eq!(stored(&of_zoe).await?, 2, "those of others go on");
    assert_eq!(directory.end_sessions_of(zoe).await?, 2);
    assert_eq!(stored(&of_zoe).await?, 0);
    assert_eq!(
        error_code(directory.begin_session(person("x@example.com").id(), SessionKind::Browser).await),
        codes::UNKNOWN_USER
    );
    Ok(())
}

pub(super) async fn a_sign_in_is_finished_once(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let browser =
        |path: &str| Ok::<_, crate::Error>(PendingSignIn::Browser { return_path: path.parse::<ReturnPath>()? });
    let (first, second, late) = {
        let (directory, _) = open().await.at(0);
        let first = directory.begin_sign_in(browser("/console")?).await?;
        let second = directory.begin_sign_in(browser("/r/1")?).await?;
        (first, second, directory.begin_sign_in(browser("/late")?).await?)
    };
    let stores = open().await;
    let (directory, _) = stores.at(599);
    let (one, other) =
        futures_util::future::join(directory.take_sign_in(&second), directory.take_sign_in(&second)).await;
    let mut taken = [one?, other?];
    taken.sort_by_key(Option::is_none);
    assert_eq!(taken, [Some(browser("/r/1")?), None], "one of two at once");
    assert_eq!(directory.take_sign_in(&SignInSecret::random()?).await?, None);
    assert_eq!(directory.take_sign_in(&first).await?, Some(browser("/console")?));
    let (directory, _) = stores.at(600);
    assert_eq!(directory.take_sign_in(&late).await?, None, "ten minutes");

    let parts = [first.state(), first.nonce(), first.verifier().expose_secret().to_owned()];
    assert!(parts.iter().all(|part| parts.iter().filter(|other| *other == part).count() == 1));
    assert!(first.has_state(&first.state()) && !first.has_state(&second.state()));
    Ok(())
}

pub(super) async fn a_command_line_is_let_in_once(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let (person, session) = (person("ana@example.com").id(), SessionId::from_uuid(uuid::Uuid::from_u128(7)));
    let address = || Some("192.0.2.1".to_owned());
    let (one, other, late) = {
        let (directory, _) = open().await.at(0);
        let one = directory.begin_command_line_sign_in(address(), Some("ana@laptop\n")).await?;
        let other = directory.begin_command_line_sign_in(None, None).await?;
        (one, other, directory.begin_command_line_sign_in(None, None).await?)
    };
    let stores = open().await;
    let (directory, _) = stores.at(599);
    assert_eq!(directory.take_command_line_answer(&one.secret).await?, Some(CommandLineAnswer::Waiting));
    let waiting = directory.waiting_command_line(&one.code).await?.expect("a command line that waits");
    assert_eq!((waiting.address, waiting.machine.as_deref()), (address(), Some("ana@laptop")));
    // Of two answers at once, one counts.
    let (allowed, refused) = futures_util::future::join(
        directory.answer_command_line(&one.code, Some((person, session))),
        directory.answer_command_line(&one.code, None),
    )
    .await;
    let (allowed, refused) = (allowed?.is_some(), refused?.is_some());
    assert!(allowed != refused, "one of two at once");
    let expected = match allowed {
        true => CommandLineAnswer::Allowed { user: person, session, address: address() },
        false => CommandLineAnswer::Refused,
    };
    assert_eq!(directory.waiting_command_line(&one.code).await?, None, "a code is good once");
    assert_eq!(directory.take_command_line_answer(&one.secret).await?, Some(expected));
    assert_eq!(directory.take_command_line_answer(&one.secret).await?, None, "an answer is fetched once");
    assert!(directory.answer_command_line(&other.code, None).await?.is_some());
    assert_eq!(directory.take_command_line_answer(&other.secret).await?, Some(CommandLineAnswer::Refused));
    assert_eq!(directory.take_command_line_answer(&SignInSecret::random()?).await?, None);
    // Neither leads to a sign-in in a browser, nor the other way round.
    let browser = PendingSignIn::Browser { return_path: "/console".parse()? };
    let browser = directory.begin_sign_in(browser).await?;
    assert_eq!(directory.take_command_line_answer(&browser).await?, None);
    assert!(directory.take_sign_in(&browser).await?.is_some());
    let (directory, _) = stores.at(600);
    assert_eq!(directory.waiting_command_line(&late.code).await?, None, "ten minutes");
    assert_eq!(directory.answer_command_line(&late.code, Some((person, session))).await?, None);
    assert_eq!(directory.take_command_line_answer(&late.secret).await?, None);
    Ok(())
}
