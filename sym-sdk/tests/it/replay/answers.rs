//! Answers of services: those of the record, and those that are not there.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sym_sdk::integration::{IntegrationConfig, check_unrecorded, look_up, look_up_users};

use super::*;
use crate::support::integration;

/// A service that says who is on duty.
#[derive(Clone, Default)]
pub(super) struct Duty(Arc<Service>);

#[derive(Default)]
pub(super) struct Service {
    /// Whether Zoë is on duty. Otherwise nobody is.
    is_on_duty: AtomicBool,
    /// Whether the service fails.
    is_down: AtomicBool,
    calls: AtomicUsize,
}

impl IntegrationClient for Duty {
    const TYPE: &'static str = "duty";

    fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> {
        panic!("the real service was reached")
    }
}

impl Duty {
    fn new(is_on_duty: bool) -> Self {
        let duty = Self::default();
        duty.0.is_on_duty.store(is_on_duty, Ordering::SeqCst);
        duty
    }

    fn ask(&self) -> Result<bool> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        match self.0.is_down.load(Ordering::SeqCst) {
            true => Err(Error::handler("the service is down")),
            false => Ok(self.0.is_on_duty.load(Ordering::SeqCst)),
        }
    }

    async fn is_on_duty(&self, user: &User, team: &str) -> Result<bool> {
        let question = format!("is_on_duty {} `{team}`", user.username());
        look_up("duty", question, async {
            // In the middle of a call, the task is polled again.
            tokio::task::yield_now().await;
            self.ask()
        })
        .await
    }

    async fn users_on_duty(&self, directory: &Directory) -> Result<Vec<Arc<User>>> {
        look_up_users("duty", "users_on_duty", async {
            let name = if self.ask()? { "zoë@example.com" } else { "ben@example.com" };
            Ok(vec![directory.get_or_create_user_by_email(name).await?])
        })
        .await
    }

    /// Reads something that is not recorded.
    fn rota(&self) -> Result<bool> {
        check_unrecorded("duty", || "GET rota".to_owned())?;
        self.ask()
    }
}

mod asking {
    use super::*;

    /// Approves for those on duty.
    #[hook]
    pub(super) async fn on_request(event: &Event, duty: &Duty) -> Result<Option<NextEvent>> {
        Ok(duty.is_on_duty(event.user(), "größe").await?.then(ApprovalTemplate::approve))
    }

    #[reducer]
    pub(super) async fn get_permissions(duty: &Duty, directory: &Directory) -> Result<RequestPermission> {
        let users = duty.users_on_duty(directory).await?;
        Ok(RequestPermission::decided_by(user_ids(users).or(PermissionLevel::Admin)).seen_by(PermissionLevel::Admin))
    }
}

mod asking_else {
    use super::*;

    #[hook]
    pub(super) async fn on_request(event: &Event, duty: &Duty) -> Result<Option<NextEvent>> {
        // Carries on without an answer.
        let is_on_duty = duty.is_on_duty(event.user(), "another team").await.unwrap_or(false);
        Ok(is_on_duty.then(ApprovalTemplate::approve))
    }
}

mod reading {
    use super::*;

    #[hook]
    pub(super) fn on_request(duty: &Duty) -> Result<Option<NextEvent>> {
        Ok(duty.rota()?.then(ApprovalTemplate::approve))
    }
}

fn with_duty() -> Config {
    let mut config = config();
    config.integrations.push(integration("duty", "duty", "d1"));
    config.environments[0].integrations.insert("duty".into(), "duty".into());
    config
}

fn handlers() -> Registry {
    handlers![asking::get_permissions, members::get_request_notifications, asking::on_request]
}

/// Records a request of Zoë.
async fn recorded(handlers: Registry, duty: &Duty) -> Recording {
    let mut recording = Recording::with(handlers, with_duty());
    recording.client = Some(duty.clone());
    let runtime = recording.start().await;
    request(&runtime, "zoë@example.com", "1h").await;
    drop(runtime);
    recording
}

async fn replay(recording: &Recording, handlers: Registry, duty: &Duty) -> (Exit, Value) {
    let path = recording.path();
    let args = ["program", "replay", "--db", path.to_str().unwrap(), "--json"];
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = app(handlers, with_duty()).fake(duty.clone()).run_from(args, &mut out, &mut err).await;
    let (out, err) = (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap());
    (exit, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
}

/// Today's answers do not matter, and are not asked for.
#[tokio::test]
async fn handlers_get_the_answers_of_the_time() {
    for was_on_duty in [true, false] {
        let (then, now) = (Duty::new(was_on_duty), Duty::new(!was_on_duty));
        let recording = recorded(handlers(), &then).await;
        assert_eq!(then.0.calls.load(Ordering::SeqCst), if was_on_duty { 1 } else { 2 });
        let (exit, replayed) = replay(&recording, handlers(), &now).await;
        assert_eq!((exit, &replayed["requests"][0]["result"]), (Exit::Success, &"same".into()), "{replayed}");
        assert_eq!(now.0.calls.load(Ordering::SeqCst), 0);
    }
}

/// Other handlers get the same answers.
#[tokio::test]
async fn answers_are_for_all_handlers() {
    let recording = recorded(handlers(), &Duty::new(true)).await;
    let permissions = handlers![asking::get_permissions, members::get_request_notifications];
    let (_, replayed) = replay(&recording, permissions, &Duty::new(true)).await;
    // The approvers were not looked up then, because the hook had approved.
    assert_eq!(replayed["requests"][0]["reason"], "not_recorded");
    let approving = handlers![members::get_permissions, members::get_request_notifications, asking::on_request];
    let (exit, _) = replay(&recording, approving, &Duty::new(false)).await;
    assert_eq!(exit, Exit::Success);
}

/// A service that failed then fails again.
#[tokio::test]
async fn failures_are_answers() {
    let then = Duty::new(true);
    then.0.is_down.store(true, Ordering::SeqCst);
    let recording = recorded(handlers(), &then).await;
    let (exit, replayed) = replay(&recording, handlers(), &Duty::new(true)).await;
    assert_eq!((exit, &replayed["requests"][0]["result"]), (Exit::Success, &"same".into()), "{replayed}");
}

/// It is no difference, and no answer is made up, although the handler carries on without one.
#[tokio::test]
async fn names_questions_that_are_not_on_record() {
    let recording = recorded(handlers(), &Duty::new(true)).await;
    for (hook, question) in [
        (handlers![asking_else::on_request], "duty: is_on_duty zoë@example.com `another team`"),
        (handlers![reading::on_request], "duty: GET rota"),
    ] {
        let (exit, replayed) = replay(&recording, hook.merge(recorded_handlers()), &Duty::new(true)).await;
        let row = &replayed["requests"][0];
        assert_eq!((exit, &row["reason"]), (Exit::Success, &"not_recorded".into()), "{replayed}");
        assert_eq!(row["errors"][0]["code"], "SymSDK:NOT_RECORDED");
        assert_eq!(row["errors"][0]["message"], format!("there is no answer to `{question}`"));
        assert_eq!(replayed["summary"]["reasons"]["not_recorded"], 1);
    }
}

/// Requests of earlier versions have no answers on record.
#[tokio::test]
async fn requests_without_answers_are_not_replayed() {
    let recording = Recording::with(recorded_handlers(), with_duty());
    let runtime = recording.start().await;
    request(&runtime, "zoë@example.com", "1h").await;
    drop(runtime);
    let (exit, replayed) = replay(&recording, handlers(), &Duty::new(true)).await;
    assert_eq!((exit, &replayed["requests"][0]["reason"]), (Exit::Success, &"not_recorded".into()));
}
