//! TLS certificate errors, translated into hints.

use std::error::Error;
use std::io;

use rustls::CertificateError;

/// Returns a hint if the error says that a certificate was rejected, and `None` for any other error.
pub(crate) fn rejected(error: &(dyn Error + 'static)) -> Option<&'static str> {
    Some(match find(error)? {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired: renew it, or correct this machine's clock"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet: correct this machine's clock"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another host: check the URL"
        }
        CertificateError::Revoked => "the certificate was revoked: find out why, and replace it",
        _ => {
            "if a certificate authority of your own issued the certificate, add it to this machine's trust store, or name its file in \
             `SSL_CERT_FILE`; otherwise the connection may have been intercepted"
        }
    })
}

fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CertificateError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(found)) = error.downcast_ref() {
            return Some(found);
        }
        // `source` of an `io::Error` skips the error that it wraps.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
