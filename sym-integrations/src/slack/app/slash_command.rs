//! The slash command `/sym` and its subcommands.

use sym_sdk::error::{Error, Result};
use sym_sdk::model::{Channel, ChannelType, UserRole};

use super::dispatcher::Dispatcher;
use super::flow_picker::FlowQuery;
use super::form_open::FormRequest;
use super::payload::SlashCommand;
use super::response::{Response, ResponseWithFollowUp, user_message};
use super::{log_error, overview};
use crate::slack::blocks::Mrkdwn;

const HELP: &str = "`/sym` shows what you can request.\n\
                    `/sym req [flow] [environment]` opens the request form of a flow.\n\
                    `/sym list` shows your requests, your access and what waits for your decision.\n\
                    `/sym support` says whom to ask.\n\
                    `/sym whoami` shows which user you are.\n\
                    `/sym help` shows this help.";

/// Runs a slash command.
pub(super) async fn run(dispatcher: Dispatcher, command: SlashCommand) -> ResponseWithFollowUp {
    let text = command.text.trim();
    let (subcommand, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let subcommand = (!subcommand.is_empty()).then(|| subcommand.to_lowercase());
    match subcommand.as_deref() {
        None | Some("req" | "request") => {
            let query = FlowQuery::new(rest);
            request(dispatcher, command, query).await
        }
        Some("whoami") => match whoami(&dispatcher, &command).await {
            Ok(text) => Response::ephemeral(text).into(),
            Err(error) if error.is_refusal() => refuse(&error),
            Err(error) => {
                log_error("looking up a user", &error);
                Response::Unavailable.into()
            }
        },
        Some("list") => overview::on_command(dispatcher, command).await,
        Some("support") => Response::ephemeral(dispatcher.app().support()).into(),
        Some("help") => Response::ephemeral(HELP).into(),
        Some(unknown) => {
            let text = Mrkdwn::new().text("Unknown command ").code(format!("/sym {unknown}")).text(".\n").trusted(HELP);
            Response::ephemeral(text.to_string()).into()
        }
    }
}

async fn request(dispatcher: Dispatcher, command: SlashCommand, query: FlowQuery) -> ResponseWithFollowUp {
    let channel = Channel::new(ChannelType::Slack);
    let channel = match &command.channel_name {
        Some(name) => channel.with_identifier(name),
        None => channel,
    };
    let SlashCommand { team_id: team, user_id: account, trigger_id, .. } = command;
    match (FormRequest { team, account, attempt: trigger_id, channel }).open(dispatcher, query).await {
        Ok(response) => response,
        Err(error) => {
            log_error("opening a form", &error);
            Response::ephemeral("The form could not be opened. Please try again.").into()
        }
    }
}

async fn whoami(dispatcher: &Dispatcher, command: &SlashCommand) -> Result<String> {
    let user = dispatcher.app().user(&command.user_id, dispatcher.now()).await?;
    let role = match user.role() {
        UserRole::Admin => "an administrator",
        UserRole::Member => "a member",
        _ => "a guest",
    };
    Ok(Mrkdwn::new().text("You are ").bold(user.username()).text(format!(", {role}.")).to_string())
}

fn refuse(error: &Error) -> ResponseWithFollowUp {
    Response::ephemeral(Mrkdwn::new().text(user_message(error)).to_string()).into()
}
