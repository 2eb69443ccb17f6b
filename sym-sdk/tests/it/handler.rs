//! Handler calls: arguments, return values and errors.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::num::ParseIntError;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use secrecy::{ExposeSecret as _, SecretString};
use sym_sdk::directory::{MemoryDirectory, MemoryKeyValue};
use sym_sdk::error::codes;
use sym_sdk::forms::FieldSpec;
use sym_sdk::handler::{
    HandlerFn, HandlerKind, HandlerRecord, HandlerSet, IntegrationRequirement, Registry, Requires, Services,
};
use sym_sdk::integration::IntegrationConfig;
use sym_sdk::model::{Environment, HandlerRef, Hook};
use sym_sdk::prelude::*;

/// Returns the value of a future that is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the handler is pending"),
    }
}

fn only(registry: Registry) -> &'static HandlerRecord {
    let mut records = registry.iter();
    let record = records.next().expect("a handler");
    assert!(records.next().is_none());
    record
}

fn user(email: &str) -> User {
    User::person(UserId::from_uuid(uuid::Uuid::nil()), email).unwrap()
}

fn flow() -> Arc<Flow> {
    let flow = Flow::builder("prod".parse().unwrap(), "sym")
        .environment(Environment::new("main".parse().unwrap()))
        .var("request_channel", "#approvals")
        .var("approvals", "2")
        .field(FieldSpec::new("urgency", FieldType::String).unwrap());
    Arc::new(flow.build())
}

fn event(step: Step) -> Event {
    Event::builder(flow(), step, user("ada@sym.test")).field("urgency", "Urgent").build()
}

fn set(registry: Registry) -> HandlerSet {
    registry.select(None).unwrap()
}

/// Calls a handler that is ready at once.
fn call<T>(handler: Option<HandlerFn<T>>, context: &Context) -> Result<T, HandlerError> {
    now(handler.expect("a handler of this kind").call(context))
}

fn context(step: Step) -> Context {
    Context::builder().event(event(step)).build()
}

#[derive(Debug)]
struct PagerDuty {
    url: String,
    token: SecretString,
}

impl IntegrationClient for PagerDuty {
    const TYPE: &'static str = "pagerduty";

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self { url: config.setting("url")?.to_owned(), token: config.secret("api_token_secret")?.clone() })
    }

    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        Ok(Some(Self { url: config.external_id().to_owned(), token: SecretString::default() }))
    }
}

#[derive(Deserialize)]
struct Form<'a> {
    urgency: &'a str,
}

struct Threshold(usize);

/// Auto-approves urgent requests.
///
/// For on-call engineers only.
#[hook]
async fn on_request(
    event: &Event,
    form: Fields<Form<'_>>,
    pagerduty: &PagerDuty,
    threshold: State<Threshold>,
) -> Result<Option<NextEvent>> {
    let enough = event.user().username().len() > threshold.0 && pagerduty.url.starts_with("https");
    Ok((form.urgency == "Urgent" && enough).then(|| ApprovalTemplate::approve().reason("on call")))
}

fn services() -> Arc<Services> {
    let pagerduty = PagerDuty { url: "https://pagerduty.test".to_owned(), token: SecretString::default() };
    Services::builder().client(pagerduty).state(Threshold(3)).build()
}

#[test]
fn records_describe_the_function() {
    let record = only(sym_sdk::handlers![on_request]);
    assert_eq!(record.kind(), HandlerKind::Hook(Hook::On(Step::Request)));
    assert_eq!((record.name(), record.module(), record.field()), ("on_request", "it::handler", None));
    assert!(record.file().ends_with("tests/it/handler.rs"), "{}", record.file());
    assert_eq!(record.doc(), "Auto-approves urgent requests.\n\nFor on-call engineers only.");
    assert!(record.is_async());
    let requires = record.requires();
    assert!(matches!(
        requires,
        [Requires::Event, Requires::Fields(form), Requires::Integration(client), Requires::State(state)]
            if form.type_name().contains("Form") && client.kind() == "pagerduty" && state.type_name().ends_with("Threshold")
    ));
    assert_eq!(record.to_string(), format!("on_request ({}:{})", record.file(), record.line()));
}

#[test]
fn records_have_the_line_of_the_attribute() {
    let line = line!() + 1;
    #[hook]
    fn on_deny() {}
    assert_eq!(only(sym_sdk::handlers![on_deny]).line(), line);
}

