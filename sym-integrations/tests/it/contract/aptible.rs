//! `aptible` in the contract of strategies.

use std::sync::Arc;

use expect_test::expect;
use sym_integrations::aptible::AptibleStrategy;
use sym_integrations::http::Connection;
use sym_sdk::clock::VirtualClock;
use sym_sdk::model::AccessTarget;

use super::{ContractWorld, Held, Participant, Switch, table};
use crate::aptible::fake::{ANA, FakeAptible, ROLE, fault};
use crate::http::support::at;

struct World {
    fake: FakeAptible,
    strategy: AptibleStrategy,
    clock: Arc<VirtualClock>,
}

impl ContractWorld for World {
    type Strategy = AptibleStrategy;

    const NAME: &'static str = "aptible";

    async fn start() -> Self {
        let (fake, clock) = (FakeAptible::start().await, at("2024-02-29T12:00:00Z"));
        let connection = Connection::default().with_clock(clock.clone());
        let strategy = AptibleStrategy::new(fake.builder().connection(connection).build().unwrap());
        Self { fake, strategy, clock }
    }

    fn strategy(&self) -> &AptibleStrategy {
        &self.strategy
    }

    fn target(&self) -> AccessTarget {
        AccessTarget::new("acme", "aptible_role", "admins".parse().unwrap()).with_setting("role_id", ROLE)
    }

    fn identity(&self) -> String {
        ANA.to_string()
    }

    async fn held(&self) -> Held {
        if self.fake.is_member(ROLE, ANA) { Held::Access } else { Held::Nothing }
    }

    async fn writes(&self) -> usize {
        self.fake.writes()
    }

    async fn set(&mut self, switch: Switch, on: bool) -> bool {
        let mut state = self.fake.state();
        match switch {
            Switch::Standing if on => state.join("m-standing", ROLE, ANA),
            Switch::Standing => state.leave(ROLE, ANA),
            Switch::UserGone => state.delete_user(ANA),
            Switch::TargetGone => state.delete_role(ROLE),
            Switch::ResponsesLost => state.responses_lost = on,
            Switch::ChangesLate if on => state.late = Some(Vec::new()),
            Switch::ChangesLate => state.land_late_changes(),
            Switch::PutBack => state.put_back = on,
            Switch::WrongCredentials => state.refusals = vec![(String::new(), fault(401, "expired_token", "The access token is invalid."))],
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
async fn aptible_keeps_the_contract() {
    expect![[r#"
        ends                         new sessions only; settles in 15 min
        grant                        done, listed
        grant twice                  done
        grant, changed meanwhile     –
        revoke                       done
        revoke twice                 done
        revoke what was not granted  done
        revoke, put back             Aptible:STILL_MEMBER
        revoke, changed meanwhile    –
        prior access: none           none
        prior access: all of it      sufficient
        prior access: less           –
        restore, removed meanwhile   –
        grant, less unrecorded       –
        grant, user gone             Aptible:USER_NOT_FOUND
        revoke, user gone            done
        grant, user suspended        –
        revoke, user suspended       –
        grant, target gone           Aptible:ROLE_NOT_FOUND
        revoke, target gone          Aptible:ROLE_NOT_FOUND
        grant, wrong credentials     Aptible:AUTH_FAILED
        revoke, wrong credentials    Aptible:AUTH_FAILED
        grant, response lost         Aptible:TIMED_OUT, outcome unknown
        grant, lands late            Aptible:TIMED_OUT, outcome unknown
        revoke, response lost        done
        check                        done
        check, target gone           Aptible:ROLE_NOT_FOUND
        check, wrong credentials     Aptible:AUTH_FAILED
    "#]].assert_eq(&table::<World>().await);
}
