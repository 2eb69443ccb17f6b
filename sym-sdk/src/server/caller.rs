//! Callers: the bots and users that send requests over HTTP.
//!
//! A caller is read anew at each request, so that a role that was taken away, a lock and an end of a token count from the next one on. A
//! token in a URL is never read: URLs are logged by everything on the way.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use secrecy::SecretString;

use super::problem::Problem;
use crate::directory::SessionKind;
use crate::error::{Error, ErrorKind, codes};
#[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
use crate::machine::require_person;
use crate::model::{Channel, ChannelType, SessionId, User, UserRole, UserType};
use crate::runtime::{Administrator, Runtime, call_bounded};

/// The cookies that sessions of people are kept in.
const SESSION_COOKIES: [&str; 2] = ["__Host-sym", "sym_dev"];

/// Time limit for reading a caller from the directory.
const AUTHENTICATION_TIMEOUT: Duration = Duration::from_secs(10);

/// The hint for a caller without credentials.
const HOW_TO_AUTHENTICATE: &str =
    "send `Authorization: Bearer symbot_…` with the token of a bot, which an administrator issues";

/// The sender of a request, who is authenticated.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub(crate) enum Caller {
    /// A bot, by one of its tokens.
    Bot(Arc<User>),
    /// A person, by the token of a session on a command line.
    Person(Arc<User>, SessionId),
    /// The user whom the command line names, on a file that its operator can read. Nobody has authenticated them, and the channel says so.
    #[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
    Operator(Arc<User>, Channel),
}

impl Caller {
    pub(crate) fn user(&self) -> &Arc<User> {
        match self {
            Self::Bot(user) | Self::Person(user, _) => user,
            #[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
            Self::Operator(user, _) => user,
        }
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.user().is_admin()
    }

    /// Returns the name under which the caller's keys and limits are kept. It is not that of anybody else, ever.
    pub(crate) fn key(&self) -> String {
        self.user().id().to_string()
    }

    /// Returns the channel of what the caller submits for themselves.
    pub(crate) fn channel(&self) -> Channel {
        match self {
            Self::Bot(_) | Self::Person(..) => Channel::new(ChannelType::Api),
            #[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
            Self::Operator(_, channel) => channel.clone(),
        }
    }

    /// Returns the channel through which a request is looked at in advance. On the command line, it is made elsewhere.
    pub(crate) fn preview_channel(&self, channel: Channel) -> Channel {
        match self {
            Self::Bot(_) | Self::Person(..) => channel,
            #[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
            Self::Operator(..) => Channel::new(ChannelType::Api),
        }
    }

    /// Returns the caller as the administrator of users.
    pub(crate) fn administrator(&self) -> Administrator {
        Administrator::new(self.user().clone(), self.channel())
    }

    /// Returns the channel of what the caller submits for somebody else, so that the record names both.
    ///
    /// # Errors
    /// If the caller may not.
    pub(crate) fn channel_for_others(&self) -> Result<Channel, Error> {
        match self {
            Self::Bot(bot) if bot.user_type() == UserType::Bot && bot.role() != UserRole::Guest => {
                Ok(Channel::of_bot(bot))
            }
            Self::Bot(user) | Self::Person(user, _) => {
                let message = format!("{} cannot make requests for others", user.username());
                Err(Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message))
            }
            #[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
            Self::Operator(_, channel) => Ok(channel.clone()),
        }
    }

    /// Checks that the caller is an administrator.
    pub(crate) fn require_admin(&self) -> Result<(), Error> {
        if self.is_admin() {
            return Ok(());
        }
        let message = format!("{} is not an administrator", self.user().username());
        let error = Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message);
        Err(error.with_hint("use the token of a bot with role `admin`, or ask an administrator"))
    }
}

/// The credentials of a request.
#[derive(Debug)]
pub(crate) enum Credentials {
    Token(SecretString),
    /// A session, which no part of this crate can authenticate yet.
    Session,
    /// The command line, on a file. It is the operator who can read the file, and may name a user by e-mail address.
    #[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
    Operator {
        email: Option<String>,
        channel: Channel,
    },
}

