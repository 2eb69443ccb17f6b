//! The log destination `syslog`, against a receiver of the test's own, with a certificate authority of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertifiedIssuer, KeyPair};
use serde_json::Value;
use sym_integrations::audit_format::AuditFormat;
use sym_integrations::syslog::{Framing, SyslogDestination};
use sym_sdk::audit::AuditDestination;
use sym_sdk::error::ErrorKind;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::GRACE;
use crate::log_destinations::{anchor, is_failure, lines, lines_with_a_failure, lines_with_target_setting};

/// A receiver of messages. It tells what it has received, connection by connection.
struct Receiver {
    address: String,
    authority: NamedTempFile,
    received: mpsc::UnboundedReceiver<(usize, Vec<u8>)>,
    closes: Arc<AtomicBool>,
}

impl Receiver {
    async fn start() -> Self {
        Self::start_for(usize::MAX).await
    }

    /// Starts a receiver that is gone after so many connections.
    async fn start_for(connections: usize) -> Self {
        let mut parameters = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let authority = NamedTempFile::new().unwrap();
        let encoded = STANDARD.encode(issuer.as_ref().der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n");
        std::fs::write(authority.path(), pem).unwrap();
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        let address = format!("localhost:{}", listener.local_addr().unwrap().port());
        let (sender, received) = mpsc::unbounded_channel();
        let closes = Arc::new(AtomicBool::new(false));
        tokio::spawn(accept(listener, connections, TlsAcceptor::from(Arc::new(config)), sender, closes.clone()));
        Self { address, authority, received, closes }
    }

    fn destination(&self) -> SyslogDestination {
        let destination = SyslogDestination::new("test", &self.address).unwrap();
        destination.ca_file(self.authority.path().to_str().unwrap()).unwrap()
    }

    /// Returns the next messages, each with the number of its connection.
    async fn messages(&mut self, count: usize) -> Vec<(usize, String)> {
        let mut pending: Vec<u8> = Vec::new();
        let mut messages = Vec::new();
        let mut connection = 0;
        while messages.len() < count {
            let (from, bytes) = tokio::time::timeout(GRACE, self.received.recv()).await.unwrap().unwrap();
            if from != connection {
                assert!(pending.is_empty(), "a message was left in part");
                connection = from;
            }
            pending.extend(bytes);
            while let Some((message, rest)) = octet_counted(&pending) {
                messages.push((connection, message));
                pending = rest;
            }
        }
        assert!(pending.is_empty());
        messages
    }
}

async fn accept(
    listener: TcpListener,
    connections: usize,
    acceptor: TlsAcceptor,
    sender: mpsc::UnboundedSender<(usize, Vec<u8>)>,
    closes: Arc<AtomicBool>,
) {
    for connection in 1..=connections {
        let Ok((stream, _)) = listener.accept().await else { return };
        let Ok(mut stream) = acceptor.accept(stream).await else { continue };
        let (sender, closes) = (sender.clone(), closes.clone());
        tokio::spawn(async move {
            let mut bytes = vec![0; 65_536];
            while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                let closing = closes.swap(false, Ordering::SeqCst);
                if closing {
                    stream.shutdown().await.unwrap();
                }
                sender.send((connection, bytes[..read].to_vec())).unwrap();
                if closing {
                    return;
                }
            }
        });
    }
}

/// Splits the first message from the rest, if it is complete.
fn octet_counted(bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&bytes[..space]).unwrap().parse().unwrap();
    let end = space + 1 + length;
    (bytes.len() >= end).then(|| (String::from_utf8(bytes[space + 1..end].to_vec()).unwrap(), bytes[end..].to_vec()))
}

/// Returns the JSON of a message.
fn body(message: &str) -> Value {
    let start = message.find("] {").unwrap() + 2;
    serde_json::from_str(&message[start..]).unwrap()
}

