//! Previews: what would become of a request, before it is made.
//!
//! The inputs are checked as those of a request are, and the reducers are called. The rules are the machine's own: the request goes through
//! it on a Run that is never stored. Hooks are not called, because they may act, and nothing is written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Runtime;
use super::bounded_call::{call_bounded, catch_panics};
use super::field_error::FieldError;
use super::identity::{refuse_locked, unknown_user};
use super::request_validation::{check_context, parse_inputs};
use super::slack_fields::resolve_slack_fields;
use super::submission::{FlowRequest, RequestBody, Submission};
use super::submit::{Offered, check_channel};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::{
    self, Action, ActionKind, EarlierRequest, EffectError, EffectKind, Input, InputBody, InputReply, Outcome,
    RequestInput, Routing, Rules, RunState, check_kind, check_source, may_begin,
};
use crate::model::{AccessTarget, EventId, Flow, HandlerRef, Hooks, Step, User, UserId};
use crate::routing::{Destination, Notification, PermissionLevel, PermissionScope, RequestPermission};

/// The outcome that a request would have. Returned by [`Runtime::preview`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Preview {
    /// The flow.
    pub flow: Arc<Flow>,
    /// The target, if the inputs are valid.
    pub target: Option<AccessTarget>,
    /// The duration of access, if the inputs are valid.
    pub duration: Option<Duration>,
    /// The errors in the inputs, by field. With any, the request would be refused, and nothing else was looked at.
    pub errors: Vec<FieldError>,
    /// The error of a reducer, with which the request would fail. The error names the [handler](EffectError::handler).
    pub failure: Option<EffectError>,
    /// The people who would decide. `None` with errors or a failure.
    pub deciders: Option<PreviewDeciders>,
    /// The notifications that would be sent, in order: the first at once, and each following one if nobody has decided within the timeout
    /// of the one before it.
    pub notifications: Vec<PreviewNotification>,
    /// The reducer that decides about the notifications. `None` if there is none: then nobody is notified.
    pub notified_by: Option<HandlerRef>,
    /// An earlier request of the same person for the same, if it is open or gives access.
    pub earlier_request: Option<EarlierRequest>,
    /// The `on_request` hook. It is called before people are asked, and may approve, deny or ignore the request, or send it on
    /// changed: what it would do is not known.
    pub hook: Option<HandlerRef>,
}

impl Preview {
    /// Returns whether the request would be accepted and routed to people, as far as the inputs and the reducers tell.
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty() && self.failure.is_none()
    }
}

/// The people who would decide a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PreviewDeciders {
    /// The permissions.
    pub permission: RequestPermission,
    /// The reducer that returned the permissions. `None` if the flow has none: then administrators decide.
    pub reducer: Option<HandlerRef>,
    /// The level at which all users can decide, unless users are named.
    pub level: Option<PermissionLevel>,
    /// The named users who can approve, sorted by name.
    pub users: Vec<Arc<User>>,
    /// The administrators who can approve, sorted by name. They can approve every request.
    pub admins: Vec<Arc<User>>,
    /// The named users who are not in the directory.
    pub unknown: Vec<UserId>,
    /// Named users, administrators and the requester, as far as they cannot approve although the permissions name them or admit their role,
    /// each with the reason.
    pub barred: Vec<(Arc<User>, EffectError)>,
    /// Whether the requester can approve their own request.
    pub includes_requester: bool,
    /// The number of people who can approve, counted up to the number of [required
    /// approvals](RequestPermission::required_approvals). `None` if it is not known.
    pub possible_approvers: Option<usize>,
}

/// A notification that would be sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PreviewNotification {
    /// The destinations.
    pub destinations: Vec<PreviewDestination>,
    /// The time after which the next notification is sent, or the request expires. `None` if nobody is waited for.
    pub timeout: Option<Duration>,
}

/// A destination of a notification.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PreviewDestination {
    /// The destination.
    pub destination: Destination,
    /// The name of the front end that reaches it. `None` if none does, and the delivery would fail.
    pub front_end: Option<String>,
}

