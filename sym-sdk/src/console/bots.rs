//! Bots: adding one, its tokens, and the CI jobs that it trusts. For administrators.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use secrecy::ExposeSecret as _;

use super::authentication::{SignedIn, SignedInAdmin};
use super::form::{FormData, Segment};
use super::parts::{Role, empty, tag, time};
use super::people;
use super::refusal::Refusal;
use super::sign_in::see_other;
use super::state::ConsoleState;
use crate::directory::{IssuedToken, NewTrust, Token, WorkloadProvider, WorkloadTrust};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::parse_duration;
use crate::model::{TokenId, TrustId, User, UserType};

/// The time for which a token is good unless another is entered.
const DEFAULT_VALIDITY: &str = "90d";

/// Returns the form that adds a bot.
pub(super) fn new_bot_card() -> Markup {
    html! {
        section.card.narrow.start aria-labelledby="new-bot" {
            header { h2 #new-bot { "Add a bot" } }
            form.body method="post" action="/console/people" {
                div.field { label for="bot-name" { "Name" } input #bot-name name="name" required autocomplete="off" placeholder="deployer"; }
                div.field { label for="bot-owner" { "Owner " span.why { "the address of a person; makes it an agent, which requests access and never decides" } } input #bot-owner name="owner" autocomplete="off"; }
                div.row { button.button name="action" value="add-bot" { "Add" } }
            }
        }
    }
}

/// Adds a bot.
pub(super) async fn add(
    State(state): State<ConsoleState>,
    SignedInAdmin(viewer): SignedInAdmin,
    form: FormData,
) -> Result<Response, Refusal> {
    let directory = state.runtime.directory();
    let name = form.text("name").ok_or_else(|| Refusal::invalid("Enter a name for the bot."))?;
    let bot = match form.text("owner") {
        Some(owner) => {
            let owner = directory.user_by_email(owner).await?;
            let owner = owner.ok_or_else(|| Refusal::invalid("Nobody has the address of the owner."))?;
            directory.create_agent(name, owner.id()).await?
        }
        None => directory.create_bot(name).await?,
    };
    tracing::info!(bot = bot.username(), by = viewer.user.username(), "a bot was added");
    Ok(see_other(&format!("/console/people/{}?done=saved", bot.id())))
}

/// Returns the cards of a bot: its tokens and its trusts.
///
/// # Errors
/// If the store fails.
pub(super) async fn cards(state: &ConsoleState, bot: &User) -> Result<Markup> {
    if bot.user_type() != UserType::Bot {
        return Ok(html! {});
    }
    let directory = state.runtime.directory();
    let (tokens, trusts) = (directory.tokens(Some(bot.id())).await?, directory.trusts(Some(bot.id())).await?);
    Ok(html! { (tokens_card(state, bot, &tokens)) (trusts_card(state, bot, &trusts)) })
}

fn tokens_card(state: &ConsoleState, bot: &User, tokens: &[Token]) -> Markup {
    let now = state.now();
    let address = format!("/console/people/{}/tokens", bot.id());
    html! {
        section.card aria-labelledby="tokens" {
            header { h2 #tokens { "Tokens" } }
            @if tokens.is_empty() { (empty("No tokens.", "A token lets a program act as this bot. It is shown once.")) }
            ul.list { @for token in tokens.iter().rev() { li {
                div { h3 { (label_of(token)) } p.why { @if now < token.expires_at { "Good until " } @else { "Expired " } (time(token.expires_at, now)) " · " @match token.last_used_on() { Some(day) => { "last used on " (day.strftime("%-d %b %Y").to_string()) } None => { "never used" } } } }
                @if token.revoked_at.is_some() { (tag(Role::Ended, "revoked")) }
                @else if now >= token.expires_at { (tag(Role::Ended, "expired")) }
                @else {
                    (removal(&address, ("token", token.id.to_string()), ("revoke", "Revoke"), label_of(token)))
                }
            } } }
            form.body method="post" action=(address) {
                div.field { label for="label" { "Purpose" } input #label name="label" required autocomplete="off" placeholder="build server"; }
                div.field { label for="for" { "Good for " span.why { "such as 30d or 12h" } } input #for name="for" required value=(DEFAULT_VALIDITY) autocomplete="off"; }
                div.row { button.button name="action" value="issue" { "Issue a token" } }
            }
        }
    }
}

/// Returns the form with the button that takes one thing from a bot: its field and id, the action and its label, and what it is about.
fn removal(address: &str, (field, id): (&str, String), (action, label): (&str, &str), object: &str) -> Markup {
    html! {
        form method="post" action=(address) {
            input type="hidden" name=(field) value=(id);
            button.button.danger name="action" value=(action) { (label) span.sr { " " (object) } }
        }
    }
}

fn label_of(token: &Token) -> &str {
    if token.label.is_empty() { "Without a purpose" } else { &token.label }
}

/// Issues a token, which is shown once, or revokes one.
pub(super) async fn change_tokens(
    State(state): State<ConsoleState>,
    SignedInAdmin(viewer): SignedInAdmin,
    Segment(bot): Segment<String>,
    form: FormData,
) -> Result<Response, Refusal> {
    let bot = find(&state, &bot).await?;
    match form.text("action") {
        Some("issue") => {
            let issued = issue(&state, &viewer, &bot, &form).await?;
            let page = people::show(&state, &viewer, &bot, secret_flash(&issued, &state)).await?;
            Ok(page.into_response())
        }
        Some("revoke") => {
            let token: TokenId = form.parsed("token")?;
            state.runtime.revoke_token(token, viewer.administrator()).await?;
            Ok(see_other(&format!("/console/people/{}?done=saved", bot.id())))
        }
        _ => Err(Refusal::invalid("The form names nothing to do.")),
    }
}

/// Issues a token for a purpose that no valid one has, so that a form that is sent twice issues one.
async fn issue(state: &ConsoleState, viewer: &SignedIn, bot: &User, form: &FormData) -> Result<IssuedToken, Refusal> {
    let label = form.text("label").ok_or_else(|| Refusal::invalid("Enter the purpose of the token."))?;
    let valid_for = parse_duration(form.text("for").unwrap_or(DEFAULT_VALIDITY))?;
    let now = state.now();
    let is_taken = state
        .runtime
        .directory()
        .tokens(Some(bot.id()))
        .await?
        .iter()
        .any(|token| token.label == label && token.revoked_at.is_none() && now < token.expires_at);
    if is_taken {
        let message = "The bot has a token for this purpose. Enter another, or revoke that one first.";
        return Err(Refusal::invalid(message));
    }
    Ok(state.runtime.issue_token(bot.id(), label, valid_for, viewer.administrator()).await?)
}

fn secret_flash(issued: &IssuedToken, state: &ConsoleState) -> Markup {
    html! {
        div.flash.is-ok role="status" tabindex="-1" {
            div {
                p { b { "The token, which is shown this once:" } }
                p.mono { (issued.secret.expose_secret()) }
                p { "It is good until " (time(issued.expires_at, state.now())) ". Programs send it as " code { "Authorization: Bearer …" } "." }
            }
        }
    }
}

fn trusts_card(state: &ConsoleState, bot: &User, trusts: &[WorkloadTrust]) -> Markup {
    let address = format!("/console/people/{}/trusts", bot.id());
    html! {
        section.card aria-labelledby="trusts" {
            header { h2 #trusts { "Trusted CI jobs" } }
            @if trusts.is_empty() { (empty("No trusts.", "A trust lets jobs of a CI service get tokens of this bot, without a secret that is kept.")) }
            ul.list { @for trust in trusts { li {
                div {
                    h3 { (trust.provider.title()) }
                    p.why { (trust.issuer) " for " (trust.audience) ", since " (time(trust.created_at, state.now())) }
                    @for (name, value) in &trust.claims { p.mono.small { (name) "=" (value) } }
                }
                (removal(&address, ("trust", trust.id.to_string()), ("remove", "Remove"), &format!("the trust in {}", trust.provider.title())))
            } } }
            form.body method="post" action=(address) {
                div.field { label for="provider" { "Service" } select #provider name="provider" { @for provider in WorkloadProvider::ALL { option value=(provider.as_str()) { (provider.title()) } } } }
                div.field { label for="issuer" { "Issuer " span.why { "only of a service that you run yourself" } } input #issuer name="issuer" inputmode="url" autocomplete="off" placeholder="https://gitlab.example.com"; }
                div.field { label for="audience" { "Audience " span.why { "that jobs ask for" } } input #audience name="audience" required autocomplete="off" value=[state.public_url.as_ref().map(|url| url.as_str())]; }
                div.field { label for="claims" { "Claims " span.why { "one per line, such as repository_id=74791" } } textarea #claims name="claims" required {} }
                div.row { button.button name="action" value="add" { "Add a trust" } }
            }
        }
    }
}

/// Adds a trust, or removes one.
pub(super) async fn change_trusts(
    State(state): State<ConsoleState>,
    SignedInAdmin(viewer): SignedInAdmin,
    Segment(bot): Segment<String>,
    form: FormData,
) -> Result<Response, Refusal> {
    let bot = find(&state, &bot).await?;
    let directory = state.runtime.directory();
    match form.text("action") {
        Some("add") => {
            let trust = read_trust(&form)?;
            let issuer = trust.issuer.as_deref().unwrap_or(trust.provider.issuer());
            let is_known = |known: &WorkloadTrust| {
                known.issuer == issuer && known.audience == trust.audience && known.claims == trust.claims
            };
            // A form that is sent twice adds one.
            if !directory.trusts(Some(bot.id())).await?.iter().any(is_known) {
                state.runtime.add_trust(bot.id(), trust, viewer.administrator()).await?;
            }
        }
        Some("remove") => {
            let trust: TrustId = form.parsed("trust")?;
            state.runtime.remove_trust(trust, viewer.administrator()).await?;
        }
        _ => return Err(Refusal::invalid("The form names nothing to do.")),
    }
    Ok(see_other(&format!("/console/people/{}?done=saved", bot.id())))
}

fn read_trust(form: &FormData) -> Result<NewTrust, Refusal> {
    let provider = WorkloadProvider::ALL.into_iter().find(|known| form.text("provider") == Some(known.as_str()));
    let provider = provider.ok_or_else(|| Refusal::invalid("The form lacks a valid `provider`."))?;
    let mut trust = NewTrust::new(provider, form.text("audience").unwrap_or_default());
    trust.issuer = form.text("issuer").map(str::to_owned);
    for line in form.raw("claims").unwrap_or_default().lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once('=') else {
            let message = format!("The claim `{line}` has no value: write it as `name=value`.");
            return Err(Refusal::invalid(message));
        };
        if trust.claims.insert(name.trim().to_owned(), value.trim().to_owned()).is_some() {
            return Err(Refusal::invalid(format!("The claim `{}` has two values.", name.trim())));
        }
    }
    Ok(trust)
}

async fn find(state: &ConsoleState, bot: &str) -> Result<std::sync::Arc<User>, Refusal> {
    let user = people::find(state, bot).await?;
    if user.user_type() == UserType::Bot {
        return Ok(user);
    }
    let message = format!("`{}` is no bot, and only bots have tokens and trusts", user.username());
    Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_TOKEN, message).into())
}