#[test]
fn references_round_trip_through_json() {
    let reference = only(sym_sdk::handlers![on_request]).to_ref();
    let json = serde_json::to_string(&reference).unwrap();
    assert_eq!(serde_json::from_str::<HandlerRef>(&json).unwrap(), reference);
}

#[test]
fn extracts_arguments_from_the_context() {
    let context = Context::builder().event(event(Step::Request)).services(services()).build();
    let output = call(set(sym_sdk::handlers![on_request]).on(Step::Request), &context).unwrap();
    assert_eq!(output, Some(ApprovalTemplate::approve().reason("on call")));
}

#[test]
fn a_call_allocates_one_box() {
    #[hook]
    async fn on_request(_event: &Event, _form: Fields<Form<'_>>, _pagerduty: &PagerDuty, _state: State<Threshold>) {}
    let handler = set(sym_sdk::handlers![on_request]).on(Step::Request);
    let (event, services) = (Arc::new(event(Step::Request)), services());
    let call = || {
        let context = Context::builder().event(Arc::clone(&event)).services(Arc::clone(&services)).build();
        call(handler, &context).unwrap();
    };
    call();
    assert_eq!(allocation_counter::measure(call).count_total, 1);
}

#[test]
fn annotated_functions_can_be_called() {
    let pagerduty = PagerDuty { url: "http://plain.test".to_owned(), token: SecretString::default() };
    let form = Fields(Form { urgency: "Urgent" });
    let next = now(on_request(&event(Step::Request), form, &pagerduty, State::new(Threshold(3))));
    assert_eq!(next.unwrap(), None);
}

#[test]
fn reports_missing_services() {
    let handler = set(sym_sdk::handlers![on_request]).on(Step::Request);
    let record = handler.unwrap().record();
    let error = call(handler, &context(Step::Request)).unwrap_err();
    assert_eq!(error.code(), codes::ARGUMENT_UNAVAILABLE);
    assert!(error.to_string().contains("&it::handler::PagerDuty"), "{error}");

    let diagnostics: Vec<String> =
        record.unmet_requirements(&Services::default()).map(|diagnostic| diagnostic.message).collect();
    assert_eq!(
        diagnostics,
        [
            "hook `on_request` requires integration `pagerduty`, which is not configured",
            "hook `on_request` requires `State<it::handler::Threshold>`, which is not registered",
        ]
    );
    let location = record.unmet_requirements(&Services::default()).next().unwrap().location;
    assert_eq!((location.line, location.column), (record.line(), record.column()));
    assert_eq!(record.unmet_requirements(&services()).count(), 0);
}

#[test]
fn rejects_a_missing_event() {
    let error = call(set(sym_sdk::handlers![on_request]).on(Step::Request), &Context::default()).unwrap_err();
    assert_eq!(error.as_error().unwrap().message(), "argument `&Event` is not available here");
}

#[test]
fn result_arguments_receive_the_error() {
    #[hook]
    fn on_approve(pagerduty: Result<&PagerDuty, ExtractError>) -> Option<NextEvent> {
        pagerduty.err().map(|error| ApprovalTemplate::ignore().message(error.to_string()))
    }
    let handler = set(sym_sdk::handlers![on_approve]).on(Step::Approve);
    let record = handler.unwrap().record();
    assert!(matches!(record.requires(), [Requires::Optional(Requires::Integration(_))]));
    assert_eq!(record.unmet_requirements(&Services::default()).count(), 0);
    let output = call(handler, &context(Step::Approve)).unwrap();
    assert!(output.is_some());
    let context = Context::builder().event(event(Step::Approve)).services(services()).build();
    assert_eq!(call(handler, &context).unwrap(), None);
}

#[test]
fn a_field_of_the_wrong_type_is_named() {
    #[derive(Deserialize)]
    struct Wrong {
        #[expect(dead_code, reason = "never read")]
        urgency: u8,
    }
    #[hook]
    fn on_request(_form: Fields<Wrong>) {}
    let error = call(set(sym_sdk::handlers![on_request]).on(Step::Request), &context(Step::Request)).unwrap_err();
    assert_eq!(error.code(), codes::INVALID_FIELD_VALUE);
    assert!(error.to_string().contains("`urgency`"), "{error}");
}

#[test]
fn parses_vars() {
    #[derive(Deserialize)]
    struct Settings<'a> {
        request_channel: &'a str,
        approvals: u8,
        label: Option<String>,
    }
    #[reducer]
    fn get_permissions(vars: Vars<Settings<'_>>) -> RequestPermission {
        assert_eq!((vars.request_channel, vars.label.as_deref()), ("#approvals", None));
        RequestPermission::admins_only().approvals(vars.approvals)
    }
    let output = call(set(sym_sdk::handlers![get_permissions]).get_permissions(), &context(Step::Request)).unwrap();
    assert_eq!(output, RequestPermission::admins_only().approvals(2));
}

