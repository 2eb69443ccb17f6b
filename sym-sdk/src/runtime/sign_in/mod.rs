//! Signing in at an identity provider, by OpenID Connect.
//!
//! The provider says who somebody is, and of which groups. Everything that follows from it is decided here: whether its token is for us and
//! answers our question, which person of the directory it is, and which role they have. The provider's addresses and the signatures of its
//! tokens are for an [`IdentityProvider`].
//!
//! - **A person is known by issuer and subject.** The first time, they are joined by an e-mail address that the provider has verified, in a
//!   domain of the organization; never to an administrator, whose rights would be taken over by whoever can set an address.
//! - **A proxy in front of the server can sign people in instead**: see [`SignInProxy`]. Who somebody is follows from its word in the same way.
//! - **Unknown is not none.** If roles come from groups and the token does not say which, the sign-in is refused, and role and sessions stay
//!   as they are. Whoever is in no group loses role and sessions in one transaction.

mod claims;
mod command_line;
mod factory;
mod groups;
#[cfg(feature = "api")]
mod proxy;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};

use self::claims::{Subject, check_claims};
pub use self::command_line::CommandLineProgress;
pub use self::factory::{AssertionSettings, AssertionVerifier, OidcSettings, SignInFactory};
use self::groups::{RoleByGroups, role_by_groups};
#[cfg(feature = "api")]
pub use self::proxy::SignInProxy;
use super::Runtime;
use super::account_events::{RefusedCaller, by_identity_provider};
use super::bounded_call::call_bounded;
use super::identity::refuse_locked;
use crate::directory::{DeletedBy, PendingSignIn, ReturnPath, Session, SessionKind, SignInSecret};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;
use crate::machine::SignInPlace;
use crate::model::{User, UserIdentity, UserRole, UserType};

/// The service of the accounts that people have at identity providers. Its instance is the issuer.
pub(crate) const ACCOUNT_SERVICE: &str = "oidc";

/// Time limit of a call to the identity provider.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(15);

/// An identity provider that people sign in at. `sym-integrations` has one for OpenID Connect, with the feature `oidc`.
///
/// It answers for the addresses and for the signature. What the claims say, and until when, is for the runtime to check.
pub trait IdentityProvider: fmt::Debug + Send + Sync + 'static {
    /// Returns the issuer, exactly as its tokens name it.
    fn issuer(&self) -> &str;

    /// Returns the client id that we have at the provider.
    fn client_id(&self) -> &str;

    /// Returns the address that a browser is sent to, which asks for an authorization code.
    ///
    /// # Errors
    /// If the provider's addresses cannot be read.
    fn authorization_url<'a>(&'a self, request: &'a SignInRequest) -> BoxFuture<'a, Result<String>>;

    /// Redeems the code that the browser came back with, and returns the claims of the ID token, whose signature is that of the provider.
    ///
    /// # Errors
    /// If the provider refuses the code, or has not signed the token in a way that is trusted; otherwise if it cannot be reached.
    fn redeem<'a>(
        &'a self,
        code: &'a SecretString,
        request: &'a SignInRequest,
    ) -> BoxFuture<'a, Result<Map<String, Value>>>;
}

/// A sign-in as an identity provider sees it.
#[derive(Clone, Debug)]
pub struct SignInRequest {
    secret: SignInSecret,
    redirect_uri: String,
}

impl SignInRequest {
    /// Creates the request of a sign-in, after which the provider sends the browser to this address of ours.
    pub fn new(secret: SignInSecret, redirect_uri: impl Into<String>) -> Self {
        Self { secret, redirect_uri: redirect_uri.into() }
    }

    /// Returns the state, which comes back with the code.
    pub fn state(&self) -> String {
        self.secret.state()
    }

    /// Returns the nonce, which comes back in the ID token.
    pub fn nonce(&self) -> String {
        self.secret.nonce()
    }

    /// Returns the verifier of the code (RFC 7636).
    pub fn verifier(&self) -> SecretString {
        self.secret.verifier()
    }

