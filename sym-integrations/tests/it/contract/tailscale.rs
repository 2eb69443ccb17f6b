//! `tailscale` in the contract of strategies.

use std::sync::Arc;

use expect_test::expect;
use sym_integrations::http::Connection;
use sym_integrations::tailscale::TailscaleStrategy;
use sym_sdk::clock::VirtualClock;
use sym_sdk::model::AccessTarget;

use super::{ContractWorld, Held, Participant, Switch, table};
use crate::http::support::at;
use crate::tailscale::fake::FakeTailscale;

const GROUP: &str = "group:empty";
const LOGIN: &str = "ana@example.com";

struct World {
    fake: FakeTailscale,
    strategy: TailscaleStrategy,
    clock: Arc<VirtualClock>,
}

impl ContractWorld for World {
    type Strategy = TailscaleStrategy;

    const NAME: &'static str = "tailscale";

    async fn start() -> Self {
        let (fake, clock) = (FakeTailscale::start().await, at("2026-12-01T12:00:00Z"));
        let connection = Connection::default().with_clock(clock.clone());
        let strategy = TailscaleStrategy::new(fake.builder().connection(connection).build().unwrap());
        Self { fake, strategy, clock }
    }

    fn strategy(&self) -> &TailscaleStrategy {
        &self.strategy
    }

    fn target(&self) -> AccessTarget {
        AccessTarget::new("acme", "tailscale_group", "admins".parse().unwrap()).with_setting("group_name", GROUP)
    }

    fn identity(&self) -> String {
        LOGIN.to_owned()
    }

    async fn held(&self) -> Held {
        if self.fake.state().policy.contains(LOGIN) { Held::Access } else { Held::Nothing }
    }

    async fn writes(&self) -> usize {
        self.fake.writes()
    }

    async fn set(&mut self, switch: Switch, on: bool) -> bool {
        let mut state = self.fake.state();
        match switch {
            Switch::Standing if on => state.change(|text| text.replace("[]", "[\"ana@example.com\"]")),
            Switch::Standing => state.change(|text| text.replace("[\"ana@example.com\"]", "[]")),
            Switch::UserGone => state.remove_user(LOGIN),
            Switch::UserSuspended => state.add_user(LOGIN, "member", "suspended"),
            Switch::TargetGone => state.change(|text| {
                text.lines().filter(|line| !line.contains(GROUP)).collect::<Vec<_>>().join("\n")
            }),
            Switch::ResponsesLost => state.responses_lost = on,
            Switch::ChangesLate if on => state.late = Some(None),
            Switch::ChangesLate => {
                if let Some(text) = state.late.take().flatten() {
                    state.change(|_| text);
                }
            }
            Switch::PutBack => state.put_back = on,
            Switch::ChangedMeanwhile => state.changes = vec![|text| text.replace("Our tailnet", "All our tailnet")],
            Switch::WrongCredentials => state.tokens.clear(),
            _ => return false,
        }
        true
    }

    async fn keeps_other_changes(&self) -> bool {
        self.fake.state().policy.contains("All our tailnet")
    }

    fn clock(&self) -> Option<Arc<VirtualClock>> {
        Some(self.clock.clone())
    }
}

inventory::submit! { Participant::new::<World>() }

#[tokio::test]
async fn tailscale_keeps_the_contract() {
    expect![[r#"
        ends                         new sessions only; settles in 15 min
        grant                        done, listed
        grant twice                  done
        grant, changed meanwhile     done
        revoke                       done
        revoke twice                 done
        revoke what was not granted  done
        revoke, put back             Tailscale:STILL_MEMBER
        revoke, changed meanwhile    done
        prior access: none           none
        prior access: all of it      sufficient
        prior access: less           –
        restore, removed meanwhile   –
        grant, less unrecorded       –
        grant, user gone             Tailscale:USER_NOT_FOUND
        revoke, user gone            done
        grant, user suspended        Tailscale:USER_DEPROVISIONED
        revoke, user suspended       done
        grant, target gone           Tailscale:GROUP_NOT_FOUND
        revoke, target gone          Tailscale:GROUP_NOT_FOUND
        grant, wrong credentials     Tailscale:AUTH_FAILED
        revoke, wrong credentials    Tailscale:AUTH_FAILED
        grant, response lost         done
        grant, lands late            Tailscale:TIMED_OUT, outcome unknown
        revoke, response lost        done
        check                        done
        check, target gone           Tailscale:GROUP_NOT_FOUND
        check, wrong credentials     Tailscale:AUTH_FAILED
    "#]].assert_eq(&table::<World>().await);
}