#[test]
fn a_var_of_the_wrong_type_is_named() {
    #[reducer]
    fn get_permissions(_vars: Vars<BTreeMap<String, bool>>) -> RequestPermission {
        RequestPermission::admins_only()
    }
    let error = call(set(sym_sdk::handlers![get_permissions]).get_permissions(), &context(Step::Request)).unwrap_err();
    assert_eq!(error.code(), codes::INVALID_VAR);
    assert!(error.to_string().contains("var `approvals`") && error.to_string().contains("got \"2\""), "{error}");
    assert_eq!(error.hint(), Some("the vars are `approvals`, `request_channel`"));
}

#[test]
fn missing_vars_are_named() {
    #[derive(Deserialize)]
    struct Settings {
        #[expect(dead_code, reason = "only its absence matters")]
        escalation_channel: String,
    }
    #[reducer]
    fn get_permissions(_vars: Vars<Settings>) -> RequestPermission {
        RequestPermission::admins_only()
    }
    let error = call(set(sym_sdk::handlers![get_permissions]).get_permissions(), &context(Step::Request)).unwrap_err();
    assert_eq!(error.code(), codes::INVALID_VAR);
    assert!(error.to_string().contains("var `escalation_channel` is required, but has no value"), "{error}");
}

#[test]
fn step_output_belongs_to_the_step_of_the_event() {
    #[derive(Deserialize)]
    struct Answer<'a> {
        body: &'a str,
    }
    #[hook]
    fn after_escalate(output: StepOutput<Answer<'_>>) -> Result<(), String> {
        if output.body == "granted" { Ok(()) } else { Err(output.body.to_owned()) }
    }
    let handler = set(sym_sdk::handlers![after_escalate]).after(Step::Escalate);
    let with = |body: &str| {
        let flow = flow();
        let run =
            Run::new(sym_sdk::model::RunId::from_uuid(uuid::Uuid::nil()), &flow, Channel::new(ChannelType::Slack));
        let output = StepOutput::new(BTreeMap::from([("body", body)])).unwrap();
        let run = run.with_step_output(Step::Escalate, output);
        Context::builder().event(Event::builder(flow, Step::Escalate, User::system()).run(run).build()).build()
    };
    call(handler, &with("granted")).unwrap();
    assert_eq!(call(handler, &with("refused")).unwrap_err().to_string(), "refused");
    let error = call(handler, &context(Step::Escalate)).unwrap_err();
    assert_eq!(error.as_error().unwrap().message(), "step `escalate` has no output");
}

#[test]
fn identity_reducers_get_the_user_to_identify() {
    #[reducer]
    fn get_identity(user: &User, event: &Event) -> Option<String> {
        (user != event.user()).then(|| user.username().to_owned())
    }
    #[reducer]
    fn get_identity_lookup(query: &IdentityQuery) -> Option<String> {
        Some(format!("{}:{}:{}", query.service(), query.external_id(), query.user().username()))
    }
    let query = IdentityQuery::new("okta", "sym.okta.com", user("grace@sym.test"));
    let context = Context::builder().event(event(Step::Escalate)).identity_query(query).build();
    let output = call(set(sym_sdk::handlers![get_identity]).get_identity(), &context).unwrap();
    assert_eq!(output, Some("grace@sym.test".to_owned()));
    let output = call(set(sym_sdk::handlers![get_identity_lookup]).get_identity_lookup(), &context).unwrap();
    assert_eq!(output, Some("okta:sym.okta.com:grace@sym.test".to_owned()));
}

#[test]
fn get_flows_gets_the_vars_of_the_filter() {
    #[reducer]
    fn get_flows(flows: &Flows, user: &User, vars: Vars<BTreeMap<String, String>>) -> Vec<Arc<Flow>> {
        let is_visible = |name: &str| vars.get(name).is_none_or(|email| email == user.username());
        flows.iter().filter(|flow| is_visible(flow.name())).cloned().collect()
    }
    let handler = set(sym_sdk::handlers![get_flows]).get_flows();
    let ask = |email: &str| {
        let query = FlowsQuery::new(user(email), [flow()].into_iter().collect())
            .with_vars(BTreeMap::from([("prod".to_owned(), "ada@sym.test".to_owned())]));
        call(handler, &Context::builder().flows_query(query).build()).unwrap().len()
    };
    assert_eq!((ask("ada@sym.test"), ask("grace@sym.test")), (1, 0));
}

