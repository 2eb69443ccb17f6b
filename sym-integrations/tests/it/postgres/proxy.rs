//! A proxy before a server, which lets things happen to transactions.

use std::sync::{Arc, Mutex};

use sym_integrations::postgres::{Postgres, PostgresBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::cluster::{Cluster, LOGIN_KEY, PASSWORD, SUPERUSER_PASSWORD, connect};

/// The message of a statement `COMMIT`: its type, its length, and the text.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// A part of every statement that changes a temporary login.
const WRITE: &[u8] = b"ROLE \"sym_";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commits {
    Forwarded,
    /// Forwarded, and their responses are lost with the connection.
    ResponsesLost,
    /// Forwarded [later](Proxy::land), when their connection is long gone.
    Late,
}

pub(crate) struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    commits: Commits,
    /// The connections to the server with a transaction to be committed.
    late: Vec<TcpStream>,
    /// The statements that a superuser executes before the next write of a transaction.
    meanwhile: Option<String>,
}

impl Proxy {
    pub(crate) async fn start(cluster: &Cluster) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = State { commits: Commits::Forwarded, late: Vec::new(), meanwhile: None };
        let state = Arc::new(Mutex::new(state));
        let (shared, server) = (Arc::clone(&state), cluster.port());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Either side may hang up at any point.
                tokio::spawn(carry(client, server, Arc::clone(&shared)));
            }
        });
        Self { port, state }
    }

    /// A builder of a client that connects through the proxy.
    pub(crate) fn builder(&self) -> PostgresBuilder {
        let address = format!("127.0.0.1:{}", self.port);
        Postgres::builder(address, "manager").password(PASSWORD).login_key(LOGIN_KEY).database("app")
    }

    pub(crate) fn set_commits(&self, commits: Commits) {
        self.state.lock().unwrap().commits = commits;
    }

    /// Sets what a superuser executes before the next write, when all that it depends on is read.
    pub(crate) fn meanwhile(&self, statements: &str) {
        self.state.lock().unwrap().meanwhile = Some(statements.to_owned());
    }

    /// Forwards the commits that are late.
    pub(crate) async fn land(&self) {
        self.set_commits(Commits::Forwarded);
        let late = std::mem::take(&mut self.state.lock().unwrap().late);
        for mut server in late {
            commit(&mut server).await.unwrap();
        }
    }
}

async fn carry(mut client: TcpStream, port: u16, state: Arc<Mutex<State>>) -> std::io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sent, mut received) = ([0; 16_384], [0; 16_384]);
    loop {
        tokio::select! {
            count = client.read(&mut sent) => {
                let sent = &sent[..count?];
                if sent.is_empty() {
                    return Ok(());
                }
                let commits = state.lock().unwrap().commits;
                match commits {
                    Commits::ResponsesLost if sent == COMMIT => return commit(&mut server).await,
                    Commits::Late if sent == COMMIT => {
                        state.lock().unwrap().late.push(server);
                        return Ok(());
                    }
                    _ => {}
                }
                if sent.windows(WRITE.len()).any(|part| part == WRITE) {
                    let meanwhile = state.lock().unwrap().meanwhile.take();
                    if let Some(statements) = meanwhile {
                        let superuser = connect(port, "postgres", SUPERUSER_PASSWORD, "postgres").await.unwrap();
                        superuser.batch_execute(&statements).await.unwrap();
                    }
                }
                server.write_all(sent).await?;
            }
            count = server.read(&mut received) => {
                let received = &received[..count?];
                if received.is_empty() {
                    return Ok(());
                }
                client.write_all(received).await?;
            }
        }
    }
}

/// Commits a transaction, and returns when that has happened.
async fn commit(server: &mut TcpStream) -> std::io::Result<()> {
    server.write_all(COMMIT).await?;
    server.read(&mut [0; 1024]).await.map(drop)
}
