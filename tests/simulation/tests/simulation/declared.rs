//! The configuration of the simulated organization, which can be another one after a restart.

use std::collections::BTreeMap;

use sym_sdk::config::{
    Config, Environment, ErrorLogger, Flow, FlowParams, Integration, PromptField, Reference, Strategy, Target,
};
use sym_sdk::machine::Grant;
use sym_sdk::model::AccessTarget;

use crate::flows::{DURATIONS, POLICIES, Policy, STRATEGY, TARGETS};
use crate::world::World;

/// The setting of a target that says which group of the service it is.
pub(crate) const GROUP: &str = "group";

/// The setting of a strategy that says where in the account it works.
const REGION: &str = "region";

/// The accounts that strategies may work in. Two strategies can work in one account.
const ACCOUNTS: [&str; 3] = ["acme", "globex", "initech"];

/// The names of the strategies, all of one type. The last one is declared only at the end.
const STRATEGIES: [&str; 3] = ["main", "spare", "former"];

/// The configuration with which a process starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Declared {
    flows: BTreeMap<&'static str, DeclaredFlow>,
    /// The group that each target is, if it is declared.
    targets: BTreeMap<&'static str, Option<String>>,
    strategies: Vec<DeclaredStrategy>,
}

#[derive(Clone, Debug, PartialEq)]
struct DeclaredFlow {
    is_declared: bool,
    strategy: usize,
    durations: Vec<&'static str>,
    ends: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct DeclaredStrategy {
    account: &'static str,
    region: u32,
}

/// The place where a flow grants access to a target, by the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) group: String,
    pub(crate) region: String,
    /// Whether the access ends by itself.
    pub(crate) ends: bool,
}

impl Default for Declared {
    fn default() -> Self {
        let flow = |policy: &Policy| {
            let durations = DURATIONS.to_vec();
            (policy.flow, DeclaredFlow { is_declared: true, strategy: 0, durations, ends: policy.ends })
        };
        Self {
            flows: POLICIES.iter().map(flow).collect(),
            targets: TARGETS.into_iter().map(|name| (name, Some(format!("g-{name}")))).collect(),
            strategies: ACCOUNTS[..2].iter().map(|account| DeclaredStrategy { account, region: 0 }).collect(),
        }
    }
}

impl Declared {
    /// Returns the configuration with which all access can end: everything is declared, and a strategy works in each account.
    pub(crate) fn everything() -> Self {
        let former = DeclaredStrategy { account: ACCOUNTS[2], region: 0 };
        let mut declared = Self::default();
        declared.strategies.push(former);
        declared
    }

