//! The API within this process, on the file of a store.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use futures_util::StreamExt as _;
use tower::ServiceExt as _;

use crate::api::Api;
use crate::cli::exit::CommandError;
use crate::cli::output::Output;
use crate::cli::simulated_store::is_simulated;
use crate::cli::store_copy::StoreCopy;
use crate::cli::{Common, Program, operator};
use crate::client::{Call, Client, Incoming, Transport};
use crate::config::Config;
use crate::engine::{SqliteOptions, SqliteStore, StoreError};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;
use crate::runtime::RouterContext;
use crate::server::caller::Credentials;

/// The things that a command needs of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// To read it, also beside the program that has it.
    Reader,
    /// To read it, and handlers that call services.
    Services,
    /// A copy of it, and services.
    Copy,
    /// To change it, while no program has it.
    Writer,
}

/// A store that is open, and the API on it.
pub(super) struct OpenFile {
    pub(super) client: Client,
    store: Arc<SqliteStore>,
    _copy: Option<StoreCopy>,
}

impl OpenFile {
    pub(super) async fn open(
        mut program: Program,
        common: Common,
        db: &Path,
        actor: Option<String>,
        needs: Needs,
        output: &mut Output<'_>,
    ) -> std::result::Result<Self, CommandError> {
        let config = match needs {
            Needs::Reader => read_leniently(&mut program, common, output)?,
            _ => crate::cli::read_config(&mut program, common, output)?,
        };
        if needs == Needs::Writer && actor.is_none() {
            return Err(CommandError::Usage {
                message: "nobody is named who does this".to_owned(),
                help: "pass the e-mail address of a user of the store with `--as`",
            });
        }
        // Opening a store creates it.
        if needs == Needs::Writer && !db.exists() {
            let message = format!("store `{}` does not exist", db.display());
            let error = Error::new(ErrorKind::NotFound, codes::STORE, message);
            return Err(error.with_hint("check the path given with `--db`").into());
        }
        let mut copy = None;
        let store = match needs {
            Needs::Reader | Needs::Services => SqliteStore::open_read_only(db).await?,
            Needs::Writer => SqliteStore::open(db).await.map_err(in_use)?,
            Needs::Copy => {
                let copied = StoreCopy::of(db.to_owned(), "reconcile").await?;
                // A copy needs no space for revocations: none is made.
                let options = SqliteOptions::default().with_reserve_bytes(0);
                let store = SqliteStore::open_with(copied.path(), options).await?;
                copy = Some(copied);
                store
            }
        };
        let store = Arc::new(store);
        match client(program, config, &store, actor, needs).await {
            Ok(client) => Ok(Self { client, store, _copy: copy }),
            Err(error) => {
                store.close().await?;
                Err(error)
            }
        }
    }

    pub(super) async fn close(self) -> std::result::Result<(), CommandError> {
        Ok(self.store.close().await?)
    }
}

/// Reads the configuration for labels alone. Without one, names stand for them.
fn read_leniently(
    program: &mut Program,
    common: Common,
    output: &mut Output<'_>,
) -> std::result::Result<Config, CommandError> {
    match crate::cli::read_config(program, common, output) {
        Ok(config) => Ok(config),
        Err(CommandError::Usage { .. }) => Ok(Config::default()),
        Err(CommandError::Config(errors)) if !output.json => {
            let count = errors.iter().count();
            writeln!(output.err, "warning: the configuration has {count} errors; names stand for labels")?;
            Ok(Config::default())
        }
        Err(CommandError::Config(_)) => Ok(Config::default()),
        Err(error) => Err(error),
    }
}

fn in_use(error: StoreError) -> CommandError {
    let is_in_use = matches!(&error, StoreError::Refused(reason) if reason.to_string().contains(" is in use by "));
    let error = Error::from(error);
    if is_in_use {
        return error.with_hint("call the program that has it, with `--server URL` instead of `--db`").into();
    }
    error.into()
}

async fn client(
    mut program: Program,
    config: Config,
    store: &Arc<SqliteStore>,
    actor: Option<String>,
    needs: Needs,
) -> std::result::Result<Client, CommandError> {
    let with_services = matches!(needs, Needs::Services | Needs::Copy) && !is_simulated(store).await?;
    // Otherwise nothing real is needed, and nothing is executed: what is submitted is durable, and the program goes on with it.
    let builder = if with_services {
        program.builder(config)
    } else {
        let builder = program.simulated_builder(config);
        program.install_fakes(builder)
    };
    let builder = builder.sqlite(store.clone());
    let builder = match needs {
        Needs::Reader | Needs::Services => builder.read_only(),
        Needs::Copy | Needs::Writer => builder,
    };
    let runtime = match needs {
        Needs::Copy => builder.build().await?,
        _ => builder.build_degraded().await?,
    };
    let credentials = Credentials::Operator { email: actor, channel: operator::channel() };
    let routes = Api::routes_for(RouterContext::new(runtime), credentials);
    Ok(Client::over(FileTransport { routes }))
}

/// The routes of the API, called within the process.
struct FileTransport {
    routes: Router,
}

impl FileTransport {
    async fn call(&self, call: &Call) -> Result<Incoming> {
        let mut request = Request::builder().method(call.method().clone()).uri(call.path_and_query());
        if let Some(key) = call.idempotency_key() {
            request = request.header("idempotency-key", key);
        }
        let body = match call.body_text() {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body)
            }
            None => Body::empty(),
        };
        let request = request.body(body).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, codes::INVALID_PARAMETER, format!("the call is malformed: {error}"))
        })?;
        let Ok(response) = self.routes.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let chunks = body.into_data_stream().map(|chunk| {
            chunk.map(|bytes| bytes.to_vec()).map_err(|error| {
                Error::new(ErrorKind::Internal, codes::INTERNAL, "the answer was cut off").with_source(error)
            })
        });
        Ok(Incoming { status: parts.status, headers: parts.headers, body: Box::pin(chunks) })
    }
}

impl Transport for FileTransport {
    fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Incoming>> {
        Box::pin(self.call(call))
    }
}

impl fmt::Debug for FileTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileTransport").finish_non_exhaustive()
    }
}