impl Runtime {
    /// Finds out what would become of a request: the errors by field, who would decide, and who would be notified.
    ///
    /// The reducers of the flow are called, each within its time limit, and prefetch reducers for the values of their fields. No hook is
    /// called, nothing is stored or recorded, and the preview counts as no request. Until a request is made, everything may change.
    ///
    /// ```
    /// use sym_sdk::runtime::{Runtime, Submission};
    ///
    /// # async fn preview(runtime: &Runtime) -> sym_sdk::Result<()> {
    /// let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    /// let preview = runtime.preview(request).await?;
    /// for error in &preview.errors {
    ///     println!("{}: {}", error.field.as_deref().unwrap_or("request"), error.text(&preview.flow));
    /// }
    /// if let Some(deciders) = &preview.deciders {
    ///     for user in deciders.users.iter().chain(&deciders.admins) {
    ///         println!("{} can approve", user.username());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there is no such flow, or the user is unknown, locked, or may not make this request through its channel.
    pub async fn preview(&self, request: FlowRequest) -> Result<Preview> {
        let Submission { actor, channel, body, .. } = request.into();
        let RequestBody::Request(mut request) = body else {
            return Err(Error::new(ErrorKind::Internal, codes::INVALID_EVENT, "only a request has a preview"));
        };
        check_channel(&channel)?;
        let entry = self.executor.flows.accepting(&request.flow)?;
        let Some(user) = self.find_actor(&actor).await? else {
            return Err(unknown_user("the requester", "add them to the directory first"));
        };
        refuse_locked(&user)?;
        self.executor.ask_directory(self.executor.directory.check_owner(&user)).await?;
        may_begin(&user)?;
        check_source(&entry.flow, channel.kind())?;
        self.check_visible(entry.flow.srn(), &user).await?;
        let prompted = match request.form {
            Some(run) => Some(self.check_form_flow(run, &request.flow).await?),
            None => None,
        };

        let mut preview = Preview::new(entry.flow.clone(), entry.handlers.on(Step::Request).map(|hook| hook.to_ref()));
        if let Err(error) = check_context(&self.executor.limits, request.context.as_ref()) {
            preview.errors.push(FieldError::of_request(error));
        }
        let (target, duration, mut fields) = match parse_inputs(&entry.flow, &self.executor.limits, &request.inputs) {
            Ok(parsed) => parsed,
            Err(errors) => {
                preview.errors.extend(errors);
                return Ok(preview);
            }
        };
        let resolved = resolve_slack_fields(&self.executor.directory, &entry.flow, &mut fields);
        self.executor.ask_directory(resolved).await?;
        let shown = request.shown.take();
        let offered = Offered { form: shown.as_deref(), prompted: prompted.as_deref().map(|state| &state.run) };
        let labels = match offered.check(&self.executor, entry, &user, &fields).await {
            Ok(labels) => labels,
            Err(errors) => {
                preview.errors.extend(errors);
                return Ok(preview);
            }
        };
        preview.check_open_requests(self, &user).await?;
        if !preview.errors.is_empty() {
            return Ok(preview);
        }
        (preview.target, preview.duration) = (target.clone(), duration);

        let (context, parent) = (request.context, request.parent);
        let input = RequestInput { target, duration, fields, labels, context, parent, ..RequestInput::default() };
        let action = Action::Request(Box::new(input));
        let event = EventId::from_uuid(self.new_id(None, "event"));
        let run = request.form.unwrap_or_else(|| self.new_run(None));
        let body = InputBody::Submitted { event, actor: user.clone(), channel, action };
        let input = Input::new(run, entry.flow.srn().clone(), self.clock().now(), body);
        // Without hooks, the request is routed next.
        let rules = Rules { flow: &entry.flow, hooks: Hooks::default() };
        let requested = machine::step(&rules, prompted.as_deref(), &input);
        if let InputReply::Refused { error, .. } = requested.reply {
            return Err(error.into());
        }
        let route = requested.effects.into_iter().find(|effect| matches!(effect.kind, EffectKind::Route));
        let (Some(state), Some(effect)) = (requested.state.map(Arc::new), route) else { return Ok(preview) };
        let seq = effect.key.seq;
        let outcome = match self.executor.preview_routing(entry, &effect, &state).await {
            Ok(outcome) => outcome,
            Err(error) => {
                preview.failure = Some(error);
                return Ok(preview);
            }
        };
        let Outcome::Routed { handlers, routing } = outcome.clone() else { return Ok(preview) };
        let body = InputBody::EffectDone { seq, outcome };
        let input = Input::new(run, entry.flow.srn().clone(), self.clock().now(), body);
        let Some(routed) = machine::step(&rules, Some(&state), &input).state else { return Ok(preview) };

        preview.deciders = Some(self.preview_deciders(&entry.flow, &routed, &user, &routing, handlers.first()).await?);
        preview.notifications = self.preview_notifications(&routing.notifications).await?;
        preview.notified_by = match handlers.as_slice() {
            [permissions] if entry.handlers.get_approvers().is_some_and(|handler| handler.to_ref() == *permissions) => {
                Some(permissions.clone())
            }
            [_, notifications] => Some(notifications.clone()),
            _ => None,
        };
        preview.earlier_request = routing.earlier_request;
        Ok(preview)
    }