impl Credentials {
    /// Reads the credentials out of the headers.
    ///
    /// # Errors
    /// If there are none, more than one, or they are malformed.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
        let authorization = authorizations.next();
        let has_session = headers.get_all(header::COOKIE).iter().any(names_session);
        if authorizations.next().is_some() || (authorization.is_some() && has_session) {
            let message = "the request authenticates in two ways";
            let error = Error::new(ErrorKind::InvalidInput, codes::AUTHENTICATION_AMBIGUOUS, message);
            return Err(error.with_hint("send one header `Authorization`, and no cookie of a session").into());
        }
        let Some(authorization) = authorization else {
            return if has_session { Ok(Self::Session) } else { Err(missing("the request names nobody").into()) };
        };
        let token = authorization.to_str().ok().and_then(|value| {
            let (scheme, token) = value.trim().split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
        });
        let token = token.ok_or_else(|| missing("the header `Authorization` is not of the form `Bearer TOKEN`"))?;
        Ok(Self::Token(SecretString::from(token)))
    }

    /// Returns the part of a token that may be written down and tells it from others.
    pub(crate) fn public_part(&self) -> String {
        use secrecy::ExposeSecret as _;
        match self {
            Self::Token(token) => {
                let id = token.expose_secret().split('_').nth(1).filter(|id| id.len() == 32);
                id.unwrap_or("malformed").to_owned()
            }
            Self::Session => "session".to_owned(),
            #[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
            Self::Operator { .. } => "operator".to_owned(),
        }
    }

    /// Authenticates the caller.
    ///
    /// # Errors
    /// If the credentials are not good, or the directory fails.
    pub(crate) async fn authenticate(&self, runtime: &Runtime) -> Result<Caller, Error> {
        let token = match self {
            Self::Token(token) => token,
            Self::Session => return Err(missing("sessions are not taken here")),
            #[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
            Self::Operator { email, channel } => {
                let user = operator(runtime, email.as_deref()).await?;
                return Ok(Caller::Operator(user, channel.clone()));
            }
        };
        if SessionKind::CommandLine.is_kind_of(token) {
            return person(runtime, token).await;
        }
        let asking = runtime.directory().authenticate(token);
        let asked = call_bounded(&**runtime.clock(), AUTHENTICATION_TIMEOUT, || "the directory".to_owned(), asking);
        asked.await.flatten().map(Caller::Bot)
    }
}

/// Returns the person who has signed in on a command line, as the caller.
async fn person(runtime: &Runtime, token: &SecretString) -> Result<Caller, Error> {
    let asking = runtime.directory().session(token);
    let asked = call_bounded(&**runtime.clock(), AUTHENTICATION_TIMEOUT, || "the directory".to_owned(), asking);
    let found = asked.await.flatten()?.filter(|(session, _)| session.kind == SessionKind::CommandLine);
    found.map(|(session, user)| Caller::Person(user, session.id)).ok_or_else(|| {
        let message = "the session has ended, or never existed";
        let error = Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_SESSION_ENDED, message);
        error.with_hint("sign in again: sessions end after twelve hours, and when a role is taken away")
    })
}

/// Returns the user whom the command line names. Without one, it reads as whoever can read the file: everything.
#[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
async fn operator(runtime: &Runtime, email: Option<&str>) -> Result<Arc<User>, Error> {
    let Some(email) = email else { return Ok(Arc::new(User::system().with_role(UserRole::Admin))) };
    let user = runtime.directory().user_by_email(email).await?.ok_or_else(|| {
        let message = format!("no user has the e-mail address `{email}`");
        let error = Error::new(ErrorKind::InvalidInput, codes::UNKNOWN_USER, message);
        error.with_hint("pass the address of a user of the store with `--as`; `users list` lists them")
    })?;
    require_person(&user)?;
    Ok(user)
}

impl Caller {
    /// Checks that the caller may use the API, which is not for agents: their token is good for MCP alone.
    pub(crate) fn require_no_agent(&self) -> Result<(), Error> {
        if !self.user().is_agent() {
            return Ok(());
        }
        let message = format!("{} is an agent, whose token is good for MCP alone", self.user().username());
        let error = Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message);
        Err(error.with_hint("connect with a client of the Model Context Protocol, at `/mcp`"))
    }

    /// Checks that the caller is an agent, for which alone MCP is.
    pub(crate) fn require_agent(&self) -> Result<(), Error> {
        if self.user().is_agent() {
            return Ok(());
        }
        let message = format!("{} is not an agent, and MCP is for agents alone", self.user().username());
        let error = Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message);
        Err(error.with_hint("an administrator adds an agent as a bot with an owner, and issues its token"))
    }
}

fn names_session(cookies: &axum::http::HeaderValue) -> bool {
    let Ok(cookies) = cookies.to_str() else { return false };
    let names = cookies.split(';').filter_map(|cookie| cookie.split('=').next());
    names.map(str::trim).any(|name| SESSION_COOKIES.contains(&name))
}

fn missing(message: &str) -> Error {
    Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_MISSING, message).with_hint(HOW_TO_AUTHENTICATE)
}
