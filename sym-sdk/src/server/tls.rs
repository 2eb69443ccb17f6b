//! TLS of the server's own: a certificate and its key from files, which are read again when they change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind, Result, codes};

/// Interval at which the files are looked at.
const RELOAD_INTERVAL: Duration = Duration::from_secs(60);

/// A certificate with its key, from files in PEM format.
///
/// The files are looked at every minute, and read again when they have changed, so that a renewed certificate needs no restart. Files that
/// cannot be used are logged, and the certificate that was read before stays.
///
/// ```no_run
/// use sym_sdk::runtime::Runtime;
/// use sym_sdk::server::{CancellationToken, Server, TlsCertificate, listen};
///
/// async fn serve(runtime: Runtime, stop: CancellationToken) -> sym_sdk::Result<()> {
///     let certificate = TlsCertificate::read("/etc/sym/tls/fullchain.pem", "/etc/sym/tls/key.pem").await?;
///     let listener = listen("0.0.0.0:443".parse().unwrap()).await?;
///     Server::new(runtime).tls(certificate).serve(listener, stop).await
/// }
/// ```
#[derive(Clone, Debug)]
pub struct TlsCertificate {
    files: Files,
    current: Arc<RwLock<Arc<CertifiedKey>>>,
    read_at: Arc<RwLock<Option<Modified>>>,
}

/// The files of a certificate.
#[derive(Clone, Debug)]
struct Files {
    chain: PathBuf,
    key: PathBuf,
}

/// The times at which the two files were modified.
type Modified = (SystemTime, SystemTime);

impl TlsCertificate {
    /// Reads a certificate, followed by those that lead to its authority, and its private key, unencrypted.
    ///
    /// # Errors
    /// If a file cannot be read or has no such part, or the key is that of another certificate.
    pub async fn read(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self> {
        let files = Files { chain: chain.as_ref().to_owned(), key: key.as_ref().to_owned() };
        let (certified, modified) = files.clone().read_in_background().await?;
        let current = Arc::new(RwLock::new(Arc::new(certified)));
        Ok(Self { files, current, read_at: Arc::new(RwLock::new(modified)) })
    }

    /// Reads the files again if they have changed. Returns whether they had.
    ///
    /// # Errors
    /// As [`read`](Self::read). The certificate stays as it was.
    pub async fn reload(&self) -> Result<bool> {
        let files = self.files.clone();
        let modified = in_background(move || Ok(files.modified())).await?;
        if modified.is_some() && modified == *self.read_at.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(false);
        }
        let (certified, modified) = self.files.clone().read_in_background().await?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
        *self.read_at.write().unwrap_or_else(PoisonError::into_inner) = modified;
        Ok(true)
    }

    /// Reloads the files when they change, until `stop` is cancelled.
    pub(super) async fn keep_fresh(&self, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RELOAD_INTERVAL) => {}
            }
            match self.reload().await {
                Ok(true) => tracing::info!(file = %self.files.chain.display(), "the TLS certificate was read again"),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(%error, hint = error.hint(), "the TLS certificate could not be read again: the old one stays");
                }
            }
        }
    }

    pub(super) fn acceptor(&self) -> Result<TlsAcceptor> {
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(ErrorKind::Internal, codes::INVALID_CERTIFICATE, format!("TLS: {error}")))?;
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::new(Resolver(self.current.clone())));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// Presents the certificate that was read last, whatever name a client asks for.
#[derive(Debug)]
struct Resolver(Arc<RwLock<Arc<CertifiedKey>>>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Files {
    async fn read_in_background(self) -> Result<(CertifiedKey, Option<Modified>)> {
        in_background(move || {
            // Before the contents: a file that changes meanwhile is read once more.
            let modified = self.modified();
            Ok((self.read()?, modified))
        })
        .await
    }

    fn modified(&self) -> Option<Modified> {
        let of = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        Some((of(&self.chain)?, of(&self.key)?))
    }

    fn read(&self) -> Result<CertifiedKey> {
        let chain = contents("certificate", &self.chain)?;
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&chain)
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| unusable("certificate", &self.chain, &error))?;
        if certificates.is_empty() {
            return Err(unusable("certificate", &self.chain, &"it has no section `CERTIFICATE`"));
        }
        let key = contents("private key", &self.key)?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| {
            let error = unusable("private key", &self.key, &error);
            error.with_hint("the file needs an unencrypted key in PEM format, such as a section `PRIVATE KEY`")
        })?;
        let certified = CertifiedKey::from_der(certificates, key, &provider()).map_err(|error| {
            let message = format!(
                "the private key in `{}` does not go with the certificate in `{}`: {error}",
                self.key.display(),
                self.chain.display(),
            );
            Error::new(ErrorKind::InvalidInput, codes::INVALID_CERTIFICATE, message)
                .with_hint("the file of the certificate starts with the server's own; those of its authorities follow")
        })?;
        Ok(certified)
    }
}

fn provider() -> Arc<CryptoProvider> {
    // The process's default may be unset, or another program's.
    Arc::new(aws_lc_rs::default_provider())
}

fn contents(what: &str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| unusable(what, path, &error).with_source(error))
}

fn unusable(what: &str, path: &Path, error: &dyn std::fmt::Display) -> Error {
    let message = format!("the TLS {what} in `{}` cannot be used: {error}", path.display());
    Error::new(ErrorKind::InvalidInput, codes::INVALID_CERTIFICATE, message)
}

async fn in_background<T: Send + 'static>(read: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, codes::INVALID_CERTIFICATE, format!("reading files: {error}")))
    })
}
