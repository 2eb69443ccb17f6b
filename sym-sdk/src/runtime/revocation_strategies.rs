//! The strategies that revoke access which the Run's own flow cannot revoke any more.
//!
//! A flow can be removed, lose its strategy or be pointed at another account while Runs of it hold access. Any configured strategy that
//! works where the access was granted can revoke it. Such a strategy is built when it is needed, and again at every attempt until that
//! succeeds: a secret that becomes readable again ends the access without a restart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::bounded_call::call_bounded;
use super::builder::{Builder, RuntimeAssembler};
use super::effect_executor::EffectExecutor;
use super::flows::FlowEntry;
use crate::config::{Diagnostic, SourceLocation};
use crate::directory::Directory;
use crate::error::{Error, ErrorKind, codes};
use crate::machine::{EffectError, Grant};
use crate::model::Strategy;
use crate::strategy::DynAccessStrategy;
use crate::sync::lock;

/// All strategies of the configuration, each built when it is needed.
pub(super) struct RevocationStrategies {
    builder: Arc<Builder>,
    directory: Directory,
    declared: Vec<(Strategy, SourceLocation)>,
    /// By type and name.
    built: Mutex<BTreeMap<(String, String), Arc<dyn DynAccessStrategy>>>,
}

impl RevocationStrategies {
    /// `declared` are the strategies whose declarations have no errors.
    pub(super) fn new(builder: Arc<Builder>, directory: Directory, declared: Vec<(Strategy, SourceLocation)>) -> Self {
        Self { builder, directory, declared, built: Mutex::default() }
    }

    /// Returns the strategy that works where the access was granted. Strategies of one type and account can differ in their settings, so
    /// one that names the target comes first, and of several that do not, none can be chosen.
    fn reaching(&self, grant: &Grant) -> Option<&(Strategy, SourceLocation)> {
        let reaching = || self.declared.iter().filter(|(strategy, _)| grant.is_reached_by(strategy));
        let names_target = |strategy: &Strategy| strategy.targets().iter().any(|known| known.id() == grant.target.id());
        let mut naming = reaching().filter(|(strategy, _)| names_target(strategy));
        match (naming.next(), naming.next()) {
            (Some(only), None) => return Some(only),
            (Some(_), Some(_)) => return None,
            (None, _) => {}
        }
        let mut all = reaching();
        all.next().filter(|_| all.next().is_none())
    }

    /// Returns the declaration of a strategy, unless it has errors.
    pub(super) fn declared(&self, strategy: &Strategy) -> Option<&(Strategy, SourceLocation)> {
        self.declared.iter().find(|(declared, _)| declared == strategy)
    }

    /// Returns a declared strategy, built unless it was before, or the faults because of which it cannot be built.
    async fn build(
        &self,
        (declared, location): &(Strategy, SourceLocation),
    ) -> Result<Arc<dyn DynAccessStrategy>, Vec<Diagnostic>> {
        let key = (declared.kind().to_owned(), declared.name().to_string());
        if let Some(built) = lock(&self.built).get(&key) {
            return Ok(built.clone());
        }
        let mut assembler = RuntimeAssembler::new(&self.builder, &self.directory);
        let built = assembler.strategy(declared, location).await;
        let built = built.ok_or_else(|| assembler.take_diagnostics())?;
        Ok(lock(&self.built).entry(key).or_insert(built).clone())
    }
}

/// Returns the error for a strategy that could not be built.
fn not_built(faults: &[Diagnostic]) -> EffectError {
    let faults: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
    let message = format!("the strategy that would revoke the access could not be built: {}", faults.join("; "));
    let error = Error::new(ErrorKind::Configuration, codes::ACCESS_STRATEGY_NOT_FOUND, message);
    EffectError::from(&error.with_hint("mend the secret or the configuration: the revocation is retried"))
}

impl EffectExecutor {
    /// Returns the strategy that revokes access: that of the Run's flow, or another one that works where the access was granted.
    pub(super) async fn revocation_strategy(
        &self,
        entry: &FlowEntry,
        grant: &Grant,
    ) -> Result<Arc<dyn DynAccessStrategy>, EffectError> {
        // Another service, which never granted the access, would report that it is gone.
        let own = entry.flow.strategy().filter(|own| grant.is_reached_by(own));
        if own.is_some()
            && let Some(strategy) = entry.strategy()
        {
            return Ok(strategy);
        }
        let declared = own.and_then(|own| self.strategies.declared(own)).or_else(|| self.strategies.reaching(grant));
        let Some(declared) = declared else {
            return Err(match own {
                Some(_) => not_built(&entry.faults()),
                None => EffectError::from(&entry.out_of_reach(&grant.target)),
            });
        };
        let what = || "building the strategy".to_owned();
        let building = self.strategies.build(declared);
        match call_bounded(&*self.clock, self.limits.strategy, what, building).await {
            Ok(built) => built.map_err(|faults| not_built(&faults)),
            Err(error) => Err(EffectError::from(&error)),
        }
    }
}
