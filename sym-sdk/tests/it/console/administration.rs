//! The pages of administrators.

use super::World;

#[tokio::test]
async fn the_record_is_searched_verified_and_exported() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let run = world.request(&mut ana, "INC-42").await.run();
    let mut ada = world.sign_in("ada").await;
    let page = ada.get("/console/audit").await.ok();
    page.has("handler called").has("ana@example.com").has(&format!("/r/{run}"));
    ada.get("/console/audit?kind=granted").await.ok().has("No entries.");
    ada.get("/console/audit?who=nobody%40example.com").await.ok().has("No entries.");
    ada.get("/console/audit?who=ana%40example.com").await.ok().has("received");
    assert!(ada.get("/console/audit?run=x").await.status.is_client_error());
    ada.post("/console/audit/verify", &[]).await.ok().has("Verified, entries 1 to");
    let export = ada.get("/console/audit/export?format=csv").await.ok();
    assert_eq!(export.headers["content-type"], "text/csv; charset=utf-8");
    export.has("seq,at,run_id");
    assert_eq!(export.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn the_record_is_searched_for_words() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let run = world.request(&mut ana, "INC-42: stuck orders").await.run();
    world.request(&mut ana, "INC-43").await;
    let mut ada = world.sign_in("ada").await;
    let found = ada.get("/console/audit?text=ORDERS+ana%40example").await.ok();
    found.has(&format!("/r/{run}")).has("value=\"ORDERS ana@example\"").lacks("A part of the record");
    let other = ada.get("/console/audit?text=INC-43").await.ok();
    other.lacks(&format!("/r/{run}"));
    ada.get(&format!("/console/audit?text={run}&kind=received")).await.ok().has("received");
    ada.get("/console/audit?text=orders+INC-43").await.ok().has("No entries.");
    ada.get("/console/audit?text=%25").await.ok().has("No entries.");
    let export = ada.get("/console/audit/export?format=csv&text=INC-43").await.ok();
    export.lacks(&run).has("get_permissions");
}

#[tokio::test]
async fn a_user_is_locked_out_and_let_in_again() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let run = world.request(&mut ana, "INC-42").await.run();
    let mut ada = world.sign_in("ada").await;
    ada.get("/console/people").await.ok().has("ana@example.com").has("member");
    ada.get("/console/people?q=cleo").await.ok().has("cleo@example.com").lacks("ben@example.com");
    let address = format!("/console/people/{}", world.user("ana").await.id());
    let page = ada.get(&address).await.ok();
    assert!(ada.press(&page, ("action", "lock"), &[]).await.status.is_client_error());
    let page = ada.press(&page, ("action", "lock"), &[("reason", "lost a laptop")]).await.ok();
    page.has("Saved.").has("locked");
    world.settle().await;
    ana.get("/console").await.ok().has("Who are you?");
    ada.get(&format!("/r/{run}")).await.ok().has("denied");
    ada.press(&page, ("action", "unlock"), &[("reason", "found it")]).await.ok().lacks("tag is-failed");
    world.sign_in("ana").await.get("/console").await.ok().has("My access");
}

#[tokio::test]
async fn operations_compare_with_the_targets() {
    let world = World::start().await;
    let mut ada = world.sign_in("ada").await;
    let page = ada.get("/console/operations").await.ok();
    ada.press(&page, ("action", "compare"), &[]).await.ok().has("compared.");
    ada.get("/console/flows").await.ok().has("prod").has("What happened");
}

