//! Sign-ins of command lines, which have no browser of their own: a person who has signed in elsewhere lets them in.
//!
//! The command line has a secret, by which alone it gets its session, and shows a short code, by which the person says which command line they
//! mean. Neither leads to the other: the store knows each by its own hash. The code is good for one answer, and the answer for one session;
//! both for ten minutes after the sign-in was begun. The answer is void if the session in which it was given has ended.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{PendingSignIn, SIGN_IN_TIMEOUT, SignInSecret};
use crate::directory::Directory;
use crate::directory::tokens::random;
use crate::error::{Error, Result, codes};
use crate::model::{SessionId, UserId};
use crate::time::TimestampExt as _;

/// The letters of codes: no vowels, so that no code is a word (RFC 8628, section 6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// The number of letters of a code. Of ten thousand that are good at once, each guess has a chance of one in two million.
const CODE_LETTERS: usize = 8;

/// The maximum length of what a command line says about itself, in characters.
const MAX_MACHINE_CHARS: usize = 80;

/// The code that a command line shows, such as `BCDF-GHJK`. It is no secret: it is of use only to a person who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInCode(String);

impl SignInCode {
    fn random() -> Result<Self> {
        let mut letters = String::with_capacity(CODE_LETTERS);
        while letters.len() < CODE_LETTERS {
            // Bytes beyond the last multiple of the number of letters would make the first letters more likely.
            let bytes: [u8; 32] = random()?;
            let fair = bytes
                .iter()
                .map(|byte| usize::from(*byte))
                .filter(|byte| *byte < 256 / ALPHABET.len() * ALPHABET.len());
            let missing = CODE_LETTERS - letters.len();
            letters.extend(
                fair.take(missing)
                    .filter_map(|byte| ALPHABET.get(byte % ALPHABET.len()))
                    .map(|letter| char::from(*letter)),
            );
        }
        Ok(Self(letters))
    }

    /// Returns the hash that the store knows the sign-in by.
    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"sign-in code\n");
        hash.update(self.0.as_bytes());
        hash.finalize().into()
    }
}

impl fmt::Display for SignInCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at_checked(CODE_LETTERS / 2).unwrap_or((&self.0, ""));
        write!(f, "{first}-{second}")
    }
}

impl FromStr for SignInCode {
    type Err = Error;

    /// Reads a code as people type it: case, blanks and hyphens do not matter.
    fn from_str(text: &str) -> Result<Self> {
        let letters: String =
            text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).take(64).collect();
        if letters.len() == CODE_LETTERS && letters.bytes().all(|letter| ALPHABET.contains(&letter)) {
            return Ok(Self(letters));
        }
        let error = Error::invalid(codes::INVALID_PARAMETER, "the code is not one of a command line");
        Err(error.with_hint("it has eight letters, such as `BCDF-GHJK`, and is shown by the command `sign-in`"))
    }
}

/// A command line that waits to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WaitingCommandLine {
    /// The hash by which the store knows the answer.
    answer: [u8; 32],
    /// The address from which it calls, as far as the server knows it.
    pub address: Option<String>,
    /// Its own description of itself: the name of a machine, usually. Nobody has verified it.
    pub machine: Option<String>,
    /// The time at which the sign-in was begun.
    pub began_at: Timestamp,
}

/// The answer of a person to a command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CommandLineAnswer {
    /// Nobody has answered yet.
    Waiting,
    /// A person lets it in.
    Allowed {
        /// The person.
        user: UserId,
        /// The session in which they have said so.
        session: SessionId,
        /// The address from which the command line had called.
        address: Option<String>,
    },
    /// A person does not know it.
    Refused,
}

/// A sign-in of a command line that has begun.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CommandLineSignIn {
    /// The secret, for the command line.
    pub secret: SignInSecret,
    /// The code, for the person.
    pub code: SignInCode,
    /// The time from which both are void.
    pub expires_at: Timestamp,
}

