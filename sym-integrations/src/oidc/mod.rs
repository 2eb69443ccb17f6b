//! Signing in of people, and verification of the tokens that CI services sign for their jobs, with the keys that both publish by
//! [OpenID Connect Discovery](https://openid.net/specs/openid-connect-discovery-1_0.html).
//!
//! People sign in at an [`OidcProvider`], which a program adds with
//! [`Builder::identity_provider`](sym_sdk::runtime::Builder::identity_provider): an authorization code with PKCE, state and nonce.
//!
//! Where a proxy signs them in, [`JwtAssertions`] verifies what it says about them, for a `SignInProxy`.
//!
//! [`all`](crate::all) lets `serve` build both from its flags. It adds an [`OidcVerifier`] to a program, which then exchanges such tokens for
//! tokens of its bots: see [`Runtime::exchange_token`](sym_sdk::runtime::Runtime::exchange_token). The verifier answers for the signature;
//! which jobs are trusted is up to the runtime.
//!
//! - **The key decides about the algorithm**, and the token only says which of those that its key is for. Signatures are RSA, ECDSA or
//!   Ed25519: a token that is signed with a shared secret, or not at all, is refused.
//! - **Keys have an age**: they are read again after an hour, so that one that was withdrawn is not good any more. An unknown key makes them
//!   be read at once, but not more often than every 30 seconds, whatever strangers send. While the service is down, keys are good for a day;
//!   without good ones, each token asks for them, one after another.

mod assertions;
mod factory;
mod keys;
mod provider;
mod verifier;

pub use assertions::JwtAssertions;
pub use provider::OidcProvider;
pub use verifier::OidcVerifier;

inventory::submit! {
    crate::plugins::Registration::Other(|builder| {
        builder.workload_verifier(OidcVerifier::default()).sign_in_factory(factory::OidcFactory)
    })
}
