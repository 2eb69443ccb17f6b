//! The protection of pages: other sites, markup in texts, and what one may not see.

use sym_sdk::server::axum::http::{Method, StatusCode};

use super::World;

/// Texts that would be markup, leave their line, or change the direction of others.
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u{202e}txt\u{7}";

#[tokio::test]
async fn requests_of_other_sites_change_nothing() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let run = world.request(&mut ana, "INC-42").await.run();
    let page = ana.get(&format!("/r/{run}")).await.ok();
    let own = "http://127.0.0.1:3000".to_owned();
    for (origin, is_admitted) in [
        (vec![], false),
        (vec![("sec-fetch-site", "cross-site".to_owned())], false),
        (vec![("sec-fetch-site", "same-site".to_owned())], false),
        (vec![("sec-fetch-site", "none".to_owned())], false),
        (vec![("origin", "https://evil.example".to_owned())], false),
        (vec![("origin", "null".to_owned())], false),
        (vec![("origin", format!("{own}.evil.example"))], false),
        (vec![("sec-fetch-site", "cross-site".to_owned()), ("origin", own.clone())], false),
        (vec![("origin", own)], true),
    ] {
        ana.origin = origin.clone();
        let answer = ana.press(&page, ("action", "deny"), &[]).await;
        assert_eq!(answer.status != StatusCode::FORBIDDEN, is_admitted, "{origin:?}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_chooser_is_there_for_this_machine_alone() {
    let world = World::start().await;
    let mut browser = world.browser();
    for host in ["evil.example:3000", "192.0.2.7:3000", "127.0.0.1.evil.example"] {
        browser.host = host.to_owned();
        let answer = browser.get("/console/sign-in").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{host}");
        answer.lacks("ada@example.com");
    }
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_have_no_script_of_their_own() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let run = world.request(&mut ana, HOSTILE).await.run();
    let mut ada = world.sign_in("ada").await;
    for address in [
        "/console",
        "/console/inbox",
        "/console/new",
        "/console/new/prod",
        "/console/requests",
        "/console/access",
        "/console/operations",
        "/console/flows",
        "/console/audit",
        "/console/people",
        "/console/nothing",
        "/console/sign-in",
        &format!("/r/{run}"),
    ] {
        let page = ada.get(address).await;
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_eq!(page.headers["referrer-policy"], "same-origin");
        for markup in [
            " style=",
            "<style",
            "<script>",
            " onerror=",
            " onclick=",
            "hx-on",
            "javascript:",
            "http://",
            "https://",
            "url(",
        ] {
            // What was typed is there in another form.
            let text = page.text.replace("&lt;img src=x onerror=", "");
            assert!(!text.contains(markup), "{address} has `{markup}`: {text}");
        }
        assert_eq!(page.text.matches("<h1").count(), 1, "{address}: {}", page.text);
        assert_eq!(page.text.matches("<main").count(), 1, "{address}");
    }
    let page = ada.get(&format!("/r/{run}")).await.ok();
    page.has("&lt;script&gt;alert(1)&lt;/script&gt;").has("\\u{202e}");
}

#[tokio::test]
async fn a_hidden_run_is_like_one_that_never_was() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let run = world.request(&mut ana, "INC-42").await.run();
    let mut cleo = world.sign_in("cleo").await;
    let hidden = cleo.get(&format!("/r/{run}")).await;
    for missing in
        ["/r/0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f", "/r/x", "/console/people", "/console/audit", "/console/nothing"]
    {
        let missing = cleo.get(missing).await;
        assert_eq!((hidden.status, missing.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
        assert_eq!(hidden.text.replace(" data-live=\"all\"", ""), missing.text);
    }
    let answer = cleo.post(&format!("/r/{run}"), &[("action", "deny")]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.text, hidden.text);
}

#[tokio::test]
async fn other_methods_and_bodies_are_refused() {
    let world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let answer = ana.send(Method::DELETE, "/console/access", String::new()).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    let answer = ana.post("/console/new/prod", &[("action", "request"), ("reason", &"a".repeat(3_000_000))]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    answer.has("too large");
}

#[tokio::test]
async fn assets_are_kept_by_browsers_and_change_their_address_with_their_content() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.get("/console/sign-in").await.ok();
    for name in ["console.css", "console.js"] {
        let start = page.text.find(&format!("/console/assets/{name}?v=")).unwrap();
        let address = page.text[start..].split('"').next().unwrap();
        let asset = browser.get(address).await.ok();
        assert!(asset.headers["cache-control"].to_str().unwrap().contains("immutable"));
        assert!(!asset.text.contains("url("), "the policy admits none");
        assert!(asset.text.len() < 30_000, "{name} has {} bytes", asset.text.len());
    }
}

/// QC10: no answer is written by nobody.
#[tokio::test]
async fn malformed_addresses_are_pages_that_are_not_there() {
    let world = World::start().await;
    let mut ada = world.sign_in("ada").await;
    for address in [
        "/r/%ff",
        "/r/%00",
        "/r/x/write-off",
        "/console/new/%ff",
        "/console/new/%ff/options/%ff",
        "/console/forms/%ff",
        "/console/forms/0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f",
        "/console/people/%ff",
        "/console/people/",
        "/console/inbox/",
    ] {
        let answer = ada.get(address).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{address}: {}", answer.text);
        answer.has("There is nothing at this address, or you may not see it.");
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8", "{address}");
    }
    for address in
        ["/console/inbox?after=%ff&from=-1&flow=%00", "/console/access?after=x&from=x&of=x", "/console?done=x"]
    {
        ada.get(address).await.ok();
    }
}
