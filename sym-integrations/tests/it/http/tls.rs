//! Over real TLS: a service that cannot show who it is gets nothing.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use sym_integrations::http::{Auth, BaseUrl, Client};
use sym_sdk::error::{Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::support::{Toy, code, token};

/// An authority that nobody knows.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// Serves for a host, which is `127.0.0.1` if it is to be reached.
    async fn serve(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Server {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let chain = vec![certificate.der().clone()];
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key.into()).unwrap();
        Server::start(TlsAcceptor::from(Arc::new(config))).await
    }
}

struct Server {
    base: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    async fn start(acceptor: TlsAcceptor) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let base = format!("https://{}", listener.local_addr().unwrap());
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (connected, requested) = (Arc::clone(&connections), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                connected.fetch_add(1, Ordering::SeqCst);
                // The client hangs up on whom it does not trust.
                let Ok(mut socket) = acceptor.accept(socket).await else { continue };
                if socket.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
                    requested.fetch_add(1, Ordering::SeqCst);
                    let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1").await;
                }
                let _ = socket.shutdown().await;
            }
        });
        Self { base, connections, requests }
    }

    async fn get(&self) -> Result<u32> {
        let base = BaseUrl::parse(&self.base).unwrap();
        Client::builder(Toy, base).auth(Auth::bearer(token())).build().unwrap().get("x", &[]).await?.json()
    }

    async fn is_refused(&self) -> Error {
        let error = self.get().await.unwrap_err();
        assert_eq!(code(&error), "Toy:UNTRUSTED_CERTIFICATE");
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let expected = "GET x: the certificate of host `127.0.0.1` was rejected; nothing was sent";
        assert_eq!(error.message(), expected);
        assert_eq!(self.connections.load(Ordering::SeqCst), 1, "it is not tried again");
        assert_eq!(self.requests.load(Ordering::SeqCst), 0, "nothing was sent");
        error
    }
}

#[tokio::test]
async fn rejects_certificates_of_an_unknown_authority() {
    let server = Authority::new().serve("127.0.0.1", |_| {}).await;
    let error = server.is_refused().await;
    assert!(error.hint().unwrap().contains("`SSL_CERT_FILE`"), "{error:?}");
}

/// As the hint has it. What a machine trusts is read once, so the test is run in a program of its own.
#[test]
fn trusts_an_authority_from_ssl_cert_file() {
    const NAME: &str = "http::tls::trusts_an_authority_from_ssl_cert_file";
    const FOLDER: &str = "TEST_OF_AN_AUTHORITY";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Some(folder) = std::env::var_os(FOLDER) {
        let authority = Authority::new();
        std::fs::write(std::path::Path::new(&folder).join("ca.pem"), pem(&authority.certificate)).unwrap();
        return runtime.block_on(trusted(&authority));
    }
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME])
        .env(FOLDER, folder.path())
        .env("SSL_CERT_FILE", folder.path().join("ca.pem"))
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"));
}

async fn trusted(authority: &Authority) {
    assert_eq!(authority.serve("127.0.0.1", |_| {}).await.get().await.unwrap(), 1);

    let error = authority.serve("other.example.com", |_| {}).await.is_refused().await;
    assert!(error.hint().unwrap().contains("for another host"), "{error:?}");

    let expired = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    };
    let error = authority.serve("127.0.0.1", expired).await.is_refused().await;
    assert!(error.hint().unwrap().contains("expired"), "{error:?}");

    let error = Authority::new().serve("127.0.0.1", |_| {}).await.is_refused().await;
    assert!(error.hint().unwrap().contains("authority of your own"), "{error:?}");
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}