#[test]
fn extracts_directory_and_key_value_store() {
    #[hook]
    fn after_request(_directory: &Directory, _store: &KeyValue, context: &Context) -> Result<(), String> {
        context.directory().map(drop).ok_or_else(|| "no directory".to_owned())
    }
    let handler = set(sym_sdk::handlers![after_request]).after(Step::Request);
    let services = Services::builder()
        .directory(Directory::new(MemoryDirectory::new(), ["sym.test"]))
        .key_value(KeyValue::new(MemoryKeyValue::new()))
        .build();
    let with = Context::builder().event(event(Step::Request)).services(services).build();
    call(handler, &with).unwrap();
    let error = call(handler, &context(Step::Request)).unwrap_err();
    assert!(error.to_string().contains("`&Directory`"), "{error}");
}

#[test]
fn on_change_handlers_change_the_form() {
    #[on_change]
    fn on_change_urgency(form: &mut PromptForm, user: &User) -> Result<()> {
        form.field_mut("urgency")?.label = format!("How urgent, {}?", user.username());
        Ok(())
    }
    let handler = set(sym_sdk::handlers![on_change_urgency]).on_change("urgency").unwrap();
    assert_eq!(handler.field(), Some("urgency"));
    let context = Context::builder().user(user("ada@sym.test")).flow(flow()).build();
    let mut form = flow().prompt_form();
    now(handler.call(&context, &mut form)).unwrap();
    assert_eq!(form.field("urgency").unwrap().label, "How urgent, ada@sym.test?");
}

#[test]
fn prefetch_reducers_return_options() {
    #[prefetch(field = "repo_name")]
    async fn repos(event: &Event) -> Result<Vec<FieldOption>> {
        Ok(vec![FieldOption::new(event.flow().name().as_str(), "Production")?])
    }
    let handler = set(sym_sdk::handlers![repos]).prefetch("repo_name");
    let record = handler.unwrap().record();
    assert_eq!((record.kind(), record.field()), (HandlerKind::Prefetch, Some("repo_name")));
    let output = call(handler, &context(Step::Prompt)).unwrap();
    assert_eq!(output, vec![FieldOption::new("prod", "Production").unwrap()]);
}

#[test]
fn reducers_return_their_values() {
    #[reducer]
    fn get_request_notifications(event: &Event) -> Result<Vec<Notification>> {
        Ok(vec![Notification::to(SlackChannelName::new(event.flow().var("request_channel")?)?)])
    }
    #[reducer]
    fn get_approvers() -> Result<SlackChannelName> {
        SlackChannelName::new("#approvals")
    }
    let channel = SlackChannelName::new("#approvals").unwrap();
    let output =
        call(set(sym_sdk::handlers![get_request_notifications]).get_request_notifications(), &context(Step::Request))
            .unwrap();
    assert_eq!(output, vec![Notification::to(channel.clone())]);
    let output = call(set(sym_sdk::handlers![get_approvers]).get_approvers(), &context(Step::Request)).unwrap();
    assert_eq!(output, RequestDestination::from(channel).into());
}

#[test]
fn errors_of_this_crate_keep_code_and_hint() {
    #[hook]
    fn on_request(event: &Event) -> Result<()> {
        event.flow().var("request_chanel").map(drop)
    }
    let error = call(set(sym_sdk::handlers![on_request]).on(Step::Request), &context(Step::Request)).unwrap_err();
    assert_eq!(error.code(), codes::UNKNOWN_VAR);
    assert!(error.hint().unwrap().contains("did you mean `request_channel`?"));
    let error = error.into_error();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Handler, &codes::UNKNOWN_VAR));
    assert!(error.hint().unwrap().contains("did you mean `request_channel`?"));
}

#[test]
fn other_errors_become_handler_errors() {
    #[hook]
    fn on_request() -> Result<(), ParseIntError> {
        "x".parse::<u8>().map(drop)
    }
    let error = call(set(sym_sdk::handlers![on_request]).on(Step::Request), &context(Step::Request)).unwrap_err();
    assert!(error.as_error().is_none() && error.hint().is_none());
    let error = error.into_error();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Handler, &codes::HANDLER_FAILED));
    assert_eq!(error.message(), "invalid digit found in string");
    assert!(error.source().is_none());

    #[derive(Debug)]
    struct Wrapped(ParseIntError);
    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("cannot read the count")
        }
    }
    impl std::error::Error for Wrapped {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let wrapped = HandlerError::from(Wrapped("x".parse::<u8>().unwrap_err())).into_error();
    assert!(wrapped.report().to_string().contains("invalid digit found in string"));
}