impl Directory {
    /// Begins the sign-in of a command line that calls from this address and says this about itself.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn begin_command_line_sign_in(
        &self,
        address: Option<String>,
        machine: Option<&str>,
    ) -> Result<CommandLineSignIn> {
        let (secret, code) = (SignInSecret::random()?, SignInCode::random()?);
        let now = self.clock.now();
        let expires_at = now.plus(SIGN_IN_TIMEOUT);
        let machine = machine.map(|machine| {
            let shown = machine.chars().map(|c| if c.is_control() { ' ' } else { c });
            shown.take(MAX_MACHINE_CHARS).collect::<String>().trim().to_owned()
        });
        let machine = machine.filter(|machine| !machine.is_empty());
        let answer = PendingSignIn::CommandLineAnswer(CommandLineAnswer::Waiting);
        self.store.insert_pending_sign_in(secret.hash(), answer, now, expires_at).await?;
        let waiting = WaitingCommandLine { answer: secret.hash(), address, machine, began_at: now };
        let waiting = PendingSignIn::CommandLine(waiting);
        self.store.insert_pending_sign_in(code.hash(), waiting, now, expires_at).await?;
        Ok(CommandLineSignIn { secret, code, expires_at })
    }

    /// Returns the command line that shows this code. `None` if there is none, somebody has answered it, or it has waited for too long.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn waiting_command_line(&self, code: &SignInCode) -> Result<Option<WaitingCommandLine>> {
        let found = self.store.pending_sign_in(code.hash(), self.clock.now()).await?;
        Ok(match found {
            Some(PendingSignIn::CommandLine(waiting)) => Some(waiting),
            _ => None,
        })
    }

    /// Answers the command line that shows this code: lets it in as the person with this session, or refuses it. Returns what it was; `None`
    /// if there is none, somebody has answered it, or it has waited for too long.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn answer_command_line(
        &self,
        code: &SignInCode,
        allowed: Option<(UserId, SessionId)>,
    ) -> Result<Option<WaitingCommandLine>> {
        let now = self.clock.now();
        // Of several at once, one gets it.
        let taken = self.store.take_pending_sign_in(code.hash(), now).await?;
        let Some(PendingSignIn::CommandLine(waiting)) = taken else { return Ok(None) };
        let answer = match allowed {
            Some((user, session)) => CommandLineAnswer::Allowed { user, session, address: waiting.address.clone() },
            None => CommandLineAnswer::Refused,
        };
        let (answer, expires_at) = (PendingSignIn::CommandLineAnswer(answer), waiting.began_at.plus(SIGN_IN_TIMEOUT));
        self.store.insert_pending_sign_in(waiting.answer, answer, now, expires_at).await?;
        Ok(Some(waiting))
    }

    /// Returns the answer to the command line with this secret, which is gone then unless nobody has answered yet. `None` if there is no such
    /// sign-in, its answer was taken before, or it took too long.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn take_command_line_answer(&self, secret: &SignInSecret) -> Result<Option<CommandLineAnswer>> {
        let (hash, now) = (secret.hash(), self.clock.now());
        let found = self.store.pending_sign_in(hash, now).await?;
        let answered = match found {
            Some(PendingSignIn::CommandLineAnswer(CommandLineAnswer::Waiting)) => {
                return Ok(Some(CommandLineAnswer::Waiting));
            }
            Some(PendingSignIn::CommandLineAnswer(_)) => self.store.take_pending_sign_in(hash, now).await?,
            _ => None,
        };
        Ok(match answered {
            Some(PendingSignIn::CommandLineAnswer(answer)) => Some(answer),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code: SignInCode = "BCDF-GHJK".parse().unwrap();
        for text in ["bcdfghjk", " bcdf ghjk\n", "b-c-d-f-g-h-j-k"] {
            assert_eq!(text.parse::<SignInCode>().unwrap(), code, "{text}");
        }
        assert_eq!(code.to_string(), "BCDF-GHJK");
        for text in ["", "BCDF-GHJ", "BCDF-GHJKL", "ABCD-FGHJ", "BCDF-GHJ1", "BCDF_GHJK", "ÀCDF-GHJK"] {
            assert!(text.parse::<SignInCode>().is_err(), "{text}");
        }
    }

    #[test]
    fn codes_are_random_and_of_all_letters() {
        let codes: Vec<_> = (0..200).map(|_| SignInCode::random().unwrap().0).collect();
        let all = codes.concat();
        assert!(ALPHABET.iter().all(|letter| all.contains(char::from(*letter))), "{all}");
        assert!(codes.iter().all(|code| code.len() == CODE_LETTERS && code.parse::<SignInCode>().is_ok()));
        assert!(codes.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn waiting_command_lines_are_stored_as_json() {
        let (address, machine) = (Some("192.0.2.1".to_owned()), None);
        let waiting = WaitingCommandLine { answer: [7; 32], address, machine, began_at: Timestamp::UNIX_EPOCH };
        let json = serde_json::to_string(&waiting).unwrap();
        assert_eq!(serde_json::from_str::<WaitingCommandLine>(&json).unwrap(), waiting);
    }
}
