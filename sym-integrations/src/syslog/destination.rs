//! Delivery of audit entries to a syslog receiver.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditAnchor, AuditDestination, AuditLine, EventStatus};
use sym_sdk::error::{BoxError, Result};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::configuration;
use super::connection::{Connection, Receiver};
use super::message::{Framing, Header, MAX_APP_NAME, MAX_HOSTNAME, Severity};
use crate::audit_format::AuditFormat;

/// The maximum size of a message that receivers usually take.
const DEFAULT_MAX_SIZE: usize = 8_192;

/// The size that every receiver should take, and the least that a reduced entry with its header needs.
const MIN_MAX_SIZE: usize = 2_048;

/// The time for which messages are kept after they were written, in case the connection proves to be lost.
const UNCONFIRMED: Duration = Duration::from_secs(60);

/// The maximum number of messages that are kept.
const MAX_UNCONFIRMED: usize = 1_024;

/// A log destination that sends audit entries to a syslog receiver over TLS. See the [module](super).
///
/// ```
/// use sym_integrations::syslog::{Framing, SyslogDestination};
///
/// let siem = SyslogDestination::new("siem", "siem.example.com:6514")?.framing(Framing::LineFeed).facility(16)?;
/// # let _ = siem;
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub struct SyslogDestination {
    name: String,
    receiver: Receiver,
    header: Header,
    framing: Framing,
    format: AuditFormat,
    max_size: usize,
    session: Mutex<Session>,
}

/// The connection, and what was written to it lately.
#[derive(Default)]
struct Session {
    connection: Option<Connection>,
    unconfirmed: VecDeque<(Instant, Vec<u8>)>,
}

impl SyslogDestination {
    /// Creates a destination for an address such as `siem.example.com:6514`. The store keeps the position of the destination under `name`.
    ///
    /// # Errors
    /// If the address is not a host with or without a port, or no certificate authority is found on the system.
    pub fn new(name: impl Into<String>, address: &str) -> Result<Self> {
        let mut receiver = Receiver::parse(address)?;
        receiver.load_system_authorities()?;
        let header = Header {
            facility: 13,
            hostname: String::new(),
            app_name: "sym".to_owned(),
            process_id: std::process::id(),
        };
        Ok(Self {
            name: name.into(),
            receiver,
            header,
            framing: Framing::default(),
            format: AuditFormat::default(),
            max_size: DEFAULT_MAX_SIZE,
            session: Mutex::default(),
        })
    }

