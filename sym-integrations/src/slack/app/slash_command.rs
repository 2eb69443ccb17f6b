//! `/sym` and what stands behind it.

use sym_sdk::error::Result;
use sym_sdk::model::{Channel, ChannelType, UserRole};

use super::response::{Answer, Reply, in_words, is_refusal};
use super::form_open::{Asking, Wanted};
use super::payload::Command;
use super::dispatcher::{Front, log};
use crate::slack::blocks::Mrkdwn;

const HELP: &str = "`/sym` shows what you can request.\n\
                    `/sym req [flow] [environment]` opens the form of a flow.\n\
                    `/sym whoami` says who you are here.\n\
                    `/sym help` shows this.";

impl Front {
    pub(super) async fn command(self, command: Command) -> Reply {
        let mut words = command.text.split_whitespace();
        match words.next().map(str::to_lowercase).as_deref() {
            None | Some("req" | "request") => {
                let wanted =
                    Wanted { flow: words.next().map(str::to_owned), environment: words.next().map(str::to_owned) };
                self.request(command, wanted).await
            }
            Some("whoami") => match self.who(&command).await {
                Ok(text) => Answer::ephemeral(text).into(),
                Err(error) if is_refusal(&error) => refused(&error),
                Err(error) => {
                    log("telling somebody who they are", &error);
                    Answer::Unavailable.into()
                }
            },
            Some("help") => Answer::ephemeral(HELP).into(),
            Some(other) => {
                let text = Mrkdwn::new().text("There is no ").code(format!("/sym {other}")).text(".\n").trusted(HELP);
                Answer::ephemeral(text.to_string()).into()
            }
        }
    }

    async fn request(self, command: Command, wanted: Wanted) -> Reply {
        let channel = Channel::new(ChannelType::Slack);
        let channel = match &command.channel_name {
            Some(name) => channel.with_identifier(name),
            None => channel,
        };
        let Command { team_id: team, user_id: account, trigger_id: attempt, .. } = command;
        match self.open(Asking { team, account, attempt, channel }, wanted).await {
            Ok(reply) => reply,
            Err(error) => {
                log("opening a form", &error);
                Answer::ephemeral("The form could not be opened. Please try again.").into()
            }
        }
    }

    async fn who(&self, command: &Command) -> Result<String> {
        let user = self.app.people().user(self.app.slack(), &command.user_id, self.runtime.clock().now()).await?;
        let role = match user.role() {
            UserRole::Admin => "an administrator",
            UserRole::Member => "a member",
            _ => "a guest",
        };
        Ok(Mrkdwn::new().text("You are ").bold(user.username()).text(format!(", {role}.")).to_string())
    }
}

fn refused(error: &sym_sdk::Error) -> Reply {
    Answer::ephemeral(Mrkdwn::new().text(in_words(error)).to_string()).into()
}
