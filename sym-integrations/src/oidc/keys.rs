//! The keys of one issuer, as it publishes them.

use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use tokio::sync::Mutex;
use url::Url;

use crate::http::{BaseUrl, Client, Connection};
use crate::kit::Vendor;

pub(super) const OIDC: Vendor = Vendor::new("oidc", "OIDC");

/// The time after which keys are read again.
pub(super) const KEYS_TTL: Duration = Duration::from_secs(60 * 60);

/// The time for which keys are good although they cannot be read again.
const STALE_KEYS_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The shortest time between two readings of keys.
const MIN_READ_INTERVAL: Duration = Duration::from_secs(30);

/// Timeout of one request of the issuer.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum size of what an issuer publishes, in bytes.
pub(super) const MAX_DOCUMENT_BYTES: usize = 512 * 1024;

/// The maximum number of keys of an issuer that are looked at.
const MAX_KEYS: usize = 100;

/// A public key, and the algorithms of signatures that it verifies.
#[derive(Clone, Debug)]
pub(super) struct VerificationKey {
    id: Option<String>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) key: DecodingKey,
}

impl VerificationKey {
    /// Returns the key, if it is one for signatures that are trusted.
    fn of(jwk: &Jwk) -> Option<Self> {
        if jwk.common.public_key_use.as_ref().is_some_and(|intended| *intended != PublicKeyUse::Signature) {
            return None;
        }
        let of_type: &[Algorithm] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => &[
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::PS384,
                Algorithm::PS512,
            ],
            AlgorithmParameters::EllipticCurve(key) => match key.curve {
                EllipticCurve::P256 => &[Algorithm::ES256],
                EllipticCurve::P384 => &[Algorithm::ES384],
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(_) => &[Algorithm::EdDSA],
            // A shared secret is no public key.
            _ => return None,
        };
        let stated = jwk.common.key_algorithm.map(|stated| stated.to_string());
        let is_stated = |algorithm: &Algorithm| {
            stated.as_ref().is_none_or(|stated| stated.parse::<Algorithm>().is_ok_and(|stated| stated == *algorithm))
        };
        let algorithms: Vec<_> = of_type.iter().copied().filter(is_stated).collect();
        if algorithms.is_empty() {
            return None;
        }
        Some(Self { id: jwk.common.key_id.clone(), algorithms, key: DecodingKey::from_jwk(jwk).ok()? })
    }
}

/// The keys of one issuer, and when they were read.
#[derive(Debug)]
pub(super) struct IssuerKeys {
    issuer: String,
    /// Whether they may be at another host than the issuer.
    is_elsewhere_allowed: bool,
    place: KeysPlace,
    connection: Connection,
    read: Mutex<ReadKeys>,
}

/// The place of the keys.
#[derive(Debug)]
enum KeysPlace {
    /// The issuer says where they are.
    Discovered(Client),
    /// At this address.
    At(BaseUrl),
}

#[derive(Debug, Default)]
struct ReadKeys {
    keys: Vec<VerificationKey>,
    /// The time that had passed when they were read.
    read_at: Option<Duration>,
    /// The time that had passed when they were last asked for, whether or not they could be read.
    tried_at: Option<Duration>,
}

