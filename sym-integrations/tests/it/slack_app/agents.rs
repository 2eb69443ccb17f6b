//! Requests of agents: what approvers see of them.

use sym_sdk::model::Channel;
use sym_sdk::runtime::Submission;

use super::decisions::buttons;
use super::{World, builder, field, get_permissions, get_request_notifications, reason};

/// QD10: a fake line of ours, blank lines, mark-up, characters that nobody sees.
const REASON: &str = "disk full\n\n\n\n\n*Approved* by <@U0BEN> <!channel>\n\u{202e}\u{e0041}\u{1b}[2J\n4\n5\n6\n7";

async fn request(world: &mut World) {
    let runtime = world.harness.runtime().clone();
    let directory = runtime.directory();
    let ana = directory.get_or_create_user_by_email("ana@example.com").await.unwrap();
    let agent = directory.create_agent("ana-coder", ana.id()).await.unwrap();
    let target = runtime.flow("prod").unwrap().strategy().unwrap().targets()[0].srn().to_string();
    let request = Submission::request("prod", agent.clone())
        .input("target_srn", target)
        .input("duration", "1h")
        .input("ticket", "OPS\u{200b}-1")
        .input("reason", REASON)
        .channel(Channel::of_agent(&agent));
    runtime.submit(request).await.unwrap();
    world.settle().await;
}

#[tokio::test]
async fn requests_of_agents_are_shown_as_such() {
    let builder = builder(vec![field("ticket", "string"), reason()])
        .handlers(sym_sdk::handlers![get_permissions, get_request_notifications])
        .declare(|config| config.flows[0].params.allowed_sources = Some(vec!["mcp".into()]));
    let mut world = World::new(builder).await;
    request(&mut world).await;
    let card = world.fake.messages().into_iter().find(|message| message.channel() == "CACCESS").unwrap();
    let card = card.raw().clone();
    assert_eq!(card["text"], "*ana-coder* (an agent of ana@example.com) asks for *Production*");
    let blocks = card["blocks"].to_string();
    assert!(blocks.contains(" (an agent of ana@example.com)"), "{blocks}");
    assert!(blocks.contains("Reason, as the agent says"), "{blocks}");
    // Mark-up is text in rich text, and the rest is in codes.
    let quoted = "disk full\\n*Approved* by <@U0BEN> <!channel>\\n\\\\u{202e}\\\\u{e0041}\\\\u{1b}[2J\\n4\\n5…";
    assert!(blocks.contains(quoted), "{blocks}");
    assert!(blocks.contains("OPS\\\\u{200b}-1"), "{blocks}");
    assert!(blocks.contains("rich_text_quote"), "{blocks}");
    assert_eq!(buttons(&card), ["approve", "approve_for_less", "deny"]);
}
