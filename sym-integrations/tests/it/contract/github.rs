//! `github` in the contract of strategies.

use std::sync::Arc;

use expect_test::expect;
use sym_integrations::github::GitHubStrategy;
use sym_integrations::http::Connection;
use sym_sdk::clock::VirtualClock;
use sym_sdk::model::AccessTarget;

use super::{ContractWorld, Held, Participant, Switch, table};
use crate::github::fake::{ANA, API, BOB, FakeGitHub, ORG};
use crate::http::support::at;

struct World {
    fake: FakeGitHub,
    strategy: GitHubStrategy,
    clock: Arc<VirtualClock>,
}

impl ContractWorld for World {
    type Strategy = GitHubStrategy;

    const NAME: &'static str = "github";

    async fn start() -> Self {
        let (fake, clock) = (FakeGitHub::start().await, at("2024-02-29T12:00:00Z"));
        let connection = Connection::default().with_clock(clock.clone());
        let strategy = GitHubStrategy::new(fake.builder().connection(connection).build().unwrap());
        Self { fake, strategy, clock }
    }

    fn strategy(&self) -> &GitHubStrategy {
        &self.strategy
    }

    fn target(&self) -> AccessTarget {
        AccessTarget::new(ORG, "github_repo", "api".parse().unwrap())
            .with_setting("repo_name", "api")
            .with_setting("permission", "push")
    }

    fn identity(&self) -> String {
        ANA.to_string()
    }

    async fn held(&self) -> Held {
        let state = self.fake.state();
        let Some(repo) = state.repos.get(&API).filter(|_| state.users.contains_key(&ANA)) else { return Held::Nothing };
        match (repo.has(ANA, "write"), repo.has(ANA, "read")) {
            (true, _) => Held::Access,
            (_, true) => Held::Lesser,
            _ => Held::Nothing,
        }
    }

    async fn writes(&self) -> usize {
        self.fake.changes().len()
    }

    async fn set(&mut self, switch: Switch, on: bool) -> bool {
        let mut state = self.fake.state();
        match switch {
            Switch::ResponsesLost => state.lost_answers = if on { usize::MAX } else { 0 },
            Switch::ChangesLate if on => state.late = Some(Vec::new()),
            Switch::ChangesLate => state.land(),
            Switch::PutBack => state.puts_back = on,
            Switch::WrongCredentials => state.rejects_token = on,
            Switch::UserGone => drop(state.users.remove(&ANA)),
            Switch::UserSuspended => state.users.get_mut(&ANA).unwrap().is_suspended = on,
            Switch::TargetGone => drop(state.repos.remove(&API)),
            Switch::Standing | Switch::Lesser => {
                let direct = &mut state.repos.get_mut(&API).unwrap().direct;
                direct.remove(&ANA);
                let role = if switch == Switch::Standing { "maintain" } else { "triage" };
                direct.extend(on.then(|| (ANA, role.to_owned())));
            }
            // The repository is renamed, and Bob gets a role in it.
            Switch::ChangedMeanwhile => {
                state.meanwhile = Some(|state| {
                    state.rename_repo(API, "api-2");
                    state.repos.get_mut(&API).unwrap().direct.insert(BOB, "read".to_owned());
                });
            }
        }
        true
    }

    async fn keeps_other_changes(&self) -> bool {
        let repo = &self.fake.state().repos[&API];
        repo.name == "api-2" && repo.direct.get(&BOB).is_some_and(|role| role == "read")
    }

    fn clock(&self) -> Option<Arc<VirtualClock>> {
        Some(self.clock.clone())
    }
}

inventory::submit! { Participant::new::<World>() }

#[tokio::test]
async fn github_keeps_the_contract() {
    expect![[r#"
        ends                         all sessions; settles in 15 min
        grant                        done, listed
        grant twice                  done
        grant, changed meanwhile     done
        revoke                       done
        revoke twice                 done
        revoke what was not granted  done
        revoke, put back             GitHub:STILL_COLLABORATOR
        revoke, changed meanwhile    done
        prior access: none           none
        prior access: all of it      sufficient
        prior access: less           raised and restored
        restore, removed meanwhile   left alone
        grant, less unrecorded       GitHub:ROLE_NOT_RESTORABLE, left alone
        grant, user gone             GitHub:USER_NOT_FOUND
        revoke, user gone            done
        grant, user suspended        GitHub:USER_DEPROVISIONED
        revoke, user suspended       done
        grant, target gone           GitHub:REPOSITORY_NOT_FOUND
        revoke, target gone          GitHub:REPOSITORY_NOT_FOUND
        grant, wrong credentials     GitHub:AUTH_FAILED
        revoke, wrong credentials    GitHub:AUTH_FAILED
        grant, response lost         GitHub:TIMED_OUT, outcome unknown
        grant, lands late            GitHub:TIMED_OUT, outcome unknown
        revoke, response lost        GitHub:TIMED_OUT, outcome unknown
        check                        done
        check, target gone           GitHub:REPOSITORY_NOT_FOUND
        check, wrong credentials     GitHub:AUTH_FAILED
    "#]].assert_eq(&table::<World>().await);
}
