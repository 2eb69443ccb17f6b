//! A vendor's API on a local server: routes over a state, with the habits of the vendor as settings.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wiremock::{Request, Respond, ResponseTemplate};

type Handler<S> = dyn Fn(&mut S, &Call) -> Answer + Send + Sync;

/// The routes and habits of a vendor. It responds to the requests of a `MockServer`.
pub(crate) struct VendorApi<S> {
    base: &'static str,
    state: Arc<Mutex<S>>,
    calls: Arc<Mutex<Vec<String>>>,
    required_headers: Vec<(&'static str, String, ResponseTemplate)>,
    paging: Paging,
    date: Option<&'static str>,
    unknown_route: ResponseTemplate,
    routes: Vec<(&'static str, &'static str, Box<Handler<S>>)>,
}

/// The response of a route.
pub(crate) enum Answer {
    /// A JSON value.
    Json(Value),
    /// A list, of which a page is sent.
    List(Vec<Value>),
    /// Anything else.
    Response(ResponseTemplate),
}

/// A vendor's style of pagination.
pub(crate) enum Paging {
    /// A page is an array of this size. `Link` headers, one line each, lead to itself and to the next page, by the id of the last item.
    Link { size: usize },
    /// A page is an object with `offset` and `limit`, whose sum is limited, and with the list under the name of its route.
    Offset { default: usize, max: usize, max_sum: usize, beyond: ResponseTemplate },
}

/// A request that has a route.
pub(crate) struct Call {
    /// The values of the route's placeholders.
    pub(crate) values: Vec<String>,
    query: Vec<(String, String)>,
}

impl Call {
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.query.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// Whether a filter such as `ids[]` admits a value. One that is absent admits everything.
    pub(crate) fn admits(&self, name: &str, value: &Value) -> bool {
        let wanted = self.all(name);
        wanted.is_empty() || wanted.contains(&value.as_str().unwrap_or("null"))
    }

    fn number(&self, name: &str, default: usize) -> usize {
        self.one(name).map_or(default, |text| text.parse().unwrap())
    }
}

impl<S> VendorApi<S> {
    /// An API below a path such as `/api/v1`, which answers requests without a route with `unknown_route`.
    pub(crate) fn new(
        base: &'static str,
        state: Arc<Mutex<S>>,
        paging: Paging,
        unknown_route: ResponseTemplate,
    ) -> Self {
        Self {
            base,
            state,
            calls: Arc::default(),
            required_headers: Vec::new(),
            paging,
            date: None,
            unknown_route,
            routes: Vec::new(),
        }
    }

    /// Rejects requests in which a header has another value.
    pub(crate) fn require(
        mut self,
        header: &'static str,
        value: impl Into<String>,
        otherwise: ResponseTemplate,
    ) -> Self {
        self.required_headers.push((header, value.into(), otherwise));
        self
    }

    /// Sets the header `Date` of all responses.
    pub(crate) fn served_at(mut self, date: &'static str) -> Self {
        self.date = Some(date);
        self
    }

    /// The calls so far, such as `GET /groups/00g1`, in a list that the caller may clear.
    pub(crate) fn calls(&self) -> Arc<Mutex<Vec<String>>> {
        Arc::clone(&self.calls)
    }

    /// Adds a route, with placeholders as in `groups/{group}/users`.
    pub(crate) fn on(
        mut self,
        method: &'static str,
        route: &'static str,
        handler: impl Fn(&mut S, &Call) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.routes.push((method, route, Box::new(handler)));
        self
    }

    fn page(&self, request: &Request, route: &str, call: &Call, items: &[Value]) -> ResponseTemplate {
        match &self.paging {
            Paging::Link { size } => {
                let after = call.one("after");
                let begin = after.map_or(0, |after| items.iter().position(|item| item["id"] == after).unwrap() + 1);
                let page: Vec<_> = items[begin..].iter().take(*size).collect();
                let mut response = ResponseTemplate::new(200).append_header("link", link(request, "self", None));
                if begin + page.len() < items.len() {
                    response =
                        response.append_header("link", link(request, "next", page[page.len() - 1]["id"].as_str()));
                }
                response.set_body_json(page)
            }
            Paging::Offset { default, max, max_sum, beyond } => {
                let (offset, limit) = (call.number("offset", 0), call.number("limit", *default).min(*max));
                if offset + limit > *max_sum {
                    return beyond.clone();
                }
                let page: Vec<_> = items.iter().skip(offset).take(limit).collect();
                let more = offset + page.len() < items.len();
                ResponseTemplate::new(200).set_body_json(
                    json!({ route: page, "more": more, "offset": offset, "limit": limit, "total": null }),
                )
            }
        }
    }
}

impl<S: Send + 'static> Respond for VendorApi<S> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let response = self.answer(request);
        match self.date {
            Some(date) => response.insert_header("date", date),
            None => response,
        }
    }
}

impl<S> VendorApi<S> {
    fn answer(&self, request: &Request) -> ResponseTemplate {
        let path = request.url.path().strip_prefix(self.base).unwrap_or("?").replace("%40", "@");
        self.calls.lock().unwrap().push(format!("{} {path}", request.method));
        for (name, value, otherwise) in &self.required_headers {
            if request.headers.get(*name).is_none_or(|sent| sent != value) {
                return otherwise.clone();
            }
        }
        let path: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let query = request.url.query_pairs().into_owned().collect();
        let routes = self.routes.iter().filter(|(method, _, _)| request.method.as_str() == *method);
        let Some((route, values, handler)) =
            routes.filter_map(|(_, route, handler)| Some((route, matched(route, &path)?, handler))).next()
        else {
            return self.unknown_route.clone();
        };
        let call = Call { values, query };
        let answer = handler(&mut self.state.lock().unwrap(), &call);
        match answer {
            Answer::Json(body) => ResponseTemplate::new(200).set_body_json(body),
            Answer::List(items) => self.page(request, route, &call, &items),
            Answer::Response(response) => response,
        }
    }
}

/// The values of a route's placeholders, if the route is that of the path.
fn matched(route: &str, path: &[&str]) -> Option<Vec<String>> {
    let route: Vec<&str> = route.split('/').collect();
    let is_match = route.len() == path.len()
        && route.iter().zip(path).all(|(segment, found)| segment.starts_with('{') || segment == found);
    let values = route.iter().zip(path).filter(|(segment, _)| segment.starts_with('{'));
    is_match.then(|| values.map(|(_, found)| (*found).to_owned()).collect())
}

/// A link to a page of the same list, on the host that the client called.
fn link(request: &Request, rel: &str, after: Option<&str>) -> String {
    let host = request.headers.get("host").unwrap().to_str().unwrap();
    let mut url = request.url.clone();
    let pairs: Vec<_> = request.url.query_pairs().into_owned().filter(|(name, _)| name != "after").collect();
    url.query_pairs_mut().clear().extend_pairs(pairs).extend_pairs(after.map(|after| ("after", after)));
    format!("<http://{host}{}?{}>; rel=\"{rel}\"", url.path(), url.query().unwrap_or_default())
}
