//! HTTPS with certificates from files.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::server::{CancellationToken, Server, ServerLimits, TlsCertificate, listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::client::send;
use super::desk::Desk;
use super::runtime;

/// Writes a new certificate for `localhost` and its key, and returns the certificate.
fn write_certificate(dir: &Path) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(dir.join("chain.pem"), certificate.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
    certificate.der().clone()
}

async fn read(dir: &Path) -> sym_sdk::Result<TlsCertificate> {
    TlsCertificate::read(dir.join("chain.pem"), dir.join("key.pem")).await
}

/// Asks for `/health` as a client that trusts one certificate. `None` if it does not trust the server.
async fn health(address: SocketAddr, trusted: &CertificateDer<'static>) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config.with_no_client_auth())).connect(name, stream).await.ok()?;
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    Some(String::from_utf8(answer).unwrap())
}

async fn start(certificate: &TlsCertificate) -> (SocketAddr, CancellationToken) {
    let runtime = runtime(|builder| builder.front_end(Desk::named("desk"))).await.unwrap();
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let mut limits = ServerLimits::default();
    // Only clients that say nothing get that far.
    limits.head = Duration::from_millis(200);
    let server = Server::new(runtime).limits(limits).tls(certificate.clone());
    tokio::spawn(server.serve(listener, stop.clone()));
    (address, stop)
}

#[tokio::test]
async fn it_serves_https() {
    let dir = tempfile::tempdir().unwrap();
    let trusted = write_certificate(dir.path());
    let (address, _stop) = start(&read(dir.path()).await.unwrap()).await;
    let answer = health(address, &trusted).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(r#"{"status":"alive"}"#), "{answer}");
    // Clients that speak no TLS, or say nothing, are disconnected, and do not keep others from being served.
    let plain = send(address, "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(!plain.head.contains("200"), "{}", plain.head);
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut sent = Vec::new();
    // It ends, in whatever way.
    _ = silent.read_to_end(&mut sent).await;
    assert!(health(address, &trusted).await.is_some());
}

#[tokio::test]
async fn a_renewed_certificate_is_served_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let old = write_certificate(dir.path());
    let certificate = read(dir.path()).await.unwrap();
    let (address, _stop) = start(&certificate).await;
    assert!(!certificate.reload().await.unwrap(), "nothing has changed");
    let new = write_certificate(dir.path());
    assert!(health(address, &old).await.is_some() && health(address, &new).await.is_none());
    assert!(certificate.reload().await.unwrap());
    assert!(health(address, &old).await.is_none() && health(address, &new).await.is_some());

    std::fs::write(dir.path().join("chain.pem"), "half a certifi").unwrap();
    let error = certificate.reload().await.unwrap_err();
    assert_eq!(error.code(), &codes::INVALID_CERTIFICATE);
    assert!(health(address, &new).await.is_some(), "the one that was read before stays");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let of = |name: &str| dir.path().join(name);
    let refused = async || {
        let error = read(dir.path()).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::InvalidInput, &codes::INVALID_CERTIFICATE));
        error.message().replace(dir.path().to_str().unwrap(), "DIR")
    };
    let missing = refused().await;
    assert!(missing.starts_with("the TLS certificate in `DIR/chain.pem` cannot be used: No such file"), "{missing}");

    let other = KeyPair::generate().unwrap().serialize_pem();
    write_certificate(dir.path());
    std::fs::write(of("key.pem"), other).unwrap();
    let other = refused().await;
    assert!(
        other.starts_with("the private key in `DIR/key.pem` does not go with the certificate in `DIR/chain.pem`"),
        "{other}"
    );

    write_certificate(dir.path());
    std::fs::copy(of("key.pem"), of("chain.pem")).unwrap();
    let swapped = refused().await;
    assert_eq!(swapped, "the TLS certificate in `DIR/chain.pem` cannot be used: it has no section `CERTIFICATE`");

    write_certificate(dir.path());
    std::fs::copy(of("chain.pem"), of("key.pem")).unwrap();
    let no_key = refused().await;
    assert!(no_key.starts_with("the TLS private key in `DIR/key.pem` cannot be used: "), "{no_key}");
}
