//! The factory of an identity provider, and of a verifier of assertions, from the settings on a command line.

use std::sync::Arc;

use sym_sdk::error::Result;
use sym_sdk::runtime::{AssertionSettings, AssertionVerifier, IdentityProvider, OidcSettings, SignInFactory};

use super::{JwtAssertions, OidcProvider};

/// The factory of [`OidcProvider`] and [`JwtAssertions`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OidcFactory;

impl SignInFactory for OidcFactory {
    fn identity_provider(&self, settings: &OidcSettings) -> Result<Arc<dyn IdentityProvider>> {
        let mut provider = OidcProvider::new(&settings.issuer, &settings.client_id)?;
        if let Some(secret) = &settings.client_secret {
            provider = provider.client_secret(secret.clone());
        }
        Ok(Arc::new(settings.scopes.iter().fold(provider, OidcProvider::scope)))
    }

    fn assertion_verifier(&self, settings: &AssertionSettings) -> Result<Box<dyn AssertionVerifier>> {
        let AssertionSettings { issuer, audience, keys_url, .. } = settings;
        Ok(Box::new(match keys_url {
            Some(address) => JwtAssertions::with_keys_at(issuer, audience, address)?,
            None => JwtAssertions::new(issuer, audience)?,
        }))
    }
}