    /// Changes one thing, at random, and returns what it was.
    pub(crate) fn change(&mut self, world: &World) -> &'static str {
        let flow = self.flows.get_mut(POLICIES[world.below(POLICIES.len())].flow).expect("all policies are in it");
        match world.below(16) {
            0..3 => {
                flow.is_declared = !flow.is_declared;
                if flow.is_declared { "flow back" } else { "flow gone" }
            }
            3 => {
                flow.strategy = 1 - flow.strategy;
                "flow with another strategy"
            }
            4..6 => {
                let gone = world.below(DURATIONS.len());
                let all = flow.durations.len() == DURATIONS.len();
                let remaining = DURATIONS.into_iter().enumerate().filter(|(number, _)| !all || *number != gone);
                flow.durations = remaining.map(|(_, duration)| duration).collect();
                if all { "duration gone" } else { "duration back" }
            }
            6 => {
                flow.ends = !flow.ends;
                "access without an end, or with one"
            }
            7..10 => {
                let name = world.one_of(&TARGETS);
                let is_gone = self.targets[name].is_none();
                self.targets.insert(name, is_gone.then(|| format!("g-{name}")));
                if is_gone { "target back" } else { "target gone" }
            }
            10..12 => {
                let name = world.one_of(&TARGETS);
                self.targets.insert(name, Some(if world.once_in(2) { format!("g-{name}") } else { "g-super".into() }));
                "target pointed elsewhere"
            }
            12..15 => {
                self.strategies[world.below(2)].account = world.one_of(&ACCOUNTS);
                "account pointed elsewhere"
            }
            _ => {
                self.strategies[world.below(2)].region += 1;
                "strategy with another setting"
            }
        }
    }

    /// Returns where the flow grants access to the target; `None` if it does not.
    pub(crate) fn place(&self, flow: &str, target: &str) -> Option<Place> {
        let flow = self.flows.get(flow).filter(|flow| flow.is_declared)?;
        let group = self.targets.get(target)?.clone()?;
        let DeclaredStrategy { account, region } = &self.strategies[flow.strategy];
        Some(Place { account: (*account).to_owned(), group, region: format!("r{region}"), ends: flow.ends })
    }

    /// Returns whether the flow offers the duration.
    pub(crate) fn offers(&self, flow: &str, duration: &str) -> bool {
        self.flows.get(flow).is_some_and(|flow| flow.ends && flow.durations.contains(&duration))
    }

    /// Returns whether a declared strategy can revoke access that the flow has granted, without doubt about which.
    pub(crate) fn reaches(&self, flow: &str, grant: &Grant) -> bool {
        let is_there = |number: &usize| grant.account.as_deref() == Some(self.strategies[*number].account);
        let own = self.flows.get(flow).filter(|flow| flow.is_declared).map(|flow| flow.strategy);
        if own.as_ref().is_some_and(is_there) {
            return true;
        }
        let there: Vec<_> = (0..self.strategies.len()).filter(is_there).collect();
        // Both name the same targets, so where two work nobody can say which of them granted it.
        there.len() == 1
    }

    /// Returns the declarations.
    pub(crate) fn config(&self) -> Config {
        let declared = || self.targets.iter().filter_map(|(name, group)| Some((*name, group.as_ref()?)));
        let targets: Vec<_> = declared().map(|(name, _)| Reference::typed(STRATEGY, name)).collect();
        let target = |(name, group): (&str, &String)| Target {
            kind: STRATEGY.into(),
            name: name.into(),
            settings: [(GROUP.to_owned(), group.clone())].into(),
            ..Target::default()
        };
        let named = || STRATEGIES.iter().zip(&self.strategies);
        let mut config = Config {
            targets: declared().map(target).collect(),
            integrations: named()
                .map(|(name, strategy)| Integration {
                    kind: STRATEGY.into(),
                    name: (*name).into(),
                    external_id: strategy.account.into(),
                    ..Integration::default()
                })
                .collect(),
            strategies: named()
                .map(|(name, strategy)| Strategy {
                    kind: STRATEGY.into(),
                    name: (*name).into(),
                    integration: Some(Reference::typed(STRATEGY, *name)),
                    targets: targets.clone(),
                    settings: [(REGION.to_owned(), format!("r{}", strategy.region))].into(),
                    ..Strategy::default()
                })
                .collect(),
            environments: vec![Environment {
                name: "main".into(),
                error_logger: Some("errors".into()),
                ..Environment::default()
            }],
            error_loggers: vec![ErrorLogger {
                name: "errors".into(),
                destination: "#errors".into(),
                ..ErrorLogger::default()
            }],
            flows: self
                .flows
                .iter()
                .filter(|(_, flow)| flow.is_declared)
                .map(|(name, flow)| flow.declare(name))
                .collect(),
            ..Config::default()
        };
        config.organization.domains.push("example.com".into());
        config
    }
}

impl DeclaredFlow {
    fn declare(&self, name: &str) -> Flow {
        let urgent =
            PromptField { name: "urgent".into(), field_type: "bool".into(), required: false, ..PromptField::default() };
        let duration = PromptField {
            name: "duration".into(),
            field_type: "duration".into(),
            allowed_values: Some(self.durations.iter().map(|duration| (*duration).to_owned()).collect()),
            ..PromptField::default()
        };
        let mut params = FlowParams {
            strategy: Some(Reference::typed(STRATEGY, STRATEGIES[self.strategy])),
            schedule_deescalation: self.ends,
            prompt_fields: vec![urgent],
            ..FlowParams::default()
        };
        if self.ends {
            params.prompt_fields.push(duration);
        }
        Flow { name: name.into(), environment: "main".into(), params, ..Flow::default() }
    }
}

/// Returns the name by which the world knows what a target stands for in an account.
pub(crate) fn resource(account: Option<&str>, target: &AccessTarget) -> String {
    let group = target.settings().get(GROUP).map_or("", String::as_str);
    format!("{}/{group}", account.unwrap_or_default())
}
