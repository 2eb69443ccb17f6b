//! The page: who may see it, and what comes through to it.

use serde_json::json;
use sym_integrations::slack::fake::Member;
use sym_sdk::prelude::*;

use super::http::{get, post, send, submit};
use super::{modal, plain, workspace};

const SCRIPT: &str = "<script>alert('1')</script>";

#[tokio::test]
async fn rejects_requests_of_other_origins() {
    let (fake, _) = workspace().await;
    let address = fake.address();
    let own = address.to_string();
    for host in ["evil.example", &format!("evil.example:{}", address.port()), "192.0.2.1"] {
        for path in ["/", "/state?as=U0ANA", "/api/auth.test"] {
            let answer = send(address, &format!("GET {path}"), &[("host", host)], "").await;
            assert_eq!(answer.status, 403, "{host} {path}");
            assert!(!answer.body.contains("Ana"));
        }
    }
    for origin in ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"] {
        let headers = [("host", own.as_str()), ("origin", origin)];
        let answer = send(address, "POST /command", &headers, "as=U0ANA&text=/sym").await;
        assert_eq!(answer.status, 403, "{origin}");
    }
    assert!(fake.person("U0ANA").messages().is_empty());
    // Without an app there is no answer; but it was let through.
    assert_eq!(submit(&fake, "/command", &[("as", "U0ANA"), ("text", "/sym")]).await.status, 303);
    assert_eq!(post(&fake, "/command", &[("as", "U0ANA"), ("text", "/sym")]).await.status, 502);
    let local = format!("localhost:{}", address.port());
    assert_eq!(send(address, "GET /", &[("host", &local)], "").await.status, 200);
}