    /// Returns the address that the provider sends the browser to.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }
}

/// The rules by which people who sign in get their role.
///
/// ```
/// use sym_sdk::model::UserRole;
/// use sym_sdk::runtime::SignInRules;
///
/// let rules = SignInRules::new().role(UserRole::Admin, ["sym-admins"]).role(UserRole::Member, ["eng", "ops"]);
/// # let _ = rules;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInRules {
    pub(super) roles: BTreeMap<UserRole, Vec<String>>,
    pub(super) groups_claim: String,
    pub(super) email_is_verified: bool,
}

impl Default for SignInRules {
    fn default() -> Self {
        Self { roles: BTreeMap::new(), groups_claim: "groups".to_owned(), email_is_verified: false }
    }
}

impl SignInRules {
    /// Creates rules by which everybody keeps the role that they have.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a role to the members of these groups, and adds to those that have it. Names of groups, or their ids, are compared exactly. With
    /// any such rule, whoever is in none of the groups cannot sign in.
    #[must_use]
    pub fn role<G: Into<String>>(mut self, role: UserRole, groups: impl IntoIterator<Item = G>) -> Self {
        self.roles.entry(role).or_default().extend(groups.into_iter().map(Into::into));
        self
    }

    /// Sets the claim that lists the groups, or app roles, of a person. Default: `groups`.
    #[must_use]
    pub fn groups_claim(mut self, claim: impl Into<String>) -> Self {
        self.groups_claim = claim.into();
        self
    }

    /// Takes e-mail addresses as verified if the provider does not say whether they are. Only for providers at which people cannot set their
    /// own address.
    #[must_use]
    pub fn email_is_verified(mut self, is_verified: bool) -> Self {
        self.email_is_verified = is_verified;
        self
    }
}

/// The way in which people sign in, and the rules for them.
#[derive(Debug)]
pub(super) struct SignIn {
    pub(super) method: SignInMethod,
    pub(super) rules: SignInRules,
}

/// A way in which people sign in.
#[derive(Debug)]
pub(super) enum SignInMethod {
    /// At an identity provider.
    Provider(Arc<dyn IdentityProvider>),
    /// At a proxy in front of the server.
    #[cfg(feature = "api")]
    Proxy(SignInProxy),
}

/// A sign-in that was finished.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedIn {
    /// The person.
    pub user: Arc<User>,
    /// The session that has begun.
    pub session: Session,
    /// The secret of the session.
    pub secret: SecretString,
    /// The path to return to.
    pub return_path: ReturnPath,
}

impl Runtime {
    /// Returns the issuer at which people sign in, if there is one: the identity provider, or that of the assertions of a
    /// proxy, which is `proxy` if it signs none.
    pub fn sign_in_issuer(&self) -> Option<&str> {
        self.sign_in.as_ref().map(|sign_in| match &sign_in.method {
            SignInMethod::Provider(provider) => provider.issuer(),
            #[cfg(feature = "api")]
            SignInMethod::Proxy(proxy) => proxy.issuer(),
        })
    }

    /// Starts a sign-in in a browser: returns the secret that it keeps, and the address of the identity provider to send it to. The provider
    /// sends it to `redirect_uri`.
    ///
    /// # Errors
    /// If there is no identity provider, or it or the store fails.
    pub async fn start_sign_in(&self, return_path: ReturnPath, redirect_uri: &str) -> Result<(SignInSecret, String)> {
        let (provider, _) = self.provider()?;
        let secret = self.begin_sign_in(PendingSignIn::Browser { return_path }).await?;
        let request = SignInRequest::new(secret.clone(), redirect_uri);
        let asking = async { provider.authorization_url(&request).await };
        let subject = || format!("the identity provider `{}`", provider.issuer());
        let url = call_bounded(&**self.clock(), PROVIDER_TIMEOUT, subject, asking).await??;
        Ok((secret, url))
    }

