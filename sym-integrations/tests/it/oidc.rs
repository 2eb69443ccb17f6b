//! Tokens of CI jobs, signed by a fake issuer with keys of its own, independently of the library that verifies them.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use sym_integrations::oidc::{JwtAssertions, OidcProvider, OidcVerifier};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::clock::Clock;
use sym_sdk::config::Config;
use sym_sdk::directory::{NewTrust, WorkloadProvider};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::handlers;
use sym_sdk::prelude::{RequestPermission, reducer};
use sym_sdk::runtime::{AssertionVerifier, Runtime, SignInRules, WorkloadTokenVerifier};

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/.well-known/jwks";

/// Private keys, made once: they take a while.
static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
static EC: LazyLock<EcdsaKeyPair> = LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
static ED: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::generate().unwrap());

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa_modulus() -> Vec<u8> {
    RSA.public_key().modulus().big_endian_without_leading_zero().to_vec()
}

fn rsa_key() -> Value {
    let exponent = RSA.public_key().exponent().big_endian_without_leading_zero().to_vec();
    json!({ "kty": "RSA", "use": "sig", "kid": "rsa", "n": encode(rsa_modulus()), "e": encode(exponent) })
}

fn ec_key() -> Value {
    let point: &[u8] = EC.public_key().as_ref();
    json!({ "kty": "EC", "crv": "P-256", "kid": "ec", "alg": "ES256", "x": encode(&point[1..33]), "y": encode(&point[33..]) })
}

fn ed_key() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": encode(ED.public_key().as_ref()) })
}

fn all_keys() -> Value {
    // A key that is not known here, and one for something else, are nobody's fault.
    let for_encryption = json!({ "kty": "RSA", "use": "enc", "kid": "enc", "n": encode(rsa_modulus()), "e": "AQAB" });
    let shared = json!({ "kty": "oct", "kid": "oct", "k": encode("a secret that is as long as it has to be") });
    json!({ "keys": [rsa_key(), ec_key(), ed_key(), for_encryption, shared, { "kty": "future" }] })
}

fn sign_rsa(padding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; RSA.public_modulus_len()];
    RSA.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

/// Signs claims as a header says, and with the key of the algorithm, whatever the header says about the key.
fn sign(header: &Value, claims: &Value) -> SecretString {
    let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = match header["alg"].as_str().unwrap() {
        "RS256" => sign_rsa(&RSA_PKCS1_SHA256, message.as_bytes()),
        "RS512" => sign_rsa(&RSA_PKCS1_SHA512, message.as_bytes()),
        "PS256" => sign_rsa(&RSA_PSS_SHA256, message.as_bytes()),
        "ES256" => EC.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec(),
        "EdDSA" => ED.sign(message.as_bytes()).as_ref().to_vec(),
        // The classic confusion: the public key as a shared secret.
        "HS256" => {
            let mut mac = Hmac::<Sha256>::new_from_slice(&rsa_modulus()).unwrap();
            mac.update(message.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }
        _ => Vec::new(),
    };
    SecretString::from(format!("{message}.{}", encode(signature)))
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": "https://sym.example.com", "sub": "repo:acme/website:environment:production" })
}

/// An issuer that answers requests for its keys, always.
fn issuer() -> Replay {
    let replay = Replay::new();
    publish(&replay, all_keys());
    replay
}

fn publish(replay: &Replay, keys: Value) {
    let discovery = json!({ "issuer": ISSUER, "jwks_uri": format!("{ISSUER}{KEYS}"), "claims_supported": ["sub"] });
    replay.get(DISCOVERY).always().reply(Reply::json(discovery));
    replay.get(KEYS).always().reply(Reply::json(keys));
}

async fn verify(verifier: &OidcVerifier, token: &SecretString) -> Result<Map<String, Value>> {
    verifier.verify(ISSUER, token).await
}

fn refusal(verified: Result<Map<String, Value>>) -> String {
    let error: Error = verified.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unauthorized, &codes::AUTHENTICATION_INVALID_JWT));
    error.message().to_owned()
}

async fn pass(replay: &Replay, time: Duration) {
    replay.connection().clock().sleep(time).await;
}

