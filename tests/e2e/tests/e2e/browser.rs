//! A browser without a script: it keeps a session, follows redirects and sends the forms of pages.

use sym_sdk::server::axum::Router;
use sym_sdk::server::axum::body::{Body, to_bytes};
use sym_sdk::server::axum::http::{HeaderMap, Method, Request, StatusCode};
use tower::ServiceExt as _;

/// The host that the pages are on.
const HOST: &str = "127.0.0.1:3000";

/// The largest number of redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// A browser, with the secret of its session.
pub(crate) struct Browser {
    routes: Router,
    session: Option<String>,
}

/// A page.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
    /// The address, after redirects.
    pub(crate) address: String,
}

impl Browser {
    pub(crate) fn new(routes: Router, session: Option<String>) -> Self {
        Self { routes, session }
    }

    pub(crate) async fn get(&self, address: &str) -> Page {
        self.follow(Method::GET, address, String::new()).await
    }

    /// Sends fields as a form.
    pub(crate) async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.follow(Method::POST, address, body).await
    }

    /// Sends the form of a page that has this button, with further fields. If the page has no such button, sends the fields alone, as an old
    /// page or a program does.
    pub(crate) async fn press(&self, page: &Page, button: (&str, &str), typed: &[(&str, &str)]) -> Page {
        let form = page.form_with(button);
        let action = form.and_then(|form| attribute(form, "action")).unwrap_or(&page.address).to_owned();
        let hidden = form.map(hidden_fields).unwrap_or_default();
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<(&str, &str)> = hidden.chain(typed.iter().copied()).chain([button]).collect();
        self.post(&action, &fields).await
    }

    async fn follow(&self, method: Method, address: &str, body: String) -> Page {
        let (mut page, mut next) = self.send(method, address, body).await;
        for _ in 0..MAX_REDIRECTS {
            let Some(location) = next else { return page };
            (page, next) = self.send(Method::GET, &location, String::new()).await;
        }
        panic!("{address} is redirected more than {MAX_REDIRECTS} times")
    }

    async fn send(&self, method: Method, address: &str, body: String) -> (Page, Option<String>) {
        let mut request = Request::builder().method(method.clone()).uri(address).header("host", HOST);
        if let Some(session) = &self.session {
            request = request.header("cookie", format!("sym_dev={session}"));
        }
        if method == Method::POST {
            request = request.header("content-type", "application/x-www-form-urlencoded");
            request = request.header("sec-fetch-site", "same-origin").header("origin", format!("http://{HOST}"));
        }
        let response = self.routes.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        let location = |headers: &HeaderMap| Some(headers.get("location")?.to_str().unwrap().to_owned());
        (Page { status: parts.status, text, address: address.to_owned() }, location(&parts.headers))
    }
}

impl Page {
    /// Returns the form that has a button which can be pressed.
    fn form_with(&self, (name, value): (&str, &str)) -> Option<&str> {
        let button = format!("name=\"{name}\" value=\"{value}\"");
        let mut forms = self.text.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap_or_default());
        forms.find(|form| {
            form.split("<button").skip(1).any(|tag| {
                let tag = tag.split('>').next().unwrap_or_default();
                tag.contains(&button) && !tag.contains(" disabled")
            })
        })
    }

    /// Returns whether the page has a button that can be pressed.
    pub(crate) fn has_button(&self, name: &str, value: &str) -> bool {
        self.form_with((name, value)).is_some()
    }
}

fn hidden_fields(form: &str) -> Vec<(String, String)> {
    let tags = form.split('<').filter(|tag| tag.starts_with("input type=\"hidden\""));
    tags.map(|tag| {
        let value = |name| unescape(attribute(tag, name).unwrap_or_default());
        (value("name"), value("value"))
    })
    .collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
