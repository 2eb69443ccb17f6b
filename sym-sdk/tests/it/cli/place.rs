//! The place that a command works on, and the errors about it.

use super::program::run;
use super::{Way, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_or_a_file_is_named() {
    let neither = run(&["runs"], &[]).await;
    assert_eq!((neither.code, neither.out.as_str()), (2, ""));
    assert!(neither.err.contains("--server URL") && neither.err.contains("--db FILE"), "{}", neither.err);
    let both = run(&["runs", "--server", "https://sym.example.com", "--db", "x.db"], &[]).await;
    assert_eq!((both.code, both.err.contains("cannot be used with")), (2, true), "{}", both.err);
    let with_user = run(&["runs", "--as", "ada@example.com"], &[("SYM_SERVER", "https://sym.example.com")]).await;
    assert_eq!((with_user.code, with_user.err.contains("--db FILE")), (2, true), "{}", with_user.err);
    let no_token = run(&["runs", "--server", "https://sym.example.com"], &[]).await;
    assert_eq!((no_token.code, no_token.err.contains("SYM_TOKEN")), (5, true), "{}", no_token.err);
    let unencrypted = run(&["runs", "--server", "http://sym.example.com"], &[("SYM_TOKEN", "symbot_secret")]).await;
    assert_eq!((unencrypted.code, unencrypted.err.contains("unencrypted")), (2, true), "{}", unencrypted.err);
    let closed = run(&["runs", "--server", "http://127.0.0.1:9"], &[("SYM_TOKEN", "symbot_secret")]).await;
    assert_eq!((closed.code, closed.err.contains("cannot connect to http://127.0.0.1:9")), (5, true), "{}", closed.err);
    assert!(!closed.err.contains("secret"), "{}", closed.err);
    let json = run(&["runs", "--json", "--server", "http://127.0.0.1:9"], &[("SYM_TOKEN", "x")]).await;
    assert_eq!(json.json()["error"]["code"], "SymSDK:SERVER_UNREACHABLE");
}

/// Reading works beside the program; for a change, the error names who has the file, and the way to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_use_is_read_and_not_changed() {
    let world = World::new(Way::Server).await;
    let db = world.db();
    let db = db.to_str().unwrap();
    let read = run(&["runs", "--db", db], &[]).await;
    assert_eq!(read.ok().lines().count(), 6, "{}", read.out);
    let (held, json) = (world.held.to_string(), run(&["access", "--db", db, "--json"], &[]).await.json());
    assert_eq!(json["access"].as_array().unwrap().len(), 2);
    let changed = run(&["revoke", &held, "--db", db, "--as", "ada@example.com"], &[]).await;
    assert_eq!(changed.code, 1);
    assert!(changed.err.contains("is in use by ") && changed.err.contains("`--server URL`"), "{}", changed.err);
}

/// A place and a token by name.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn profiles_name_servers_and_their_tokens() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::new(Way::Server).await;
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join(".config/sym");
    std::fs::create_dir_all(&dir).unwrap();
    let config = format!("[profiles.prod]\nserver = \"{}\"\n", world.server);
    std::fs::write(dir.join("config.toml"), config).unwrap();
    let credentials = dir.join("credentials.toml");
    std::fs::write(&credentials, format!("[prod]\ntoken = \"{}\"\n", world.token)).unwrap();
    let set_mode = |mode| std::fs::set_permissions(&credentials, std::fs::Permissions::from_mode(mode)).unwrap();
    let home = home.path().to_str().unwrap();
    set_mode(0o644);
    let refused = run(&["whoami"], &[("HOME", home)]).await;
    assert_eq!((refused.code, refused.err.contains("can be read by other users")), (1, true), "{}", refused.err);
    assert!(refused.err.contains("chmod 600"), "{}", refused.err);
    set_mode(0o600);
    assert!(run(&["whoami"], &[("HOME", home)]).await.ok().starts_with("ops  admin\n"));
    assert!(run(&["whoami", "--profile", "prod"], &[("HOME", home)]).await.ok().starts_with("ops  admin\n"));
    let listed = run(&["profiles"], &[("HOME", home)]).await;
    assert!(listed.ok().contains("prod (default)") && listed.out.contains("credentials.toml"), "{}", listed.out);
    assert!(!listed.out.contains("symbot_"), "{}", listed.out);
    let wrong = run(&["whoami", "--profile", "prd"], &[("HOME", home)]).await;
    assert_eq!((wrong.code, wrong.err.contains("did you mean `prod`?")), (2, true), "{}", wrong.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_call_can_be_made() {
    for way in Way::BOTH {
        let world = World::new(way).await;
        let runs = world.look(&["api", "GET", "/runs", "-f", "limit=1"]).await.json();
        assert_eq!(runs["runs"].as_array().unwrap().len(), 1, "{way:?}");
        let added = world.act(&["api", "POST", "/bots", "-f", "name=ci"]).await;
        assert_eq!(added.json()["username"], "ci", "{way:?}: {}", added.err);
        let refused = world.act(&["api", "POST", "/bots", "-f", "nmae=ci"]).await;
        assert_eq!((refused.code, refused.err.contains("unknown field `nmae`")), (1, true), "{way:?}: {}", refused.err);
    }
    let script = run(&["completions", "bash"], &[]).await;
    assert!(script.ok().contains("give-back"), "{}", script.out);
}
