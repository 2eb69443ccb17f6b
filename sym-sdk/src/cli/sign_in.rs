//! The way in which people sign in, from the flags of `serve`. Secrets are in files or environment variables, never in a flag.

use std::sync::Arc;

use secrecy::SecretString;

use super::args::SignInSettings;
use super::keys;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::runtime::{AssertionSettings, Builder, OidcSettings, SignInFactory, SignInProxy, SignInRules};

/// Sets the way in which people sign in, if the flags name one; it replaces that of the program.
pub(super) fn with_sign_in(builder: Builder, settings: &SignInSettings) -> Result<Builder> {
    if let Some(issuer) = &settings.oidc_issuer {
        let mut oidc = OidcSettings::new(issuer, settings.oidc_client_id.as_deref().unwrap_or_default());
        oidc.client_secret = client_secret(settings)?;
        oidc.scopes.clone_from(&settings.oidc_scopes);
        let provider = factory(&builder)?.identity_provider(&oidc)?;
        return Ok(builder.shared_identity_provider(provider, rules(settings)));
    }
    let Some(header) = &settings.proxy_header else { return Ok(builder) };
    let peers = settings.trusted_proxies.clone();
    let proxy = match &settings.proxy_issuer {
        None => SignInProxy::plain(header, peers)?,
        Some(issuer) => {
            let mut assertions = AssertionSettings::new(issuer, settings.proxy_audience.as_deref().unwrap_or_default());
            assertions.keys_url.clone_from(&settings.proxy_keys_url);
            let verifier = factory(&builder)?.assertion_verifier(&assertions)?;
            SignInProxy::new(header, peers, Some(verifier), rules(settings))?
        }
    };
    let proxy = match &settings.proxy_sign_out_path {
        Some(path) => proxy.sign_out_path(path)?,
        None => proxy,
    };
    Ok(builder.sign_in_proxy(proxy))
}

fn rules(settings: &SignInSettings) -> SignInRules {
    let rules =
        SignInRules::new().groups_claim(&settings.groups_claim).email_is_verified(settings.trust_unverified_emails);
    settings.role_groups.iter().fold(rules, |rules, (role, group)| rules.role(*role, [group]))
}

fn client_secret(settings: &SignInSettings) -> Result<Option<SecretString>> {
    let (file, variable) = (&settings.oidc_client_secret_file, settings.oidc_client_secret_env.as_deref());
    let secrets = keys::read("the client secret", file.as_slice(), variable)?;
    Ok(secrets.into_iter().next())
}

fn factory(builder: &Builder) -> Result<Arc<dyn SignInFactory>> {
    builder.factory_of_sign_in().ok_or_else(|| {
        let message = "this program cannot verify what an issuer signs";
        let error = Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message);
        error.with_hint("enable the feature `oidc` of the crate `sym-integrations`, and pass `sym_integrations::all()` to `App::with`")
    })
}