#[tokio::test]
async fn signatures_by_published_keys_are_verified() {
    let replay = issuer();
    let verifier = OidcVerifier::new(replay.connection());
    for (algorithm, key) in [("RS256", "rsa"), ("RS512", "rsa"), ("PS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")] {
        let token = sign(&json!({ "alg": algorithm, "kid": key, "typ": "JWT" }), &claims());
        let verified = verify(&verifier, &token).await.unwrap_or_else(|error| panic!("{algorithm}: {error}"));
        assert_eq!(Value::Object(verified), claims());
        assert_eq!(verifier.unverified_claims(&token).unwrap()["iss"], ISSUER);
    }
    assert_eq!(replay.calls().len(), 2, "the keys are read once");
}

#[tokio::test]
async fn the_token_does_not_choose_how_it_is_verified() {
    let replay = issuer();
    let verifier = OidcVerifier::new(replay.connection());
    for (header, part) in [
        (json!({ "alg": "none", "kid": "rsa" }), "no algorithm that is trusted"),
        (json!({ "alg": "None", "kid": "rsa" }), "no algorithm that is trusted"),
        (json!({ "alg": "", "kid": "rsa" }), "no algorithm that is trusted"),
        (json!({ "alg": "HS256", "kid": "rsa" }), "not what its key is for"),
        (json!({ "alg": "HS256", "kid": "oct" }), "does not publish"),
        (json!({ "alg": "RS256", "kid": "ec" }), "not what its key is for"),
        (json!({ "alg": "ES256", "kid": "rsa" }), "not what its key is for"),
        (json!({ "alg": "EdDSA", "kid": "ec" }), "not what its key is for"),
        (json!({ "alg": "RS256", "kid": "enc" }), "does not publish"),
        (json!({ "alg": "RS256", "kid": "other" }), "does not publish"),
        (json!({ "alg": "RS256" }), "does not say with which key"),
        // The key that it brings along counts for nothing.
        (json!({ "alg": "RS256", "jwk": rsa_key() }), "does not say with which key"),
    ] {
        let message = refusal(verify(&verifier, &sign(&header, &claims())).await);
        assert!(message.contains(part), "{header}: {message}");
    }
    // Signed by the right key, and changed.
    let token = sign(&json!({ "alg": "RS256", "kid": "rsa" }), &claims());
    let parts: Vec<_> = secrecy::ExposeSecret::expose_secret(&token).split('.').map(str::to_owned).collect();
    let mut other = claims();
    other["sub"] = "repo:evil/website".into();
    let changed = format!("{}.{}.{}", parts[0], encode(other.to_string()), parts[2]);
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    for token in [changed, unsigned] {
        let message = refusal(verify(&verifier, &SecretString::from(token)).await);
        assert!(message.contains("the signature of the token is not that of"), "{message}");
    }
    for token in ["", ".", "..", "a.b.c", "a.b", &format!("{}.{}.{}.{}", parts[0], parts[1], parts[2], parts[2])] {
        assert!(verifier.unverified_claims(&SecretString::from(token)).is_err(), "{token}");
        assert!(verify(&verifier, &SecretString::from(token)).await.is_err(), "{token}");
    }
}

/// QB04: keys have an age, and strangers cannot make us ask for them again and again.
#[tokio::test]
async fn keys_are_read_each_hour_and_for_unknown_ones_now_and_then() {
    let replay = issuer();
    let verifier = OidcVerifier::new(replay.connection());
    let good = sign(&json!({ "alg": "ES256", "kid": "ec" }), &claims());
    let unknown = |number: usize| sign(&json!({ "alg": "ES256", "kid": format!("k{number}") }), &claims());
    verify(&verifier, &good).await.unwrap();
    for number in 0..100 {
        refusal(verify(&verifier, &unknown(number)).await);
    }
    assert_eq!(replay.calls().len(), 2, "they have just been read");
    pass(&replay, Duration::from_secs(30)).await;
    let many = (0..100).map(|number| {
        let (verifier, token) = (&verifier, unknown(number));
        async move { refusal(verify(verifier, &token).await) }
    });
    futures_util::future::join_all(many).await;
    assert_eq!(replay.calls().len(), 4, "whoever waits shares one reading");
    pass(&replay, Duration::from_secs(3_599)).await;
    verify(&verifier, &good).await.unwrap();
    assert_eq!(replay.calls().len(), 4);
    pass(&replay, Duration::from_secs(1)).await;
    verify(&verifier, &good).await.unwrap();
    assert_eq!(replay.calls().len(), 6);
}