#[tokio::test]
async fn a_bot_gets_a_token_that_is_shown_once() {
    let world = World::start().await;
    let mut ada = world.sign_in("ada").await;
    let people = ada.get("/console/people").await.ok();
    let bot = ada.press(&people, ("action", "add-bot"), &[("name", "deployer")]).await.ok();
    bot.has("Saved.").has("No tokens.");
    assert!(ada.press(&people, ("action", "add-bot"), &[("name", "deployer")]).await.status.is_client_error());
    let typed = [("label", "build server"), ("for", "30d")];
    let issued = ada.press(&bot, ("action", "issue"), &typed).await.ok();
    let secret = issued.text.split(['<', '>']).find(|text| text.starts_with("symbot_")).unwrap().to_owned();
    let directory = world.harness.runtime().directory();
    let authenticated = directory.authenticate(&secret.as_str().into()).await.unwrap();
    assert_eq!(authenticated.username(), "deployer");
    assert!(ada.press(&bot, ("action", "issue"), &typed).await.status.is_client_error(), "sent twice");
    let path = bot.address.split('?').next().unwrap();
    let page = ada.get(path).await.ok();
    page.has("build server").lacks(&secret);
    ada.press(&page, ("action", "revoke"), &[]).await.ok().has("revoked");
    assert!(directory.authenticate(&secret.as_str().into()).await.is_err());
    let wrong = ada.press(&page, ("action", "issue"), &[("label", "other"), ("for", "soon")]).await;
    assert!(wrong.status.is_client_error());
    world.sign_in("ben").await.get(path).await.lacks("build server");
}

#[tokio::test]
async fn a_bot_trusts_the_jobs_of_a_repository() {
    let world = World::start().await;
    let mut ada = world.sign_in("ada").await;
    let people = ada.get("/console/people").await.ok();
    let bot = ada.press(&people, ("action", "add-bot"), &[("name", "deployer")]).await.ok();
    let claims = "repository_owner_id=1342004\r\nrepository_id=74791\r\nenvironment=production\r\n";
    let typed = [("provider", "github_actions"), ("audience", "https://sym.example.com"), ("claims", claims)];
    let page = ada.press(&bot, ("action", "add"), &typed).await.ok();
    page.has("repository_id=74791").has("https://token.actions.githubusercontent.com");
    ada.press(&bot, ("action", "add"), &typed).await.ok();
    let directory = world.harness.runtime().directory();
    assert_eq!(directory.trusts(None).await.unwrap().len(), 1, "sent twice");
    for claims in ["repository_id", "repository_id=74791", "repository_id=1\nrepository_id=2"] {
        let typed = [("provider", "github_actions"), ("audience", "https://sym.example.com"), ("claims", claims)];
        assert!(ada.press(&bot, ("action", "add"), &typed).await.status.is_client_error(), "{claims}");
    }
    ada.press(&page, ("action", "remove"), &[]).await.ok().has("No trusts.");
}

#[tokio::test]
async fn a_person_is_signed_out_everywhere() {
    let world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let mut ada = world.sign_in("ada").await;
    let address = format!("/console/people/{}", world.user("ana").await.id());
    let page = ada.get(&address).await.ok();
    page.has("Signed in").has("Browser");
    ada.press(&page, ("action", "sign-out"), &[]).await.ok().has("Nowhere.");
    ana.get("/console").await.ok().has("Who are you?");
    ada.get("/console").await.ok().has("My access");
}

#[tokio::test]
async fn all_access_of_a_person_is_ended() {
    let mut world = World::start().await;
    let (mut ana, mut ada) = (world.sign_in("ana").await, world.sign_in("ada").await);
    let address = format!("/console/people/{}", world.user("ana").await.id());
    ada.get(&address).await.ok().lacks("End all access");
    for reason in ["INC-42", "INC-43"] {
        let run = world.request(&mut ana, reason).await.run();
        let page = ada.get(&format!("/r/{run}")).await.ok();
        ada.press(&page, ("action", "approve"), &[]).await.ok();
        world.settle().await;
    }
    let page = ada.get(&address).await.ok();
    page.has("2 grants");
    // For others there is no such page, and nothing happens.
    assert_eq!(world.sign_in("ben").await.post(&address, &[("action", "revoke-all")]).await.status, 404);
    let page = ada.press(&page, ("action", "revoke-all"), &[]).await.ok();
    page.has("All their access is being taken away.");
    ada.post(&address, &[("action", "revoke-all")]).await.ok();
    world.settle().await;
    assert_eq!(world.harness.granted(), [""; 0]);
    ada.get(&address).await.ok().lacks("End all access").lacks("locked");
    ana.get("/console").await.ok().has("You hold no access.");
}
