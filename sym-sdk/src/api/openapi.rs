//! The routes and their description, of one source: each handler is annotated with its path, parameters, bodies and answers.
//!
//! The answers that any call may have, such as those for a caller who is not known, are added here, so that no handler forgets one. A schema
//! takes its name from its type, and two types of one name would silently share the schema of the former, so [`Routes`] looks out for that.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder, Schema, Server,
};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use super::state::ApiState;
use super::{
    access, audit, bots, changes, command_line, decisions, events, flows, me, operations, run_list, runs, timeline,
    token_exchange, trusts, users,
};
use crate::server::problem::{FieldProblem, ProblemBody};

/// The path of the version, as clients see it.
const BASE: &str = "/api/v1";

/// The answers that every call may have besides those of its own.
const COMMON_PROBLEMS: [(&str, &str); 11] = [
    ("400", "A parameter, a header, an id or the body is invalid."),
    ("401", "The caller is not known: there is no token, or it is not good."),
    ("403", "The caller may not do this."),
    ("404", "There is no such thing, or the caller may not see it."),
    ("405", "The route does not take this method."),
    ("429", "The caller calls too fast; `Retry-After` says when to go on."),
    ("431", "The headers are too large."),
    ("500", "A bug in the program, or an error in its configuration."),
    ("502", "A handler or a service failed."),
    ("503", "The store is not available, or the server is stopping or busy."),
    ("504", "The call was not answered in time."),
];

/// The answers that calls with a body, or that change something, may have.
const WRITE_PROBLEMS: [(&str, &str); 4] = [
    ("409", "The state does not allow it, or the request has changed since the caller saw it."),
    ("413", "The body is too large."),
    ("415", "The body is not JSON."),
    ("422", "The `Idempotency-Key` was used for other content."),
];

/// The routes, and the schemas that they use.
pub(super) struct Routes {
    router: OpenApiRouter<ApiState>,
    schemas: BTreeMap<String, Value>,
    clashes: Vec<String>,
}

impl Routes {
    fn new() -> Self {
        Self { router: OpenApiRouter::with_openapi(frame()), schemas: BTreeMap::new(), clashes: Vec::new() }
    }

    /// Adds the routes of one path.
    fn add(mut self, routes: UtoipaMethodRouter<ApiState>) -> Self {
        for (name, schema) in &routes.0 {
            let schema = serde_json::to_value(schema).unwrap_or_default();
            match self.schemas.get(name) {
                Some(known) if *known != schema => self.clashes.push(name.clone()),
                Some(_) => {}
                None => {
                    self.schemas.insert(name.clone(), schema);
                }
            }
        }
        Self { router: self.router.routes(routes), ..self }
    }

    pub(super) fn into_router(self) -> Router<ApiState> {
        self.router.split_for_parts().0
    }

    /// Returns the names that two different schemas have.
    #[cfg(test)]
    fn clashes(&self) -> &[String] {
        &self.clashes
    }
}

/// Returns all routes, relative to the path of the version.
pub(super) fn routes() -> Routes {
    Routes::new()
        .add(routes!(events::request))
        .add(routes!(events::deescalate))
        .add(routes!(events::event))
        .add(routes!(run_list::list))
        .add(routes!(runs::one))
        .add(routes!(timeline::timeline))
        .add(routes!(timeline::deciders))
        .add(routes!(changes::of_run))
        .add(routes!(decisions::approve))
        .add(routes!(decisions::deny))
        .add(routes!(decisions::extend))
        .add(routes!(decisions::remind))
        .add(routes!(decisions::revoke))
        .add(routes!(decisions::write_off))
        .add(routes!(decisions::decide_many))
        .add(routes!(access::list))
        .add(routes!(access::revoke))
        .add(routes!(flows::list))
        .add(routes!(flows::one))
        .add(routes!(flows::form))
        .add(routes!(flows::change))
        .add(routes!(flows::options))
        .add(routes!(flows::preview))
        .add(routes!(changes::all))
        .add(routes!(audit::search))
        .add(routes!(audit::export))
        .add(routes!(audit::head))
        .add(routes!(users::list, users::add))
        .add(routes!(users::one, users::change, users::delete))
        .add(routes!(users::restore))
        .add(routes!(users::sign_out))
        .add(routes!(users::add_identity, users::delete_identity))
        .add(routes!(bots::list, bots::add))
        .add(routes!(bots::delete))
        .add(routes!(bots::tokens, bots::issue_token))
        .add(routes!(bots::revoke_token))
        .add(routes!(trusts::list, trusts::add))
        .add(routes!(trusts::remove))
        .add(routes!(me::me))
        .add(routes!(me::sign_out))
        .add(routes!(operations::overview))
        .add(routes!(operations::reconcile))
}

/// Returns the routes that need no caller, relative to the path of the version.
pub(super) fn open_routes() -> Routes {
    Routes::new()
        .add(routes!(token_exchange::exchange))
        .add(routes!(command_line::begin))
        .add(routes!(command_line::fetch))
}

/// Returns the document without its paths.
fn frame() -> OpenApi {
    let license = LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("sym-sdk")
        .version("1")
        .description(Some(
            "Requests for access, decisions about them, and the access that they give. Times are RFC 3339 in UTC, durations whole seconds, \
             ids UUIDs. Members and parameters that are not listed are refused.",
        ))
        .license(Some(license));
    OpenApiBuilder::new().info(info).servers(Some([Server::new(BASE)])).build()
}

/// Returns the whole document.
pub(super) fn document() -> Value {
    let mut document = routes().router.merge(open_routes().router).into_openapi();
    for path in document.paths.paths.values_mut() {
        let operations = [
            (&mut path.get, false),
            (&mut path.post, true),
            (&mut path.patch, true),
            (&mut path.put, true),
            (&mut path.delete, true),
        ];
        for (operation, is_write) in operations {
            if let Some(operation) = operation {
                add_problems(operation, is_write);
            }
        }
    }
    let components = document.components.get_or_insert_default();
    let mut problems: Vec<(String, RefOr<Schema>)> = vec![(ProblemBody::name().into(), ProblemBody::schema())];
    problems.push((FieldProblem::name().into(), FieldProblem::schema()));
    components.schemas.extend(problems);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "The token of a bot, `symbot_…`, or of a person who has signed in on a command line, `symcli_…`.",
        ))
        .build();
    components.security_schemes.insert("token".to_owned(), SecurityScheme::Http(bearer).into());
    document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    serde_json::to_value(&document).unwrap_or_default()
}

fn add_problems(operation: &mut Operation, is_write: bool) {
    let writes = WRITE_PROBLEMS.iter().filter(|_| is_write);
    for (status, description) in COMMON_PROBLEMS.iter().chain(writes) {
        let schema = Ref::from_schema_name(ProblemBody::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(*description).content("application/json", content).build();
        operation.responses.responses.entry((*status).to_owned()).or_insert_with(|| response.into());
    }
}

/// Returns the route of the document, which anybody may read: it says nothing about the organization.
pub(super) fn document_route() -> Router<ApiState> {
    Router::new().route("/v1/openapi.json", get(openapi))
}

/// The document as it is served. Anybody may ask for it, as often as they like, so it is built once.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document().to_string()));

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The later route would be described with the schema of the former.
    #[test]
    fn no_two_schemas_share_a_name() {
        assert_eq!(routes().clashes(), <[String; 0]>::default());
        assert_eq!(open_routes().clashes(), <[String; 0]>::default());
    }
}
