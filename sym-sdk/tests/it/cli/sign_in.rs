//! A person signs in on a command line, and out again.

use serde_json::json;
use sym_sdk::server::axum::body::Body;
use sym_sdk::server::axum::http::Request;
use tower::ServiceExt as _;

use super::program::{run, run_with};
use super::{Way, World};

impl World {
    /// Sends a form of the console, and returns the cookies of the answer.
    async fn send_form(&self, path: &str, cookie: &str, form: &str) -> (u16, String) {
        let request = Request::post(path)
            .header("host", "127.0.0.1:3000")
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", cookie);
        let response = self.routes.clone().oneshot(request.body(Body::from(form.to_owned())).unwrap()).await.unwrap();
        let cookies = response.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
        let cookie = cookies.map(|cookie| cookie.split(';').next().unwrap()).collect::<Vec<_>>().join("; ");
        (response.status().as_u16(), cookie)
    }

    /// Signs Ben in, in a browser, and returns its cookie.
    async fn browser(&self) -> String {
        let directory = self.runtime.as_ref().unwrap().directory();
        let ben = directory.user_by_email("ben@example.com").await.unwrap().unwrap().id();
        let (status, cookie) = self.send_form("/console/sign-in", "", &format!("user={ben}")).await;
        assert_eq!(status, 303);
        cookie
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_and_out_on_a_command_line() {
    let world = World::new(Way::Server).await;
    let browser = world.browser().await;
    let home = tempfile::tempdir().unwrap();
    let environment = [("XDG_CONFIG_HOME", home.path().to_str().unwrap())];
    let server = world.server.as_str();
    let signed_out = run(&["whoami", "--server", server], &environment).await;
    assert_eq!((signed_out.code, signed_out.err.contains("`sign-in --server URL`")), (5, true), "{}", signed_out.err);
    let answer = async |line: &str, action: &str| {
        let Some(code) = line.strip_prefix("    ") else { return };
        let form = format!("code={code}&action={action}");
        assert_eq!(world.send_form("/console/command-line", &browser, &form).await.0, 200);
    };
    let refused =
        run_with(&["sign-in", "--server", server], &environment, async |line| answer(line, "refuse").await).await;
    assert_eq!((refused.code, refused.err.contains("has not let this command line in")), (3, true), "{}", refused.err);
    assert!(!home.path().join("sym/credentials.toml").exists());

    let done = run_with(&["sign-in", "--server", server], &environment, async |line| answer(line, "allow").await).await;
    assert!(done.ok().starts_with("Signed in as ben@example.com until "), "{}", done.out);
    assert!(done.err.contains(&format!("Open {server}/console/command-line and enter the code")), "{}", done.err);
    let credentials = std::fs::read_to_string(home.path().join("sym/credentials.toml")).unwrap();
    let token = credentials.split('"').find(|part| part.starts_with("symcli_")).unwrap().to_owned();
    assert!(!done.out.contains(&token) && !done.err.contains(&token));
    // The only profile is the default.
    assert!(run(&["whoami"], &environment).await.ok().starts_with("ben@example.com  member\n"));
    let listed = run(&["profiles", "--json"], &environment).await.json();
    assert_eq!(
        (&listed["profiles"][0]["server"], &listed["profiles"][0]["token"]),
        (&json!(server), &json!("credentials.toml"))
    );

    assert!(run(&["sign-out"], &environment).await.ok().starts_with("Signed out of profile"));
    let directory = world.runtime.as_ref().unwrap().directory();
    assert!(directory.session(&token.into()).await.unwrap().is_none());
    assert!(!std::fs::read_to_string(home.path().join("sym/credentials.toml")).unwrap().contains("symcli"));
    assert_eq!(run(&["whoami"], &environment).await.code, 5);
    assert_eq!(run(&["sign-out"], &environment).await.code, 5);
}

/// Somebody else may have ended it, and a bot has no session.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_session_is_not_ended() {
    let world = World::new(Way::Server).await;
    let runtime = world.runtime.as_ref().unwrap();
    let ben = runtime.directory().user_by_email("ben@example.com").await.unwrap().unwrap();
    let kind = sym_sdk::directory::SessionKind::CommandLine;
    let (session, secret) = runtime.begin_session(&ben.id(), kind).await.unwrap();
    runtime.end_session(session.id).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("sym");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(
        dir.join("config.toml"),
        format!("[profiles.me]\nserver = \"{0}\"\n[profiles.ci]\nserver = \"{0}/\"\n", world.server),
    )
    .unwrap();
    let credentials = dir.join("credentials.toml");
    let token = secrecy::ExposeSecret::expose_secret(&secret);
    std::fs::write(&credentials, format!("[me]\ntoken = \"{token}\"\n[ci]\ntoken = \"{}\"\n", world.token)).unwrap();
    std::fs::set_permissions(&credentials, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let environment = [("XDG_CONFIG_HOME", home.path().to_str().unwrap())];
    let ended = run(&["sign-out", "--profile", "me"], &environment).await;
    assert!(ended.ok().contains("had ended before"), "{}", ended.out);
    let of_bot = run(&["sign-out", "--profile", "ci"], &environment).await;
    assert_eq!((of_bot.code, of_bot.err.contains("`tokens revoke`")), (5, true), "{}", of_bot.err);
    let overwriting = run(&["sign-in", "--profile", "ci"], &environment).await;
    assert_eq!((overwriting.code, overwriting.err.contains("would overwrite")), (2, true), "{}", overwriting.err);
    assert!(run(&["whoami", "--profile", "ci"], &environment).await.ok().starts_with("ops  admin\n"));
}