    /// Finishes a sign-in with the code that the browser came back with, and begins a session. It can be tried once.
    ///
    /// # Errors
    /// With [`ErrorKind::Unauthorized`] if the sign-in was not begun, was finished before, or took too long, or if the provider's answer is not
    /// good; with [`ErrorKind::Forbidden`] if the person cannot sign in; also if there is no identity provider, or it or the store fails.
    pub async fn complete_sign_in(
        &self,
        secret: &SignInSecret,
        redirect_uri: &str,
        code: &SecretString,
    ) -> Result<SignedIn> {
        let mut caller = RefusedCaller::Nobody;
        let completed = self.try_complete_sign_in(secret, redirect_uri, code, &mut caller).await;
        if let Err(error) = &completed {
            self.record_sign_in_refused(&caller, SignInPlace::Browser, error).await;
        }
        completed
    }

    /// Ends a sign-in that the identity provider has refused, which is recorded. Returns the error.
    ///
    /// # Errors
    /// Always: with the reason, or because the store fails.
    pub async fn refuse_sign_in(&self, secret: &SignInSecret, reason: Error) -> Result<SignedIn> {
        // Without one, nobody has begun anything.
        if self.take_sign_in(secret).await?.is_some() {
            self.record_sign_in_refused(&RefusedCaller::Nobody, SignInPlace::Browser, &reason).await;
        }
        Err(reason)
    }

