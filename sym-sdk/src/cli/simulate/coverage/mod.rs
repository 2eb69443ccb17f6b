//! `simulate --all`: runs generated requests of every flow, and reports what they did not reach.
//!
//! A request is generated for each target and each declared option, goes its course to the end, and is looked at in the audit log. The
//! requester is a member who exists for this only, so that nothing depends on who runs the command. Flows are simulated one after the other,
//! on one clock: access of one request has ended before the next is made.

mod findings;
mod generate;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::scenario::{DEFAULT_DECISION_DELAY, DEFAULT_SIMULATED_TIME, channel_of, default_source};
use super::{SimulatedProgram, simulated_approver};
use crate::audit::{AuditEntry, AuditKind};
use crate::cli::Exit;
use crate::cli::exit::CommandError;
use crate::cli::output::Output;
use crate::error::{Error, Result, codes};
use crate::machine::{Access, EffectError, RunState};
use crate::model::{Channel, Flow, HandlerRef, RunId, Source, User, UserId, UserRole};
use crate::routing::{PermissionScope, RequestPermission};
use crate::runtime::{HandlerUsage, Submission};
use crate::simulation::{Simulation, describe_scope};
use generate::{Course, GeneratedRequest, GeneratedRequests, PrefetchedOptions};
use report::{Finding, FindingKind, FlowReport, PrefetchedReport, Report, RequestError, RequestReport};

/// Simulates all flows, and writes the report.
pub(super) async fn run(
    mut simulated: SimulatedProgram,
    domain: &str,
    handlers: &[HandlerUsage],
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let mut coverage = Coverage::new(&mut simulated.simulation, domain).await?;
    let flows: Vec<Arc<Flow>> = coverage.simulation.runtime().flows().to_vec();
    for flow in &flows {
        coverage.flow(flow).await?;
    }
    let mut report = coverage.report;
    report.findings.extend(findings::not_called(handlers, &coverage.called));
    report.findings.sort();
    report.findings.dedup();
    if output.json {
        output.value(&report)?;
    } else {
        report.write(output.out)?;
    }
    Ok(if report.findings.is_empty() { Exit::Success } else { Exit::Failure })
}

type HandlerKey = (String, String, u32);

fn key(handler: &HandlerRef) -> HandlerKey {
    (handler.name().to_owned(), handler.file().to_owned(), handler.line())
}

/// The generated requests so far, and what they have reached.
struct Coverage<'a> {
    simulation: &'a mut Simulation,
    /// The domain of people who are made up.
    domain: String,
    requester: Arc<User>,
    admins: Vec<Arc<User>>,
    report: Report,
    called: BTreeSet<HandlerKey>,
}

impl<'a> Coverage<'a> {
    async fn new(simulation: &'a mut Simulation, domain: &str) -> Result<Self> {
        let requester = User::from_email(&format!("requester@{domain}"))?;
        let requester = simulation.runtime().directory().put_user(requester).await?;
        Ok(Self {
            simulation,
            domain: domain.to_owned(),
            requester,
            admins: Vec::new(),
            report: Report::default(),
            called: BTreeSet::new(),
        })
    }

    async fn flow(&mut self, flow: &Flow) -> Result<()> {
        let name = flow.name().to_string();
        let (mut requests, mut prefetched) = (Vec::new(), Vec::new());
        let form = self.simulation.preview_form(&name, &self.requester).await;
        match form {
            Ok(form) => {
                let GeneratedRequests { requests: generated, prefetched: further } = generate::requests(flow, &form);
                if generated.is_empty() {
                    self.find(&name, FindingKind::NoTarget, "its strategy has no targets".to_owned());
                }
                for request in generated {
                    requests.push(self.request(flow, request).await?);
                }
                for options in further {
                    prefetched.push(self.further_options(flow, options, &mut requests).await?);
                }
            }
            Err(error) => self.find(&name, FindingKind::FormNotOpened, format!("the form cannot be opened: {error}")),
        }
        self.report.findings.extend(findings::of_flow(&name, &requests));
        self.report.flows.push(FlowReport { flow: name, label: flow.label().to_owned(), requests, prefetched });
        Ok(())
    }

