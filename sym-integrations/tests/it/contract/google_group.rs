//! `google_group` in the contract of strategies, with a target that grants the role `MANAGER`.

use std::sync::Arc;

use expect_test::expect;
use sym_integrations::google::GoogleGroupStrategy;
use sym_integrations::http::Connection;
use sym_sdk::clock::VirtualClock;
use sym_sdk::model::AccessTarget;

use super::{ContractWorld, Held, Participant, Switch, table};
use crate::google::fake::FakeGoogle;
use crate::http::support::at;

const ANA: &str = "ana@example.com";

struct World {
    fake: FakeGoogle,
    strategy: GoogleGroupStrategy,
    clock: Arc<VirtualClock>,
}

impl ContractWorld for World {
    type Strategy = GoogleGroupStrategy;

    const NAME: &'static str = "google_group";

    async fn start() -> Self {
        let (fake, clock) = (FakeGoogle::start().await, at("2024-02-29T12:00:00Z"));
        let connection = Connection::default().with_clock(clock.clone());
        let strategy = GoogleGroupStrategy::new(fake.builder().connection(connection).build().unwrap());
        Self { fake, strategy, clock }
    }

    fn strategy(&self) -> &GoogleGroupStrategy {
        &self.strategy
    }

    fn target(&self) -> AccessTarget {
        AccessTarget::new("acme", "google_group", "admins".parse().unwrap())
            .with_setting("group_email", "admins@example.com")
            .with_setting("role", "MANAGER")
    }

    fn identity(&self) -> String {
        ANA.to_owned()
    }

    async fn held(&self) -> Held {
        match self.fake.state().members.get(ANA).map(String::as_str) {
            None => Held::Nothing,
            Some("MEMBER") => Held::Lesser,
            Some(_) => Held::Access,
        }
    }

    async fn writes(&self) -> usize {
        self.fake.state().writes
    }

    async fn set(&mut self, switch: Switch, on: bool) -> bool {
        let mut state = self.fake.state();
        let mut make = |role: &str| state.members.insert(ANA.to_owned(), role.to_owned());
        match switch {
            Switch::Standing if on => drop(make("OWNER")),
            Switch::Lesser if on => drop(make("MEMBER")),
            Switch::Standing | Switch::Lesser => drop(state.members.remove(ANA)),
            // Google takes deleted users out of their groups.
            Switch::UserGone => {
                state.account = None;
                state.members.remove(ANA);
            }
            Switch::UserSuspended => state.account = Some("SUSPENDED"),
            Switch::TargetGone => {
                state.group_gone = true;
                state.members.clear();
            }
            Switch::ResponsesLost => state.responses_lost = on,
            Switch::ChangesLate if on => state.late = Some(Vec::new()),
            Switch::ChangesLate => state.land_late_changes(),
            Switch::PutBack => state.put_back = on,
            Switch::WrongCredentials => state.token_rejected = true,
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
async fn google_group_keeps_the_contract() {
    expect![[r#"
        ends                         new sessions only; settles in 15 min
        grant                        done, listed
        grant twice                  done
        grant, changed meanwhile     –
        revoke                       done
        revoke twice                 done
        revoke what was not granted  done
        revoke, put back             Google:STILL_MEMBER
        revoke, changed meanwhile    –
        prior access: none           none
        prior access: all of it      sufficient
        prior access: less           raised and restored
        restore, removed meanwhile   left alone
        grant, less unrecorded       Google:CONFLICT, left alone
        grant, user gone             Google:USER_NOT_FOUND
        revoke, user gone            done
        grant, user suspended        Google:USER_DEPROVISIONED
        revoke, user suspended       done
        grant, target gone           Google:GROUP_NOT_FOUND
        revoke, target gone          Google:GROUP_NOT_FOUND
        grant, wrong credentials     Google:AUTH_FAILED
        revoke, wrong credentials    Google:AUTH_FAILED
        grant, response lost         done
        grant, lands late            Google:TIMED_OUT, outcome unknown
        revoke, response lost        done
        check                        done
        check, target gone           Google:GROUP_NOT_FOUND
        check, wrong credentials     Google:AUTH_FAILED
    "#]].assert_eq(&table::<World>().await);
}