    /// `caller` gets whoever it is, as soon as it is known.
    async fn try_complete_sign_in(
        &self,
        secret: &SignInSecret,
        redirect_uri: &str,
        code: &SecretString,
        caller: &mut RefusedCaller,
    ) -> Result<SignedIn> {
        let (provider, rules) = self.provider()?;
        let Some(PendingSignIn::Browser { return_path }) = self.take_sign_in(secret).await? else {
            let message = "this sign-in was finished before, or took longer than ten minutes";
            let error = Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_SIGN_IN_EXPIRED, message);
            return Err(error.with_hint("sign in again"));
        };
        let request = SignInRequest::new(secret.clone(), redirect_uri);
        let redeeming = async { provider.redeem(code, &request).await };
        let subject = || format!("the identity provider `{}`", provider.issuer());
        let claims = call_bounded(&**self.clock(), PROVIDER_TIMEOUT, subject, redeeming).await??;
        let (issuer, client) = (provider.issuer(), provider.client_id());
        let subject = check_claims(&claims, issuer, client, Some(&request.nonce()), self.clock().now())?;
        let account = UserIdentity::new(ACCOUNT_SERVICE, issuer, &subject.id);
        let user = self.signed_in_person(account, rules, &subject, &claims, caller).await?;
        let (kind, place) = (SessionKind::Browser, SignInPlace::Browser);
        let (session, secret) = self.begin_session_at(&user.id(), kind, place, Some(issuer)).await?;
        Ok(SignedIn { user, session, secret, return_path })
    }

    fn provider(&self) -> Result<(&Arc<dyn IdentityProvider>, &SignInRules)> {
        if let Some(SignIn { method: SignInMethod::Provider(provider), rules }) = self.sign_in.as_deref() {
            return Ok((provider, rules));
        }
        let message = "people cannot sign in: no identity provider is set up";
        let error = Error::new(ErrorKind::Unavailable, codes::AUTHENTICATION_SIGN_IN_REFUSED, message);
        Err(error.with_hint("operators set one with `serve --oidc-issuer`, or `Builder::identity_provider`"))
    }

    /// Returns the person that the claims are about, whose account this is, with the role that they have from now on.
    async fn signed_in_person(
        &self,
        account: UserIdentity,
        rules: &SignInRules,
        subject: &Subject,
        claims: &Map<String, Value>,
        caller: &mut RefusedCaller,
    ) -> Result<Arc<User>> {
        let (directory, issuer) = (self.directory(), account.service_id().to_owned());
        *caller = match &subject.email {
            Some(email) => RefusedCaller::Address(email.clone()),
            None => RefusedCaller::Account(account.clone()),
        };
        let store = &directory.store;
        if self.executor.ask_directory(store.deleted_user(DeletedBy::Account(&account))).await?.is_some() {
            let message = "the person with this account was deleted from the directory";
            let error = Error::new(ErrorKind::Forbidden, codes::USER_DELETED, message);
            return Err(error.with_hint("ask an administrator"));
        }
        let known = self.executor.ask_directory(store.user_by_identity(&account)).await?;
        if let Some(known) = &known {
            *caller = RefusedCaller::Known(known.clone());
            refuse_locked(known)?;
        }
        let role = match role_by_groups(claims, rules) {
            RoleByGroups::Unset => None,
            RoleByGroups::Role(role) => Some(role),
            RoleByGroups::Unknown { message, hint } => {
                tracing::error!(
                    subject = subject.id,
                    reason = message,
                    hint,
                    "the groups of a person are not known, who was refused"
                );
                let error = Error::new(ErrorKind::Forbidden, codes::AUTHENTICATION_SIGN_IN_REFUSED, message);
                return Err(error.with_hint(hint));
            }
            RoleByGroups::None => {
                if let Some(known) = &known {
                    self.take_role(known, &issuer).await?;
                }
                let message = "you are in none of the groups whose members may sign in";
                let error = Error::new(ErrorKind::Forbidden, codes::AUTHENTICATION_SIGN_IN_REFUSED, message);
                return Err(error.with_hint("ask an administrator of your identity provider"));
            }
        };
        let user = match known {
            Some(known) => known,
            None => self.join(subject, account, rules).await?,
        };
        match role.filter(|role| *role != user.role()) {
            Some(role) => {
                tracing::info!(user = user.username(), role = role.as_str(), "the identity provider gives a role");
                self.role_by_identity_provider(&user, role, &issuer).await
            }
            None => Ok(user),
        }
    }

    /// Takes role and sessions from somebody who is in no group any more.
    async fn take_role(&self, user: &Arc<User>, issuer: &str) -> Result<()> {
        tracing::warn!(user = user.username(), "a person is in no group any more, and loses role and sessions");
        if user.role() == UserRole::Guest {
            let by = by_identity_provider(issuer);
            return self.end_sessions_by(&user.id(), &by).await.map(drop);
        }
        self.role_by_identity_provider(user, UserRole::Guest, issuer).await.map(drop)
    }

    /// Joins an account to the person with its e-mail address, who is added if they are unknown.
    async fn join(&self, subject: &Subject, account: UserIdentity, rules: &SignInRules) -> Result<Arc<User>> {
        let refused = |message: String, hint: &'static str| {
            let error = Error::new(ErrorKind::Forbidden, codes::AUTHENTICATION_SIGN_IN_REFUSED, message);
            Err(error.with_hint(hint))
        };
        let ask = "ask an administrator to add your account with `POST /users/{user}/identities`";
        let Some(email) = &subject.email else {
            return refused("your identity provider does not tell your e-mail address".to_owned(), ask);
        };
        if !subject.is_email_verified.unwrap_or(rules.email_is_verified) {
            return refused(format!("your identity provider has not verified the address `{email}`"), ask);
        }
        let directory = self.directory();
        if !directory.is_internal_email(email) {
            return refused(format!("the address `{email}` is in no domain of this organization"), ask);
        }
        let user = self.executor.ask_directory(directory.get_or_create_user_by_email(email)).await?;
        refuse_locked(&user)?;
        if user.user_type() != UserType::Normal {
            return refused(format!("`{email}` is not the address of a person"), ask);
        }
        if user.is_admin() {
            let message = format!("`{email}` is the address of an administrator, who is not joined by address alone");
            return refused(
                message,
                "ask another administrator to add your account with `POST /users/{user}/identities`",
            );
        }
        if user.identity(ACCOUNT_SERVICE, Some(account.service_id())).is_some() {
            return refused(format!("`{email}` has signed in with another account of the same identity provider"), ask);
        }
        tracing::info!(
            user = user.username(),
            issuer = account.service_id(),
            subject = subject.id,
            "an account was joined"
        );
        self.executor.ask_directory(directory.put_identity(user.id(), account)).await
    }
}
