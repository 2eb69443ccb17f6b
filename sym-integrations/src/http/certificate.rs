//! Servers that cannot show who they are.

use std::error::Error;
use std::io;

use rustls::CertificateError;

/// What to do about a certificate that was not accepted; `None` if the error is another one.
pub(super) fn refused(error: &(dyn Error + 'static)) -> Option<&'static str> {
    Some(match find(error)? {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired: have it renewed, or set this machine's clock"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet: set this machine's clock"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is another host's: check the URL"
        }
        CertificateError::Revoked => "the certificate was revoked: have it replaced, and find out why",
        _ => {
            "if the certificate is of an authority of your own, add that to those this machine trusts, or name a file with it in \
             `SSL_CERT_FILE`; if it is not, somebody else may have answered"
        }
    })
}

fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CertificateError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(found)) = error.downcast_ref() {
            return Some(found);
        }
        // What an `io::Error` is made of is not its source.
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match within {
            Some(within) => Some(within),
            None => error.source(),
        };
    }
    None
}
