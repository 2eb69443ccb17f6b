//! What is measured, in which order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use crate::fire::{Fired, at_rate, one_by_one};
use crate::forms::{Typing, now};
use crate::measure::Step;
use crate::payload::approval;
use crate::process::{Program, Server};
use crate::scene::{Pending, SIGNING_SECRET, Setup, approvers, options, people, requesters};
use crate::shot::Shot;
use crate::slack::{CHANNEL, Workspace};
use crate::{Outcome, progress};

pub(crate) const TYPE_AHEAD: &str = "type-ahead";
pub(crate) const APPROVE: &str = "approve";

/// Requests before those that are measured: the other side compiles while it runs.
const WARM_UP: usize = 1_000;

/// More of them in a second are never sent, whoever is asked.
const MOST_PER_SECOND: usize = 10_000;

/// And of approvals, which have to be requested first.
const MOST_APPROVALS_PER_SECOND: usize = 1_000;

/// Messages are there after this time, or never.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whose server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// The front end of sym-integrations.
    Ours,
    /// Bolt for JavaScript.
    BoltJs,
    /// Bolt for Python.
    BoltPython,
}

/// What is measured.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// For how long each rate is held
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Keystrokes per second
    #[arg(long, value_delimiter = ',', default_value = "50,100,250,500,1000,2000", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rates: Vec<u32>,
    /// Approvals per second
    #[arg(long, value_delimiter = ',', default_value = "50,100,250,500", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    click_rates: Vec<u32>,
    /// Only these servers
    #[arg(long, value_delimiter = ',')]
    only: Vec<Which>,
    /// The core for the servers
    #[arg(long, hide = true)]
    core: Option<usize>,
    /// Where Bolt is installed
    #[arg(long, hide = true, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/.installed"))]
    installed: PathBuf,
}

/// All that was measured, and where.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    /// Whether servers had a core of their own.
    pub(crate) pinned: bool,
    /// How busy the machine was before and after: processes that ran or wanted to, on average over a minute.
    pub(crate) load: [f64; 2],
    pub(crate) steps: Vec<Step>,
    /// How often a method of Slack's Web API was called for each approval.
    pub(crate) calls: BTreeMap<&'static str, BTreeMap<String, f64>>,
}

/// A server of somebody's, and what it does with an approval.
#[derive(Clone, Copy)]
struct Contender {
    name: &'static str,
    which: Which,
    /// Whether an approval is written down before it is acknowledged.
    durable: bool,
    /// Whether it is shown in the message and told to the requester.
    tells: bool,
}

const OURS: Contender = Contender { name: "ours", which: Which::Ours, durable: true, tells: true };
const BOLT_JS: Contender = Contender { name: "bolt-js", which: Which::BoltJs, durable: false, tells: false };
const BOLT_PYTHON: Contender =
    Contender { name: "bolt-python", which: Which::BoltPython, durable: false, tells: false };

/// Those who are measured with approvals. What Bolt's documentation has them do is only to acknowledge.
const APPROVING: [Contender; 7] = [
    OURS,
    BOLT_JS,
    BOLT_PYTHON,
    Contender { name: "bolt-js +fsync", durable: true, ..BOLT_JS },
    Contender { name: "bolt-python +fsync", durable: true, ..BOLT_PYTHON },
    Contender { name: "bolt-js +fsync +calls", durable: true, tells: true, ..BOLT_JS },
    Contender { name: "bolt-python +fsync +calls", durable: true, tells: true, ..BOLT_PYTHON },
];

impl Contender {
    fn paths(self) -> [&'static str; 2] {
        match self.which {
            Which::Ours => ["/slack/options", "/slack/interactions"],
            Which::BoltJs | Which::BoltPython => ["/slack/events"; 2],
        }
    }
}

pub(crate) async fn run(plan: &Plan) -> Outcome<Results> {
    let workspace = Workspace::default();
    let folder = tempfile::tempdir()?;
    let bench = Bench { plan, api: workspace.start().await?, workspace, folder: folder.path() };
    let before = load()?;
    let mut steps = bench.typing().await?;
    let (more, calls) = bench.approving().await?;
    steps.extend(more);
    Ok(Results { pinned: plan.core.is_some(), load: [before, load()?], steps, calls })
}

struct Bench<'a> {
    plan: &'a Plan,
    workspace: Workspace,
    api: String,
    folder: &'a Path,
}

