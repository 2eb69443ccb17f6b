//! The strategy `postgres`: access by a temporary login.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use sym_sdk::config::{IntegrationSchema, SettingSchema, SettingsSchema, StrategySchema, TargetSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes as sdk_codes};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{AccessTarget, Step, StepOutput, User};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, PriorAccess, RevocationScope, StrategyType};

use super::check::check;
use super::errors::POSTGRES;
use super::grant::Grant;
use super::revoke::{Revocation, of_access};
use super::{Postgres, TARGET, codes};
use crate::kit::{is_picked_by_requester, resource_named_by, target_flag};

/// The setting of a target that names the role.
const ROLE: &str = "role";
const ALLOW_ADMIN: &str = "allow_admin";

const SCHEMA: StrategySchema = StrategySchema::ANY
    .with_integration(IntegrationSchema::new(Postgres::TYPE, Postgres::SETTINGS))
    .with_settings(SettingsSchema::closed(&[]))
    .with_targets(&[TargetSchema::new(
        TARGET,
        SettingsSchema::closed(&[
            SettingSchema::required(ROLE).bindable(),
            SettingSchema::optional("database"),
            SettingSchema::optional(ALLOW_ADMIN),
        ]),
    )]);

/// The strategies of type `postgres`, which are part of [`all`](crate::all).
pub fn strategy_type() -> StrategyType {
    StrategyType::new("postgres", |config| {
        config.expect_settings(&[])?;
        Ok(PostgresStrategy::new(Postgres::from_config(&config.integration()?)?))
    })
    .with_schema(SCHEMA)
}

/// An access strategy that creates a login for each Run: strategies of type `postgres`, with targets of type `postgres_role`. See the
/// [module](super).
///
/// A grant has an output such as `{"login": "sym_0190…", "oid": 16390, "role": "readonly", "host": "db.example.com", "port": 5432,
/// "database": "app"}`, without a password; a revocation one such as `{"logins": ["sym_0190…"], "sessions_ended": 2}`, with `left` for
/// what could not be dropped.
#[derive(Clone, Debug)]
pub struct PostgresStrategy {
    client: Postgres,
    /// The logins that revocations have left over since the target was last listed, by resource.
    left: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
}

impl PostgresStrategy {
    /// Creates a strategy that works through a client.
    pub fn new(client: Postgres) -> Self {
        Self { client, left: Arc::default() }
    }

    fn take_left(&self, resource: &str) -> Option<Vec<String>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).remove(resource)
    }
}

impl AccessStrategy for PostgresStrategy {
    /// Returns the username: a login belongs to a Run, and says in its comment who it is for.
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        Ok(Some(user.username().to_owned()))
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        let target = request.target();
        let role = role_of(target)?;
        let grant = Grant {
            run: request.idempotency_key().run,
            identity: request.identity(),
            user: request.requester().username(),
            role,
            ends_at: request.ends_at(),
            allow_admin: target_flag(target, ALLOW_ADMIN)?,
        };
        let granted = grant.make(self.client.inner()).await?;
        let server = &self.client.inner().cluster.primary;
        let output = json!({
            "login": granted.login,
            "oid": granted.oid,
            "role": role,
            "host": server.host(),
            "port": server.port(),
            "database": self.client.database(target),
        });
        Ok(GrantResult::granted().with_output(StepOutput(output)))
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        let granted = request.event().step_output(Step::Escalate);
        let oid = granted.and_then(|output| u32::try_from(output.get("oid")?.as_u64()?).ok());
        let revocation = Revocation {
            run: request.idempotency_key().run,
            identity: request.identity(),
            role: role_of(request.target())?,
            oid,
        };
        let revoked = revocation.make(self.client.inner()).await?;
        if !revoked.left.is_empty() {
            let resource = self.resource(request.target());
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            left.entry(resource).or_default().extend(revoked.left.iter().cloned());
        }
        StepOutput::new(revoked).map(Some)
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }

    /// The role alone, so that targets of one role share the access.
    fn resource(&self, target: &AccessTarget) -> String {
        resource_named_by(target, &[(ROLE, target.settings().get(ROLE).map(String::as_str))])
    }

    /// Lists who has a login for the role.
    ///
    /// # Errors
    /// `Postgres:ROLE_LEFT`, once, if a login could not be dropped by the revocation before: operators are told, and the access counts
    /// as revoked.
    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        let connection = self.client.inner().cluster.primary().await?;
        let logins = of_access(&connection, None, role_of(target)?).await?;
        if let Some(left) = self.take_left(&self.resource(target)) {
            let message = format!(
                "logins without any access were left over, because they could not be dropped: {}",
                left.join("; ")
            );
            return Err(POSTGRES.error(ErrorKind::Conflict, codes::ROLE_LEFT, message).with_hint(
                "in each of the databases, run REASSIGN OWNED BY the login TO another role, then drop the login",
            ));
        }
        Ok(Some(logins.into_iter().filter(|login| login.is_live).map(|login| login.identity).collect()))
    }

    /// Unknown: a login belongs to one Run, so none that exists is what another Run would grant.
    async fn prior_access(&self, _: &AccessTarget, _: &str) -> Result<PriorAccess> {
        Ok(PriorAccess::Unknown)
    }

    /// The server ends the login. Its sessions end with the revocation.
    fn enforces_end(&self) -> bool {
        true
    }

    /// Tries a grant in a transaction that is rolled back.
    async fn check(&self, target: &AccessTarget) -> Result<()> {
        let is_picked = is_picked_by_requester(target, ROLE);
        let role = if is_picked { None } else { Some((role_of(target)?, target_flag(target, ALLOW_ADMIN)?)) };
        check(self.client.inner(), role).await
    }
}

fn role_of(target: &AccessTarget) -> Result<&str> {
    if target.kind() != TARGET {
        let message = format!("targets of type `{}` are not roles of PostgreSQL", target.kind());
        return Err(Error::new(ErrorKind::Configuration, sdk_codes::CONFIGURATION, message)
            .with_hint(format!("use a target of type `{TARGET}` with a setting `{ROLE}`")));
    }
    target.setting(ROLE)
}
