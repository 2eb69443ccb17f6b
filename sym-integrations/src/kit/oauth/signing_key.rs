//! The private key of a client, and JSON Web Signatures made with it.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result, codes};

/// A private key that signs assertions: RSA of at least 2,048 bits (`RS256`), or on the curve P-256 (`ES256`).
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<KeyPair>,
    id: Option<String>,
}

enum KeyPair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

impl SigningKey {
    /// Reads a key in PEM format, as PKCS #8 (`BEGIN PRIVATE KEY`), PKCS #1 (`BEGIN RSA PRIVATE KEY`) or SEC 1 (`BEGIN EC PRIVATE KEY`).
    /// Line breaks may be written as `\n`, as in environment variables and in JSON.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if the text is no such key. The error quotes nothing of it.
    pub fn from_pem(pem: &SecretString) -> Result<Self> {
        let text = SecretString::from(pem.expose_secret().replace("\\n", "\n"));
        let key = PrivateKeyDer::from_pem_slice(text.expose_secret().as_bytes())
            .map_err(|_| invalid("the private key is not in PEM format"))?;
        let refused = |_| invalid("the private key is neither RSA of at least 2,048 bits nor on the curve P-256");
        let curve = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = match &key {
            PrivateKeyDer::Pkcs1(der) => KeyPair::Rsa(RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(refused)?),
            PrivateKeyDer::Sec1(der) => {
                KeyPair::P256(EcdsaKeyPair::from_private_key_der(curve, der.secret_sec1_der()).map_err(refused)?)
            }
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                match RsaKeyPair::from_pkcs8(der) {
                    Ok(pair) => KeyPair::Rsa(pair),
                    Err(_) => KeyPair::P256(EcdsaKeyPair::from_pkcs8(curve, der).map_err(refused)?),
                }
            }
            _ => return Err(invalid("the private key is of an unknown form")),
        };
        Ok(Self { pair: Arc::new(pair), id: None })
    }

    /// Sets the id of the key (`kid`), by which the service finds the public key.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Signs claims, and returns them as a JSON Web Token.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn sign(&self, claims: &Value) -> Result<SecretString> {
        let (algorithm, mut signature) = match &*self.pair {
            KeyPair::Rsa(pair) => ("RS256", vec![0; pair.public_modulus_len()]),
            KeyPair::P256(_) => ("ES256", Vec::new()),
        };
        let mut header = json!({ "alg": algorithm, "typ": "JWT" });
        if let Some(id) = &self.id {
            header["kid"] = id.as_str().into();
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let (random, failed) = (SystemRandom::new(), |_| unsigned("the private key could not be used"));
        match &*self.pair {
            KeyPair::Rsa(pair) => {
                pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).map_err(failed)?;
            }
            KeyPair::P256(pair) => {
                signature = pair.sign(&random, signed.as_bytes()).map_err(failed)?.as_ref().to_vec();
            }
        }
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = match &*self.pair {
            KeyPair::Rsa(_) => "RS256",
            KeyPair::P256(_) => "ES256",
        };
        f.debug_struct("SigningKey").field("algorithm", &algorithm).field("id", &self.id).finish_non_exhaustive()
    }
}

/// The error for an assertion that cannot be made.
pub(super) fn unsigned(message: &str) -> Error {
    let code = ErrorCode::new("HTTP", "SIGNING_FAILED");
    Error::new(ErrorKind::Internal, code, format!("an assertion cannot be signed: {message}"))
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
        .with_hint("store the whole key as a secret, from `-----BEGIN` to `KEY-----`")
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
    };
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn pem(der: &[u8]) -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
    }

    fn verify(token: &SecretString, algorithm: &'static dyn VerificationAlgorithm, public_key: &[u8]) -> [Value; 2] {
        let [header, claims, signature] = token.expose_secret().split('.').collect::<Vec<_>>().try_into().unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key = UnparsedPublicKey::new(algorithm, public_key);
        key.verify(format!("{header}.{claims}").as_bytes(), &signature).unwrap();
        [header, claims].map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
    }

    #[test]
    fn signatures_verify_with_the_public_key() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        let claims = json!({ "iss": "ana", "aud": "https://example.com/tökén" });
        for pem in [pem(der.as_ref()), pem(der.as_ref()).replace('\n', "\\n")] {
            let key = SigningKey::from_pem(&pem.into()).unwrap().with_id("k1");
            let token = key.sign(&claims).unwrap();
            let parts = verify(&token, &RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
            assert_eq!(parts, [json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" }), claims.clone()]);
        }

        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let key = SigningKey::from_pem(&pem(pair.to_pkcs8v1().unwrap().as_ref()).into()).unwrap();
        let parts = verify(&key.sign(&claims).unwrap(), &ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
        assert_eq!(parts, [json!({ "alg": "ES256", "typ": "JWT" }), claims]);
    }

    #[test]
    fn rejects_what_is_not_a_key_without_quoting_it() {
        for text in [
            "",
            "S3CRET",
            "-----BEGIN PRIVATE KEY-----\nUzNDUkVU\n-----END PRIVATE KEY-----",
            "{\"private_key\":\"S3CRET\"}",
        ] {
            let error = SigningKey::from_pem(&text.into()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(!format!("{error:?}").contains("S3CRET") && !format!("{error:?}").contains("UzND"), "{error:?}");
        }
    }
}