    /// Returns who would decide the request of a Run that was routed.
    async fn preview_deciders(
        &self,
        flow: &Flow,
        state: &RunState,
        requester: &Arc<User>,
        routing: &Routing,
        reducer: Option<&HandlerRef>,
    ) -> Result<PreviewDeciders> {
        let permission = routing.permission.clone();
        let (level, named) = match permission.approve_deny() {
            PermissionScope::Level(level) => (Some(*level), Vec::new()),
            PermissionScope::Users(users) => (None, users.as_user_ids().iter().collect()),
        };
        let directory = &self.executor.directory;
        let known = self.executor.ask_directory(directory.users_with_ids(&named)).await?;
        let all = self.executor.ask_directory(directory.users()).await?;
        let unknown = named.iter().copied().filter(|id| known.iter().all(|user| user.id() != *id)).collect();
        let candidates = known.iter().chain(all.iter().filter(|user| user.is_admin())).chain([requester]);
        let candidates: BTreeMap<_, _> = candidates.map(|user| ((user.username(), user.id()), user)).collect();

        let now = self.clock().now();
        let (mut users, mut admins, mut barred, mut includes_requester) = (Vec::new(), Vec::new(), Vec::new(), false);
        for user in candidates.into_values() {
            let (is_named, is_requester) = (named.contains(&user.id()), user.id() == requester.id());
            let verdict = match refuse_locked(user) {
                Ok(()) => check_kind(flow, state, now, user, ActionKind::Approve),
                Err(error) => Err(EffectError::from(&error)),
            };
            match verdict {
                Ok(()) => {
                    includes_requester |= is_requester;
                    if is_named {
                        users.push(user.clone());
                    } else if user.is_admin() {
                        admins.push(user.clone());
                    }
                }
                // A requester whom the permissions do not admit is barred by no rule.
                Err(error) if is_named || user.is_admin() || error.code == codes::SELF_APPROVAL => {
                    barred.push((user.clone(), error));
                }
                Err(_) => {}
            }
        }
        let (reducer, possible_approvers) = (reducer.cloned(), routing.possible_approvers);
        Ok(PreviewDeciders {
            permission,
            reducer,
            level,
            users,
            admins,
            unknown,
            barred,
            includes_requester,
            possible_approvers,
        })
    }

    async fn preview_notifications(&self, notifications: &[Notification]) -> Result<Vec<PreviewNotification>> {
        let front_end = |destination: &Destination| {
            let mut front_ends = self.executor.deliveries.iter();
            front_ends.find(|front_end| front_end.reaches(destination)).map(|front_end| front_end.name().to_owned())
        };
        let previewed = notifications.iter().map(|notification| PreviewNotification {
            destinations: notification
                .destinations()
                .iter()
                .map(|destination| PreviewDestination {
                    destination: destination.clone(),
                    front_end: front_end(destination),
                })
                .collect(),
            timeout: notification.timeout_after(),
        });
        // A front end can panic when it is asked whom it reaches.
        catch_panics(async { Ok(previewed.collect()) }).await.map_err(Error::from)
    }
}

impl Preview {
    fn new(flow: Arc<Flow>, hook: Option<HandlerRef>) -> Self {
        Self {
            flow,
            target: None,
            duration: None,
            errors: Vec::new(),
            failure: None,
            deciders: None,
            notifications: Vec::new(),
            notified_by: None,
            earlier_request: None,
            hook,
        }
    }

    /// Reports that the user has too many open requests. The preview itself does not count as one.
    async fn check_open_requests(&mut self, runtime: &Runtime, user: &User) -> Result<()> {
        let executor = &runtime.executor;
        let admitted = executor.open_request_limit.admit(executor, &*runtime.engine, user);
        match call_bounded(&*executor.clock, executor.limits.store, || "the store".to_owned(), admitted).await? {
            Ok(_) => {}
            Err(error) if *error.code() == codes::TOO_MANY_OPEN_REQUESTS => {
                self.errors.push(FieldError::of_request(error));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