#[tokio::test]
async fn a_withdrawn_key_stops_being_good_and_a_new_one_is_found() {
    let replay = Replay::new();
    let discovery = json!({ "issuer": ISSUER, "jwks_uri": format!("{ISSUER}{KEYS}") });
    replay.get(DISCOVERY).always().reply(Reply::json(discovery));
    replay.get(KEYS).reply(Reply::json(json!({ "keys": [ec_key()] })));
    replay.get(KEYS).always().reply(Reply::json(json!({ "keys": [ed_key()] })));
    let verifier = OidcVerifier::new(replay.connection());
    let old = sign(&json!({ "alg": "ES256", "kid": "ec" }), &claims());
    let new = sign(&json!({ "alg": "EdDSA", "kid": "ed" }), &claims());
    verify(&verifier, &old).await.unwrap();
    refusal(verify(&verifier, &new).await);
    pass(&replay, Duration::from_secs(30)).await;
    verify(&verifier, &old).await.unwrap();
    verify(&verifier, &new).await.unwrap();
    refusal(verify(&verifier, &old).await);
    // A token that names no key is signed by the only one there is.
    verify(&verifier, &sign(&json!({ "alg": "EdDSA" }), &claims())).await.unwrap();
}

#[tokio::test]
async fn keys_outlast_a_failure_of_their_issuer_for_a_day() {
    let replay = Replay::new();
    let discovery = json!({ "issuer": ISSUER, "jwks_uri": format!("{ISSUER}{KEYS}") });
    replay.get(DISCOVERY).reply(Reply::json(discovery));
    replay.get(KEYS).reply(Reply::json(all_keys()));
    replay.get(DISCOVERY).always().reply(Reply::status(404));
    let verifier = OidcVerifier::new(replay.connection());
    let token = sign(&json!({ "alg": "ES256", "kid": "ec" }), &claims());
    verify(&verifier, &token).await.unwrap();
    pass(&replay, Duration::from_secs(2 * 3_600)).await;
    verify(&verifier, &token).await.unwrap();
    verify(&verifier, &token).await.unwrap();
    assert_eq!(replay.calls().len(), 3, "it is not asked again at once");
    pass(&replay, Duration::from_secs(24 * 3_600)).await;
    // Not even for those who ask right after somebody else has.
    for _ in 0..2 {
        let error = verify(&verifier, &token).await.unwrap_err();
        assert_ne!(error.kind(), ErrorKind::Unauthorized, "the token may be good: {error}");
    }
}

#[tokio::test]
async fn an_issuer_that_names_another_one_or_keys_elsewhere_is_not_believed() {
    let token = sign(&json!({ "alg": "ES256", "kid": "ec" }), &claims());
    for (discovery, part) in [
        (json!({ "issuer": format!("{ISSUER}/"), "jwks_uri": format!("{ISSUER}{KEYS}") }), "calls itself"),
        (json!({ "issuer": "https://login.example.com/{tenantid}/v2.0", "jwks_uri": "x" }), "calls itself"),
        (json!({ "issuer": ISSUER, "jwks_uri": "https://evil.example/keys" }), "at another host"),
        (json!({ "issuer": ISSUER, "jwks_uri": "http://token.actions.githubusercontent.com/keys" }), "at another host"),
    ] {
        let replay = Replay::new();
        replay.get(DISCOVERY).reply(Reply::json(&discovery));
        let error = verify(&OidcVerifier::new(replay.connection()), &token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(part), "{discovery}: {error}");
    }
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::admins_only()
}

