//! An operator's day: each task is one command, with the file and with the server.

use super::program::Done;
use super::{Way, World};

fn lines(done: &Done) -> usize {
    done.ok().lines().count() - 1
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_access_now_and_what_somebody_has() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        let all = world.look(&["access"]).await;
        assert_eq!(lines(&all), 2, "{way:?}: {}", all.out);
        assert!(all.out.contains("ana@example.com") && all.out.contains("zoe@example.com"), "{}", all.out);
        assert!(all.out.contains("stuck"), "{}", all.out);
        let of_ana = world.look(&["access", "--user", "ana@example.com"]).await;
        assert_eq!(lines(&of_ana), 1, "{way:?}: {}", of_ana.out);
        assert!(of_ana.out.contains(&world.held.to_string()), "{}", of_ana.out);
        assert_eq!(world.look(&["access", "--user", "eve@example.com"]).await.ok(), "No access found\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn access_ends_at_a_command() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        let held = world.held.to_string();
        let revoked = world.act(&["revoke", &held, "--json"]).await;
        assert_eq!(revoked.code, 0, "{way:?}: {}", revoked.err);
        assert_eq!(revoked.json()["run_id"], held);
        let all = world.act(&["revoke", "--user", "zoe@example.com"]).await;
        assert_eq!((lines(&all), all.out.contains(&world.stuck.to_string())), (0, true), "{way:?}: {}", all.out);
        world.settle().await;
        assert_eq!(world.strategy.granted(), [], "{way:?}");
        let again = world.act(&["revoke", &held]).await;
        assert_eq!(again.code, 1, "{way:?}: {}", again.out);
        assert!(again.err.contains("DeescalateAPI:INVALID_RUN"), "{}", again.err);
        let none = world.act(&["revoke", "--user", "ben@example.com"]).await;
        assert_eq!(none.ok(), "ben@example.com has no access\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_locked_out_and_let_in_again() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        let locked = world.act(&["users", "lock", "ana@example.com", "--reason", "lost her laptop"]).await;
        assert!(locked.ok().contains(&world.held.to_string()), "{way:?}: {}", locked.out);
        world.settle().await;
        assert_eq!(world.look(&["access", "--user", "ana@example.com"]).await.ok(), "No access found\n", "{way:?}");
        let shown = world.look(&["users", "show", "ana@example.com"]).await;
        assert!(shown.ok().contains("locked"), "{way:?}: {}", shown.out);
        let unlocked = world.act(&["users", "unlock", "ana@example.com", "--reason", "found it"]).await;
        assert_eq!(unlocked.ok(), "ana@example.com: unlocked\n", "{way:?}");
        assert!(!world.look(&["users", "show", "ana@example.com"]).await.ok().contains("locked"));
        let unknown = world.act(&["users", "lock", "eve@example.com", "--reason", "x"]).await;
        assert_eq!((unknown.code, unknown.err.contains("no user is named")), (1, true), "{}", unknown.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn why_was_this_denied_why_did_that_fail_and_who_could_have_approved() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        let denied = world.look(&["run", &world.denied.to_string()]).await;
        assert!(denied.ok().contains("deny by ben@example.com"), "{way:?}: {}", denied.out);
        assert!(denied.out.contains("“use the replica”"), "{}", denied.out);
        assert!(
            denied.out.contains("could      ben@example.com, deployer, an administrator per get_permissions ("),
            "{}",
            denied.out
        );
        let failed = world.look(&["run", &world.failed.to_string()]).await;
        assert!(failed.ok().contains("  status     errored"), "{way:?}: {}", failed.out);
        assert!(failed.out.lines().any(|line| line.starts_with("  error ")), "{}", failed.out);
        let json = world.look(&["run", &world.failed.to_string(), "--json"]).await.json();
        assert_eq!(json["run"]["status"], "errored");
        assert!(json["entries"].as_array().unwrap().len() > 3, "{json}");
        assert_eq!(json["deciders"]["users"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stuck_is_found_and_written_off() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        let stuck = world.look(&["runs", "--stuck"]).await;
        assert_eq!((lines(&stuck), stuck.out.contains("failed attempt")), (1, true), "{way:?}: {}", stuck.out);
        let operations = world.look(&["operations"]).await;
        assert!(operations.ok().contains("stuck 1"), "{way:?}: {}", operations.out);
        let run = world.stuck.to_string();
        let written_off = world.act(&["write-off", &run, "--reason", "the server was scrapped"]).await;
        assert_eq!(written_off.ok(), format!("Run {run}: revocation written off\n"), "{way:?}");
        assert_eq!(world.look(&["runs", "--stuck"]).await.ok(), "No Runs found\n", "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_verified_searched_and_exported() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        let verified = match way {
            Way::File => world.look(&["audit", "verify"]).await,
            Way::Server => world.call(&["audit", "verify"], &world.token).await,
        };
        assert!(verified.ok().contains("entries"), "{way:?}: {}", verified.out);

        let by_ben = ["audit", "search", "--actor", "ben@example.com", "--flow", "prod", "--since", "1d"];
        let found = world.look(&[&by_ben[..], &["--json", "--all"]].concat()).await.json();
        let found = found["entries"].as_array().unwrap();
        assert!(
            !found.is_empty() && found.iter().all(|entry| entry["event"]["actor"]["username"] == "ben@example.com")
        );
        let page = world.look(&[&by_ben[..], &["--json", "--limit", "2"]].concat()).await.json();
        let next = page["next"].to_string();
        let rest = world.look(&[&by_ben[..], &["--json", "--all", "--after", &next]].concat()).await.json();
        let count = |page: &serde_json::Value| page["entries"].as_array().unwrap().len();
        assert_eq!(count(&page) + count(&rest), found.len(), "{way:?}");
        assert_eq!(world.look(&["audit", "search", "--until", "2024-02-01"]).await.ok(), "No entries found\n");

        let month = ["--since", "30d", "--until", "2100-01-01"];
        let csv = world.look(&[&["audit", "export", "--format", "csv"][..], &month].concat()).await;
        assert!(csv.ok().starts_with("seq,at,run_id,flow,"), "{way:?}: {}", csv.out);
        let lines = world.look(&["audit", "export"]).await;
        assert_eq!(lines.ok().lines().count(), csv.out.lines().count() - 1, "{way:?}");
        let anchor = world.look(&["audit", "anchor", "--json"]).await;
        assert!(anchor.ok().contains(r#""seq""#), "{way:?}: {}", anchor.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_gets_a_token_which_is_taken_away_again() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        assert_eq!(world.act(&["bots", "add", "ci"]).await.ok(), "ci: added as member\n", "{way:?}");
        let issued = world.act(&["tokens", "issue", "ci", "--for", "30d", "--label", "builds"]).await;
        let secret = issued.ok().trim_end().to_owned();
        assert!(secret.starts_with("symbot_") && !issued.err.contains(&secret), "{way:?}: {}", issued.err);
        let listed = world.look(&["tokens", "list", "ci"]).await;
        assert!(listed.ok().contains("builds") && !listed.out.contains(&secret), "{way:?}: {}", listed.out);
        let json = world.look(&["tokens", "list", "ci", "--json"]).await.json();
        let token = json["tokens"][0]["id"].as_str().unwrap().to_owned();
        if way == Way::Server {
            let me = world.call(&["whoami"], &secret).await;
            assert_eq!(me.ok().lines().next().unwrap(), "ci  member");
        }
        assert_eq!(world.act(&["tokens", "revoke", &token]).await.ok(), format!("token {token}: revoked\n"));
        if way == Way::Server {
            assert_eq!(world.call(&["whoami"], &secret).await.code, 5, "nobody is signed in");
        }
        assert_eq!(world.act(&["bots", "delete", "ci", "--reason", "done"]).await.ok(), "ci: deleted\n", "{way:?}");
        assert_eq!(world.look(&["tokens", "list", "ci"]).await.code, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_administered() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        assert_eq!(world.act(&["users", "role", "ben@example.com", "admin"]).await.ok(), "ben@example.com: admin\n");
        assert!(world.look(&["users", "show", "ben@example.com"]).await.ok().contains("admin"), "{way:?}");
        for command in ["delete", "restore"] {
            let done = world.act(&["users", command, "cleo@example.com", "--reason", "test"]).await;
            assert_eq!(done.code, 0, "{way:?} {command}: {}", done.err);
            let listed = world.look(&["users", "list", "--json"]).await.json();
            let of = |kind: &str| listed[kind].to_string().contains("cleo@example.com");
            assert_eq!((of("users"), of("deleted")), (command == "restore", command == "delete"), "{way:?}");
        }
        let added = world.act(&["users", "add", "new@example.com", "--role", "guest", "--reason", "contractor"]).await;
        assert_eq!(added.ok(), "new@example.com: admitted\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_is_trusted_and_no_more() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        assert_eq!(world.look(&["trusts", "list"]).await.ok(), "No trusts found\n", "{way:?}");
        let add =
            ["trusts", "add", "deployer", "--provider", "github_actions", "--audience", "https://sym.example.com"];
        let claims = ["--claim", "repository_owner_id=1342004", "--claim", "repository_id=74791"];
        let vague = world.act(&[&add[..], &claims].concat()).await;
        assert_eq!((vague.code, vague.err.contains("environment")), (1, true), "{way:?}: {}", vague.err);
        let claims = [&claims[..], &["--claim", "environment=production"]].concat();
        let twice = world.act(&[&add[..], &claims[..], &["--claim", "environment=x"]].concat()).await;
        assert_eq!((twice.code, twice.err.contains("`environment` has two values")), (2, true), "{}", twice.err);
        let added = world.act(&[&add[..], &claims[..], &["--json"]].concat()).await;
        assert_eq!(added.code, 0, "{way:?}: {}{}", added.out, added.err);
        let trust = added.json()["id"].as_str().unwrap().to_owned();
        let listed = world.look(&["trusts", "list", "deployer"]).await;
        assert_eq!(lines(&listed), 1, "{way:?}: {}", listed.out);
        let claims = "environment=production repository_id=74791 repository_owner_id=1342004";
        assert!(listed.out.contains(&format!("deployer  github_actions  {claims}  {trust}")), "{}", listed.out);
        let shown = world.look(&["trusts", "show", &trust]).await;
        assert!(shown.ok().contains("audience   https://sym.example.com\n"), "{way:?}: {}", shown.out);
        assert_eq!(world.look(&["trusts", "list", "nobody"]).await.code, 1);
        assert_eq!(world.act(&["trusts", "remove", &trust]).await.ok(), format!("trust {trust}: removed\n"));
        let gone = world.look(&["trusts", "show", &trust]).await;
        assert_eq!((gone.code, gone.err.contains("SymSDK:UNKNOWN_TRUST")), (1, true), "{way:?}: {}", gone.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_imported_from_a_file() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        let path = world.dir.path().join("people.csv");
        let import = async |text: &str, args: &[&str]| {
            std::fs::write(&path, text).unwrap();
            world.act(&[&["users", "import", path.to_str().unwrap()][..], args].concat()).await
        };
        let is_known = async |email: &str| world.look(&["users", "list"]).await.ok().contains(email);

        let wrong = "email,role\nzoë@example.com,member\nnobody,member\n";
        let refused = import(wrong, &[]).await;
        assert_eq!((refused.code, refused.err.contains("people.csv:3: ")), (2, true), "{way:?}: {}", refused.err);
        assert!(refused.err.contains("1 error in `") && refused.err.contains("nobody was added"), "{}", refused.err);
        let json = import(wrong, &["--json"]).await.json();
        assert_eq!(json["error"]["errors"][0]["line"], 3, "{json}");
        assert!(!is_known("zoë@example.com").await, "{way:?}");

        let people = "\u{feff}email,first_name,last_name,role\r\nzoë@example.com,Zoë,\"Núñez, 名前\",guest\r\n\
            Ben@example.com,,,admin\r\n";
        let planned = import(people, &["--dry-run"]).await;
        assert!(planned.ok().contains("1 person would be added; nothing was done, 1 known already"), "{}", planned.out);
        assert!(!is_known("zoë@example.com").await, "{way:?}");
        let imported = import(people, &["--reason", "hired"]).await;
        assert_eq!(
            imported.ok(),
            "Ben@example.com: known already, as member; the file says admin, and `users role` sets it\n\
             zoë@example.com: added as guest\n1 person added, 1 known already\n",
            "{way:?}"
        );
        let shown = world.look(&["users", "show", "zoë@example.com", "--json"]).await.json();
        assert_eq!(
            (&shown["role"], &shown["first_name"], &shown["last_name"]),
            (&"guest".into(), &"Zoë".into(), &"Núñez, 名前".into())
        );
        let again = import(people, &["--json"]).await.json();
        assert_eq!((&again["added"], &again["existing"]), (&0.into(), &2.into()), "{way:?}: {again}");
        assert_eq!(world.act(&["users", "delete", "zoë@example.com", "--reason", "left"]).await.code, 0);
        let deleted = import(people, &[]).await;
        assert_eq!((deleted.code, deleted.err.contains("`users restore`")), (2, true), "{way:?}: {}", deleted.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_have_the_same_json() {
    let (file, server) = (World::new(Way::File).await, World::new(Way::Server).await);
    for args in [
        &["runs", "--json"][..],
        &["runs", "--holding", "--flow", "prod", "--json"],
        &["access", "--json"],
        &["flows", "--json"],
        &["flows", "prod", "--json"],
        &["users", "list", "--json"],
        &["bots", "list", "--json"],
        &["trusts", "list", "--json"],
        &["operations", "--json"],
        &["whoami", "--json"],
        &["audit", "search", "--json"],
    ] {
        let (of_file, of_server) = (file.look(args).await, server.look(args).await);
        assert_eq!((of_file.code, of_server.code), (0, 0), "{args:?}: {}{}", of_file.err, of_server.err);
        let mut members = shape(&of_server.json());
        // A file is read without a token.
        members.remove(".bots.tokens.last_used_on");
        assert_eq!(shape(&of_file.json()), members, "{args:?}");
    }
}

/// Returns the names of all members, with their places. Lists are taken as one of their items.
fn shape(json: &serde_json::Value) -> std::collections::BTreeSet<String> {
    fn collect(json: &serde_json::Value, path: &str, found: &mut std::collections::BTreeSet<String>) {
        match json {
            serde_json::Value::Object(members) => {
                for (name, value) in members {
                    // Whether the caller may do something depends on who they are.
                    if ["code", "message", "details", "organization", "oldest", "channel_identifier"]
                        .contains(&name.as_str())
                    {
                        continue;
                    }
                    let path = format!("{path}.{name}");
                    found.insert(path.clone());
                    collect(value, &path, found);
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, path, found)),
            _ => {}
        }
    }
    let mut found = std::collections::BTreeSet::new();
    collect(json, "", &mut found);
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_pages() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        let first = world.look(&["runs", "--limit", "2", "--json"]).await.json();
        let next = first["next"].as_str().unwrap();
        let rest = world.look(&["runs", "--after", next, "--json"]).await.json();
        let ids = |page: &serde_json::Value| {
            let runs = page["runs"].as_array().unwrap().clone();
            runs.iter().map(|run| run["run_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!((ids(&first).len(), ids(&rest).len(), rest.get("next")), (2, 3, None), "{way:?}");
        let all = world.look(&["runs", "--all", "--json"]).await.json();
        assert_eq!(ids(&all), [ids(&first), ids(&rest)].concat());
        let open = world.look(&["runs", "--open"]).await;
        assert_eq!((lines(&open), open.out.contains(&world.open.to_string())), (1, true), "{}", open.out);
        let shown = world.look(&["runs", "--limit", "1"]).await;
        assert!(
            shown.ok().ends_with("Showing the first 1 Run; use `--limit` or `--all` to show more\n"),
            "{}",
            shown.out
        );
    }
}
