//! `aws_iam` in the contract of strategies.

use std::sync::Arc;

use expect_test::expect;
use sym_integrations::aws_iam::{AwsIam, AwsIamStrategy};
use sym_integrations::http::Connection;
use sym_sdk::clock::VirtualClock;
use sym_sdk::model::AccessTarget;

use super::{ContractWorld, Held, Participant, Switch, table};
use crate::aws_iam::fake::{ACCOUNT, FakeIam, arn, start};
use crate::http::support::at;

const GROUP: &str = "Admins";
const USER: &str = "ana@example.com";

struct World {
    fake: FakeIam,
    strategy: AwsIamStrategy,
    clock: Arc<VirtualClock>,
}

impl ContractWorld for World {
    type Strategy = AwsIamStrategy;

    const NAME: &'static str = "aws_iam";

    async fn start() -> Self {
        let (fake, clock) = (start().await, at("2024-02-29T12:00:00Z"));
        let context = fake.context_builder().connection(Connection::default().with_clock(clock.clone()));
        let iam = AwsIam::builder(&context.build().unwrap(), ACCOUNT).unwrap().build().unwrap();
        Self { fake, strategy: AwsIamStrategy::new(iam), clock }
    }

    fn strategy(&self) -> &AwsIamStrategy {
        &self.strategy
    }

    fn target(&self) -> AccessTarget {
        AccessTarget::new("acme", "aws_iam_group", "admins".parse().unwrap()).with_setting("iam_group", GROUP)
    }

    fn identity(&self) -> String {
        arn(USER)
    }

    async fn held(&self) -> Held {
        if self.fake.state().is_member(GROUP, USER) { Held::Access } else { Held::Nothing }
    }

    async fn writes(&self) -> usize {
        self.fake.habits().writes
    }

    async fn set(&mut self, switch: Switch, on: bool) -> bool {
        if crate::aws::fake::set_habit(&self.fake, switch, on) {
            return true;
        }
        let mut state = self.fake.state();
        match switch {
            Switch::Standing if on => state.join(GROUP, USER),
            Switch::Standing => state.members.clear(),
            Switch::UserGone => {
                state.users.remove(USER);
                state.members.clear();
            }
            Switch::TargetGone => {
                state.groups.remove(GROUP);
                state.members.clear();
            }
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
async fn aws_iam_keeps_the_contract() {
    expect![[r#"
        ends                         new sessions only; settles in 15 min
        grant                        done, listed
        grant twice                  done
        grant, changed meanwhile     –
        revoke                       done
        revoke twice                 done
        revoke what was not granted  done
        revoke, put back             AWSIAM:STILL_MEMBER
        revoke, changed meanwhile    –
        prior access: none           none
        prior access: all of it      sufficient
        prior access: less           –
        restore, removed meanwhile   –
        grant, less unrecorded       –
        grant, user gone             AWSIAM:USER_NOT_FOUND
        revoke, user gone            done
        grant, user suspended        –
        revoke, user suspended       –
        grant, target gone           AWSIAM:GROUP_NOT_FOUND
        revoke, target gone          AWSIAM:GROUP_NOT_FOUND
        grant, wrong credentials     AWSIAM:INVALID_CLIENT_TOKEN_ID
        revoke, wrong credentials    AWSIAM:INVALID_CLIENT_TOKEN_ID
        grant, response lost         AWSIAM:TIMED_OUT, outcome unknown
        grant, lands late            AWSIAM:TIMED_OUT, outcome unknown
        revoke, response lost        AWSIAM:TIMED_OUT, outcome unknown
        check                        done
        check, target gone           AWSIAM:GROUP_NOT_FOUND
        check, wrong credentials     AWSIAM:INVALID_CLIENT_TOKEN_ID
    "#]].assert_eq(&table::<World>().await);
}