/// The whole way: a job's token, and a token of the bot that trusts it.
#[tokio::test]
async fn a_job_gets_a_token_of_a_bot() {
    let replay = issuer();
    let clock: Arc<dyn Clock> = replay.connection().clock().clone();
    let builder = Runtime::builder(Config::default()).registry(handlers![get_permissions]).clock(clock.clone());
    let runtime = builder.workload_verifier(OidcVerifier::new(replay.connection())).build().await.unwrap();
    let directory = runtime.directory();
    let bot = directory.create_bot("deployer").await.unwrap();
    let trust = NewTrust::new(WorkloadProvider::GithubActions, "https://sym.example.com")
        .claim("repository_owner_id", "1342004")
        .claim("repository_id", "74791")
        .claim("environment", "production");
    directory.add_trust(bot.id(), trust).await.unwrap();
    let mut claims = claims();
    for (name, value) in [("repository_owner_id", "1342004"), ("repository_id", "74791"), ("environment", "production")] {
        claims[name] = value.into();
    }
    claims["exp"] = (clock.now().as_second() + 300).into();
    let job = sign(&json!({ "alg": "RS256", "kid": "rsa" }), &claims);
    let exchanged = runtime.exchange_token(&job, None).await.unwrap();
    assert_eq!(directory.authenticate(&exchanged.token.secret).await.unwrap().username(), "deployer");
    let again = runtime.exchange_token(&job, None).await.unwrap_err();
    assert_eq!(*again.code(), codes::AUTHENTICATION_TOKEN_USED);
    // An ECDSA signature can be changed into another one that is good: the token is the same all the same.
    claims["exp"] = (clock.now().as_second() + 301).into();
    let header = json!({ "alg": "ES256", "kid": "ec" });
    runtime.exchange_token(&sign(&header, &claims), None).await.unwrap();
    let signed_again = runtime.exchange_token(&sign(&header, &claims), None).await.unwrap_err();
    assert_eq!(*signed_again.code(), codes::AUTHENTICATION_TOKEN_USED);
    claims["environment"] = "staging".into();
    let other = runtime.exchange_token(&sign(&header, &claims), None).await.unwrap_err();
    let message = "the job is not trusted: `environment` is `staging`, and the trust demands `production`";
    assert_eq!(other.message(), message);
}

const PROVIDER: &str = "https://id.example.com";
const CALLBACK: &str = "https://sym.example.com/console/sign-in/callback";

/// The description of an identity provider, some of whose addresses are at other hosts, as with real ones.
fn provider_description() -> Value {
    json!({
        "issuer": PROVIDER,
        "authorization_endpoint": format!("{PROVIDER}/authorize?prompt=none"),
        "token_endpoint": "https://token.example.com/token",
        "jwks_uri": "https://keys.example.com/keys",
    })
}

async fn sign_in_program(replay: &Replay, secret: Option<&str>) -> Runtime {
    let provider = OidcProvider::new(PROVIDER, "sym").unwrap().connection(replay.connection()).unwrap();
    let provider = match secret {
        Some(secret) => provider.client_secret(secret.into()),
        None => provider,
    };
    let directory = sym_sdk::directory::Directory::new(sym_sdk::directory::MemoryDirectory::new(), ["example.com"]);
    Runtime::builder(Config::default())
        .registry(handlers![get_permissions])
        .clock(replay.connection().clock().clone())
        .directory(directory)
        .identity_provider(provider, SignInRules::new())
        .build()
        .await
        .unwrap()
}

