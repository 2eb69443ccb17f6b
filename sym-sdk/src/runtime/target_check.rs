//! Checks of the targets of a configuration in their services, before anybody requests access to them.
//!
//! Only the strategies are built, with their secrets, and only their checks are called, which change nothing. There is no engine and no
//! store, so this works beside a program that runs.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::bounded_call::call_bounded;
use super::builder::{Builder, RuntimeAssembler};
use crate::error::{Error, ErrorKind, codes};
use crate::machine::EffectError;
use crate::model::AccessTarget;
use crate::strategy::DynAccessStrategy;

/// The number of targets that are checked at once.
const CONCURRENCY: usize = 8;

/// The check of one target of a strategy.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TargetCheck {
    /// The type of the strategy.
    pub strategy_type: String,
    /// The name of the strategy.
    pub strategy: String,
    /// The target.
    pub target: AccessTarget,
    /// Whether the service itself ends the access; `None` if the strategy could not be built.
    pub enforces_end: Option<bool>,
    /// The reason why access to the target could not be granted; `None` if nothing is wrong.
    pub error: Option<EffectError>,
}

impl Builder {
    /// Checks all targets of all strategies with [`AccessStrategy::check`](crate::strategy::AccessStrategy::check): several at once, and
    /// each with the time limit of a strategy. The checks are in the order of the configuration.
    ///
    /// # Errors
    /// Returns all errors of the configuration and the handlers. Nothing is called then.
    pub async fn check_targets(self) -> Result<Vec<TargetCheck>, crate::config::Diagnostics> {
        let strategies = self.sound_strategies()?;
        let (directory, (clock, limit)) = (self.directory_of_store(), self.strategy_limit());
        let mut assembler = RuntimeAssembler::new(&self, &directory);
        let mut targets = Vec::new();
        for (declared, location) in &strategies {
            let built = assembler.strategy(declared, location).await;
            let faults = assembler.take_diagnostics();
            let faults: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
            let built = built.ok_or_else(|| {
                let message = format!("strategy `{}` could not be built: {}", declared.name(), faults.join("; "));
                EffectError::new(ErrorKind::Configuration, codes::ACCESS_STRATEGY_NOT_FOUND, message)
            });
            targets.extend(declared.targets().iter().map(|target| (declared, target, built.clone())));
        }
        let checks: Vec<_> = targets
            .into_iter()
            .map(|(declared, target, built)| {
                let clock = clock.clone();
                async move {
                    let enforces_end = built.as_ref().ok().map(|strategy| strategy.enforces_end());
                    let error = match built {
                        Ok(strategy) => {
                            let what = || "the check".to_owned();
                            let checked = call_bounded(&*clock, limit, what, check(&strategy, target)).await;
                            checked.and_then(|checked| checked).err().map(|error| EffectError::from(&error))
                        }
                        Err(error) => Some(error),
                    };
                    TargetCheck {
                        strategy_type: declared.kind().to_owned(),
                        strategy: declared.name().to_string(),
                        target: target.clone(),
                        enforces_end,
                        error,
                    }
                }
            })
            .collect();
        Ok(stream::iter(checks).buffered(CONCURRENCY).collect().await)
    }
}

/// The strategy is called inside of the future: it can panic before it returns one.
async fn check(strategy: &Arc<dyn DynAccessStrategy>, target: &AccessTarget) -> Result<(), Error> {
    strategy.check(target).await
}
