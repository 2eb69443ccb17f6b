//! A TLS connection to a receiver, which is checked before it is written to.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use sym_sdk::error::{BoxError, Error, ErrorKind, Result, codes};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::configuration;
use crate::http::certificate;

/// Timeout for a connection with its handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Timeout for writing one message.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The time after which an idle connection is not used any more: firewalls forget connections without telling.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// The address of a receiver, and the certificates that it may have.
#[derive(Clone)]
pub(super) struct Receiver {
    pub(super) host: String,
    port: u16,
    name: ServerName<'static>,
    tls: Option<Arc<ClientConfig>>,
}

/// An open connection.
pub(super) struct Connection {
    stream: TlsStream<TcpStream>,
    last_write: Instant,
}

impl Receiver {
    /// The port that RFC 5425 assigns.
    const PORT: u16 = 6514;

    /// Parses an address such as `siem.example.com:6514` or `[2001:db8::1]:6514`.
    pub(super) fn parse(address: &str) -> Result<Self> {
        let invalid = || {
            configuration(format!(
                "`address` must be a host and a port such as `siem.example.com:{}`, got `{address}`",
                Self::PORT
            ))
        };
        // The syntax is that of a URL's authority.
        let url: url::Url = format!("syslog://{address}").parse().map_err(|_| invalid())?;
        let is_plain = url.username().is_empty() && url.password().is_none() && matches!(url.path(), "");
        let host = url.host_str().filter(|_| is_plain && url.query().is_none() && url.fragment().is_none());
        let host = host.ok_or_else(invalid)?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| invalid())?;
        Ok(Self { host, port: url.port().unwrap_or(Self::PORT), name, tls: None })
    }

    /// Trusts these authorities, and no others.
    pub(super) fn trust(&mut self, authorities: RootCertStore) -> Result<()> {
        self.tls = Some(tls_config(authorities)?);
        Ok(())
    }

    /// Loads the authorities of the system, unless others are trusted.
    pub(super) fn load_system_authorities(&mut self) -> Result<()> {
        if self.tls.is_some() {
            return Ok(());
        }
        let mut authorities = RootCertStore::empty();
        authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if authorities.is_empty() {
            return Err(configuration("no certificate authority was found on this system")
                .with_hint("install the package `ca-certificates`, or set `ca_file`"));
        }
        self.trust(authorities)
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// If the receiver cannot be reached, or its certificate is not accepted.
    pub(super) async fn connect(&self) -> Result<Connection> {
        let tls = self.tls.clone().ok_or_else(|| configuration("no certificate authority is trusted"))?;
        let connecting = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            TlsConnector::from(tls).connect(self.name.clone(), stream).await
        };
        let Ok(connected) = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await else {
            return Err(self.error(ErrorKind::Timeout, "timed out while it was connected to"));
        };
        match connected {
            Ok(stream) => Ok(Connection { stream, last_write: Instant::now() }),
            Err(error) => match certificate::rejected(&error) {
                Some(hint) => {
                    Err(self.error(ErrorKind::Configuration, "has a certificate that was rejected").with_hint(hint))
                }
                None => {
                    Err(self.error(ErrorKind::Unavailable, "cannot be connected to").with_source(BoxError::from(error)))
                }
            },
        }
    }

    fn error(&self, kind: ErrorKind, problem: &str) -> Error {
        let message = format!("cannot deliver audit entries: `{}:{}` {problem}", self.host, self.port);
        Error::new(kind, codes::AUDIT_DESTINATION, message).with_service(&self.host)
    }

    /// Writes a message, and returns when the operating system has it.
    pub(super) async fn write(&self, connection: &mut Connection, frame: &[u8]) -> Result<()> {
        let writing = async {
            connection.stream.write_all(frame).await?;
            connection.stream.flush().await
        };
        match tokio::time::timeout(WRITE_TIMEOUT, writing).await {
            Ok(Ok(())) => {
                connection.last_write = Instant::now();
                Ok(())
            }
            Ok(Err(error)) => {
                Err(self.error(ErrorKind::Unavailable, "has closed the connection").with_source(BoxError::from(error)))
            }
            Err(_) => Err(self.error(ErrorKind::Timeout, "does not take any more messages")),
        }
    }
}

impl Connection {
    /// Whether the connection can be written to: it was not idle for long, and the receiver has not closed it.
    pub(super) async fn is_usable(&mut self) -> bool {
        if self.last_write.elapsed() > MAX_IDLE {
            return false;
        }
        let mut bytes = [0; 256];
        // A receiver sends nothing, so anything but "nothing yet" is the end of the connection.
        poll_fn(|context| {
            let mut buffer = ReadBuf::new(&mut bytes);
            Poll::Ready(match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Pending => true,
                Poll::Ready(Ok(())) => !buffer.filled().is_empty(),
                Poll::Ready(Err(_)) => false,
            })
        })
        .await
    }
}

fn tls_config(authorities: RootCertStore) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder =
        versions.map_err(|error| configuration("TLS cannot be configured").with_source(BoxError::from(error)))?;
    Ok(Arc::new(builder.with_root_certificates(authorities).with_no_client_auth()))
}