/// The whole way of a person, with a provider that signs as a real one does.
#[tokio::test]
async fn a_person_signs_in_at_a_provider() {
    for (algorithm, key) in [("RS256", "rsa"), ("PS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")] {
        let replay = Replay::new();
        replay.get(DISCOVERY).always().reply(Reply::json(provider_description()));
        replay.get("/keys").always().reply(Reply::json(all_keys()));
        let runtime = sign_in_program(&replay, Some("client:secret")).await;
        let (secret, url) = runtime.start_sign_in("/console".parse().unwrap(), CALLBACK).await.unwrap();
        let url = url::Url::parse(&url).unwrap();
        let query: std::collections::BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let challenge = encode(<Sha256 as sha2::Digest>::digest(secret.verifier().expose_secret().as_bytes()));
        for (name, value) in [
            ("prompt", "none"),
            ("response_type", "code"),
            ("response_mode", "query"),
            ("client_id", "sym"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid email profile"),
            ("state", secret.state().as_str()),
            ("nonce", secret.nonce().as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!url.as_str().contains(secret.verifier().expose_secret()), "the verifier stays here");

        let now = replay.connection().clock().now().as_second();
        let claims = json!({
            "iss": PROVIDER, "aud": "sym", "sub": "00u1", "exp": now + 300, "iat": now, "nonce": secret.nonce(),
            "email": "ana@example.com", "email_verified": true,
        });
        let token = sign(&json!({ "alg": algorithm, "kid": key }), &claims);
        replay.post("/token").reply(Reply::json(json!({ "id_token": token.expose_secret(), "token_type": "Bearer" })));
        let signed_in = runtime.complete_sign_in(&secret, CALLBACK, &"the code".into()).await.unwrap();
        assert_eq!(signed_in.user.username(), "ana@example.com", "{algorithm}");
        assert!(runtime.session(&signed_in.secret).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn id_tokens_that_the_provider_has_not_signed_sign_in_nobody() {
    for header in [json!({ "alg": "none" }), json!({ "alg": "HS256", "kid": "rsa" }), json!({ "alg": "RS256", "kid": "x" })] {
        let replay = Replay::new();
        replay.get(DISCOVERY).always().reply(Reply::json(provider_description()));
        // A token without a signature is refused before the keys are read.
        if header["alg"] != "none" {
            replay.get("/keys").always().reply(Reply::json(all_keys()));
        }
        let runtime = sign_in_program(&replay, None).await;
        let (secret, _) = runtime.start_sign_in("/console".parse().unwrap(), CALLBACK).await.unwrap();
        let now = replay.connection().clock().now().as_second();
        let claims = json!({
            "iss": PROVIDER, "aud": "sym", "sub": "00u1", "exp": now + 300, "nonce": secret.nonce(),
            "email": "ana@example.com", "email_verified": true,
        });
        let token = sign(&header, &claims);
        replay.post("/token").reply(Reply::json(json!({ "id_token": token.expose_secret() })));
        let error = runtime.complete_sign_in(&secret, CALLBACK, &"code".into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{header}: {error}");
        assert!(runtime.directory().users().await.unwrap().is_empty());
    }
}

/// QB03: issuers are compared exactly, and the error says what differs.
#[tokio::test]
async fn issuers_are_compared_exactly_and_those_of_any_tenant_are_refused() {
    for (issuer, hint) in [(format!("{PROVIDER}/"), "only the slash"), ("https://other.example".to_owned(), "use the `issuer`")] {
        let replay = Replay::new();
        let mut description = provider_description();
        description["issuer"] = issuer.clone().into();
        replay.get(DISCOVERY).always().reply(Reply::json(description));
        let runtime = sign_in_program(&replay, None).await;
        let error = runtime.start_sign_in("/console".parse().unwrap(), CALLBACK).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(&issuer) && error.message().contains(PROVIDER), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{error:?}");
    }
    for issuer in [
        "https://login.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/organizations/v2.0",
        "https://login.microsoftonline.com/{tenantid}/v2.0",
        "https://login.microsoftonline.com/common",
    ] {
        let error = OidcProvider::new(issuer, "sym").unwrap_err();
        assert!(error.hint().unwrap().contains("your tenant"), "{issuer}: {error}");
    }
    assert!(OidcProvider::new("http://id.example.com", "sym").is_err(), "in plain text");
}

/// Assertions of a proxy: the keys are where the issuer says, or where the operator says.
#[tokio::test]
async fn assertions_of_a_proxy_are_verified_by_the_keys_of_its_issuer() {
    let claims = json!({ "iss": PROVIDER, "aud": ["sym"], "sub": "00u1", "email": "ana@example.com" });
    for is_discovered in [true, false] {
        let replay = Replay::new();
        if is_discovered {
            replay.get(DISCOVERY).always().reply(Reply::json(provider_description()));
        }
        replay.get("/keys").always().reply(Reply::json(all_keys()));
        let assertions = match is_discovered {
            true => JwtAssertions::new(PROVIDER, "sym"),
            // The issuer is no address there.
            false => JwtAssertions::with_keys_at("authenticate.example.com", "sym", "https://keys.example.com/keys"),
        };
        let assertions = assertions.unwrap().connection(replay.connection()).unwrap();
        let good = sign(&json!({ "alg": "ES256", "kid": "ec" }), &claims);
        assert_eq!(assertions.verify(&good).await.unwrap()["email"], "ana@example.com");
        let unknown = sign(&json!({ "alg": "RS256", "kid": "x" }), &claims);
        for bad in [unknown, sign(&json!({ "alg": "none" }), &claims), sign(&json!({ "alg": "HS256", "kid": "rsa" }), &claims)] {
            assert_eq!(assertions.verify(&bad).await.unwrap_err().kind(), ErrorKind::Unauthorized);
        }
        let cut = good.expose_secret().rsplit_once('.').unwrap().0.to_owned();
        assert!(assertions.verify(&format!("{cut}.AAAA").into()).await.is_err());
    }
    assert!(JwtAssertions::new("http://id.example.com", "sym").is_err(), "in plain text");
    assert!(JwtAssertions::with_keys_at("id", "sym", "http://keys.example.com").is_err(), "in plain text");
}
