//! `boundary` in the contract of strategies.

use std::sync::Arc;

use expect_test::expect;
use sym_integrations::boundary::BoundaryStrategy;
use sym_integrations::http::Connection;
use sym_sdk::clock::VirtualClock;
use sym_sdk::model::AccessTarget;

use super::{ContractWorld, Held, Participant, Switch, table};
use crate::boundary::fake::{FakeBoundary, fault};
use crate::http::support::at;

const USER: &str = "u_1";

/// A member whom somebody else adds.
const OTHER: &str = "u_3";

struct World {
    fake: FakeBoundary,
    strategy: BoundaryStrategy,
    clock: Arc<VirtualClock>,
}

impl ContractWorld for World {
    type Strategy = BoundaryStrategy;

    const NAME: &'static str = "boundary";

    async fn start() -> Self {
        let (fake, clock) = (FakeBoundary::start().await, at("2024-02-29T12:00:00Z"));
        let connection = Connection::default().with_clock(clock.clone());
        let strategy = BoundaryStrategy::new(fake.builder().connection(connection).build().unwrap());
        Self { fake, strategy, clock }
    }

    fn strategy(&self) -> &BoundaryStrategy {
        &self.strategy
    }

    fn target(&self) -> AccessTarget {
        AccessTarget::new("acme", "boundary_group", "admins".parse().unwrap()).with_setting("group_id", "g_1")
    }

    fn identity(&self) -> String {
        USER.to_string()
    }

    async fn held(&self) -> Held {
        if self.fake.is_member(USER) { Held::Access } else { Held::Nothing }
    }

    async fn writes(&self) -> usize {
        self.fake.writes()
    }

    async fn set(&mut self, switch: Switch, on: bool) -> bool {
        let mut state = self.fake.state();
        match switch {
            Switch::Standing => {
                let group = state.groups.get_mut("g_1").unwrap();
                group.version += 1;
                group.members = if on { vec![USER.to_owned()] } else { Vec::new() };
            }
            Switch::UserGone => state.delete_user(USER),
            Switch::TargetGone => drop(state.groups.remove("g_1")),
            Switch::ChangedMeanwhile => {
                let mut is_first = true;
                state.interference = Some(Box::new(move |group| {
                    if std::mem::take(&mut is_first) {
                        group.version += 1;
                        group.members.push(OTHER.to_owned());
                    }
                }));
            }
            Switch::ResponsesLost => state.responses_lost = on,
            Switch::ChangesLate if on => state.late = Some(Vec::new()),
            Switch::ChangesLate => state.land_late_changes(),
            Switch::PutBack => state.put_back = on,
            Switch::WrongCredentials => state.refusals = vec![(String::new(), fault(401, "Unauthenticated", "Unauthenticated, or invalid token."))],
            _ => return false,
        }
        true
    }

    fn clock(&self) -> Option<Arc<VirtualClock>> {
        Some(self.clock.clone())
    }

    async fn keeps_other_changes(&self) -> bool {
        self.fake.is_member(OTHER)
    }
}

inventory::submit! { Participant::new::<World>() }

#[tokio::test]
async fn boundary_keeps_the_contract() {
    expect![[r#"
        ends                         new sessions only; settles in 15 min
        grant                        done, listed
        grant twice                  done
        grant, changed meanwhile     done
        revoke                       done
        revoke twice                 done
        revoke what was not granted  done
        revoke, put back             Boundary:STILL_MEMBER
        revoke, changed meanwhile    done
        prior access: none           none
        prior access: all of it      sufficient
        prior access: less           –
        restore, removed meanwhile   –
        grant, less unrecorded       –
        grant, user gone             Boundary:USER_NOT_FOUND
        revoke, user gone            done
        grant, user suspended        –
        revoke, user suspended       –
        grant, target gone           Boundary:GROUP_NOT_FOUND
        revoke, target gone          Boundary:GROUP_NOT_FOUND
        grant, wrong credentials     Boundary:AUTH_FAILED
        revoke, wrong credentials    Boundary:AUTH_FAILED
        grant, response lost         Boundary:TIMED_OUT, outcome unknown
        grant, lands late            Boundary:TIMED_OUT, outcome unknown
        revoke, response lost        Boundary:TIMED_OUT, outcome unknown
        check                        done
        check, target gone           Boundary:GROUP_NOT_FOUND
        check, wrong credentials     Boundary:AUTH_FAILED
    "#]].assert_eq(&table::<World>().await);
}