/// The description of an issuer, as it publishes it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Discovery {
    issuer: String,
    jwks_uri: String,
    pub(super) authorization_endpoint: Option<String>,
    pub(super) token_endpoint: Option<String>,
    #[serde(default)]
    pub(super) token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl IssuerKeys {
    pub(super) fn new(issuer: &str, connection: &Connection) -> Result<Self> {
        let discovery = client(BaseUrl::parse(issuer)?, connection)?;
        Ok(Self::with(issuer, KeysPlace::Discovered(discovery), connection))
    }

    /// Creates the keys of an issuer that are at this address. The issuer need not be an address then.
    pub(super) fn at(issuer: &str, address: &str, connection: &Connection) -> Result<Self> {
        Ok(Self::with(issuer, KeysPlace::At(BaseUrl::parse(address)?), connection))
    }

    fn with(issuer: &str, place: KeysPlace, connection: &Connection) -> Self {
        Self {
            issuer: issuer.to_owned(),
            is_elsewhere_allowed: false,
            place,
            connection: connection.clone(),
            read: Mutex::default(),
        }
    }

    /// Lets the keys be at another host, for an issuer that operators have configured.
    pub(super) fn allow_elsewhere(mut self) -> Self {
        self.is_elsewhere_allowed = true;
        self
    }

    /// Returns the key with an id, or the only one there is if a token names none.
    ///
    /// # Errors
    /// If there is no such key, or the keys cannot be read.
    pub(super) async fn find(&self, id: Option<&str>) -> Result<VerificationKey> {
        // Whoever waits for it while keys are read finds what was read.
        let mut read = self.read.lock().await;
        let now = self.connection.clock().elapsed();
        let since = |at: Option<Duration>| at.map(|at| now.saturating_sub(at));
        let is_due = since(read.read_at).is_none_or(|age| age >= KEYS_TTL);
        let is_usable = since(read.read_at).is_some_and(|age| age < STALE_KEYS_TTL);
        let was_just_tried = since(read.tried_at).is_some_and(|age| age < MIN_READ_INTERVAL);
        if is_due && !(was_just_tried && is_usable) {
            self.read_again(&mut read, now).await?;
        }
        if let Some(key) = read.find(id) {
            return Ok(key);
        }
        let was_just_tried = since(read.tried_at).is_some_and(|age| age < MIN_READ_INTERVAL);
        if !was_just_tried {
            self.read_again(&mut read, now).await?;
        }
        read.find(id).ok_or_else(|| self.unknown_key(id))
    }

    /// Reads the keys. If they cannot be read, those that were read before stay for a day.
    async fn read_again(&self, read: &mut ReadKeys, now: Duration) -> Result<()> {
        read.tried_at = Some(now);
        match self.fetch().await {
            Ok(keys) => {
                (read.keys, read.read_at) = (keys, Some(now));
                Ok(())
            }
            Err(error) if read.read_at.is_some_and(|at| now.saturating_sub(at) < STALE_KEYS_TTL) => {
                tracing::warn!(%error, issuer = self.issuer, "the keys of an issuer could not be read again");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the description of the issuer.
    ///
    /// # Errors
    /// If it cannot be read, or is that of another issuer.
    pub(super) async fn discover(&self) -> Result<Discovery> {
        let KeysPlace::Discovered(discovery) = &self.place else {
            return Err(misconfigured(format!("`{}` is not asked where its keys are", self.issuer)));
        };
        let call = discovery.get(".well-known/openid-configuration", &[]);
        let discovery: Discovery = call.timeout(READ_TIMEOUT).max_bytes(MAX_DOCUMENT_BYTES).await?.json()?;
        if discovery.issuer != self.issuer {
            let message = format!("`{}` calls itself `{}`", self.issuer, discovery.issuer);
            let differs_by_slash = discovery.issuer.trim_end_matches('/') == self.issuer.trim_end_matches('/');
            return Err(misconfigured(message).with_hint(if differs_by_slash {
                "only the slash at the end differs: use the `issuer` of its openid-configuration exactly"
            } else {
                "use the `issuer` of its openid-configuration"
            }));
        }
        Ok(discovery)
    }

    async fn fetch(&self) -> Result<Vec<VerificationKey>> {
        let address = match &self.place {
            KeysPlace::At(address) => address.clone(),
            KeysPlace::Discovered(_) => self.discover_keys().await?,
        };
        let keys = client(address, &self.connection)?;
        let keys: KeySet = keys.get("", &[]).timeout(READ_TIMEOUT).max_bytes(MAX_DOCUMENT_BYTES).await?.json()?;
        // A key of a kind that is not known here is nobody's fault.
        let keys = keys.keys.into_iter().take(MAX_KEYS).filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        Ok(keys.filter_map(|key| VerificationKey::of(&key)).collect())
    }

    /// Asks the issuer where its keys are.
    async fn discover_keys(&self) -> Result<BaseUrl> {
        let discovery = self.discover().await?;
        let is_of_issuer = |url: &Url| Url::parse(&self.issuer).is_ok_and(|issuer| issuer.origin() == url.origin());
        if !self.is_elsewhere_allowed && !Url::parse(&discovery.jwks_uri).is_ok_and(|url| is_of_issuer(&url)) {
            let message = format!("the keys of `{}` are at another host, `{}`", self.issuer, discovery.jwks_uri);
            return Err(misconfigured(message));
        }
        BaseUrl::parse(&discovery.jwks_uri)
    }

    fn unknown_key(&self, id: Option<&str>) -> Error {
        let message = match id {
            Some(id) => {
                let id: String = id.chars().filter(|character| !character.is_control()).take(100).collect();
                format!("the token is signed with the key `{id}`, which `{}` does not publish", self.issuer)
            }
            None => format!("the token does not say with which key of `{}` it is signed", self.issuer),
        };
        Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_INVALID_JWT, message)
    }
}

impl ReadKeys {
    fn find(&self, id: Option<&str>) -> Option<VerificationKey> {
        match (id, self.keys.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)).cloned(),
            (None, [only]) => Some(only.clone()),
            (None, _) => None,
        }
    }
}

pub(super) fn client(base: BaseUrl, connection: &Connection) -> Result<Client> {
    Client::builder(OIDC, base).connection(connection.clone()).build()
}

pub(super) fn misconfigured(message: String) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
}
