//! `onelogin` in the contract of strategies.

use std::sync::Arc;

use expect_test::expect;
use sym_integrations::onelogin::OneLoginStrategy;
use sym_integrations::http::Connection;
use sym_sdk::clock::VirtualClock;
use sym_sdk::model::AccessTarget;

use super::{ContractWorld, Held, Participant, Switch, table};
use crate::onelogin::fake::{FakeOneLogin, fault};
use crate::http::support::at;

const ROLE: u64 = 70;
const USER: u64 = 1;

struct World {
    fake: FakeOneLogin,
    strategy: OneLoginStrategy,
    clock: Arc<VirtualClock>,
}

impl ContractWorld for World {
    type Strategy = OneLoginStrategy;

    const NAME: &'static str = "onelogin";

    async fn start() -> Self {
        let (fake, clock) = (FakeOneLogin::start().await, at("2024-02-29T12:00:00Z"));
        let connection = Connection::default().with_clock(clock.clone());
        let strategy = OneLoginStrategy::new(fake.builder().connection(connection).build().unwrap());
        Self { fake, strategy, clock }
    }

    fn strategy(&self) -> &OneLoginStrategy {
        &self.strategy
    }

    fn target(&self) -> AccessTarget {
        AccessTarget::new("acme", "onelogin_role", "admins".parse().unwrap()).with_setting("role_id", ROLE.to_string())
    }

    fn identity(&self) -> String {
        USER.to_string()
    }

    async fn held(&self) -> Held {
        if self.fake.state().is("users", ROLE, USER) { Held::Access } else { Held::Nothing }
    }

    async fn writes(&self) -> usize {
        self.fake.writes()
    }

    async fn set(&mut self, switch: Switch, on: bool) -> bool {
        let mut state = self.fake.state();
        match switch {
            Switch::Standing if on => state.join("users", ROLE, USER),
            Switch::Standing => state.leave("users", ROLE, USER),
            Switch::UserGone => state.delete_user(USER),
            Switch::UserSuspended => state.add_user(USER, "ana@example.com", 2),
            Switch::TargetGone => state.delete_role(ROLE),
            Switch::ResponsesLost => state.responses_lost = on,
            Switch::ChangesLate if on => state.late = Some(Vec::new()),
            Switch::ChangesLate => state.land_late_changes(),
            Switch::PutBack => state.put_back = on,
            Switch::WrongCredentials => state.refusals = vec![(String::new(), fault(401, "UnauthorizedError", "Unauthorized"))],
            _ => return false,
        }
        true
    }

    fn clock(&self) -> Option<Arc<VirtualClock>> {
        Some(self.clock.clone())
    }
}

inventory::submit! { Participant::new::<World>() }

#[tokio::test]
async fn onelogin_keeps_the_contract() {
    expect![[r#"
        ends                         unknown sessions; settles in 15 min
        grant                        done, listed
        grant twice                  done
        grant, changed meanwhile     –
        revoke                       done
        revoke twice                 done
        revoke what was not granted  done
        revoke, put back             OneLogin:STILL_MEMBER
        revoke, changed meanwhile    –
        prior access: none           none
        prior access: all of it      sufficient
        prior access: less           –
        restore, removed meanwhile   –
        grant, less unrecorded       –
        grant, user gone             OneLogin:USER_NOT_FOUND
        revoke, user gone            done
        grant, user suspended        OneLogin:USER_DEPROVISIONED
        revoke, user suspended       done
        grant, target gone           OneLogin:ROLE_NOT_FOUND
        revoke, target gone          OneLogin:ROLE_NOT_FOUND
        grant, wrong credentials     OneLogin:AUTH_FAILED
        revoke, wrong credentials    OneLogin:AUTH_FAILED
        grant, response lost         OneLogin:TIMED_OUT, outcome unknown
        grant, lands late            OneLogin:TIMED_OUT, outcome unknown
        revoke, response lost        OneLogin:TIMED_OUT, outcome unknown
        check                        done
        check, target gone           OneLogin:ROLE_NOT_FOUND
        check, wrong credentials     OneLogin:AUTH_FAILED
    "#]].assert_eq(&table::<World>().await);
}
