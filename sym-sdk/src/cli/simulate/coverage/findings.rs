//! The findings of `simulate --all`: what the generated requests did not reach, and what always fails.

use std::collections::{BTreeMap, BTreeSet};

use super::generate::Course;
use super::report::{Finding, FindingKind, RequestReport};
use super::{HandlerKey, key};
use crate::handler::{HandlerKind, HandlerRecord};
use crate::runtime::HandlerUsage;

/// Returns a finding for each handler of a flow that was not called. Only calls that the audit log has can be told.
pub(super) fn not_called(handlers: &[HandlerUsage], called: &BTreeSet<HandlerKey>) -> Vec<Finding> {
    let recorded = |record: &HandlerRecord| {
        matches!(
            record.kind(),
            HandlerKind::Hook(_)
                | HandlerKind::GetPermissions
                | HandlerKind::GetRequestNotifications
                | HandlerKind::GetApprovers
        )
    };
    let unused = handlers.iter().filter(|used| !used.flows.is_empty() && recorded(used.record));
    let unused = unused.filter(|used| !called.contains(&key(&used.record.to_ref())));
    unused
        .map(|used| Finding {
            flow: match used.flows.as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            },
            kind: FindingKind::HandlerNotCalled,
            message: format!("{} was never called", used.record),
        })
        .collect()
}

/// Returns the findings of a flow.
pub(super) fn of_flow(flow: &str, requests: &[RequestReport]) -> Vec<Finding> {
    let finding = |kind, message| Finding { flow: Some(flow.to_owned()), kind, message };
    let mut findings = Vec::new();
    findings.extend(unreached_targets(requests).map(|message| finding(FindingKind::TargetNotReached, message)));
    findings.extend(failing_options(requests).into_iter().map(|message| finding(FindingKind::OptionFails, message)));
    findings.extend(failures(requests).map(|message| finding(FindingKind::RequestFailed, message)));
    findings.extend(lacking_approvers(requests).into_iter().map(|message| finding(FindingKind::NoApprover, message)));
    findings
}

/// Describes the targets to which no request that was approved led.
fn unreached_targets(requests: &[RequestReport]) -> impl Iterator<Item = String> {
    let targets: BTreeSet<_> = requests.iter().filter_map(|request| request.target.as_deref()).collect();
    let unreached = targets.into_iter().filter(move |target| {
        let own = requests.iter().filter(|request| request.target.as_deref() == Some(target));
        !own.filter(|request| request.course == Course::Approved).any(|request| request.is_reached)
    });
    unreached.map(|target| format!("no request for target `{target}` was granted"))
}

/// Describes the declared options whose every request fails. If all requests of the flow fail, options are not the reason.
fn failing_options(requests: &[RequestReport]) -> Vec<String> {
    if !requests.iter().any(|request| request.errors.is_empty()) {
        return Vec::new();
    }
    let mut options = BTreeMap::<(&String, &String), bool>::new();
    for request in requests {
        for chosen in &request.options {
            *options.entry(chosen).or_insert(true) &= !request.errors.is_empty();
        }
    }
    let failing = options.into_iter().filter(|(_, fails)| *fails);
    failing.map(|((field, option), _)| format!("every request with {field}={option} fails")).collect()
}

fn failures(requests: &[RequestReport]) -> impl Iterator<Item = String> {
    requests.iter().zip(1_usize..).flat_map(|(request, number)| {
        let form = request.form.title();
        request.errors.iter().map(move |error| format!("request {number} ({form}): {}", error.message))
    })
}

/// Describes the targets whose listed approvers are too few.
fn lacking_approvers(requests: &[RequestReport]) -> Vec<String> {
    let lacking = requests.iter().filter(|request| request.lacks_approvers);
    let lacking: BTreeSet<_> = lacking.map(|request| request.target.as_deref()).collect();
    let described = lacking.into_iter().map(|target| {
        let what = target.map_or_else(|| "requests".to_owned(), |target| format!("requests for target `{target}`"));
        format!("too few of the listed approvers may approve {what}, so administrators have to")
    });
    described.collect()
}
