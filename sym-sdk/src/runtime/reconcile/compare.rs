//! The comparison of the access that Runs grant with what the targets list.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;

use super::report::{ComparedTarget, ExtraAccess, MissingAccess, Repair, UnknownAccess};
use crate::engine::RunFilter;
use crate::error::{ErrorKind, Result};
use crate::machine::{Access, EffectError, Grant};
use crate::model::{AccessTarget, RunId, Srn, Strategy, User};
use crate::runtime::Runtime;
use crate::runtime::bounded_call::call_bounded;
use crate::runtime::flows::FlowEntry;
use crate::runtime::identity::service_of;
use crate::strategy::DynAccessStrategy;

/// The number of targets that are read at once.
const CONCURRENCY: usize = 8;

/// A resource that strategies of one type grant in one account, as they name it, at one level. Those who have it are listed by level.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ResourceKey {
    strategy: String,
    account: String,
    resource: String,
    level: Option<String>,
}

impl ResourceKey {
    /// Returns the resource at any level. Whoever has it at a higher level is listed at the lower ones too.
    fn at_any_level(&self) -> Self {
        Self { level: None, ..self.clone() }
    }
}

/// A resource whose access can be listed.
struct Resource<'a> {
    entry: &'a FlowEntry,
    target: AccessTarget,
}

/// The access that one Run holds, or may hold.
#[derive(Clone, Debug, PartialEq)]
struct Holding {
    flow: Srn,
    key: ResourceKey,
    grant: Grant,
    /// Whether it is neither being granted nor taken away.
    at_rest: bool,
}

/// The differences, before repairs.
pub(super) struct Found<'a> {
    pub(super) compared: Vec<ComparedTarget>,
    /// Each with its flow.
    pub(super) missing: Vec<(MissingAccess, Srn)>,
    pub(super) extra: Vec<(ExtraAccess, RevocationPlan<'a>)>,
    pub(super) unknown: Vec<UnknownAccess>,
}

/// The information that is needed to revoke extra access.
pub(super) struct RevocationPlan<'a> {
    pub(super) entry: &'a FlowEntry,
    pub(super) resource: String,
}

/// The IDs that have access to a target, or `None` if its strategy cannot list them.
type CurrentIds = Result<Option<BTreeSet<String>>>;

/// Compares Runs and targets. The Runs are read before the targets and again after them: only what holds at both times is a
/// difference, rather than a change in progress.
pub(super) async fn compare(runtime: &Runtime) -> Result<Found<'_>> {
    let mut resources = declared(runtime).await;
    let mut found = Found { compared: Vec::new(), missing: Vec::new(), extra: Vec::new(), unknown: Vec::new() };
    let before = holdings(runtime, &mut resources, Some(&mut found.unknown)).await?;
    recent(runtime, &mut resources, &mut found.unknown).await?;
    found.unknown.extend(of_missing_strategies(runtime));
    let lists: Vec<_> = resources.into_iter().map(|(key, resource)| list(runtime, key, resource)).collect();
    let mut lists: Vec<_> = stream::iter(lists).buffer_unordered(CONCURRENCY).collect().await;
    lists.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let after = holdings(runtime, &mut BTreeMap::new(), None).await?;

    let held = before.values().chain(after.values());
    let held: BTreeSet<_> = held.map(|held| (held.key.at_any_level(), held.grant.identity.clone())).collect();
    let mut reported = BTreeSet::new();
    for (key, resource, list) in lists {
        let flow = resource.entry.flow.name().to_string();
        let list = match list {
            Ok(Some(list)) => list,
            other => {
                let error = other.err().map(|error| EffectError::from(&error));
                found.unknown.push(UnknownAccess { flow, target: resource.target, error });
                continue;
            }
        };
        let (target, identities) = (resource.target.clone(), list.len());
        found.compared.push(ComparedTarget { flow: flow.clone(), target, identities });
        for identity in &list {
            let access = (key.at_any_level(), identity.clone());
            if held.contains(&access) || !reported.insert(access) {
                continue;
            }
            let user = owner(runtime, resource.entry, identity).await?;
            let (target, identity) = (resource.target.clone(), identity.clone());
            let extra = ExtraAccess { flow: flow.clone(), target, identity, user, repair: Repair::None };
            found.extra.push((extra, RevocationPlan { entry: resource.entry, resource: key.resource.clone() }));
        }
        for (run, holding) in before.iter().filter(|(run, held)| held.key == key && after.get(*run) == Some(*held)) {
            if holding.at_rest && !list.contains(&holding.grant.identity) {
                let Grant { target, identity, .. } = holding.grant.clone();
                let flow = holding.flow.slug().to_owned();
                let missing = MissingAccess { run: *run, flow, target, identity, repair: Repair::None };
                found.missing.push((missing, holding.flow.clone()));
            }
        }
    }
    Ok(found)
}

