//! The layout of pages: navigation, the person who looks, and the frame around what a page shows.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::SignIn;
use super::assets;
use super::authentication::{SignedIn, cookie, signed_in};
use super::parts::{avatar, name_of};
use super::state::{ConsoleState, MAX_COUNT};
use crate::model::User;
use crate::server::peer::peer_of;

/// The cookie of the theme: `light` or `dark`. Without it, the system's is used.
pub(super) const THEME_COOKIE: &str = "sym_theme";

/// The cookie of the times: `utc`. Without it, they are local.
pub(super) const TIMES_COOKIE: &str = "sym_times";

/// The part of the console that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Home,
    Inbox,
    Access,
    Operations,
    Flows,
    Audit,
    People,
    /// None of them.
    None,
}

/// A page, without its frame. Returned from a handler, it is framed for the person who looks.
#[derive(Clone, Debug)]
pub(super) struct Page {
    title: String,
    section: Section,
    main: Markup,
    status: StatusCode,
    /// Whether the page itself is what the button for a new request leads to.
    is_request_form: bool,
    /// The Run whose changes the page shows live; with `None` and `is_live`, those of all Runs.
    live: Option<String>,
    counts: Counts,
}

/// The numbers that the menu shows beside its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    /// They are read.
    Read,
    /// The page has listed this many requests for its viewer to decide; the others are read.
    ToDecide(usize),
    /// None: the page tells what went wrong, and must not fail for what went wrong.
    Absent,
}

impl Page {
    pub(super) fn new(title: impl Into<String>, main: Markup) -> Self {
        Self {
            title: title.into(),
            section: Section::None,
            main,
            status: StatusCode::OK,
            is_request_form: false,
            live: None,
            counts: Counts::Read,
        }
    }

    pub(super) fn section(mut self, section: Section) -> Self {
        self.section = section;
        self
    }

    pub(super) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(super) fn request_form(mut self) -> Self {
        self.is_request_form = true;
        self
    }

    /// States how many requests wait for the viewer's decision, so that they are not counted again for the menu.
    pub(super) fn with_to_decide(mut self, waiting: usize) -> Self {
        self.counts = Counts::ToDecide(waiting);
        self
    }

    /// Shows no numbers in the menu.
    pub(super) fn without_counts(mut self) -> Self {
        self.counts = Counts::Absent;
        self
    }

    /// Shows changes of a Run, or with `"all"` of every Run, as they happen.
    pub(super) fn live(mut self, what: impl Into<String>) -> Self {
        self.live = Some(what.into());
        self
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Box::new(self));
        response
    }
}

/// The frame of a page: everything that depends on who looks.
struct Frame {
    user: Option<std::sync::Arc<User>>,
    organization: String,
    is_chooser: bool,
    theme: Option<&'static str>,
    is_utc: bool,
    to_decide: usize,
    stuck: usize,
}

/// Renders the page of a response, if it has one.
pub(super) async fn render(State(state): State<ConsoleState>, request: Request, next: Next) -> Response {
    let (peer, headers) = (peer_of(request.extensions()), request.headers().clone());
    let mut response = next.run(request).await;
    let Some(page) = response.extensions_mut().remove::<Box<Page>>() else { return response };
    let theme = match cookie(&headers, THEME_COOKIE).as_deref() {
        Some("light") => Some("light"),
        Some("dark") => Some("dark"),
        _ => None,
    };
    // A page is shown although its frame cannot be: the frame only helps.
    let signed_in = match response.extensions_mut().remove::<SignedIn>() {
        Some(signed_in) => Some(signed_in),
        None => signed_in(&state, peer, &headers).await.unwrap_or_default(),
    };
    let user = signed_in.map(|signed_in| signed_in.user);
    let mut frame = Frame {
        organization: state
            .runtime
            .flows()
            .iter()
            .next()
            .map_or_else(String::new, |flow| flow.organization().to_owned()),
        is_chooser: state.sign_in == SignIn::Chooser,
        theme,
        is_utc: cookie(&headers, TIMES_COOKIE).as_deref() == Some("utc"),
        to_decide: 0,
        stuck: 0,
        user,
    };
    if let (Some(user), counts @ (Counts::Read | Counts::ToDecide(_))) = (&frame.user, page.counts) {
        frame.to_decide = match counts {
            Counts::ToDecide(listed) => listed,
            _ => state.count_inbox(user).await.unwrap_or_default(),
        };
        if user.is_admin() {
            frame.stuck = state.count_stuck().await.unwrap_or_default();
        }
    }
    let text = frame.around(&page).into_string();
    let mut framed = (page.status, text).into_response();
    framed.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            framed.headers_mut().append(name, value.clone());
        }
    }
    framed
}