    /// Trusts the certificate authorities of a PEM file, and no others.
    ///
    /// # Errors
    /// If the file cannot be read or contains no certificate.
    pub fn ca_file(mut self, file: &str) -> Result<Self> {
        let unreadable = || format!("`ca_file` cannot be read: `{file}`");
        let certificates = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| configuration(unreadable()).with_source(BoxError::from(error)))?;
        let mut authorities = RootCertStore::empty();
        authorities.add_parsable_certificates(certificates);
        if authorities.is_empty() {
            return Err(configuration(format!("`ca_file` contains no certificate: `{file}`")));
        }
        self.receiver.trust(authorities)?;
        Ok(self)
    }

    /// Sets how messages are divided. The default is octet counting.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Sets the format of the entries. The default is Sym's schema.
    #[must_use]
    pub fn format(mut self, format: AuditFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets the maximum size of a message in bytes, its header included. The default is 8,192.
    ///
    /// # Errors
    /// If it is less than 2,048, which every receiver takes.
    pub fn max_size(mut self, bytes: usize) -> Result<Self> {
        if bytes < MIN_MAX_SIZE {
            return Err(configuration(format!("`max_size` must be at least {MIN_MAX_SIZE}, got {bytes}")));
        }
        self.max_size = bytes;
        Ok(self)
    }

    /// Sets the field HOSTNAME.
    ///
    /// # Errors
    /// If it is longer than 255 characters or contains anything but printable ASCII.
    pub fn hostname(mut self, hostname: &str) -> Result<Self> {
        self.header.hostname = field("hostname", hostname, MAX_HOSTNAME)?;
        Ok(self)
    }

    /// Sets the field APP-NAME. The default is `sym`.
    ///
    /// # Errors
    /// If it is longer than 48 characters or contains anything but printable ASCII.
    pub fn app_name(mut self, app_name: &str) -> Result<Self> {
        self.header.app_name = field("app_name", app_name, MAX_APP_NAME)?;
        Ok(self)
    }

    /// Sets the number of the facility. The default is 13, log audit.
    ///
    /// # Errors
    /// If it is above 23.
    pub fn facility(mut self, facility: u8) -> Result<Self> {
        if facility > 23 {
            return Err(configuration(format!("`facility` must be from 0 to 23, got {facility}")));
        }
        self.header.facility = facility;
        Ok(self)
    }

    /// Returns an entry as a message of at most [`max_size`](Self::max_size) bytes.
    fn message(&self, line: &AuditLine) -> String {
        let entry = line.record().entry().ok();
        let status = entry.as_ref().and_then(|entry| entry.kind.event_status());
        let severity = if status == Some(EventStatus::Error) { Severity::Error } else { Severity::Informational };
        let (at, step) = entry
            .map_or((Timestamp::UNIX_EPOCH, "unreadable".to_owned()), |entry| (entry.at, entry.event.name.to_string()));
        let header = self.header.text(severity, at, &step, line.seq());
        let room = self.max_size.saturating_sub(header.len());
        header + &self.format.render_within(line, room)
    }

    /// Returns a connection that can be written to. If the last one was lost, what was written to it lately is sent again.
    async fn connection(&self, session: &mut Session) -> Result<Connection> {
        session.unconfirmed.retain(|(at, _)| at.elapsed() <= UNCONFIRMED);
        if let Some(mut connection) = session.connection.take()
            && connection.is_usable().await
        {
            return Ok(connection);
        }
        let mut connection = self.receiver.connect().await?;
        for (_, frame) in &session.unconfirmed {
            self.receiver.write(&mut connection, frame).await?;
        }
        Ok(connection)
    }

    async fn send(&self, session: &mut Session, message: &str) -> Result<()> {
        // The session has no connection while one is written to: if the write fails or is given up, part of a message may have been
        // sent, and nothing may follow it.
        let mut connection = self.connection(session).await?;
        let frame = self.framing.frame(message);
        self.receiver.write(&mut connection, &frame).await?;
        session.connection = Some(connection);
        session.unconfirmed.push_back((Instant::now(), frame));
        if session.unconfirmed.len() > MAX_UNCONFIRMED {
            session.unconfirmed.pop_front();
        }
        Ok(())
    }
}

impl AuditDestination for SyslogDestination {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move {
            let mut session = self.session.lock().await;
            for (sent, line) in lines.iter().enumerate() {
                match self.send(&mut session, &self.message(line)).await {
                    Ok(()) => {}
                    Err(error) if sent == 0 => return Err(error),
                    Err(_) => return Ok(sent),
                }
            }
            Ok(lines.len())
        })
    }

    fn deliver_anchor<'a>(&'a self, anchor: &'a AuditAnchor) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let header = self.header.text(Severity::Informational, anchor.at(), "anchor", anchor.head().seq);
            let message = header + &self.format.render_anchor(anchor);
            self.send(&mut *self.session.lock().await, &message).await
        })
    }
}

fn field(setting: &str, value: &str, max: usize) -> Result<String> {
    if value.is_empty() || value.len() > max || !value.chars().all(|c| c.is_ascii_graphic()) {
        let message =
            format!("`{setting}` must be 1 to {max} printable ASCII characters without spaces, got `{value}`");
        return Err(configuration(message));
    }
    Ok(value.to_owned())
}

impl fmt::Debug for SyslogDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyslogDestination")
            .field("name", &self.name)
            .field("host", &self.receiver.host)
            .field("header", &self.header)
            .field("framing", &self.framing)
            .field("format", &self.format)
            .field("max_size", &self.max_size)
            .finish_non_exhaustive()
    }
}