/// Returns the user whose identity this is, if the directory knows one.
async fn owner(runtime: &Runtime, entry: &FlowEntry, identity: &str) -> Result<Option<Arc<User>>> {
    let Some((strategy, _)) = strategy_of(entry) else { return Ok(None) };
    let (service, id) = service_of(strategy);
    match runtime.executor.ask_directory(runtime.directory().user_by_identity(service, id, identity)).await {
        // Several users have this identity. That must not keep everything else from being compared.
        Err(error) if error.kind() == ErrorKind::Conflict => {
            tracing::warn!(%error, "it cannot be told whose access this is");
            Ok(None)
        }
        known => known,
    }
}

fn strategy_of(entry: &FlowEntry) -> Option<(&Strategy, Arc<dyn DynAccessStrategy>)> {
    entry.flow.strategy().zip(entry.strategy())
}

/// Returns the resources of the targets of all flows, each once. Targets with settings from the form cannot be listed.
async fn declared(runtime: &Runtime) -> BTreeMap<ResourceKey, Resource<'_>> {
    let mut resources = BTreeMap::new();
    for entry in runtime.executor.flows.iter() {
        let targets = entry.flow.strategy().map(Strategy::targets).unwrap_or_default();
        for target in targets.iter().filter(|target| target.field_bindings().is_empty()) {
            match key(runtime, entry, target).await {
                Ok(Some(key)) => {
                    resources.entry(key).or_insert_with(|| Resource { entry, target: target.clone() });
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, target = target.label(), "a strategy cannot name its resource"),
            }
        }
    }
    resources
}

/// Returns the targets of flows whose strategies could not be built: nobody can list them.
fn of_missing_strategies(runtime: &Runtime) -> impl Iterator<Item = UnknownAccess> {
    let flows = &runtime.executor.flows;
    let missing = flows.iter().filter(|entry| entry.strategy().is_none());
    missing.flat_map(|entry| {
        let error = flows.check_accepts(entry).err().map(|error| EffectError::from(&error));
        let targets = entry.flow.strategy().map(Strategy::targets).unwrap_or_default();
        let targets = targets.iter().filter(|target| target.field_bindings().is_empty());
        targets.map(move |target| {
            let flow = entry.flow.name().to_string();
            UnknownAccess { flow, target: target.clone(), error: error.clone() }
        })
    })
}

/// Adds the resources in which Runs gave access recently, and access that their flows no longer reach to `unreached`.
async fn recent<'a>(
    runtime: &'a Runtime,
    resources: &mut BTreeMap<ResourceKey, Resource<'a>>,
    unreached: &mut Vec<UnknownAccess>,
) -> Result<()> {
    runtime.recent_targets.keep(runtime).await?;
    for recent in runtime.recent_targets.list(runtime).await? {
        let target = recent.target.clone();
        let entry = match runtime.executor.flows.by_srn(&recent.flow) {
            Ok(entry) => entry,
            Err(error) => {
                let (flow, error) = (recent.flow.slug().to_owned(), Some(EffectError::from(&error)));
                unreached.push(UnknownAccess { flow, target, error });
                continue;
            }
        };
        let reached = entry.flow.strategy().is_some_and(|strategy| recent.is_reached_by(strategy));
        let key = if reached { key(runtime, entry, &target).await.transpose() } else { None };
        match key.unwrap_or_else(|| Err(entry.out_of_reach(&target))) {
            Ok(key) => {
                resources.entry(key).or_insert(Resource { entry, target });
            }
            Err(error) => {
                let (flow, error) = (entry.flow.name().to_string(), Some(EffectError::from(&error)));
                let is_known = unreached.iter().any(|known| known.flow == flow && known.target == target);
                if !is_known {
                    unreached.push(UnknownAccess { flow, target, error });
                }
            }
        }
    }
    Ok(())
}

