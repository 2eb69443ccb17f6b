//! Signing in on a command line: a person who has signed in elsewhere lets it in.

use std::sync::Arc;

use secrecy::SecretString;

use super::super::account_events::RefusedCaller;
use crate::directory::{
    CommandLineAnswer, CommandLineSignIn, Session, SessionKind, SignInCode, SignInSecret, WaitingCommandLine,
};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::SignInPlace;
use crate::model::{SessionId, User};
use crate::runtime::Runtime;

/// The progress of a sign-in, as its command line hears it.
#[derive(Debug)]
#[non_exhaustive]
pub enum CommandLineProgress {
    /// Nobody has answered yet.
    Waiting,
    /// A person has let it in. It hears so once.
    SignedIn {
        /// The person.
        user: Arc<User>,
        /// The session that has begun.
        session: Session,
        /// The secret of the session.
        secret: SecretString,
    },
}

impl Runtime {
    /// Begins the sign-in of a command line that calls from this address, and says this about itself: see
    /// [`Directory::begin_command_line_sign_in`](crate::directory::Directory::begin_command_line_sign_in).
    ///
    /// # Errors
    /// If the store fails.
    pub async fn begin_command_line_sign_in(
        &self,
        address: Option<String>,
        machine: Option<&str>,
    ) -> Result<CommandLineSignIn> {
        let beginning = self.directory().begin_command_line_sign_in(address, machine);
        self.executor.ask_directory(beginning).await
    }

    /// Returns the command line that shows this code, if one waits.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn waiting_command_line(&self, code: &SignInCode) -> Result<Option<WaitingCommandLine>> {
        self.executor.ask_directory(self.directory().waiting_command_line(code)).await
    }

    /// Lets the command line in that shows this code, as a person with this session. The session has to last until the command line has
    /// fetched its own. Returns what it was; `None` if none waits.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn allow_command_line(
        &self,
        code: &SignInCode,
        user: &User,
        session: SessionId,
    ) -> Result<Option<WaitingCommandLine>> {
        let allowed = Some((user.id(), session));
        let answered = self.executor.ask_directory(self.directory().answer_command_line(code, allowed)).await?;
        if let Some(WaitingCommandLine { address, .. }) = &answered {
            tracing::info!(user = user.username(), address, "a person lets a command line in");
        }
        Ok(answered)
    }

    /// Refuses the command line that shows this code, which is recorded. Returns what it was; `None` if none waits.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn refuse_command_line(&self, code: &SignInCode, user: &Arc<User>) -> Result<Option<WaitingCommandLine>> {
        let answered = self.executor.ask_directory(self.directory().answer_command_line(code, None)).await?;
        if let Some(WaitingCommandLine { address, .. }) = &answered {
            let place = SignInPlace::CommandLine { address: address.clone() };
            self.record_sign_in_refused(&RefusedCaller::Known(user.clone()), place, &not_known()).await;
        }
        Ok(answered)
    }

    /// Returns the progress of the sign-in with this secret, and begins the session once the person has answered.
    ///
    /// # Errors
    /// With [`ErrorKind::Unauthorized`] if there is no such sign-in, its session was fetched before, or it took too long; with
    /// [`ErrorKind::Forbidden`] if the person has refused it or cannot sign in; also if the store fails.
    pub async fn command_line_progress(&self, secret: &SignInSecret) -> Result<CommandLineProgress> {
        let answer = self.executor.ask_directory(self.directory().take_command_line_answer(secret)).await?;
        let (user, session, address) = match answer {
            Some(CommandLineAnswer::Waiting) => return Ok(CommandLineProgress::Waiting),
            Some(CommandLineAnswer::Allowed { user, session, address }) => (user, session, address),
            Some(CommandLineAnswer::Refused) => return Err(not_known()),
            None => {
                let message =
                    "there is no such sign-in: it took longer than ten minutes, or its session was fetched before";
                let error = Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_SIGN_IN_EXPIRED, message);
                return Err(error.with_hint("sign in again"));
            }
        };
        // Whoever has been signed out everywhere meanwhile does not get in by the back door.
        let sessions = self.sessions_of(&user).await?;
        if !sessions.iter().any(|known| known.id == session) {
            let message = "the session in which this was allowed has ended";
            let error = Error::new(ErrorKind::Forbidden, codes::AUTHENTICATION_SIGN_IN_REFUSED, message);
            return Err(error.with_hint("sign in again"));
        }
        let place = SignInPlace::CommandLine { address };
        let (session, secret) = self.begin_session_at(&user, SessionKind::CommandLine, place, None).await?;
        let found = self.executor.ask_directory(self.directory().user(user)).await?;
        let user =
            found.ok_or_else(|| Error::new(ErrorKind::NotFound, codes::UNKNOWN_USER, "the person was deleted"))?;
        Ok(CommandLineProgress::SignedIn { user, session, secret })
    }
}

fn not_known() -> Error {
    let message = "the person has not let this command line in";
    Error::new(ErrorKind::Forbidden, codes::AUTHENTICATION_SIGN_IN_REFUSED, message)
}