    /// Requests the further options of a prefetched field, and reports those requests whose result is not that of an earlier one.
    async fn further_options(
        &mut self,
        flow: &Flow,
        options: PrefetchedOptions,
        requests: &mut Vec<RequestReport>,
    ) -> Result<PrefetchedReport> {
        let PrefetchedOptions { field, offered, first, next } = options;
        let (before, tried) = (requests.len(), 1 + next.len());
        for generated in next {
            let request = self.request(flow, generated).await?;
            let mut known = requests.get(first).into_iter().chain(requests.iter().skip(before));
            if !known.any(|known| known.has_same_result(&request)) {
                requests.push(request);
            }
        }
        Ok(PrefetchedReport { field, offered, tried, differing: requests.len() - before })
    }

    fn find(&mut self, flow: &str, kind: FindingKind, message: String) {
        self.report.findings.push(Finding { flow: Some(flow.to_owned()), kind, message });
    }

    /// Makes a request, has it decided, and lets its access end.
    async fn request(&mut self, flow: &Flow, generated: GeneratedRequest) -> Result<RequestReport> {
        let GeneratedRequest { form, course, target, inputs, options, bound_fields } = generated;
        // Requests that are refused take no time, and the number of requests in a minute is limited.
        self.simulation.advance(DEFAULT_DECISION_DELAY).await?;
        let mut report = RequestReport {
            run: None,
            form,
            course,
            target,
            resource: None,
            options: options.into_iter().collect(),
            bound_fields,
            routed_to: Vec::new(),
            deciders: None,
            decided_by: None,
            status: None,
            outcome: String::new(),
            is_reached: false,
            lacks_approvers: false,
            errors: Vec::new(),
        };
        let source = default_source(&*self.simulation, flow.name())?;
        let channel = channel_of(source);
        let requester = self.requester.id();
        let mut submission =
            Submission::request(flow.name().as_str(), requester).inputs(inputs).channel(channel.clone());
        if !matches!(source, Source::Api | Source::Mcp) {
            let prompt = Submission::prompt(flow.name().as_str(), requester).channel(channel.clone());
            match self.simulation.submit(prompt).await {
                Ok(receipt) => {
                    report.run = Some(receipt.run);
                    submission = submission.form(receipt.run);
                }
                Err(error) => report.errors.push(of_error(&error)),
            }
        }
        match self.simulation.submit(submission).await {
            Ok(receipt) => {
                report.run = Some(receipt.run);
                self.decide(flow, receipt.run, course, &channel, &mut report).await?;
            }
            Err(error) => {
                report.errors.push(of_error(&error));
                report.outcome = "refused".to_owned();
            }
        }
        if !self.simulation.run_to_end(DEFAULT_SIMULATED_TIME).await? {
            report.errors.push(RequestError {
                code: codes::SIMULATION_UNFINISHED.to_string(),
                message: "work is still scheduled after a year".to_owned(),
                hint: None,
            });
        }
        if let Some(run) = report.run {
            self.look_at(run, &mut report).await?;
        }
        Ok(report)
    }

    async fn decide(
        &mut self,
        flow: &Flow,
        run: RunId,
        course: Course,
        channel: &Channel,
        report: &mut RequestReport,
    ) -> Result<()> {
        let state = self.simulation.runtime().run(run).await?.state;
        let Some(permission) = state.routing.as_ref().map(|routing| routing.permission.clone()) else { return Ok(()) };
        let named = self.named_approvers(flow, &permission).await?;
        report.lacks_approvers = matches!(permission.approve_deny(), PermissionScope::Users(_))
            && named.len() < usize::from(permission.required_approvals());
        if state.is_open() && course != Course::Unanswered {
            self.simulation.advance(DEFAULT_DECISION_DELAY).await?;
            let mut deciders = named;
            let mut number = 0;
            // Administrators stand in for approvers who are missing.
            while deciders.len() < usize::from(permission.required_approvals()).max(1) {
                let admin = self.admin(number).await?;
                number += 1;
                // A handler may list all administrators, and so those of earlier requests.
                if deciders.iter().all(|decider| decider.id() != admin.id()) {
                    deciders.push(admin);
                }
            }
            if course == Course::Denied {
                deciders.truncate(1);
            }
            let mut errors = Vec::new();
            for decider in &deciders {
                if !self.simulation.runtime().run(run).await?.state.is_open() {
                    break;
                }
                let decision = match course {
                    Course::Denied => Submission::deny(run, decider.id()),
                    Course::Approved | Course::Unanswered => Submission::approve(run, decider.id()),
                };
                errors.extend(self.simulation.submit(decision.channel(channel.clone())).await.err());
            }
            // A recorded refusal is found in the audit log.
            let recorded = self.audit(run).await?.iter().any(|entry| matches!(entry.kind, AuditKind::Refused { .. }));
            report.errors.extend(errors.iter().filter(|_| !recorded).map(of_error));
        }
        Ok(())
    }

