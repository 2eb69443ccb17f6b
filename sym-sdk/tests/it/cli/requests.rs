//! Requests and decisions on the command line.

#[cfg(unix)]
use sym_sdk::model::RunStatus;

#[cfg(unix)]
use super::program::interrupt;
#[cfg(unix)]
use super::world::MINUTE;
use super::{Way, World};
#[cfg(unix)]
use crate::support::GRACE;

/// The longest wait for a commit before the store is looked at again: one that was slow and is written in the end wakes nobody.
const LOOKS_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Adds a bot, and returns a token of it.
async fn token_of(world: &World, name: &str, role: &str) -> String {
    assert_eq!(world.act(&["bots", "add", name, "--role", role]).await.code, 0);
    token_for(world, name).await
}

async fn token_for(world: &World, bot: &str) -> String {
    world.act(&["tokens", "issue", bot, "--for", "1d"]).await.ok().trim_end().to_owned()
}

/// Nobody is authenticated there, so nothing is given.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_takes_access_away_and_gives_none() {
    let world = World::new(Way::File).await;
    let open = world.open.to_string();
    for args in [&["request", "prod", "--for", "1h"][..], &["approve", &open], &["deny", &open, "-m", "no"]] {
        let refused = world.act(args).await;
        assert_eq!(refused.code, 3, "{args:?}: {}", refused.err);
        assert!(refused.err.contains("on the command line (SymSDK:NOT_PERMITTED)"), "{args:?}: {}", refused.err);
        assert!(refused.err.contains("with `--server URL`"), "{}", refused.err);
    }
    let unnamed = world.look(&["revoke", &world.held.to_string()]).await;
    assert_eq!((unnamed.code, unnamed.err.contains("`--as`")), (2, true), "{}", unnamed.err);
    let unknown = world.look(&["revoke", &world.held.to_string(), "--as", "eve@example.com"]).await;
    assert_eq!((unknown.code, unknown.err.contains("no user has the e-mail address")), (1, true), "{}", unknown.err);
    // Deployer may decide, and revoke on a server.
    for args in [&["revoke", &world.held.to_string()][..], &["run", &world.held.to_string()], &["access"]] {
        let bot = world.look(&[args, &["--as", "deployer"]].concat()).await;
        assert_eq!((bot.code, bot.out.as_str()), (3, ""), "{args:?}: {}", bot.err);
        assert!(bot.err.contains("deployer is a bot, and bots do not act on a file"), "{args:?}: {}", bot.err);
        assert!(bot.err.contains("name the person who does this"), "{args:?}: {}", bot.err);
    }
    let waits = world.act(&["request", "prod", "--for", "1h", "--wait"]).await;
    assert_eq!((waits.code, waits.err.contains("`--server URL`")), (2, true), "{}", waits.err);
    // What was refused is on record, with the one who had the command line.
    let log = world.look(&["audit", "export"]).await;
    assert!(log.ok().contains(r#""user_id":"file:"#), "{}", log.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_who_would_decide() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        let valid = world.act(&["request", "prod", "--to", "test", "--for", "1h", "--dry-run"]).await;
        assert!(
            valid.ok().contains("decided by  ben@example.com, deployer, an administrator per get_permissions ("),
            "{way:?}: {}",
            valid.out
        );
        let invalid = world.act(&["request", "prod", "--for", "12 parsecs", "--dry-run", "--json"]).await;
        assert_eq!((invalid.code, invalid.json()["is_valid"].as_bool()), (1, Some(false)), "{way:?}: {}", invalid.err);
        let target = world.act(&["request", "prod", "--to", "tset", "--for", "1h", "--dry-run"]).await;
        assert_eq!((target.code, target.err.contains("did you mean `test`?")), (2, true), "{way:?}: {}", target.err);
        assert_eq!(world.look(&["runs", "--all", "--json"]).await.json()["runs"].as_array().unwrap().len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_made_decided_and_given_back() {
    let world = World::new(Way::Server).await;
    let (ci, deployer) = (token_of(&world, "ci", "member").await, token_for(&world, "deployer").await);
    let request = ["request", "prod", "--for", "1h", "--key", "build-1", "--json"];
    let requested = world.call(&request, &ci).await;
    assert_eq!(requested.code, 0, "{}", requested.err);
    let run = requested.json()["run_id"].as_str().unwrap().to_owned();
    assert_eq!(world.call(&request, &ci).await.json()["run_id"], run, "the key makes it one request");
    world.settle().await;

    let own = world.call(&["request", "prod", "--for", "1h", "--json"], &deployer).await.json();
    let own = own["run_id"].as_str().unwrap();
    world.settle().await;
    let approved = world.call(&["approve", own], &deployer).await;
    assert_eq!(approved.code, 3, "{}", approved.err);
    assert!(approved.err.contains("SymSDK:SELF_APPROVAL"), "{}", approved.err);
    assert!(approved.err.contains(&format!("can; `my-flows run {own}` shows why")), "{}", approved.err);
    let withdrawn = world.call(&["deny", own, "-m", "not needed"], &deployer).await;
    assert_eq!(withdrawn.ok(), format!("Run {own}: denied\n"));
    let nothing = world.call(&["give-back"], &ci).await;
    assert_eq!((nothing.code, nothing.err.contains("no access to give back")), (2, true), "{}", nothing.err);

    let ids = [run.as_str(), &world.open.to_string(), &world.denied.to_string()];
    let approve = ["approve", ids[0], ids[1], ids[2], "-m", "go ahead", "--json"];
    let approved = world.call(&approve, &deployer).await;
    let results = approved.json()["results"].clone();
    let done: Vec<_> = results.as_array().unwrap().iter().map(|result| result["done"].as_bool().unwrap()).collect();
    assert_eq!(done, [true, true, false], "{results}");
    assert_ne!(approved.code, 0);
    world.settle().await;
    let waited = world.call(&["request", "prod", "--for", "1h", "--key", "build-1", "--wait"], &ci).await;
    assert!(
        waited.ok().starts_with("approved by deployer: “go ahead”; access until 20"),
        "{}{}",
        waited.out,
        waited.err
    );
    assert!(waited.err.contains(&format!("next: my-flows give-back {run}")), "{}", waited.err);
    let given_back = world.call(&["give-back"], &ci).await;
    assert_eq!(given_back.ok(), format!("Run {run}: access is being revoked\n"));
    world.settle().await;
    assert_eq!(world.call(&["run", &run, "--json"], &ci).await.json()["run"]["status"], "deescalated");
}

/// Nobody can be asked, so the flags are named.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_lacks_is_named_with_its_flags() {
    let world = World::new(Way::Server).await;
    let ci = token_of(&world, "ci", "member").await;
    for args in [&["request", "prod"][..], &["request", "prod", "--no-input"]] {
        let lacking = world.call(args, &ci).await;
        assert_eq!((lacking.code, lacking.out.as_str()), (2, ""), "{}", lacking.err);
        assert!(lacking.err.contains("(SymSDK:MISSING_FIELD)"), "{}", lacking.err);
        assert!(
            lacking.err.contains("pass `--for DURATION`; `flows prod` shows what the flow takes"),
            "{}",
            lacking.err
        );
    }
    let wrong = world.call(&["request", "prod", "--for", "12 parsecs"], &ci).await;
    assert_eq!((wrong.code, wrong.err.contains("`--for DURATION`")), (1, false), "{}", wrong.err);
}

/// QE01: the wait begins with the Run as it was read, so a decision in between is not missed.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_the_decision() {
    let world = World::new(Way::Server).await;
    let ci = token_of(&world, "ci", "member").await;
    let runtime = world.runtime.clone().unwrap();
    let deny = async {
        loop {
            let committed = runtime.engine().next_commit();
            runtime.run_until_idle().await.unwrap();
            let mut open = sym_sdk::engine::RunFilter::default();
            open.open = true;
            let runs = runtime.runs(open, 10).await.unwrap();
            let of_ci = runs.iter().find(|run| run.state.run.requester().is_some_and(|user| user.username() == "ci"));
            if let Some(run) = of_ci {
                let denial = sym_sdk::runtime::Submission::deny(run.state.run.id(), "ben@example.com").message("no");
                runtime.submit(denial).await.unwrap();
                return;
            }
            let _ = tokio::time::timeout(LOOKS_AGAIN, committed).await;
        }
    };
    let args = ["request", "prod", "--for", "1h", "--wait=10m", "--json"];
    let (waited, ()) = futures_util::future::join(world.call(&args, &ci), deny).await;
    assert_eq!(waited.code, 3, "{}{}", waited.out, waited.err);
    assert_eq!(waited.json()["status"], "denied");
    let late = world.call(&["request", "prod", "--for", "1h", "--wait=1s"], &ci).await;
    assert_eq!(late.code, 4, "{}{}", late.out, late.err);
    assert!(late.err.contains("the request stays open"), "{}", late.err);
}

/// A bot asks for somebody, and the record names both.
#[tokio::test(flavor = "multi_thread")]
async fn a_bot_requests_for_somebody() {
    let world = World::new(Way::Server).await;
    let ci = token_of(&world, "ci", "member").await;
    let requested = world.call(&["request", "prod", "--for", "1h", "--user", "ana@example.com", "--json"], &ci).await;
    assert_eq!(requested.code, 0, "{}", requested.err);
    let run = requested.json()["run_id"].as_str().unwrap().to_owned();
    let shown = world.look(&["run", &run, "--json"]).await.json();
    assert_eq!(shown["run"]["requester"]["username"], "ana@example.com");
    assert_eq!(shown["run"]["source"]["identifier"], "bot:ci");
}

/// QE03: whoever interrupts a wait learns what becomes of the request, and may have it withdrawn.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_wait_leaves_the_request_open_or_withdraws_it() {
    let world = World::new(Way::Server).await;
    let ci = token_of(&world, "ci", "member").await;
    let runtime = world.runtime.clone().unwrap();
    let working = runtime.clone();
    tokio::spawn(async move {
        loop {
            let committed = working.engine().next_commit();
            // A store that is slow on a busy machine is asked again.
            let _ = working.run_until_idle().await;
            let _ = tokio::time::timeout(LOOKS_AGAIN, committed).await;
        }
    });
    let environment = [("SYM_SERVER", world.server.as_str()), ("SYM_TOKEN", ci.as_str())];
    let latest = async || {
        let mine = world.call(&["runs", "--mine", "--limit", "1", "--json"], &ci).await.json();
        let of = |name: &str| mine["runs"][0][name].as_str().unwrap().to_owned();
        (of("run_id"), of("status"))
    };
    let args = ["request", "prod", "--for", "1h", "--wait"];
    let left = interrupt(&args, &environment, "waiting for a decision", "-INT").await;
    assert_eq!((left.code, left.out.as_str()), (130, ""), "{}", left.err);
    assert!(left.err.contains("interrupted: the request stays open"), "{}", left.err);
    assert_eq!(latest().await.1, "requested");

    // The clock stands still, and of two requests at the same time either may be the latest.
    world.clock.advance(MINUTE);
    let args = [&args[..], &["--withdraw-on-interrupt"]].concat();
    let withdrawn = interrupt(&args, &environment, "waiting for a decision", "-TERM").await;
    assert_eq!(withdrawn.code, 130, "{}", withdrawn.err);
    assert!(withdrawn.err.contains("interrupted: the request is withdrawn"), "{}", withdrawn.err);
    // The denial is carried out once it is accepted.
    let run = latest().await.0.parse().unwrap();
    let denied = async {
        loop {
            let committed = runtime.engine().next_commit();
            if runtime.run(run).await.unwrap().state.run.status() == RunStatus::Denied {
                break;
            }
            let _ = tokio::time::timeout(LOOKS_AGAIN, committed).await;
        }
    };
    tokio::time::timeout(GRACE, denied).await.expect("the request is denied");
}
