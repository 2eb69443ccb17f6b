//! `okta` in the contract of strategies.

use std::sync::Arc;

use expect_test::expect;
use sym_integrations::http::Connection;
use sym_integrations::okta::OktaStrategy;
use sym_sdk::clock::VirtualClock;
use sym_sdk::model::AccessTarget;

use super::{ContractWorld, Held, Participant, Switch, table};
use crate::http::support::at;
use crate::okta::fake::FakeOkta;

const GROUP: &str = "00g1";
const USER: &str = "00u1";

struct World {
    fake: FakeOkta,
    strategy: OktaStrategy,
    clock: Arc<VirtualClock>,
}

impl ContractWorld for World {
    type Strategy = OktaStrategy;

    const NAME: &'static str = "okta";

    async fn start() -> Self {
        let (fake, clock) = (FakeOkta::start().await, at("2024-02-29T12:00:00Z"));
        let connection = Connection::default().with_clock(clock.clone());
        let strategy = OktaStrategy::new(fake.builder().connection(connection).build().unwrap());
        Self { fake, strategy, clock }
    }

    fn strategy(&self) -> &OktaStrategy {
        &self.strategy
    }

    fn target(&self) -> AccessTarget {
        AccessTarget::new("acme", "okta_group", "admins".parse().unwrap()).with_setting("group_id", GROUP)
    }

    fn identity(&self) -> String {
        USER.to_owned()
    }

    async fn held(&self) -> Held {
        if self.fake.state().is_member(GROUP, USER) { Held::Access } else { Held::Nothing }
    }

    async fn writes(&self) -> usize {
        self.fake.writes()
    }

    async fn set(&mut self, switch: Switch, on: bool) -> bool {
        if switch == Switch::WrongCredentials {
            self.fake.reject_token().await;
            return true;
        }
        let mut state = self.fake.state();
        match switch {
            Switch::Standing if on => state.join(GROUP, USER),
            Switch::Standing => state.leave(GROUP, USER),
            Switch::UserGone => state.delete_user(USER),
            Switch::UserSuspended => state.set_status(USER, "SUSPENDED"),
            Switch::TargetGone => state.delete_group(GROUP),
            Switch::ResponsesLost => state.responses_lost = on,
            Switch::ChangesLate if on => state.late = Some(Vec::new()),
            Switch::ChangesLate => state.land_late_changes(),
            Switch::PutBack => state.put_back = on,
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
async fn okta_keeps_the_contract() {
    expect![[r#"
        ends                         new sessions only; settles in 15 min
        grant                        done, listed
        grant twice                  done
        grant, changed meanwhile     –
        revoke                       done
        revoke twice                 done
        revoke what was not granted  done
        revoke, put back             Okta:STILL_MEMBER
        revoke, changed meanwhile    –
        prior access: none           none
        prior access: all of it      sufficient
        prior access: less           –
        restore, removed meanwhile   –
        grant, less unrecorded       –
        grant, user gone             Okta:USER_NOT_FOUND
        revoke, user gone            done
        grant, user suspended        done
        revoke, user suspended       done
        grant, target gone           Okta:GROUP_NOT_FOUND
        revoke, target gone          Okta:GROUP_NOT_FOUND
        grant, wrong credentials     Okta:AUTH_FAILED
        revoke, wrong credentials    Okta:AUTH_FAILED
        grant, response lost         Okta:TIMED_OUT, outcome unknown
        grant, lands late            Okta:TIMED_OUT, outcome unknown
        revoke, response lost        Okta:TIMED_OUT, outcome unknown
        check                        done
        check, target gone           Okta:GROUP_NOT_FOUND
        check, wrong credentials     Okta:AUTH_FAILED
    "#]].assert_eq(&table::<World>().await);
}