impl Bench<'_> {
    fn is_wanted(&self, contender: Contender) -> bool {
        self.plan.only.is_empty() || self.plan.only.contains(&contender.which)
    }

    /// Everybody gets what people type in our forms.
    async fn typing(&self) -> Outcome<Vec<Step>> {
        let ours = self.start(OURS, 0, Vec::new()).await?;
        let typing = Typing::open(ours.address, &self.workspace).await?;
        ours.idle().await?;
        let (expected, labels) = typing.answers(ours.address, OURS.paths()[0]).await?;
        let mut steps = Vec::new();
        if self.is_wanted(OURS) {
            steps.extend(self.type_into(&ours, OURS, &typing, &expected).await?);
        }
        ours.stop().await?;
        for contender in [BOLT_JS, BOLT_PYTHON].into_iter().filter(|contender| self.is_wanted(*contender)) {
            let server = self.start(contender, 0, Vec::new()).await?;
            let (expected, theirs) = typing.answers(server.address, contender.paths()[0]).await?;
            if theirs != labels {
                return Err(format!("{} and we offer different options", contender.name).into());
            }
            steps.extend(self.type_into(&server, contender, &typing, &expected).await?);
            server.stop().await?;
        }
        Ok(steps)
    }

    async fn type_into(
        &self,
        server: &Server,
        who: Contender,
        typing: &Typing,
        expected: &[bytes::Bytes],
    ) -> Outcome<Vec<Step>> {
        let shots = |count| typing.shots(who.paths()[0], expected, count);
        self.rise(server, who, TYPE_AHEAD, &self.plan.rates, MOST_PER_SECOND, shots).await
    }

    async fn approving(&self) -> Outcome<(Vec<Step>, BTreeMap<&'static str, BTreeMap<String, f64>>)> {
        let seconds = usize::try_from(self.plan.seconds)?;
        let rates: usize = self.plan.click_rates.iter().map(|rate| usize::try_from(*rate)).sum::<Result<_, _>>()?;
        let needed = WARM_UP + (rates + MOST_APPROVALS_PER_SECOND) * seconds;
        let (mut steps, mut calls) = (Vec::new(), BTreeMap::new());
        for who in APPROVING {
            if !self.is_wanted(who) && who.which != Which::Ours {
                continue;
            }
            let is_ours = who.which == Which::Ours;
            // Ours shows how a message looks, even if it is not measured.
            let make = if is_ours && self.is_wanted(who) { needed } else { usize::from(is_ours) };
            let pending = if is_ours { Vec::new() } else { made_up(needed) };
            let server = self.start(who, make, pending.clone()).await?;
            let pending = if is_ours { self.posted(make).await? } else { pending };
            server.idle().await?;
            if !self.is_wanted(who) {
                server.stop().await?;
                continue;
            }
            self.workspace.take_calls();
            let message = self.workspace.message();
            let mut clicks = Clicks { pending: pending.into_iter(), message, api: &self.api, number: 0 };
            let shots = |count| clicks.shots(who.paths()[1], count);
            let done =
                self.rise(&server, who, APPROVE, &self.plan.click_rates, MOST_APPROVALS_PER_SECOND, shots).await?;
            let approved = server.stop().await?;
            let made = self.workspace.take_calls();
            if made.contains_key("chat.postEphemeral") {
                return Err(format!("{} told somebody that they may not approve", who.name).into());
            }
            let clicked = WARM_UP + done.iter().map(|step| step.requests).sum::<usize>();
            if approved != clicked && done.iter().all(|step| step.errors == 0) {
                return Err(format!("{}: {approved} of {clicked} are approved", who.name).into());
            }
            let per_click = |(method, count)| (method, f64_of(count) / f64_of(clicked));
            calls.insert(who.name, made.into_iter().map(per_click).collect());
            steps.extend(done);
        }
        Ok((steps, calls))
    }

    /// Waits until the messages of so many requests are posted, and gives the requests.
    async fn posted(&self, count: usize) -> Outcome<Vec<Pending>> {
        let start = Instant::now();
        while self.workspace.posted() < count {
            if start.elapsed() > PATIENCE {
                return Err(format!("{} of {count} requests have a message", self.workspace.posted()).into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(self.workspace.pending())
    }

    async fn start(&self, who: Contender, requests: usize, pending: Vec<Pending>) -> Outcome<Server> {
        let folder = tempfile::tempdir_in(self.folder)?.keep();
        let file = folder.join("kept");
        let file = file.to_str().ok_or("the folder for temporary files has no name in UTF-8")?.to_owned();
        let setup = Setup {
            signing_secret: SIGNING_SECRET.to_owned(),
            api: self.api.clone(),
            options: options(),
            people: people(),
            requests,
            pending,
            file: who.durable.then_some(file),
            tells: who.tells,
        };
        let path = folder.join("setup.json");
        std::fs::write(&path, serde_json::to_vec(&setup)?)?;
        let bolt = Path::new(env!("CARGO_MANIFEST_DIR")).join("bolt");
        let program = match who.which {
            Which::Ours => Program { program: std::env::current_exe()?, arguments: vec!["serve".into()] },
            Which::BoltJs => Program {
                program: "node".into(),
                arguments: vec![bolt.join("app.js"), self.plan.installed.join("npm/package.json")],
            },
            Which::BoltPython => Program {
                program: self.plan.installed.join("python/bin/python"),
                arguments: vec!["-B".into(), bolt.join("app.py")],
            },
        };
        Server::start(&program, &path, self.plan.core).await
    }

    /// All rates, until one is too much, and then as many as can be.
    async fn rise(
        &self,
        server: &Server,
        who: Contender,
        scenario: &'static str,
        rates: &[u32],
        most: usize,
        mut shots: impl FnMut(usize) -> Outcome<Vec<Shot>>,
    ) -> Outcome<Vec<Step>> {
        let time = Duration::from_secs(u64::from(self.plan.seconds));
        let seconds = usize::try_from(self.plan.seconds)?;
        let warm = one_by_one(server.address, shots(WARM_UP)?, PATIENCE).await?;
        if let Some(error) = warm.first_error {
            return Err(format!("{}, {scenario}: {error}", who.name).into());
        }
        let mut steps = Vec::new();
        for &rate in rates {
            let shots = shots(usize::try_from(rate)? * seconds)?;
            let step = self.step(server, who, scenario, Some(rate), at_rate(server.address, shots, rate)).await?;
            let is_overloaded = step.is_overloaded();
            steps.push(step);
            if is_overloaded {
                break;
            }
        }
        let shots = shots(most * seconds)?;
        steps.push(self.step(server, who, scenario, None, one_by_one(server.address, shots, time)).await?);
        Ok(steps)
    }

    async fn step(
        &self,
        server: &Server,
        who: Contender,
        scenario: &'static str,
        rate: Option<u32>,
        firing: impl Future<Output = Outcome<Fired>>,
    ) -> Outcome<Step> {
        server.idle().await?;
        let before = server.cpu()?;
        let fired = firing.await?;
        server.idle().await?;
        let step = Step::new(scenario, who.name, rate, fired, server.cpu()?.saturating_sub(before));
        let wanted = rate.map_or("all it can".to_owned(), |rate| format!("{rate}/s"));
        progress(&format!(
            "{scenario}, {}, {wanted}: {:.0}/s, p99 {:.2} ms, {:.3} ms of a core each",
            who.name, step.achieved, step.p99_ms, step.cpu_ms
        ));
        Ok(step)
    }
}

/// Clicks on Approve, each in the message of another request.
struct Clicks<'a> {
    pending: std::vec::IntoIter<Pending>,
    message: Value,
    api: &'a str,
    number: usize,
}

impl Clicks<'_> {
    fn shots(&mut self, path: &'static str, count: usize) -> Outcome<Vec<Shot>> {
        let (approvers, response_url) = (approvers(), format!("{}response", self.api));
        let mut shots = Vec::new();
        for request in self.pending.by_ref().take(count) {
            self.number += 1;
            let by = approvers.get(self.number % approvers.len()).ok_or("nobody decides")?;
            let body = approval(by, &self.message, &request, self.number, &response_url);
            shots.push(Shot::new(path, body.into(), now())?.expecting(bytes::Bytes::new()));
        }
        Ok(shots)
    }
}

/// Requests that servers only remember.
fn made_up(count: usize) -> Vec<Pending> {
    let pending = |(number, requester): (usize, crate::scene::Person)| Pending {
        run: format!("00000000-0000-4000-8000-{number:012}"),
        requester: requester.account,
        channel: CHANNEL.to_owned(),
        ts: format!("1709208000.{number:06}"),
    };
    (0..count).zip(requesters().into_iter().cycle()).map(pending).collect()
}

/// How many processes ran or wanted to, on average over the last minute.
fn load() -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().ok_or("/proc/loadavg is empty")?.parse()?)
}

fn f64_of(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
