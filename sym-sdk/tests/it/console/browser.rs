//! A browser without a script: it keeps cookies, follows redirects and sends the forms of pages.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use sym_sdk::server::axum::Router;
use sym_sdk::server::axum::body::{Body, BodyDataStream, to_bytes};
use sym_sdk::server::axum::extract::ConnectInfo;
use sym_sdk::server::axum::http::{HeaderMap, Method, Request, StatusCode};
use sym_sdk::server::axum::response::Response;
use tower::ServiceExt as _;

/// The host that the pages are on.
const HOST: &str = "127.0.0.1:3000";

pub(super) struct Browser {
    routes: Router,
    cookies: BTreeMap<String, String>,
    /// The host that the browser names.
    pub(super) host: String,
    /// The headers by which it says where a form comes from.
    pub(super) origin: Vec<(&'static str, String)>,
    /// Further headers, which it or a proxy sends with each request.
    pub(super) headers: Vec<(&'static str, String)>,
    /// The address from which its connections come.
    pub(super) peer: Option<IpAddr>,
}

/// A page that was answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    /// The address at which it is, after redirects.
    pub(super) address: String,
}

impl Browser {
    pub(super) fn new(routes: Router) -> Self {
        let origin = vec![("sec-fetch-site", "same-origin".to_owned())];
        let (cookies, headers) = (BTreeMap::new(), Vec::new());
        Self { routes, cookies, host: HOST.to_owned(), origin, headers, peer: None }
    }

    pub(super) async fn get(&mut self, address: &str) -> Answer {
        self.follow(Method::GET, address, String::new()).await
    }

    /// Sends fields as a form.
    pub(super) async fn post(&mut self, address: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.follow(Method::POST, address, body).await
    }

    /// Sends the form of a page which has this button, with further fields.
    pub(super) async fn press(&mut self, page: &Answer, button: (&str, &str), typed: &[(&str, &str)]) -> Answer {
        let form = page.form_with(button);
        let action = attribute(form, "action").unwrap_or(&page.address).to_owned();
        let hidden = hidden_fields(form);
        let mut fields: Vec<(&str, &str)> =
            hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.extend(typed);
        fields.push(button);
        self.post(&action, &fields).await
    }

    async fn follow(&mut self, method: Method, address: &str, body: String) -> Answer {
        let mut answer = self.send(method, address, body).await;
        for _ in 0..5 {
            let Some(next) = answer.headers.get("location").map(|next| next.to_str().unwrap().to_owned()) else {
                break;
            };
            answer = self.send(Method::GET, &next, String::new()).await;
        }
        answer
    }

    /// Opens a stream, as a script does.
    pub(super) async fn stream(&self, address: &str) -> BodyDataStream {
        let response = self.respond(Method::GET, address, String::new()).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.into_body().into_data_stream()
    }

    async fn respond(&self, method: Method, address: &str, body: String) -> Response {
        let mut request = Request::builder().method(method.clone()).uri(address).header("host", &self.host);
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(peer) = self.peer {
            request = request.extension(ConnectInfo(SocketAddr::new(peer, 4_711)));
        }
        if method == Method::POST {
            request = request.header("content-type", "application/x-www-form-urlencoded");
            for (name, value) in &self.origin {
                request = request.header(*name, value);
            }
        }
        self.routes.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
    }

    /// Sends a request, and follows no redirect.
    pub(super) async fn send(&mut self, method: Method, address: &str, body: String) -> Answer {
        let response = self.respond(method, address, body).await;
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text, address: address.to_owned() }
    }

    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub(super) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }
}

impl Answer {
    /// Checks that the page is there, and returns it.
    #[track_caller]
    pub(super) fn ok(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{}: {}", self.address, self.text);
        self
    }

    #[track_caller]
    pub(super) fn has(&self, text: &str) -> &Self {
        assert!(self.text.contains(text), "{} lacks `{text}`: {}", self.address, self.text);
        self
    }

    #[track_caller]
    pub(super) fn lacks(&self, text: &str) -> &Self {
        assert!(!self.text.contains(text), "{} has `{text}`: {}", self.address, self.text);
        self
    }

    /// Returns the form that has a button.
    #[track_caller]
    fn form_with(&self, (name, value): (&str, &str)) -> &str {
        let button = format!("name=\"{name}\" value=\"{value}\"");
        let forms = self.text.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap());
        let mut found = forms.filter(|form| {
            form.split("<button").skip(1).any(|tag| {
                let tag = tag.split('>').next().unwrap();
                tag.contains(&button) && !tag.contains(" disabled")
            })
        });
        found.next().unwrap_or_else(|| panic!("{} has no button {name}={value}: {}", self.address, self.text))
    }

    /// Returns whether the page has a button that can be pressed.
    pub(super) fn has_button(&self, name: &str, value: &str) -> bool {
        let button = format!("name=\"{name}\" value=\"{value}\"");
        self.text.split("<button").skip(1).any(|tag| {
            let tag = tag.split('>').next().unwrap();
            tag.contains(&button) && !tag.contains(" disabled")
        })
    }

    /// Returns the address that a link with this text leads to.
    pub(super) fn link(&self, text: &str) -> Option<String> {
        let links = self.text.split("<a ").skip(1);
        let found = links.filter_map(|link| link.split_once('>')).find(|(_, rest)| rest.starts_with(text));
        let tag = found.map(|(tag, _)| format!(" {tag}"))?;
        attribute(&tag, "href").map(unescape)
    }

    /// Returns the texts between two others, wherever they are on the page.
    pub(super) fn between<'a>(&'a self, before: &'a str, after: &'a str) -> Vec<&'a str> {
        self.text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
    }

    /// Returns the value of a hidden field, which the first form that has it holds.
    #[track_caller]
    pub(super) fn hidden(&self, name: &str) -> String {
        let found = hidden_fields(&self.text).into_iter().find(|(found, _)| found == name);
        found.unwrap_or_else(|| panic!("{} has no hidden field {name}: {}", self.address, self.text)).1
    }

    /// Returns the names and values of all hidden fields.
    pub(super) fn hidden_fields(&self) -> Vec<(String, String)> {
        hidden_fields(&self.text)
    }

    /// Returns the number that the menu shows beside an entry.
    pub(super) fn count_beside(&self, label: &str) -> Option<&str> {
        let menu = self.text.split("<nav class=\"tabs\" aria-label=\"Main\">").nth(1)?.split("</nav>").next()?;
        let entry =
            menu.split("<a ").find(|entry| entry.split_once('>').is_some_and(|(_, text)| text.starts_with(label)))?;
        entry.split_once("<span class=\"count")?.1.split_once('>')?.1.split('<').next()
    }

    /// Returns the id of the Run whose page it is.
    #[track_caller]
    pub(super) fn run(&self) -> String {
        let path = self.address.split('?').next().unwrap();
        path.strip_prefix("/r/")
            .unwrap_or_else(|| panic!("{} is no page of a Run: {}", self.address, self.text))
            .to_owned()
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
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    tag[start..].split('"').next()
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
