//! The list of members of an Okta group.

use reqwest::header::{ACCEPT, AUTHORIZATION, LINK};
use serde::Deserialize;
use serde_json::json;
use sym_integrations::http::{BaseUrl, RateLimit};
use sym_integrations::okta::Okta;

use super::server::Page;
use super::{Case, ITEMS, Way};

const PER_PAGE: usize = 200;

const TOKEN: &str = "00token";

pub(crate) struct GroupUsers;

impl Case for GroupUsers {
    fn name(&self) -> &'static str {
        "users of an Okta group"
    }

    fn pages(&self, base: &str) -> Vec<Page> {
        let users: Vec<_> = (0..ITEMS).map(user).collect();
        let path = |begin: usize| match begin {
            0 => format!("/api/v1/groups/00g1/users?limit={PER_PAGE}"),
            _ => format!("/api/v1/groups/00g1/users?after=00u{begin}&limit={PER_PAGE}"),
        };
        let link = |begin: usize, rel: &str| format!("link: <{base}{}>; rel=\"{rel}\"\r\n", path(begin));
        let page = |begin: usize| {
            let end = begin + PER_PAGE;
            let next = if end < ITEMS { link(end, "next") } else { String::new() };
            Page {
                request: path(begin),
                headers: link(begin, "self") + &next,
                body: serde_json::to_string(&users[begin..end]).unwrap(),
            }
        };
        (0..ITEMS).step_by(PER_PAGE).map(page).collect()
    }

    fn ways(&self, base: &str) -> Vec<Way> {
        let okta = Okta::builder("example.okta.com")
            .token(TOKEN)
            .base_url(BaseUrl::parse(&format!("{base}/api/v1")).unwrap())
            .rate_limit(RateLimit::per_second(1_000_000))
            .build()
            .unwrap();
        let streaming = okta.clone();
        let by_hand = reqwest::Client::new();
        let first = format!("{base}/api/v1/groups/00g1/users?limit={PER_PAGE}");
        let by_hand_streaming = (by_hand.clone(), first.clone());
        vec![
            Way::new("by hand", move || {
                let (client, first) = (by_hand.clone(), first.clone());
                async move {
                    let mut users = Vec::new();
                    each_page(client, first, |page| users.extend(page)).await;
                    users.len()
                }
            }),
            Way::new("by hand, page by page", move || {
                let (client, first) = by_hand_streaming.clone();
                async move {
                    let mut count = 0;
                    each_page(client, first, |page| count += page.iter().filter(|user| user.is_whole()).count()).await;
                    count
                }
            }),
            Way::new("Vec", move || {
                let users = okta.list_group_members("00g1");
                async move { users.await.unwrap().len() }
            }),
            Way::new("Stream", move || {
                let mut users = streaming.list_group_members("00g1");
                async move {
                    let mut count = 0;
                    while let Some(user) = users.next_item().await.unwrap() {
                        count += usize::from(user.login() == user.email());
                    }
                    count
                }
            }),
        ]
    }
}

/// A user in the form of Okta, with the default attributes.
fn user(number: usize) -> serde_json::Value {
    let (id, email) = (format!("00u{number}"), format!("person.{number}@example.com"));
    json!({
        "id": id,
        "status": "ACTIVE",
        "created": "2026-01-31T08:15:30.000Z",
        "activated": "2026-01-31T08:15:31.000Z",
        "statusChanged": "2026-01-31T08:20:01.000Z",
        "lastLogin": "2026-11-20T07:59:12.000Z",
        "lastUpdated": "2026-10-02T12:00:00.000Z",
        "passwordChanged": "2026-01-31T08:20:01.000Z",
        "type": { "id": "oty1a2b3c4d5e6f7g8h9" },
        "profile": {
            "firstName": "Person",
            "lastName": format!("Number {number}"),
            "mobilePhone": null,
            "secondEmail": null,
            "department": "Engineering",
            "title": "Site Reliability Engineer",
            "login": email,
            "email": email,
        },
        "credentials": {
            "password": {},
            "emails": [{ "value": email, "status": "VERIFIED", "type": "PRIMARY" }],
            "provider": { "type": "OKTA", "name": "OKTA" },
        },
        "_links": { "self": { "href": format!("https://example.okta.com/api/v1/users/{id}") } },
    })
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "read from JSON, as the client's own are")]
struct User {
    id: String,
    status: String,
    profile: Profile,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "read from JSON, as the client's own are")]
struct Profile {
    login: String,
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
}

impl User {
    fn is_whole(&self) -> bool {
        self.profile.login == self.profile.email
    }
}

/// A hand-written loop without limits, retries and checks of links.
async fn each_page(client: reqwest::Client, first: String, mut take: impl FnMut(Vec<User>)) {
    let mut next = Some(first);
    while let Some(url) = next {
        let request = client.get(url).header(AUTHORIZATION, format!("SSWS {TOKEN}")).header(ACCEPT, "application/json");
        let response = request.send().await.unwrap().error_for_status().unwrap();
        let links = response.headers().get_all(LINK).iter().filter_map(|link| link.to_str().ok());
        next =
            links.filter_map(|link| link.strip_suffix(">; rel=\"next\"")?.strip_prefix('<')).next().map(str::to_owned);
        take(serde_json::from_slice(&response.bytes().await.unwrap()).unwrap());
    }
}
