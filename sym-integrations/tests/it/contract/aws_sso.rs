//! `aws_sso` in the contract of strategies: permission sets and groups.

use std::sync::Arc;

use expect_test::expect;
use sym_integrations::aws_sso::AwsSsoStrategy;
use sym_sdk::clock::VirtualClock;
use sym_sdk::model::AccessTarget;

use super::{ContractWorld, Held, Participant, Switch, table};
use crate::aws_sso::fake::{ACCOUNT, ANA, FakeSso, GROUP, SET, client_at, group_target, set_target, start};
use crate::http::support::at;

/// A kind of targets.
trait Kind {
    const NAME: &'static str;

    fn target() -> AccessTarget;

    fn is_held(fake: &FakeSso) -> bool;

    fn give(fake: &FakeSso);

    fn delete(fake: &FakeSso);
}

struct PermissionSet;

impl Kind for PermissionSet {
    const NAME: &'static str = "aws_sso";

    fn target() -> AccessTarget {
        set_target(SET, ACCOUNT)
    }

    fn is_held(fake: &FakeSso) -> bool {
        fake.state().is_assigned(ANA)
    }

    fn give(fake: &FakeSso) {
        fake.state().assign(ANA);
    }

    fn delete(fake: &FakeSso) {
        fake.state().sets.clear();
        fake.state().assignments.clear();
    }
}

struct Group;

impl Kind for Group {
    const NAME: &'static str = "aws_sso, groups";

    fn target() -> AccessTarget {
        group_target(GROUP)
    }

    fn is_held(fake: &FakeSso) -> bool {
        fake.state().is_member(GROUP, ANA)
    }

    fn give(fake: &FakeSso) {
        fake.state().join(GROUP, ANA);
    }

    fn delete(fake: &FakeSso) {
        fake.state().groups.clear();
        fake.state().members.clear();
    }
}

struct World<K> {
    fake: FakeSso,
    strategy: AwsSsoStrategy,
    clock: Arc<VirtualClock>,
    kind: std::marker::PhantomData<K>,
}

impl<K: Kind> ContractWorld for World<K> {
    type Strategy = AwsSsoStrategy;

    const NAME: &'static str = K::NAME;

    async fn start() -> Self {
        let (fake, clock) = (start().await, at("2024-02-29T12:00:00Z"));
        let strategy = AwsSsoStrategy::new(client_at(&fake, &clock, None));
        Self { fake, strategy, clock, kind: std::marker::PhantomData }
    }

    fn strategy(&self) -> &AwsSsoStrategy {
        &self.strategy
    }

    fn target(&self) -> AccessTarget {
        K::target()
    }

    fn identity(&self) -> String {
        ANA.to_owned()
    }

    async fn held(&self) -> Held {
        if K::is_held(&self.fake) { Held::Access } else { Held::Nothing }
    }

    async fn writes(&self) -> usize {
        self.fake.habits().writes
    }

    async fn set(&mut self, switch: Switch, on: bool) -> bool {
        if crate::aws::fake::set_habit(&self.fake, switch, on) {
            return true;
        }
        match switch {
            Switch::Standing if on => K::give(&self.fake),
            Switch::Standing | Switch::UserGone => {
                let mut state = self.fake.state();
                state.assignments.clear();
                state.members.clear();
                if switch == Switch::UserGone {
                    state.users.retain(|user| user["UserId"] != ANA);
                }
            }
            Switch::UserSuspended => self.fake.state().users[0]["UserStatus"] = "DISABLED".into(),
            Switch::TargetGone => K::delete(&self.fake),
            _ => return false,
        }
        true
    }

    fn clock(&self) -> Option<Arc<VirtualClock>> {
        Some(self.clock.clone())
    }
}

inventory::submit! { Participant::new::<World<PermissionSet>>() }
inventory::submit! { Participant::new::<World<Group>>() }

#[tokio::test]
async fn permission_sets_keep_the_contract() {
    expect![[r#"
        ends                         new sessions only; settles in 30 min
        grant                        done, listed
        grant twice                  done
        grant, changed meanwhile     –
        revoke                       done
        revoke twice                 done
        revoke what was not granted  done
        revoke, put back             done
        revoke, changed meanwhile    –
        prior access: none           none
        prior access: all of it      sufficient
        prior access: less           –
        restore, removed meanwhile   –
        grant, less unrecorded       –
        grant, user gone             AWSSSO:USER_NOT_FOUND
        revoke, user gone            done
        grant, user suspended        AWSSSO:USER_DEPROVISIONED
        revoke, user suspended       done
        grant, target gone           AWSSSO:PERMISSION_SET_NOT_FOUND
        revoke, target gone          done
        grant, wrong credentials     AWSSSO:INVALID_CLIENT_TOKEN_ID
        revoke, wrong credentials    AWSSSO:INVALID_CLIENT_TOKEN_ID
        grant, response lost         AWSSSO:TIMED_OUT, outcome unknown
        grant, lands late            AWSSSO:TIMED_OUT, outcome unknown
        revoke, response lost        AWSSSO:TIMED_OUT, outcome unknown
        check                        done
        check, target gone           AWSSSO:PERMISSION_SET_NOT_FOUND
        check, wrong credentials     AWSSSO:INVALID_CLIENT_TOKEN_ID
    "#]].assert_eq(&table::<World<PermissionSet>>().await);
}

#[tokio::test]
async fn groups_of_identity_center_keep_the_contract() {
    expect![[r#"
        ends                         new sessions only; settles in 30 min
        grant                        done, listed
        grant twice                  done
        grant, changed meanwhile     –
        revoke                       done
        revoke twice                 done
        revoke what was not granted  done
        revoke, put back             AWSSSO:STILL_MEMBER
        revoke, changed meanwhile    –
        prior access: none           none
        prior access: all of it      sufficient
        prior access: less           –
        restore, removed meanwhile   –
        grant, less unrecorded       –
        grant, user gone             AWSSSO:USER_NOT_FOUND
        revoke, user gone            done
        grant, user suspended        AWSSSO:USER_DEPROVISIONED
        revoke, user suspended       done
        grant, target gone           AWSSSO:GROUP_NOT_FOUND
        revoke, target gone          AWSSSO:GROUP_NOT_FOUND
        grant, wrong credentials     AWSSSO:INVALID_CLIENT_TOKEN_ID
        revoke, wrong credentials    AWSSSO:INVALID_CLIENT_TOKEN_ID
        grant, response lost         AWSSSO:TIMED_OUT, outcome unknown
        grant, lands late            AWSSSO:TIMED_OUT, outcome unknown
        revoke, response lost        AWSSSO:TIMED_OUT, outcome unknown
        check                        done
        check, target gone           AWSSSO:GROUP_NOT_FOUND
        check, wrong credentials     AWSSSO:INVALID_CLIENT_TOKEN_ID
    "#]].assert_eq(&table::<World<Group>>().await);
}