#[tokio::test]
async fn escapes_text_in_html() {
    let (fake, _) = workspace().await;
    fake.add(Member::new("U0EVE").name(SCRIPT)).unwrap();
    let slack = fake.client().build().unwrap();
    let mrkdwn = json!({ "type": "mrkdwn", "text": format!("*{SCRIPT}* <javascript:alert(1)|x> <@U0EVE>") });
    let blocks = json!([
        { "type": "header", "text": plain(SCRIPT) },
        { "type": "section", "text": mrkdwn, "fields": [mrkdwn, plain(SCRIPT)] },
        { "type": "context", "elements": [mrkdwn] },
        { "type": "rich_text", "elements": [
            { "type": "rich_text_section", "elements": [
                { "type": "text", "text": SCRIPT, "style": { "bold": true } },
                { "type": "user", "user_id": "U0EVE" },
                { "type": "user", "user_id": SCRIPT },
                { "type": "date", "timestamp": 0, "format": "{date}", "fallback": SCRIPT },
            ] },
            { "type": "rich_text_quote", "elements": [{ "type": "text", "text": SCRIPT }] },
        ] },
        { "type": "actions", "elements": [{
            "type": "button", "action_id": "\"'<b>", "value": SCRIPT, "text": plain(SCRIPT),
            "confirm": { "title": plain(SCRIPT), "text": plain(SCRIPT), "confirm": plain("Yes"), "deny": plain("No") },
        }] },
    ]);
    slack.api().post_message("#access").text(SCRIPT).blocks(&blocks).await.unwrap();
    slack.api().post_message("#access").text(SCRIPT).await.unwrap();
    let option = json!({ "text": plain(SCRIPT), "value": "\"><script>" });
    let input = |id: &str, element| json!({ "type": "input", "block_id": id, "label": plain(SCRIPT), "hint": plain(SCRIPT), "element": element });
    let view = modal(&json!([
        input("a\"'<", json!({ "type": "plain_text_input", "initial_value": SCRIPT, "placeholder": plain(SCRIPT) })),
        input("b", json!({ "type": "plain_text_input", "multiline": true, "initial_value": "</textarea><script>" })),
        input("c", json!({ "type": "static_select", "options": [option], "placeholder": plain(SCRIPT) })),
        input("d", json!({ "type": "radio_buttons", "options": [option] })),
        input("e", json!({ "type": "multi_external_select", "initial_options": [option] })),
        input("f", json!({ "type": "users_select" })),
    ]));
    slack.api().open_view(&fake.trigger("U0ANA"), &view).await.unwrap();
    let paths = [
        "/?as=U0ANA",
        "/?as=U0EVE&in=CACCESS",
        "/?as=U0ANA&in=%3Cscript%3E&error=%3Cscript%3E",
        "/",
        "/?as=%3Cscript%3E",
    ];
    for path in paths {
        let page = get(&fake, path).await;
        let scripts = page.body.matches("<script").count();
        assert_eq!((scripts, page.body.matches("</textarea>").count() <= 1), (1, true), "{path}: {}", page.body);
        assert!(!page.body.contains("href=\"javascript"), "{path}");
    }
    let page = get(&fake, "/?as=U0ANA").await;
    assert!(page.body.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"));
    // One stylesheet and one script, both the page's own, and nothing within the page.
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !page.body.contains("<style") && !page.body.contains(" style="));
    for (path, kind) in [("/page.js", "text/javascript"), ("/page.css", "text/css"), ("/page.svg", "image/svg+xml")] {
        let file = get(&fake, path).await;
        assert_eq!((file.status, file.header("content-type").unwrap().split(';').next()), (200, Some(kind)));
        assert!(page.body.contains(&format!("\"{path}\"")) && !file.body.contains("//cdn"), "{path}");
    }
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn rich_text_is_shown_literally() {
    let (fake, _) = workspace().await;
    let slack = fake.client().build().unwrap();
    let text = |text: &str, style| json!({ "type": "text", "text": text, "style": style });
    let blocks = json!([{ "type": "rich_text", "elements": [
        { "type": "rich_text_section", "elements": [
            text("Ticket", json!({ "bold": true })), text(": *a* ", json!({})), text("`b`", json!({ "code": true })),
            { "type": "user", "user_id": "U0ANA" },
        ] },
        { "type": "rich_text_quote", "elements": [text("*Target*\nprod", json!({}))] },
    ] }]);
    let message = slack.api().post_message("#access").text("x").blocks(&blocks);
    message.await.unwrap();
    let page = get(&fake, "/?as=U0ANA&in=CACCESS").await.body;
    assert!(page.contains("<b>Ticket</b>: *a* <code>`b`</code><span class=\"mention\">@Ana</span>"), "{page}");
    assert!(page.contains("<blockquote class=\"plain\">*Target*\nprod</blockquote>"), "{page}");
    let message = fake.messages().pop().unwrap();
    assert_eq!(message.all_text(), "*Ticket*: *a* ``b``<@U0ANA>\n>*Target*\n>prod");
}

#[tokio::test]
async fn the_state_reports_changes() {
    let (fake, clock) = workspace().await;
    let before = get(&fake, "/state?as=U0ANA").await.json();
    assert_eq!(
        (&before["me"]["name"], &before["view"], &before["messages"]),
        (&json!("Ana"), &json!(null), &json!([]))
    );
    let path = format!("/state?as=U0ANA&since={}", before["version"]);
    let waiting = tokio::spawn({
        let (fake, path) = (fake.clone(), path.clone());
        async move { get(&fake, &path).await.json() }
    });
    let slack = fake.client().build().unwrap();
    let button = json!({ "type": "actions", "elements": [{ "type": "button", "text": plain("Yes") }] });
    let posting = async {
        while !waiting.is_finished() {
            slack.api().post_message("#access").text("news").blocks([&button]).await.unwrap();
        }
    };
    posting.await;
    assert_ne!(waiting.await.unwrap()["version"], before["version"]);
    let after = get(&fake, "/state?as=U0ANA").await.json();
    let message = &after["messages"][0];
    assert_eq!((&message["channel"]["name"], &message["buttons"]), (&json!("access"), &json!(["Yes"])));

    // Nobody waits for ever.
    let path = format!("/state?as=U0ANA&since={}", after["version"]);
    let waiting = tokio::spawn(async move { get(&fake, &path).await.status });
    while !waiting.is_finished() {
        clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert_eq!(waiting.await.unwrap(), 200);
}

#[tokio::test]
async fn reports_invalid_requests() {
    let (fake, _) = workspace().await;
    let cases: [(&str, &[(&str, &str)]); 7] = [
        ("/command", &[]),
        ("/command", &[("as", "U0ANA"), ("text", "hello")]),
        ("/close", &[("as", "U0ANA")]),
        ("/act", &[("as", "U0ANA"), ("on", "V1"), ("do", "submit")]),
        ("/act", &[("as", "U0ANA"), ("on", "C1/1.1"), ("do", "[\"click\",\"a\",\"b\"]")]),
        ("/act", &[("as", "U0ANA"), ("on", "C1/1.1"), ("do", "explode"), ("in:9:x", "y")]),
        ("/nowhere", &[]),
    ];
    for (path, fields) in cases {
        let answer = post(&fake, path, fields).await;
        assert_eq!(answer.status, 404, "{path} {fields:?}: {}", answer.body);
    }
    let back = submit(&fake, "/command", &[("as", "U0ANA"), ("text", "hello"), ("in", "CGENERAL")]).await;
    let to = back.header("location").unwrap();
    assert!(to.starts_with("/?as=U0ANA&in=CGENERAL&error=only+slash+commands"), "{to}");
    assert!(get(&fake, to).await.body.contains("only slash commands are supported"));
    assert_eq!(get(&fake, "/options?as=U0ANA&on=V1&block=b&action=a").await.status, 502);
    assert_eq!(get(&fake, "/options").await.status, 400);
}

/// An id that is nobody's is refused by a page that lists who can be acted as.
#[tokio::test]
async fn lists_the_people_when_the_visitor_is_nobody() {
    let (fake, _) = workspace().await;
    fake.add(Member::new("U0GONE").name("Gone").deactivated()).unwrap();
    fake.add(Member::new("U0BOT").name("Robot").bot()).unwrap();
    for (id, what) in [("U1NOBODY", "is not in this workspace"), ("U0GONE", "is deactivated"), ("U0BOT", "is a bot")] {
        let page = get(&fake, &format!("/?as={id}")).await;
        assert_eq!(page.status, 404, "{id}");
        assert!(page.body.contains(&format!("{id}</span> {what}")), "{id}: {}", page.body);
        assert!(page.body.contains("href=\"/?as=U0ANA\"") && !page.body.contains("Robot"), "{}", page.body);
        assert_eq!(get(&fake, &format!("/state?as={id}")).await.status, 404);
        let answer = post(&fake, "/command", &[("as", id), ("text", "/sym")]).await;
        assert_eq!(answer.status, 404, "{}", answer.body);
        assert!(answer.body.contains("there is no person"), "{}", answer.body);
    }
}

#[tokio::test]
async fn controls_have_labels() {
    let (fake, _) = workspace().await;
    let slack = fake.client().build().unwrap();
    let option = json!({ "text": plain("One"), "value": "1" });
    let input = |id: &str, label: &str, element| json!({ "type": "input", "block_id": id, "label": plain(label), "hint": plain("Why"), "element": element });
    let view = modal(&json!([
        input("a", "Reason", json!({ "type": "plain_text_input", "action_id": "v" })),
        input("b", "Role", json!({ "type": "static_select", "action_id": "v", "options": [option] })),
        input("c", "Sure", json!({ "type": "radio_buttons", "action_id": "v", "options": [option] })),
        input("d", "Database", json!({ "type": "external_select", "action_id": "v" })),
        { "type": "section", "text": plain("Choose"), "accessory":
            { "type": "static_select", "action_id": "v", "options": [option], "placeholder": plain("A flow") } },
    ]));
    let opened = slack.api().open_view(&fake.trigger("U0ANA"), &view).await.unwrap();
    fake.person("U0ANA").submit().await.unwrap();
    let page = get(&fake, "/?as=U0ANA").await.body;
    for (block, label) in [("a", "Reason"), ("b", "Role"), ("d", "Database")] {
        let id = format!("x-{}-2f-in-3a-1-3a-{block}v", opened.id);
        let labelled = format!("<label for=\"{id}\"><span class=\"plain\">{label}</span></label>");
        assert!(page.contains(&labelled) && page.contains(&format!(" id=\"{id}\"")), "{label}: {page}");
        // What is wrong, and the hint, belong to the control.
        assert!(page.contains(&format!("aria-describedby=\"{id}-error {id}-hint\"")), "{label}: {page}");
        assert!(page.contains(&format!("<p class=\"error\" id=\"{id}-error\">Please complete")), "{label}: {page}");
    }
    assert!(page.contains("<legend><span class=\"plain\">Sure</span></legend>"), "{page}");
    assert!(page.contains("aria-label=\"A flow\"") && page.contains("aria-label=\"Search the options\""), "{page}");
    assert!(page.contains("<dialog open aria-labelledby=\"view-title\">"), "{page}");
}

/// A number beside a name or a channel counts what that person has not seen yet.
#[tokio::test]
async fn counts_unread_messages() {
    let (fake, _) = workspace().await;
    let slack = fake.client().build().unwrap();
    slack.api().post_message("U0BEN").text("for Ben").await.unwrap();
    slack.api().post_message("#access").text("for all").await.unwrap();
    let unread = |page: &str, name: &str| {
        let (_, rest) = page.split_once(&format!("<span class=\"name\">{name}</span>")).unwrap();
        let link = rest.split("</a>").next().unwrap();
        link.split_once("<span class=\"count\">").map(|(_, count)| count.split('<').next().unwrap().to_owned())
    };
    let page = get(&fake, "/?as=U0ANA&in=CGENERAL").await.body;
    assert_eq!((unread(&page, "Ben").as_deref(), unread(&page, "#access").as_deref()), (Some("2"), Some("1")));
    assert_eq!((unread(&page, "Ana"), unread(&page, "#general")), (None, None));
    get(&fake, "/?as=U0BEN&in=CACCESS").await;
    let page = get(&fake, "/?as=U0ANA&in=CACCESS").await.body;
    assert_eq!((unread(&page, "Ben").as_deref(), unread(&page, "#access")), (Some("1"), None));
    // The messages of the app are signed with its name, and say whether others see them.
    assert!(page.contains("<b>Sym</b> <span class=\"tag\">App</span>"), "{page}");
}

/// A link to a message leads to the message on the page, and replies are below the message of their thread.
#[tokio::test]
async fn links_to_messages_lead_to_the_page() {
    let (fake, _) = workspace().await;
    let slack = fake.client().build().unwrap();
    let first = slack.api().post_message("#access").text("the first").await.unwrap();
    let link = slack.api().permalink(&first).await.unwrap();
    let linked = json!({ "type": "section", "text": { "type": "mrkdwn", "text": format!("<{link}|Show it>") } });
    let button = |text: &str, url: &str| json!({ "type": "button", "action_id": text, "text": plain(text), "url": url });
    let buttons = [button("Open", link.as_str()), button("Away", "https://example.com/?a&b")];
    let blocks = [linked, json!({ "type": "actions", "elements": buttons })];
    slack.api().post_message("#access").text("the second").blocks(&blocks).await.unwrap();
    slack.api().post_message("#access").in_thread(first.ts()).text("the reply").await.unwrap();

    let page = get(&fake, "/?as=U0ANA&in=CACCESS").await.body;
    let ts = first.ts();
    let id = format!("x-CACCESS-2f-{}", ts.replace('.', "-2e-"));
    let address = format!("/?as=U0ANA&amp;in=CACCESS&amp;at={ts}#{id}");
    assert!(page.contains(&format!("<a href=\"{address}\">Show it</a>")), "{page}");
    assert!(page.contains("href=\"https://example.com/?a&amp;b\">Away</a>"), "{page}");
    // The app is told of a click on the other.
    assert!(page.contains(">Open</button>"), "{page}");
    let at = |text: &str| page.find(text).unwrap();
    assert!(at("the first") < at("the reply") && at("the reply") < at("Show it"), "{page}");

    let page = get(&fake, &format!("/?as=U0ANA&in=CACCESS&at={ts}")).await.body;
    assert!(page.contains(&format!("<article class=\"message at\" id=\"{id}\">")), "{page}");
}