    /// Returns one of the admins who are made up. The same ones decide about all requests.
    async fn admin(&mut self, number: usize) -> Result<Arc<User>> {
        loop {
            match self.admins.get(number) {
                Some(admin) => return Ok(Arc::clone(admin)),
                None => self.admins.push(simulated_approver::create(&*self.simulation, &self.domain).await?),
            }
        }
    }

    /// Returns the people in a list of approvers who may approve what the requester asks for. Empty if a level decides.
    async fn named_approvers(&self, flow: &Flow, permission: &RequestPermission) -> Result<Vec<Arc<User>>> {
        let PermissionScope::Users(users) = permission.approve_deny() else { return Ok(Vec::new()) };
        let mut named = Vec::new();
        for id in users.as_user_ids().iter() {
            let Some(user) = self.simulation.runtime().directory().user(id).await? else { continue };
            let is_self = id == self.requester.id() && !permission.self_approval_allowed();
            let is_guest = user.role() == UserRole::Guest && !flow.params().allow_guest_interaction;
            if !is_self && !is_guest && permission.approve_deny().admits_approval(&user) {
                named.push(user);
            }
        }
        Ok(named)
    }

    async fn audit(&self, run: RunId) -> Result<Vec<AuditEntry>> {
        self.simulation.runtime().audit(Some(run), usize::MAX).await
    }

    /// Reads from the audit log what became of a request.
    async fn look_at(&mut self, run: RunId, report: &mut RequestReport) -> Result<()> {
        let entries = self.audit(run).await?;
        let state = self.simulation.runtime().run(run).await?.state;
        let users = self.simulation.runtime().directory().users().await?;
        let names: BTreeMap<UserId, String> =
            users.iter().map(|user| (user.id(), user.username().to_owned())).collect();
        for entry in &entries {
            match &entry.kind {
                AuditKind::HandlerCalled { handler, .. } => {
                    self.called.insert(key(handler));
                }
                AuditKind::Routed { permission, notifications } => {
                    report.routed_to.clone_from(notifications);
                    report.deciders = Some(describe_scope(permission.approve_deny(), &names));
                }
                AuditKind::Refused { error }
                | AuditKind::Failed { error }
                | AuditKind::Reported { error }
                | AuditKind::DeliveryFailed { error, .. }
                | AuditKind::GrantFailed { error, .. }
                | AuditKind::RevokeFailed { error, .. } => {
                    let error = of_effect_error(error);
                    if !report.errors.contains(&error) {
                        report.errors.push(error);
                    }
                }
                _ => {}
            }
        }
        report.is_reached = matches!(state.access, Access::Revoking { .. })
            || entries
                .iter()
                .any(|entry| matches!(entry.kind, AuditKind::Granted { .. } | AuditKind::StandingAccess { .. }));
        report.status = Some(state.run.status());
        report.resource =
            state.request.as_ref().and_then(|request| request.target.as_ref()).map(|target| target.title());
        report.decided_by = state.decision.as_ref().map(|decision| decision.actor.username().to_owned());
        if report.outcome.is_empty() {
            report.outcome = outcome(&state, &entries);
        }
        Ok(())
    }
}

/// Describes the outcome of a request in words.
fn outcome(state: &RunState, entries: &[AuditEntry]) -> String {
    let has = |wanted: fn(&AuditKind) -> bool| entries.iter().any(|entry| wanted(&entry.kind));
    if matches!(state.access, Access::Revoking { .. }) {
        return "granted, and could not be revoked".to_owned();
    }
    if has(|kind| matches!(kind, AuditKind::Granted { .. })) {
        let is_revoked = has(|kind| matches!(kind, AuditKind::Revoked { .. } | AuditKind::RevokedProvisionally { .. }));
        return if is_revoked { "granted, then revoked" } else { "granted, until somebody revokes it" }.to_owned();
    }
    if has(|kind| matches!(kind, AuditKind::StandingAccess { .. })) {
        return "the access exists without it".to_owned();
    }
    state.run.status().to_string()
}

fn of_error(error: &Error) -> RequestError {
    RequestError {
        code: error.code().to_string(),
        message: error.message().to_owned(),
        hint: error.hint().map(str::to_owned),
    }
}

fn of_effect_error(error: &EffectError) -> RequestError {
    RequestError { code: error.code.to_string(), message: error.message.clone(), hint: error.hint.clone() }
}