async fn key(runtime: &Runtime, entry: &FlowEntry, target: &AccessTarget) -> Result<Option<ResourceKey>> {
    let Some((strategy, access)) = strategy_of(entry) else { return Ok(None) };
    let (clock, limit) = (&*runtime.executor.clock, runtime.executor.limits.strategy);
    let properties = async { (access.resource(target), access.level(target)) };
    let (resource, level) = call_bounded(clock, limit, || "the strategy".to_owned(), properties).await?;
    let account = strategy.integration().map(|integration| integration.external_id().to_owned());
    Ok(Some(ResourceKey { strategy: strategy.service(), account: account.unwrap_or_default(), resource, level }))
}

/// Returns the resource that the access of a Run is in, as the strategy that would revoke it names it.
async fn key_of_grant(runtime: &Runtime, entry: &FlowEntry, grant: &Grant) -> Result<ResourceKey, EffectError> {
    let access = runtime.executor.revocation_strategy(entry, grant).await?;
    let (clock, limit) = (&*runtime.executor.clock, runtime.executor.limits.strategy);
    let properties = async { (access.resource(&grant.target), access.level(&grant.target)) };
    let properties = call_bounded(clock, limit, || "the strategy".to_owned(), properties).await;
    let (resource, level) = properties.map_err(|error| EffectError::from(&error))?;
    let account = grant.account.clone().unwrap_or_default();
    Ok(ResourceKey { strategy: grant.strategy.clone(), account, resource, level })
}

async fn list<'a>(
    runtime: &'a Runtime,
    key: ResourceKey,
    resource: Resource<'a>,
) -> (ResourceKey, Resource<'a>, CurrentIds) {
    let listed = current(runtime, &resource).await;
    (key, resource, listed)
}

async fn current(runtime: &Runtime, resource: &Resource<'_>) -> CurrentIds {
    let Some((_, access)) = strategy_of(resource.entry) else { return Ok(None) };
    let (clock, limit) = (&*runtime.executor.clock, runtime.executor.limits.strategy);
    let listed = async { access.list_current(&resource.target).await };
    let listed = call_bounded(clock, limit, || "reading the target".to_owned(), listed).await??;
    Ok(listed.map(|listed| listed.into_iter().collect()))
}

/// Returns the access that Runs hold, or may hold. Their resources are added to `resources`, and access that their flows no longer
/// reach to `unreached`.
async fn holdings<'a>(
    runtime: &'a Runtime,
    resources: &mut BTreeMap<ResourceKey, Resource<'a>>,
    mut unreached: Option<&mut Vec<UnknownAccess>>,
) -> Result<BTreeMap<RunId, Holding>> {
    let filter = RunFilter { may_hold_access: true, ..RunFilter::default() };
    let mut holdings = BTreeMap::new();
    for run in runtime.runs(filter, usize::MAX).await? {
        let Some(grant) = run.state.access.grant().cloned() else { continue };
        let removed;
        let (entry, listed) = match runtime.executor.flows.by_srn(&run.state.flow) {
            Ok(entry) => {
                let own = entry.flow.strategy().filter(|own| grant.is_reached_by(own));
                (entry, own.map(|_| entry))
            }
            Err(_) => {
                removed = FlowEntry::removed(&run.state.flow);
                (&removed, None)
            }
        };
        match key_of_grant(runtime, entry, &grant).await {
            Ok(key) => {
                let target = grant.target.clone();
                // A flow that is gone, or works elsewhere, does not list it. The access is accounted for all the same.
                if let Some(entry) = listed {
                    resources.entry(key.clone()).or_insert_with(|| Resource { entry, target });
                }
                let at_rest = matches!(run.state.access, Access::Held(_)) && run.state.active_event.is_none();
                let flow = run.state.flow.clone();
                holdings.insert(run.state.run.id(), Holding { flow, key, grant, at_rest });
            }
            Err(error) => {
                // The access is accounted for all the same, by the name that the strategy had for the target when it granted it: otherwise
                // another flow with this target would find it there without a Run.
                if let Some(resource) = grant.entitlement.resource() {
                    let (strategy, account) = (grant.strategy.clone(), grant.account.clone().unwrap_or_default());
                    let key = ResourceKey { strategy, account, resource, level: grant.level.clone() };
                    let (flow, grant) = (run.state.flow.clone(), grant.clone());
                    holdings.insert(run.state.run.id(), Holding { flow, key, grant, at_rest: false });
                }
                if let Some(unreached) = &mut unreached {
                    let (flow, error) = (entry.flow.name().to_string(), Some(error));
                    unreached.push(UnknownAccess { flow, target: grant.target, error });
                }
            }
        }
    }
    Ok(holdings)
}
