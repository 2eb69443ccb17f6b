//! The web console, for people: pages on which they request access, decide, and see who has it and why.
//!
//! It is a pair of [front ends](crate::runtime::FrontEnd): `console`, and `r` with the one address of each Run, `/r/{run}`. The command
//! `serve` of an [`App`](crate::App) serves it if this feature is enabled. In a program of your own:
//!
//! ```
//! use sym_sdk::config::Config;
//! use sym_sdk::console::Console;
//! use sym_sdk::runtime::Runtime;
//!
//! let console = Console::new();
//! let builder = Runtime::builder(Config::default()).front_end(console.run_pages()).front_end(console);
//! # let _ = builder;
//! ```
//!
//! It guarantees that
//!
//! - **the machine decides**: a page shows what its viewer can do now, as the machine has answered, and submits the rest;
//! - **what one may not see does not exist**: the page of such a Run is that of a Run that never was, to the byte;
//! - **every page works without JavaScript**, which adds suggestions, live updates and local times;
//! - **a GET changes nothing**, and requests of other sites are refused;
//! - **nothing on a page is markup** but what this crate has written, and no page has a script or a style of its own.

mod access;
mod assets;
mod audit;
mod authentication;
mod bots;
mod command_line;
mod decide;
mod ended_session;
mod flows;
mod form;
mod home;
mod inbox;
mod live;
mod new_request;
mod notices;
mod operations;
mod page;
mod paging;
mod parts;
mod people;
mod prompt;
mod refusal;
mod request;
mod requests;
mod run_summary;
mod security;
mod sign_in;
mod state;
mod timeline;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use self::authentication::authenticate;
use self::notices::Notices;
use self::state::ConsoleState;
use crate::delivery::Delivery;
#[cfg(feature = "cli")]
use crate::runtime::Builder;
use crate::runtime::{FrontEnd, RUN_PAGES_NAME, RouterContext};

/// The name of the front end, below which its routes are mounted.
pub(crate) const NAME: &str = "console";

/// The way in which people sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SignIn {
    /// At the identity provider, if there is one.
    #[default]
    Provider,
    /// Whoever reaches it chooses a user.
    Chooser,
}

/// The front end that serves the console. See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct Console {
    sign_in: SignIn,
}

impl Console {
    /// Creates the front end. People sign in at the [identity provider](crate::runtime::Builder::identity_provider) of the runtime; without
    /// one, nobody can.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everybody who reaches the console choose the user that they are. For demonstrations and tests of flows whose services are
    /// simulated, and for nothing else: requests are taken if they name a host of the loopback interface, and every page says so.
    #[must_use]
    pub fn with_user_chooser(mut self) -> Self {
        self.sign_in = SignIn::Chooser;
        self
    }

    /// Returns the front end with the pages of Runs, which have addresses of their own. Without it, links to Runs lead nowhere.
    pub fn run_pages(&self) -> RunPages {
        RunPages(self.clone())
    }

    /// Returns the builder without the console and the pages of Runs, so that nothing links to them.
    #[cfg(feature = "cli")]
    pub(crate) fn remove_from(builder: Builder) -> Builder {
        builder.without_front_end(NAME).without_front_end(RUN_PAGES_NAME)
    }

    fn state(&self, context: RouterContext) -> ConsoleState {
        ConsoleState::new(context, self.sign_in)
    }
}

impl FrontEnd for Console {
    fn name(&self) -> &str {
        NAME
    }

    fn delivery(self: Arc<Self>) -> Option<impl Delivery> {
        Some(Notices)
    }

    fn router(&self, context: RouterContext) -> Router {
        let state = self.state(context);
        let pages = Router::new()
            .route("/", get(home::page))
            .route("/inbox", get(inbox::page).post(inbox::review))
            .route("/inbox/decide", post(inbox::decide))
            .route("/new", get(new_request::flows))
            .route("/new/{flow}", get(new_request::page).post(new_request::send))
            .route("/new/{flow}/options/{field}", get(new_request::options))
            .route("/forms/{run}", get(prompt::page).post(prompt::send))
            .route("/requests", get(requests::page))
            .route("/access", get(access::page))
            .route("/access.csv", get(access::export))
            .route("/operations", get(operations::page))
            .route("/operations/reconcile", post(operations::reconcile))
            .route("/flows", get(flows::page))
            .route("/audit", get(audit::page))
            .route("/audit/export", get(audit::export))
            .route("/audit/verify", post(audit::verify))
            .route("/people", get(people::page).post(bots::add))
            .route("/people/{user}", get(people::user).post(people::change))
            .route("/people/{user}/tokens", post(bots::change_tokens))
            .route("/people/{user}/trusts", post(bots::change_trusts))
            .route("/command-line", get(command_line::page).post(command_line::answer))
            .route("/preferences", post(sign_in::set_preferences))
            .route("/changes", get(live::changes));
        // With an identity provider, the server has routes of its own for these.
        let (pages, open) = match state.runtime.sign_in_issuer() {
            Some(_) => (pages, Router::new()),
            None => (
                pages.route("/sign-out", post(sign_in::sign_out)),
                Router::new().route("/sign-in", get(sign_in::page).post(sign_in::choose)),
            ),
        };
        let open = open.merge(assets::routes());
        layered(pages, open, state)
    }

    fn limits_requests(&self) -> bool {
        true
    }
}

/// The front end with the pages of Runs, at `/r/{run}`. See [`Console::run_pages`].
#[derive(Clone, Debug)]
pub struct RunPages(Console);

impl FrontEnd for RunPages {
    fn name(&self) -> &str {
        RUN_PAGES_NAME
    }

    fn router(&self, context: RouterContext) -> Router {
        let state = self.0.state(context);
        let pages = Router::new()
            .route("/{run}", get(request::page).post(decide::act))
            .route("/{run}/write-off", get(decide::write_off_page));
        layered(pages, Router::new(), state)
    }

    fn limits_requests(&self) -> bool {
        true
    }
}

/// Adds to the routes what applies to all of them. Who is not signed in sees those of `open` alone.
fn layered(pages: Router<ConsoleState>, open: Router<ConsoleState>, state: ConsoleState) -> Router {
    let pages = pages
        .fallback(refusal::not_found)
        .method_not_allowed_fallback(refusal::method_not_allowed)
        .layer(from_fn_with_state(state.clone(), authenticate));
    // Each layer wraps those before it.
    pages
        .merge(open)
        .layer(from_fn_with_state(state.clone(), state::bounded))
        .layer(CatchPanicLayer::custom(refusal::panicked))
        .layer(from_fn_with_state(state.clone(), page::render))
        .layer(from_fn_with_state(state.clone(), security::secure))
        .with_state(state)
}
