//! The columns of lists, and a list that is watched.

use super::{Way, World};

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_the_columns_that_are_named() {
    let world = World::new(Way::File).await;
    let held = world.held.to_string();
    let shown = world.look(&["access", "--columns", "run,USER", "--user", "ana@example.com"]).await;
    assert_eq!(shown.ok(), format!("{:<36}  USER\n{held}  ana@example.com\n", "RUN"));
    for list in [
        &["runs"][..],
        &["access"],
        &["flows"],
        &["users", "list"],
        &["bots", "list"],
        &["tokens", "list"],
        &["trusts", "list"],
    ] {
        let unknown = world.look(&[list, &["--columns", "nothing"]].concat()).await;
        assert_eq!((unknown.code, unknown.out.as_str()), (2, ""), "{list:?}: {}", unknown.err);
        assert!(unknown.err.contains("there is no column `nothing`"), "{list:?}: {}", unknown.err);
        assert!(unknown.err.contains("help: the columns are `"), "{list:?}: {}", unknown.err);
    }
    let extra = world.look(&["runs", "--columns", "decision,duration", "--status", "denied"]).await;
    assert_eq!(extra.ok(), "DECISION                 DURATION\ndeny by ben@example.com  1h\n");
    let json = world.look(&["runs", "--columns", "run", "--json"]).await;
    assert_eq!(json.code, 2, "{}", json.out);
    assert!(json.json()["error"]["message"].as_str().unwrap().contains("`--columns`"), "{}", json.out);
}

/// A Run that is no more in the list has changed, too.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_watched_until_it_is_interrupted() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        let stuck = world.stuck.to_string();
        let mut watching = world.watch(&["runs", "--stuck", "--watch", "--json"]);
        let first: serde_json::Value = serde_json::from_str(&watching.line_with("{").await).unwrap();
        assert_eq!(first["run_id"], stuck, "{way:?}");
        assert_eq!(world.act(&["write-off", &stuck, "--reason", "scrapped"]).await.code, 0);
        let changed: serde_json::Value = serde_json::from_str(&watching.line_with("{").await).unwrap();
        assert_eq!((&changed["run_id"], &changed["access"]["is_stuck"]), (&stuck.into(), &false.into()), "{way:?}");
        assert!(changed["version"].as_u64() > first["version"].as_u64(), "{way:?}: {changed}");
        let ended = watching.interrupt().await;
        assert_eq!(ended.code, 130, "{way:?}: {}", ended.err);
        assert!(ended.err.contains("watching for changes"), "{way:?}: {}", ended.err);
    }
}

/// Without a terminal, there is a row for each change.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_watched_list_are_rows_below_it() {
    let world = World::new(Way::Server).await;
    let open = world.open.to_string();
    let mut watching = world.watch(&["runs", "--watch", "--columns", "run,status"]);
    watching.line_with(&format!("{:<36}  STATUS", "RUN")).await;
    watching.line_with(&format!("{open}  requested")).await;
    assert_eq!(world.act(&["deny", &open, "-m", "no"]).await.code, 0);
    world.settle().await;
    watching.line_with(&format!("{open}  denied")).await;
    assert_eq!(watching.interrupt().await.code, 130);
    let all = world.look(&["runs", "--watch", "--all"]).await;
    assert_eq!((all.code, all.err.contains("cannot be used with")), (2, true), "{}", all.err);
}