impl Frame {
    fn around(&self, page: &Page) -> Markup {
        let product = self.product();
        html! {
            (DOCTYPE)
            html lang="en" data-theme=[self.theme] data-times=[self.is_utc.then_some("utc")] data-live=[page.live.as_deref()] {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (page.title) " · " (product) }
                    link rel="icon" type="image/svg+xml" href=(assets::ICON.address());
                    link rel="stylesheet" href=(assets::STYLES.address());
                    script src=(assets::SCRIPT.address()) defer {}
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    @if self.is_chooser {
                        aside.dev aria-label="Demonstration" { p { b { "Demonstration." } " Everybody who opens this console chooses who they are." } }
                    }
                    header.bar { div.top { (self.top(page)) } }
                    main #main tabindex="-1" { (page.main) }
                    (self.foot(page.live.is_some()))
                }
            }
        }
    }

    fn product(&self) -> String {
        let mut letters = self.organization.chars();
        match letters.next() {
            Some(first) => format!("{}{} access", first.to_uppercase(), letters.as_str()),
            None => "Access".to_owned(),
        }
    }

    fn top(&self, page: &Page) -> Markup {
        let link = |section: Section, address: &str, label: &str, count: usize, what: &str| {
            let class = if section == Section::Operations { "is-failed" } else { "is-waiting" };
            html! {
                a href=(address) aria-current=[(page.section == section).then_some("page")] {
                    (label)
                    @if count > 0 {
                        " " span.count.(class) { @if count > MAX_COUNT { (MAX_COUNT) "+" } @else { (count) } span.sr { " " (what) } }
                    }
                }
            }
        };
        html! {
            a.brand href="/console" { (self.product()) }
            @if let Some(user) = &self.user {
                nav.tabs aria-label="Main" {
                    (link(Section::Home, "/console", "Home", 0, ""))
                    (link(Section::Inbox, "/console/inbox", "Inbox", self.to_decide, "to decide"))
                    (link(Section::Access, "/console/access", "Access", 0, ""))
                    @if user.is_admin() {
                        (link(Section::Operations, "/console/operations", "Operations", self.stuck, "stuck"))
                        (link(Section::Flows, "/console/flows", "Flows", 0, ""))
                        (link(Section::Audit, "/console/audit", "Audit", 0, ""))
                        (link(Section::People, "/console/people", "People", 0, ""))
                    }
                }
                div.row {
                    @if !page.is_request_form {
                        a.button.primary[page.section == Section::Home] href="/console/new" { "Request access" }
                    }
                    (self.menu(user))
                }
            }
        }
    }

    fn menu(&self, user: &User) -> Markup {
        let role = match user.role() {
            crate::model::UserRole::Admin => "administrator",
            crate::model::UserRole::Member => "member",
            _ => "guest",
        };
        let theme = |value: &str, label: &str| {
            let is_chosen = self.theme.unwrap_or("system") == value;
            html! { label { input type="radio" name="theme" value=(value) checked[is_chosen]; " " (label) } }
        };
        html! {
            details.menu {
                summary.button { (avatar(user)) span.wide { (user.first_name().filter(|name| !name.is_empty()).unwrap_or_else(|| user.username())) } span.sr { "Account" } }
                div {
                    p { b { (name_of(user)) } br; span.muted { (user.username()) " · " (role) } }
                    form.stack.tight method="post" action="/console/preferences" {
                        fieldset {
                            legend { "Theme" }
                            div.choice { (theme("system", "System")) (theme("light", "Light")) (theme("dark", "Dark")) }
                        }
                        fieldset {
                            legend { "Times" }
                            div.choice {
                                label { input type="radio" name="times" value="local" checked[!self.is_utc]; " Local" }
                                label { input type="radio" name="times" value="utc" checked[self.is_utc]; " UTC" }
                            }
                        }
                        p { button.button { "Save" } }
                    }
                    form method="post" action="/console/sign-out" { button.button { "Sign out" } }
                }
            }
        }
    }

    /// Returns the foot. That of a page which follows what happens has a place for what is said to those who hear it: it is never replaced.
    fn foot(&self, is_live: bool) -> Markup {
        html! {
            footer.foot {
                @if is_live { p.sr role="status" data-announce="" {} }
                @if self.is_utc { span { "Times are UTC." } } @else { span data-zone="" { "Times are UTC." } }
                @if self.user.is_some() {
                    span.wide.keys { kbd { "g" } " " kbd { "h" } " home " kbd { "g" } " " kbd { "i" } " inbox " kbd { "g" } " " kbd { "a" } " access " kbd { "/" } " search " kbd { "j" } " " kbd { "k" } " move " kbd { "x" } " mark" }
                }
            }
        }
    }
}
