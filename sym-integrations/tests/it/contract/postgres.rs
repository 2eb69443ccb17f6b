//! `postgres` in the contract of strategies, on one server for all situations of a table.

use std::rc::Rc;
use std::sync::Arc;

use expect_test::expect;
use sym_integrations::postgres::PostgresStrategy;
use sym_sdk::model::AccessTarget;
use tokio_postgres::Client;

use super::{ContractWorld, Held, Participant, Switch, table};
use crate::postgres::cluster::{Asked, Cluster, PASSWORD, installed, rows, target};
use crate::postgres::cluster_clock::SteppingClock;
use crate::postgres::proxy::{Commits, Proxy};

const ROLE: &str = "readonly";

/// The temporary logins: the name, whether it may log in, and whether it is a member of the role.
const LOGINS: &str = "SELECT rolname, rolcanlogin, EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid \
    AND pg_get_userbyid(roleid) = 'readonly') FROM pg_roles WHERE starts_with(rolname, 'sym_')";

tokio::task_local! {
    static CLUSTER: Rc<Cluster>;
}

struct World {
    proxy: Proxy,
    admin: Client,
    strategy: PostgresStrategy,
    clock: Arc<SteppingClock>,
    /// The roles and their members when the situation began.
    before: Vec<String>,
}

impl World {
    async fn roles(&self) -> Vec<String> {
        let mut roles = rows(&self.admin, "SELECT rolname, xmin FROM pg_authid ORDER BY 1").await;
        roles.extend(rows(&self.admin, "SELECT roleid, member, xmin FROM pg_auth_members ORDER BY 1, 2").await);
        roles
    }

    async fn run(&self, statements: &str) {
        self.admin.batch_execute(statements).await.unwrap();
    }
}

impl ContractWorld for World {
    type Strategy = PostgresStrategy;

    const NAME: &'static str = "postgres";

    fn is_available() -> bool {
        !installed().is_empty()
    }

    async fn with_shared<T>(work: impl Future<Output = T>) -> T {
        CLUSTER.scope(Rc::new(Cluster::start().await.unwrap()), work).await
    }

    async fn start() -> Self {
        let cluster = CLUSTER.get();
        let (proxy, admin, clock) = (Proxy::start(&cluster).await, cluster.admin().await, SteppingClock::new());
        let strategy = PostgresStrategy::new(proxy.builder().clock(clock.clone()).build().unwrap());
        // What the situation before has left.
        let sessions = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity \
            WHERE usename = 'manager' OR starts_with(usename, 'sym_')";
        rows(&admin, sessions).await;
        let left = "SELECT quote_ident(rolname) FROM pg_roles WHERE starts_with(rolname, 'sym_') OR rolname IN ('readonly', 'bystander')";
        for role in rows(&admin, left).await {
            admin.batch_execute(&format!("DROP ROLE {role}")).await.unwrap();
        }
        let world = Self { proxy, admin, strategy, clock, before: Vec::new() };
        world.run(&format!("ALTER ROLE manager PASSWORD '{PASSWORD}'")).await;
        world.run("CREATE ROLE readonly NOLOGIN; GRANT readonly TO manager WITH ADMIN OPTION").await;
        let before = world.roles().await;
        Self { before, ..world }
    }

    fn strategy(&self) -> &PostgresStrategy {
        &self.strategy
    }

    fn target(&self) -> AccessTarget {
        target(ROLE)
    }

    /// The username: a login belongs to a request.
    fn identity(&self) -> String {
        Self::EMAIL.to_owned()
    }

    async fn held(&self) -> Held {
        let logins = rows(&self.admin, LOGINS).await;
        match (logins.iter().any(|login| login.ends_with("|t|t")), logins.iter().any(|login| login.contains("|t"))) {
            (true, _) => Held::Access,
            (_, true) => Held::Lesser,
            _ => Held::Nothing,
        }
    }

    async fn writes(&self) -> usize {
        usize::from(self.roles().await != self.before)
    }

    async fn set(&mut self, switch: Switch, on: bool) -> bool {
        match switch {
            // Another request of the user.
            Switch::Standing if on => Asked::by(&CLUSTER.get().strategy(), Self::EMAIL, 2, ROLE).granted().await,
            Switch::TargetGone => self.run("DROP ROLE readonly").await,
            Switch::ResponsesLost if on => self.proxy.set_commits(Commits::ResponsesLost),
            Switch::ResponsesLost => self.proxy.set_commits(Commits::Forwarded),
            Switch::ChangesLate if on => self.proxy.set_commits(Commits::Late),
            Switch::ChangesLate => self.proxy.land().await,
            Switch::PutBack => {
                let (admin, logins) = (CLUSTER.get().admin().await, rows(&self.admin, LOGINS).await);
                self.clock.then(|| async move {
                    for login in logins {
                        let name = login.split('|').next().unwrap();
                        admin.batch_execute(&format!("ALTER ROLE {name} LOGIN")).await.unwrap();
                    }
                });
            }
            Switch::ChangedMeanwhile => self.proxy.meanwhile("CREATE ROLE bystander LOGIN; GRANT readonly TO bystander"),
            Switch::WrongCredentials => self.run("ALTER ROLE manager PASSWORD 'another'").await,
            _ => return false,
        }
        self.before = self.roles().await;
        true
    }

    async fn keeps_other_changes(&self) -> bool {
        rows(&self.admin, "SELECT pg_has_role('bystander', 'readonly', 'MEMBER')").await == ["t"]
    }
}

inventory::submit! { Participant::new::<World>() }

#[tokio::test]
async fn postgres_keeps_the_contract() {
    if World::is_available() {
        expect![[r#"
            ends                         all sessions, also by the service; settles in 15 min
            grant                        done, listed
            grant twice                  done
            grant, changed meanwhile     done
            revoke                       done
            revoke twice                 done
            revoke what was not granted  done
            revoke, put back             Postgres:STILL_PRESENT, outcome unknown
            revoke, changed meanwhile    done
            prior access: none           unknown
            prior access: all of it      unknown
            prior access: less           –
            restore, removed meanwhile   –
            grant, less unrecorded       –
            grant, user gone             –
            revoke, user gone            –
            grant, user suspended        –
            revoke, user suspended       –
            grant, target gone           Postgres:ROLE_NOT_FOUND
            revoke, target gone          done
            grant, wrong credentials     Postgres:AUTH_FAILED
            revoke, wrong credentials    Postgres:AUTH_FAILED
            grant, response lost         Postgres:CONNECTION_LOST, outcome unknown
            grant, lands late            Postgres:CONNECTION_LOST, outcome unknown
            revoke, response lost        Postgres:CONNECTION_LOST, outcome unknown
            check                        done
            check, target gone           Postgres:ROLE_NOT_FOUND
            check, wrong credentials     Postgres:AUTH_FAILED
        "#]].assert_eq(&table::<World>().await);
    }
}