#[test]
fn builds_a_client_from_its_configuration() {
    let integration = Integration::new("main".parse().unwrap(), "pagerduty", "sym.pagerduty.com")
        .with_setting("url", "https://x.test");
    let secrets = BTreeMap::from([("api_token_secret".to_owned(), SecretString::from("s3cret"))]);
    let requirement = IntegrationRequirement::of::<PagerDuty>();
    let client = requirement.build(&IntegrationConfig::new(&integration, &secrets)).unwrap();
    let services = Services::builder().client_for(&requirement, client).build();
    assert!(services.satisfies(&Requires::Integration(requirement)));
    let client = services.client::<PagerDuty>().unwrap();
    assert_eq!((client.url.as_str(), client.token.expose_secret()), ("https://x.test", "s3cret"));
    assert!(!format!("{services:?}").contains("s3cret"));

    let no_secrets = BTreeMap::new();
    let config = IntegrationConfig::new(&integration, &no_secrets);
    let error = requirement.build(&config).unwrap_err();
    assert_eq!(error.code(), &codes::UNKNOWN_SECRET);
    assert_eq!(error.message(), "integration `main` has no secret `api_token_secret`");
    let dry = requirement.simulated(&config).unwrap().unwrap().downcast::<PagerDuty>().unwrap();
    assert_eq!(dry.url, "sym.pagerduty.com");
}

#[test]
fn a_service_replaces_an_earlier_one_of_its_type() {
    let services = Services::builder().state(Threshold(1)).state(7_u8).state(Threshold(2)).build();
    assert_eq!(services.state::<Threshold>().unwrap().0, 2);
    assert_eq!(*services.state::<u8>().unwrap(), 7);
    assert!(services.state::<u16>().is_none());
}

#[test]
fn kinds_have_unique_names() {
    for kind in HandlerKind::all() {
        assert_eq!(HandlerKind::from_name(kind.as_str()), Some(kind));
    }
    assert_eq!(HandlerKind::from_name("on_reqest"), None);
    assert_eq!(HandlerKind::Hook(Hook::After(Step::RequestForward)).to_string(), "after_request_forward");
    assert_eq!(HandlerKind::Hook(Hook::After(Step::Deny)).macro_name(), "hook");
    assert_eq!(HandlerKind::GetFlows.macro_name(), "reducer");
}

/// One handler of each named kind.
mod every_name {
    use std::sync::Arc;

    use sym_sdk::prelude::*;

    macro_rules! hooks {
        ($($name:ident)*) => {
            $(#[hook]
            pub(super) fn $name() {})*

            pub(super) fn registry() -> sym_sdk::handler::Registry {
                sym_sdk::handlers![
                    get_permissions, get_request_notifications, get_approvers, get_identity, get_identity_lookup,
                    get_flows, $($name),*
                ]
            }
        };
    }

    hooks! {
        on_prompt on_request on_request_forward on_request_expire on_approve on_deny on_escalate on_deescalate
        after_prompt after_request after_request_forward after_request_expire after_approve after_deny after_escalate
        after_deescalate
    }

    #[reducer]
    fn get_permissions() -> RequestPermission {
        RequestPermission::admins_only()
    }

    #[reducer]
    fn get_request_notifications() -> Vec<Notification> {
        Vec::new()
    }

    #[reducer]
    fn get_approvers() -> Vec<RequestDestination> {
        Vec::new()
    }

    #[reducer]
    fn get_identity() -> Option<String> {
        None
    }

    #[reducer]
    fn get_identity_lookup() -> Option<String> {
        None
    }

    #[reducer]
    fn get_flows() -> Vec<Arc<Flow>> {
        Vec::new()
    }
}

#[test]
fn macros_and_kinds_have_the_same_names() {
    let registry = every_name::registry();
    for record in registry.iter() {
        assert_eq!(record.kind().as_str(), record.name());
    }
    let kinds: Vec<_> = set(registry).iter().map(|record| record.kind()).collect();
    let named = HandlerKind::all().filter(|kind| !matches!(kind, HandlerKind::Prefetch | HandlerKind::OnChange));
    assert_eq!(kinds, named.collect::<Vec<_>>());
}