#[tokio::test]
async fn messages_are_those_of_the_rfc_with_the_entry_as_it_is() {
    let mut receiver = Receiver::start().await;
    let lines = lines().await;
    let syslog = receiver.destination().hostname("host.example.com").unwrap();
    assert_eq!(syslog.deliver(&lines).await.unwrap(), lines.len());
    let messages = receiver.messages(lines.len()).await;
    for ((connection, message), line) in messages.iter().zip(&lines) {
        assert_eq!(*connection, 1, "one connection is enough");
        assert!(message.starts_with("<110>1 2") && message.contains("Z host.example.com sym "), "{message}");
        assert!(message.contains(&format!(r#"[meta sequenceId="{}"] {{"#, line.seq())), "{message}");
        assert!(message.ends_with(line.as_str()));
    }
}

#[tokio::test]
async fn an_anchor_is_a_message_of_its_own_kind() {
    let mut receiver = Receiver::start().await;
    let lines = lines().await;
    let syslog = receiver.destination().app_name("access").unwrap();
    syslog.deliver(&lines[..1]).await.unwrap();
    let anchor = anchor(&lines[..1]);
    syslog.deliver_anchor(&anchor).await.unwrap();
    let messages = receiver.messages(2).await;
    let (connection, message) = &messages[1];
    assert_eq!(*connection, 1);
    assert!(message.starts_with("<110>1 2") && message.contains(" anchor [origin "), "{message}");
    assert!(message.ends_with(&anchor.to_line()), "{message}");
}

/// SY03: receivers usually take 8,192 bytes; a larger entry is reduced to valid JSON, not cut.
#[tokio::test]
async fn large_entries_are_reduced() {
    let mut receiver = Receiver::start().await;
    let lines = lines_with_target_setting(&"é".repeat(20_000)).await;
    receiver.destination().deliver(&lines).await.unwrap();
    let messages = receiver.messages(lines.len()).await;
    assert!(messages.iter().all(|(_, message)| message.len() <= 8_192));
    assert!(messages.iter().any(|(_, message)| body(message)["truncated"] == true));

    let large = receiver.destination().max_size(1_000_000).unwrap();
    large.deliver(&lines).await.unwrap();
    let messages = receiver.messages(lines.len()).await;
    assert!(messages.iter().any(|(_, message)| message.len() > 16_384), "a long message is written whole");
    assert!(messages.iter().zip(&lines).all(|((_, message), line)| message.ends_with(line.as_str())));
}

/// SY01: a write to a connection that the receiver has closed succeeds, and is lost.
#[tokio::test]
async fn messages_are_sent_again_after_the_receiver_closed_the_connection() {
    let mut receiver = Receiver::start().await;
    let lines = lines().await;
    let syslog = receiver.destination();
    receiver.closes.store(true, Ordering::SeqCst);
    syslog.deliver(&lines[..1]).await.unwrap();
    let first = receiver.messages(1).await;
    assert_eq!(body(&first[0].1)["id"], lines[0].id().to_string());
    // The end of the connection is on its way. The next deliveries find it, and begin with what may have been lost.
    let mut delivered = 1;
    let second = loop {
        syslog.deliver(&lines[1..2]).await.unwrap();
        delivered += 1;
        match receiver.received.try_recv() {
            Ok((2, bytes)) => break bytes,
            _ => tokio::task::yield_now().await,
        }
        assert!(delivered < 1_000_000);
    };
    let (message, _) = octet_counted(&second).unwrap();
    assert_eq!(body(&message)["id"], lines[0].id().to_string(), "the first message comes again, with its id");
}

/// Messages that were sent before a failure count: they would come twice otherwise.
#[tokio::test]
async fn messages_before_a_failure_are_delivered() {
    let receiver = Receiver::start_for(1).await;
    receiver.closes.store(true, Ordering::SeqCst);
    let lines = lines().await;
    // More than the buffers of a connection that is closed can take.
    let lines: Vec<_> = lines.iter().cycle().take(50_000).cloned().collect();
    let sent = receiver.destination().deliver(&lines).await.unwrap();
    assert!((1..lines.len()).contains(&sent), "{sent}");
}

/// The severity tells failures from the rest.
#[tokio::test]
async fn entries_of_failures_are_errors() {
    let mut receiver = Receiver::start().await;
    let lines = lines_with_a_failure().await;
    receiver.destination().deliver(&lines).await.unwrap();
    for ((_, message), line) in receiver.messages(lines.len()).await.iter().zip(&lines) {
        let priority = if is_failure(line) { "<107>1 " } else { "<110>1 " };
        assert!(message.starts_with(priority), "{message}");
    }
}

#[tokio::test]
async fn unknown_authorities_and_closed_ports_are_told_apart() {
    let receiver = Receiver::start().await;
    let lines = lines().await;
    let stranger = SyslogDestination::new("test", &receiver.address).unwrap();
    let error = stranger.deliver(&lines).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Configuration, false));
    assert!(error.hint().unwrap().contains("certificate"));

    let nobody = SyslogDestination::new("test", "localhost:1").unwrap();
    let error = nobody.deliver(&lines).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
    assert!(error.to_string().contains("localhost:1"));
}

/// SY02: receivers that do not count bytes find the end of a message at a line break.
#[tokio::test]
async fn messages_can_be_divided_by_line_breaks() {
    let mut receiver = Receiver::start().await;
    let lines = lines().await;
    let syslog = receiver.destination().framing(Framing::LineFeed).format(AuditFormat::Ocsf);
    syslog.deliver(&lines).await.unwrap();
    let mut text = Vec::new();
    while text.iter().filter(|byte| **byte == b'\n').count() < lines.len() {
        text.extend(tokio::time::timeout(GRACE, receiver.received.recv()).await.unwrap().unwrap().1);
    }
    let text = String::from_utf8(text).unwrap();
    assert!(text.lines().all(|line| body(line)["metadata"]["version"] == "1.5.0"));
    assert_eq!(text.lines().count(), lines.len());
}

#[test]
fn invalid_settings_are_refused() {
    let new = |address: &str| SyslogDestination::new("test", address);
    for good in ["siem.example.com", "siem.example.com:6514", "[2001:db8::1]:6514", "192.0.2.1:601"] {
        new(good).unwrap();
    }
    for bad in ["", ":6514", "tls://siem.example.com", "siem.example.com:port", "siem.example.com/x", "ana@siem"] {
        assert_eq!(new(bad).unwrap_err().kind(), ErrorKind::Configuration, "{bad}");
    }
    let valid = || new("siem.example.com").unwrap();
    let refused = [
        valid().max_size(2_047),
        valid().hostname("a b"),
        valid().app_name(&"x".repeat(49)),
        valid().app_name(""),
        valid().facility(24),
        valid().ca_file("/nonexistent/authorities.pem"),
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Configuration);
    }
    assert!(Framing::parse("LF").unwrap_err().to_string().contains("`lf`"));
}
