//! `Link` headers, by which services tell where the next page is.

use sym_integrations::okta::Okta;
use sym_integrations::testing::{Replay, Reply};

use crate::target::{fuzz, with_text};

#[test]
fn link_headers_lead_to_another_page_of_the_service_or_to_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    fuzz("link_header", |input| {
        with_text(input, |text| {
            // Other characters cannot be in a header.
            if text.is_empty() || !text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
                return;
            }
            let replay = Replay::new();
            let users = serde_json::json!([{ "id": "00u1", "profile": {} }]);
            replay.get("/api/v1/groups/00g1/users").reply(Reply::json(users).header("link", text));
            let okta = Okta::builder("example.okta.com").token("00token").connection(replay.connection());
            let okta = okta.build().unwrap();
            // A second page is not among the replies, so a list of more than one page is an error here.
            let listed = runtime.block_on(async { okta.users_in_group("00g1").await });
            let calls = replay.calls();
            let _ = replay.check();
            if listed.is_ok() {
                assert_eq!(calls.len(), 1, "{calls:?}");
            }
            assert!(calls.iter().all(|call| call.host == "example.okta.com"), "{calls:?}");
        });
    });
}
