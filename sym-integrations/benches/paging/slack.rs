//! The list of users of a Slack workspace.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use sym_integrations::http::BaseUrl;
use sym_integrations::slack::Slack;

use super::server::Page;
use super::{Case, ITEMS, Way};

const PER_PAGE: u32 = 200;

const TOKEN: &str = "xoxb-token";

pub(crate) struct WorkspaceUsers;

impl Case for WorkspaceUsers {
    fn name(&self) -> &'static str {
        "users of a Slack workspace"
    }

    fn pages(&self, _: &str) -> Vec<Page> {
        let users: Vec<_> = (0..ITEMS).map(user).collect();
        let form = |begin: usize| match begin {
            0 => format!("limit={PER_PAGE}"),
            _ => format!("limit={PER_PAGE}&cursor=dXNlcjo{begin}%3D"),
        };
        let page = |begin: usize| {
            let end = begin + PER_PAGE as usize;
            let next = if end < ITEMS { format!("dXNlcjo{end}=") } else { String::new() };
            let body = json!({
                "ok": true,
                "members": users[begin..end],
                "cache_ts": 1_774_000_000,
                "response_metadata": { "next_cursor": next },
            });
            Page {
                request: format!("/api/users.list {}", form(begin)),
                headers: "x-slack-req-id: 8f3e0c1d\r\n".to_owned(),
                body: body.to_string(),
            }
        };
        (0..ITEMS).step_by(PER_PAGE as usize).map(page).collect()
    }

    fn ways(&self, base: &str) -> Vec<Way> {
        let slack = Slack::builder("T012AB3CD")
            .token(TOKEN)
            .base_url(BaseUrl::parse(&format!("{base}/api")).unwrap())
            .without_rate_limits()
            .build()
            .unwrap();
        let streaming = slack.clone();
        let by_hand = reqwest::Client::new();
        let url = format!("{base}/api/users.list");
        let by_hand_streaming = (by_hand.clone(), url.clone());
        let by_hand_whole = by_hand_streaming.clone();
        vec![
            Way::new("by hand", move || {
                let (client, url) = (by_hand.clone(), url.clone());
                async move {
                    let mut users = Vec::new();
                    each_page(client, url, |page: Vec<User>| users.extend(page)).await;
                    users.len()
                }
            }),
            Way::new("by hand, page by page", move || {
                let (client, url) = by_hand_streaming.clone();
                async move {
                    let mut count = 0;
                    each_page(client, url, |page: Vec<User>| {
                        count += page.iter().filter(|user| user.is_whole()).count()
                    })
                    .await;
                    count
                }
            }),
            // The fields that the client keeps.
            Way::new("by hand, all of it as JSON", move || {
                let (client, url) = by_hand_whole.clone();
                async move {
                    let mut users = Vec::<serde_json::Value>::new();
                    each_page(client, url, |page| users.extend(page)).await;
                    users.len()
                }
            }),
            Way::new("Vec", move || {
                let users = slack.list_users().page_size(PER_PAGE);
                async move { users.await.unwrap().len() }
            }),
            Way::new("Stream", move || {
                let mut users = streaming.list_users().page_size(PER_PAGE).listing();
                async move {
                    let mut count = 0;
                    while let Some(user) = users.next_item().await.unwrap() {
                        count += usize::from(user.email().is_some() && user.real_name().is_some());
                    }
                    count
                }
            }),
        ]
    }
}

/// A user in the form of Slack.
fn user(number: usize) -> serde_json::Value {
    let name = format!("Person Number {number}");
    let image = |size: u32| format!("https://avatars.example.com/2026-01-31/{number}_{size}.png");
    json!({
        "id": format!("U{number:09}"),
        "team_id": "T012AB3CD",
        "name": format!("person.{number}"),
        "deleted": false,
        "color": "9f69e7",
        "real_name": name,
        "tz": "Europe/Berlin",
        "tz_label": "Central European Time",
        "tz_offset": 3600,
        "profile": {
            "title": "Site Reliability Engineer",
            "phone": "",
            "skype": "",
            "real_name": name,
            "real_name_normalized": name,
            "display_name": "",
            "display_name_normalized": "",
            "fields": null,
            "status_text": "",
            "status_emoji": "",
            "status_expiration": 0,
            "avatar_hash": "g1a2b3c4d5e6",
            "email": format!("person.{number}@example.com"),
            "first_name": "Person",
            "last_name": format!("Number {number}"),
            "image_24": image(24),
            "image_32": image(32),
            "image_48": image(48),
            "image_72": image(72),
            "image_192": image(192),
            "image_512": image(512),
            "status_text_canonical": "",
            "team": "T012AB3CD",
        },
        "is_admin": false,
        "is_owner": false,
        "is_primary_owner": false,
        "is_restricted": false,
        "is_ultra_restricted": false,
        "is_bot": false,
        "is_app_user": false,
        "updated": 1_774_000_000,
        "is_email_confirmed": true,
        "who_can_share_contact_card": "EVERYONE",
    })
}

#[derive(Deserialize)]
struct Users<T> {
    ok: bool,
    members: Vec<T>,
    response_metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    next_cursor: String,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "read from JSON, as the client's own are")]
struct User {
    id: String,
    team_id: Option<String>,
    name: Option<String>,
    deleted: bool,
    is_bot: bool,
    profile: Profile,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "read from JSON, as the client's own are")]
struct Profile {
    email: Option<String>,
    display_name: Option<String>,
    real_name: Option<String>,
}

impl User {
    fn is_whole(&self) -> bool {
        self.profile.email.is_some() && self.profile.real_name.is_some()
    }
}

/// A hand-written loop without limits and retries.
async fn each_page<T: DeserializeOwned>(client: reqwest::Client, url: String, mut take: impl FnMut(Vec<T>)) {
    let mut cursor = String::new();
    loop {
        let mut form = format!("limit={PER_PAGE}");
        if !cursor.is_empty() {
            form += &format!("&cursor={}", cursor.replace('=', "%3D"));
        }
        let request = client.post(&url).header(AUTHORIZATION, format!("Bearer {TOKEN}"));
        let request = request.header(ACCEPT, "application/json");
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let response = request.send().await.unwrap().error_for_status().unwrap();
        let users: Users<T> = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert!(users.ok);
        take(users.members);
        cursor = users.response_metadata.next_cursor;
        if cursor.is_empty() {
            return;
        }
    }
}
