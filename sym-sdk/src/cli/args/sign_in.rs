//! The flags of `serve` by which people sign in.

use std::path::PathBuf;

use clap::ArgGroup;

use super::values;
use crate::model::UserRole;
use crate::server::IpRange;

/// The way in which people sign in.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("issuer").multiple(true).args(["oidc_issuer", "proxy_issuer"])))]
pub(in crate::cli) struct SignInSettings {
    /// Issuer at which people sign in by OpenID Connect, such as `https://acme.okta.com`, exactly as its openid-configuration names it
    #[arg(long, value_name = "URL", requires_all = ["oidc_client_id", "public_url"], conflicts_with = "proxy_header")]
    pub(in crate::cli) oidc_issuer: Option<String>,
    /// Client id that the issuer has given this program
    #[arg(long, value_name = "ID", requires = "oidc_issuer")]
    pub(in crate::cli) oidc_client_id: Option<String>,
    /// File with the client secret
    #[arg(long, value_name = "FILE", requires = "oidc_issuer", conflicts_with = "oidc_client_secret_env")]
    pub(in crate::cli) oidc_client_secret_file: Option<PathBuf>,
    /// Environment variable with the client secret
    #[arg(long, value_name = "NAME", requires = "oidc_issuer")]
    pub(in crate::cli) oidc_client_secret_env: Option<String>,
    /// Scope to ask for beside `openid`, `email` and `profile`, such as `groups`; can be repeated
    #[arg(long = "oidc-scope", value_name = "SCOPE", requires = "oidc_issuer")]
    pub(in crate::cli) oidc_scopes: Vec<String>,
    /// Header in which a proxy in front of this program names the person whom it has signed in: by e-mail address, or with `--proxy-issuer`
    /// in an assertion that it signs
    #[arg(long, value_name = "NAME", requires_all = ["trusted_proxies", "public_url"])]
    pub(in crate::cli) proxy_header: Option<String>,
    /// Issuer of the proxy's assertions, exactly as they name it
    #[arg(long, value_name = "ISSUER", requires_all = ["proxy_header", "proxy_audience"])]
    pub(in crate::cli) proxy_issuer: Option<String>,
    /// Audience that the proxy's assertions have for this program
    #[arg(long, value_name = "AUDIENCE", requires = "proxy_issuer")]
    pub(in crate::cli) proxy_audience: Option<String>,
    /// Address of the keys of the proxy's assertions [default: the issuer's openid-configuration says it]
    #[arg(long, value_name = "URL", requires = "proxy_issuer")]
    pub(in crate::cli) proxy_keys_url: Option<String>,
    /// Path at which the proxy signs people out, such as `/oauth2/sign_out`
    #[arg(long, value_name = "PATH", requires = "proxy_header")]
    pub(in crate::cli) proxy_sign_out_path: Option<String>,
    /// Address, or range such as `10.0.0.0/8`, of the proxies in front of this program, whose `X-Forwarded-For` is believed, and the header of
    /// `--proxy-header`; can be repeated
    #[arg(long = "trusted-proxy", value_name = "ADDRESS")]
    pub(in crate::cli) trusted_proxies: Vec<IpRange>,
    /// Role of the members of a group, such as `admin=sym-admins`; can be repeated. Whoever is in none of the groups cannot sign in
    #[arg(long = "role-group", value_name = "ROLE=GROUP", value_parser = values::role_group, requires = "issuer")]
    pub(in crate::cli) role_groups: Vec<(UserRole, String)>,
    /// Claim that lists the groups of a person
    #[arg(long, value_name = "CLAIM", default_value = "groups")]
    pub(in crate::cli) groups_claim: String,
    /// Take e-mail addresses as verified if the issuer does not say whether they are: only if people cannot set their own there
    #[arg(long, requires = "issuer")]
    pub(in crate::cli) trust_unverified_emails: bool,
}
