//! The benchmark: starts each server, applies the load, and collects the measurements. Servers run one at a time, and their responses are
//! compared with the expected ones, so that a fast but wrong server does not win.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use crate::fake_slack::{CHANNEL, FakeSlack};
use crate::fixture::{Pending, SIGNING_SECRET, Setup, approvers, options, people, requesters};
use crate::forms::{OpenForms, now};
use crate::load_generator::{LoadResult, send_at_rate, send_unpaced};
use crate::measure::Step;
use crate::pairs::{Comparison, Pair};
use crate::payload::approval;
use crate::process::{Program, Server};
use crate::signed_request::SignedRequest;
use crate::{Outcome, progress};

pub(crate) const TYPE_AHEAD: &str = "type-ahead";
pub(crate) const APPROVE: &str = "approve";

/// Unmeasured requests that are sent first, because Bolt for JavaScript is compiled while it runs.
const WARM_UP_REQUESTS: usize = 1_000;

/// The maximum number of requests per second that are prepared for the step without a rate.
const MAX_REQUESTS_PER_SECOND: usize = 10_000;

/// The same for approvals, each of which needs a pending request.
const MAX_APPROVALS_PER_SECOND: usize = 1_000;

/// The requests of each turn of a comparison in pairs.
const TYPE_AHEAD_TURN: usize = 2_000;

/// The same for approvals.
const APPROVAL_TURN: usize = 200;

/// The time limit for posting the messages of all requests, and for the warm-up.
const WARM_UP_TIMEOUT: Duration = Duration::from_secs(120);

/// An implementation of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServerKind {
    /// The front end of sym-integrations.
    Ours,
    /// Bolt for JavaScript.
    BoltJs,
    /// Bolt for Python.
    BoltPython,
}

/// The options of a benchmark.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Duration of each step, in seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Keystrokes per second
    #[arg(long, value_delimiter = ',', default_value = "50,100,250,500,1000,2000", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rates: Vec<u32>,
    /// Approvals per second
    #[arg(long, value_delimiter = ',', default_value = "50,100,250,500", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    click_rates: Vec<u32>,
    /// Compare only the CPU time of our server with that of Bolt for JavaScript, in this many pairs of turns
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100), conflicts_with_all = ["rates", "click_rates", "only", "seconds"])]
    pairs: Option<u16>,
    /// Measure only these servers
    #[arg(long, value_delimiter = ',')]
    only: Vec<ServerKind>,
    /// CPU core to which servers are pinned
    #[arg(long, hide = true)]
    core: Option<usize>,
    /// Directory in which Bolt is installed
    #[arg(long, hide = true, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/.installed"))]
    installed: PathBuf,
}

/// All measurements, with the state of the machine.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Results {
    /// Whether servers were pinned to a core of their own.
    pub(crate) pinned: bool,
    /// The one-minute load average of the machine, before and after.
    pub(crate) load: [f64; 2],
    pub(crate) steps: Vec<Step>,
    /// The comparisons in pairs.
    pub(crate) comparisons: Vec<Comparison>,
    /// The average number of Slack Web API calls per approval, by server and method.
    pub(crate) calls: BTreeMap<&'static str, BTreeMap<String, f64>>,
}

/// A measured server, with how it handles an approval.
#[derive(Clone, Copy)]
struct Contender {
    name: &'static str,
    kind: ServerKind,
    /// Whether an approval is synced to disk before it is acknowledged.
    durable: bool,
    /// Whether the message is updated and the requester notified.
    notifies: bool,
}

const OURS: Contender = Contender { name: "ours", kind: ServerKind::Ours, durable: true, notifies: true };
const BOLT_JS: Contender = Contender { name: "bolt-js", kind: ServerKind::BoltJs, durable: false, notifies: false };
const BOLT_PYTHON: Contender =
    Contender { name: "bolt-python", kind: ServerKind::BoltPython, durable: false, notifies: false };
/// Bolt for JavaScript that does as much at an approval as ours.
const BOLT_JS_LIKE_OURS: Contender =
    Contender { name: BOLT_JS_LIKE_OURS_NAME, durable: true, notifies: true, ..BOLT_JS };
pub(crate) const BOLT_JS_LIKE_OURS_NAME: &str = "bolt-js +fsync +calls";

/// The servers that are measured with approvals. The examples in Bolt's documentation only acknowledge; the other variants do as much
/// work as ours.
const APPROVING: [Contender; 7] = [
    OURS,
    BOLT_JS,
    BOLT_PYTHON,
    Contender { name: "bolt-js +fsync", durable: true, ..BOLT_JS },
    Contender { name: "bolt-python +fsync", durable: true, ..BOLT_PYTHON },
    BOLT_JS_LIKE_OURS,
    Contender { name: "bolt-python +fsync +calls", durable: true, notifies: true, ..BOLT_PYTHON },
];

impl Contender {
    fn paths(self) -> [&'static str; 2] {
        match self.kind {
            ServerKind::Ours => ["/slack/options", "/slack/interactions"],
            ServerKind::BoltJs | ServerKind::BoltPython => ["/slack/events"; 2],
        }
    }
}

pub(crate) async fn run(args: &BenchArgs) -> Outcome<Results> {
    let slack = FakeSlack::default();
    let folder = tempfile::tempdir()?;
    let bench = Bench { args, api: slack.start().await?, slack, folder: folder.path() };
    let before = load_average()?;
    let mut results = Results { pinned: args.core.is_some(), load: [before; 2], ..Results::default() };
    if let Some(pairs) = args.pairs {
        results.comparisons.extend(bench.compare_type_ahead(pairs.into()).await?);
        results.comparisons.extend(bench.compare_approvals(pairs.into(), &mut results.calls).await?);
    } else {
        results.steps = bench.type_ahead().await?;
        let (more, calls) = bench.approvals().await?;
        results.steps.extend(more);
        results.calls = calls;
    }
    results.load = [before, load_average()?];
    Ok(results)
}

struct Bench<'a> {
    args: &'a BenchArgs,
    slack: FakeSlack,
    api: String,
    folder: &'a Path,
}

impl Bench<'_> {
    fn is_wanted(&self, contender: Contender) -> bool {
        self.args.only.is_empty() || self.args.only.contains(&contender.kind)
    }

    /// Measures type-ahead. All servers get the same payloads, taken from forms that our server opened.
    async fn type_ahead(&self) -> Outcome<Vec<Step>> {
        let ours = self.start(OURS, 0, Vec::new()).await?;
        let forms = OpenForms::open(ours.address, &self.slack).await?;
        ours.wait_until_idle().await?;
        let (expected, labels) = forms.responses(ours.address, OURS.paths()[0]).await?;
        let mut steps = Vec::new();
        if self.is_wanted(OURS) {
            steps.extend(self.measure_type_ahead(&ours, OURS, &forms, &expected).await?);
        }
        ours.stop().await?;
        for contender in [BOLT_JS, BOLT_PYTHON].into_iter().filter(|contender| self.is_wanted(*contender)) {
            let server = self.start(contender, 0, Vec::new()).await?;
            let (expected, theirs) = forms.responses(server.address, contender.paths()[0]).await?;
            if theirs != labels {
                return Err(format!("the options of {} differ from ours", contender.name).into());
            }
            steps.extend(self.measure_type_ahead(&server, contender, &forms, &expected).await?);
            server.stop().await?;
        }
        Ok(steps)
    }

    async fn measure_type_ahead(
        &self,
        server: &Server,
        contender: Contender,
        forms: &OpenForms,
        expected: &[bytes::Bytes],
    ) -> Outcome<Vec<Step>> {
        let requests = |count| forms.requests(contender.paths()[0], expected, count);
        self.ramp_up(server, contender, TYPE_AHEAD, &self.args.rates, MAX_REQUESTS_PER_SECOND, requests).await
    }

    /// Measures approvals. Each click approves another request.
    async fn approvals(&self) -> Outcome<(Vec<Step>, BTreeMap<&'static str, BTreeMap<String, f64>>)> {
        let seconds = usize::try_from(self.args.seconds)?;
        let rates: usize = self.args.click_rates.iter().map(|rate| usize::try_from(*rate)).sum::<Result<_, _>>()?;
        let needed = WARM_UP_REQUESTS + (rates + MAX_APPROVALS_PER_SECOND) * seconds;
        let (mut steps, mut calls) = (Vec::new(), BTreeMap::new());
        for contender in APPROVING {
            if !self.is_wanted(contender) && contender.kind != ServerKind::Ours {
                continue;
            }
            let is_ours = contender.kind == ServerKind::Ours;
            // Our server posts the message that the clicks refer to, even if it is not measured.
            let request_count = if is_ours && self.is_wanted(contender) { needed } else { usize::from(is_ours) };
            let pending = if is_ours { Vec::new() } else { generated_requests(needed) };
            let server = self.start(contender, request_count, pending.clone()).await?;
            let pending = if is_ours { self.wait_for_messages(request_count).await? } else { pending };
            server.wait_until_idle().await?;
            if !self.is_wanted(contender) {
                server.stop().await?;
                continue;
            }
            self.slack.take_calls();
            let message = self.slack.message();
            let mut clicks = Clicks { pending: pending.into_iter(), message, api: &self.api, number: 0 };
            let requests = |count| clicks.requests(contender.paths()[1], count);
            let approval_steps = self
                .ramp_up(&server, contender, APPROVE, &self.args.click_rates, MAX_APPROVALS_PER_SECOND, requests)
                .await?;
            let approved = server.stop().await?;
            let api_calls = self.slack.take_calls();
            if api_calls.contains_key("chat.postEphemeral") {
                return Err(format!("{} rejected an approval as not permitted", contender.name).into());
            }
            let clicked = WARM_UP_REQUESTS + approval_steps.iter().map(|step| step.requests).sum::<usize>();
            if approved != clicked && approval_steps.iter().all(|step| step.errors == 0) {
                return Err(format!("{}: {approved} of {clicked} requests were approved", contender.name).into());
            }
            let per_click = |(method, count)| (method, f64_of(count) / f64_of(clicked));
            calls.insert(contender.name, api_calls.into_iter().map(per_click).collect());
            steps.extend(approval_steps);
        }
        Ok((steps, calls))
    }

    /// Compares type-ahead in pairs of turns.
    async fn compare_type_ahead(&self, pairs: usize) -> Outcome<Option<Comparison>> {
        let ours = self.start(OURS, 0, Vec::new()).await?;
        let theirs = self.start(BOLT_JS, 0, Vec::new()).await?;
        let forms = OpenForms::open(ours.address, &self.slack).await?;
        ours.wait_until_idle().await?;
        let (expected, labels) = forms.responses(ours.address, OURS.paths()[0]).await?;
        let (other_expected, other_labels) = forms.responses(theirs.address, BOLT_JS.paths()[0]).await?;
        if other_labels != labels {
            return Err("the options of bolt-js differ from ours".into());
        }
        let our_requests = |count| forms.requests(OURS.paths()[0], &expected, count);
        let their_requests = |count| forms.requests(BOLT_JS.paths()[0], &other_expected, count);
        let mut sides = (Side::new(OURS, &ours, our_requests), Side::new(BOLT_JS, &theirs, their_requests));
        let pairs = take_turns(TYPE_AHEAD, &mut sides, pairs, TYPE_AHEAD_TURN, &self.slack).await?;
        ours.stop().await?;
        theirs.stop().await?;
        Ok(Comparison::new(TYPE_AHEAD, BOLT_JS.name, TYPE_AHEAD_TURN, pairs))
    }

    /// Compares approvals in pairs of turns, and counts the calls per approval of each server.
    async fn compare_approvals(
        &self,
        pairs: usize,
        calls: &mut BTreeMap<&'static str, BTreeMap<String, f64>>,
    ) -> Outcome<Option<Comparison>> {
        let needed = WARM_UP_REQUESTS + pairs * APPROVAL_TURN;
        let ours = self.start(OURS, needed, Vec::new()).await?;
        let pending = self.wait_for_messages(needed).await?;
        let others = generated_requests(needed);
        let theirs = self.start(BOLT_JS_LIKE_OURS, 0, others.clone()).await?;
        ours.wait_until_idle().await?;
        self.slack.take_calls();
        let clicks = |pending: Vec<Pending>| Clicks {
            pending: pending.into_iter(),
            message: self.slack.message(),
            api: &self.api,
            number: 0,
        };
        let (mut our_clicks, mut their_clicks) = (clicks(pending), clicks(others));
        let our_requests = |count| our_clicks.requests(OURS.paths()[1], count);
        let their_requests = |count| their_clicks.requests(BOLT_JS_LIKE_OURS.paths()[1], count);
        let mut sides = (Side::new(OURS, &ours, our_requests), Side::new(BOLT_JS_LIKE_OURS, &theirs, their_requests));
        let pairs = take_turns(APPROVE, &mut sides, pairs, APPROVAL_TURN, &self.slack).await?;
        let sent = [(OURS.name, sides.0.calls), (BOLT_JS_LIKE_OURS.name, sides.1.calls)];
        for (contender, server) in [(OURS, ours), (BOLT_JS_LIKE_OURS, theirs)] {
            let approved = server.stop().await?;
            if approved != needed {
                return Err(format!("{}: {approved} of {needed} requests were approved", contender.name).into());
            }
        }
        let per_click = |(method, count)| (method, f64_of(count) / f64_of(needed));
        calls.extend(sent.map(|(server, calls)| (server, calls.into_iter().map(per_click).collect())));
        Ok(Comparison::new(APPROVE, BOLT_JS_LIKE_OURS.name, APPROVAL_TURN, pairs))
    }

    /// Waits until the messages of `count` requests have been posted, and returns those requests.
    async fn wait_for_messages(&self, count: usize) -> Outcome<Vec<Pending>> {
        let start = Instant::now();
        while self.slack.posted_count() < count {
            if start.elapsed() > WARM_UP_TIMEOUT {
                return Err(format!(
                    "{} of {count} requests had a message after {WARM_UP_TIMEOUT:?}",
                    self.slack.posted_count()
                )
                .into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(self.slack.pending())
    }

    async fn start(&self, contender: Contender, requests: usize, pending: Vec<Pending>) -> Outcome<Server> {
        let folder = tempfile::tempdir_in(self.folder)?.keep();
        let file = folder.join("data");
        let file = file.to_str().ok_or("the path of the temporary directory is not valid UTF-8")?.to_owned();
        let setup = Setup {
            signing_secret: SIGNING_SECRET.to_owned(),
            api: self.api.clone(),
            options: options(),
            people: people(),
            requests,
            pending,
            file: contender.durable.then_some(file),
            notifies: contender.notifies,
        };
        let path = folder.join("setup.json");
        std::fs::write(&path, serde_json::to_vec(&setup)?)?;
        let bolt = Path::new(env!("CARGO_MANIFEST_DIR")).join("bolt");
        let program = match contender.kind {
            ServerKind::Ours => Program { program: std::env::current_exe()?, arguments: vec!["serve".into()] },
            ServerKind::BoltJs => Program {
                program: "node".into(),
                arguments: vec![bolt.join("app.js"), self.args.installed.join("npm/package.json")],
            },
            ServerKind::BoltPython => Program {
                program: self.args.installed.join("python/bin/python"),
                arguments: vec!["-B".into(), bolt.join("app.py")],
            },
        };
        Server::start(&program, &path, self.args.core).await
    }

    /// Measures each rate until the server is overloaded, and then the maximum throughput.
    async fn ramp_up(
        &self,
        server: &Server,
        contender: Contender,
        scenario: &'static str,
        rates: &[u32],
        max_per_second: usize,
        mut requests: impl FnMut(usize) -> Outcome<Vec<SignedRequest>>,
    ) -> Outcome<Vec<Step>> {
        let time = Duration::from_secs(u64::from(self.args.seconds));
        let seconds = usize::try_from(self.args.seconds)?;
        let warm = send_unpaced(server.address, requests(WARM_UP_REQUESTS)?, WARM_UP_TIMEOUT).await?;
        if let Some(error) = warm.first_error {
            return Err(format!("{}, {scenario}: {error}", contender.name).into());
        }
        let mut steps = Vec::new();
        for &rate in rates {
            let requests = requests(usize::try_from(rate)? * seconds)?;
            let step = self
                .step(server, contender, scenario, Some(rate), send_at_rate(server.address, requests, rate))
                .await?;
            let is_overloaded = step.is_overloaded();
            steps.push(step);
            if is_overloaded {
                break;
            }
        }
        let requests = requests(max_per_second * seconds)?;
        steps.push(self.step(server, contender, scenario, None, send_unpaced(server.address, requests, time)).await?);
        Ok(steps)
    }

    async fn step(
        &self,
        server: &Server,
        contender: Contender,
        scenario: &'static str,
        rate: Option<u32>,
        load: impl Future<Output = Outcome<LoadResult>>,
    ) -> Outcome<Step> {
        server.wait_until_idle().await?;
        let before = server.cpu_time()?;
        let result = load.await?;
        server.wait_until_idle().await?;
        let step = Step::new(scenario, contender.name, rate, result, server.cpu_time()?.saturating_sub(before));
        let target = rate.map_or("unpaced".to_owned(), |rate| format!("{rate}/s"));
        progress(&format!(
            "{scenario}, {}, {target}: {:.0}/s, p99 {:.2} ms, {:.3} ms of CPU each",
            contender.name, step.achieved, step.p99_ms, step.cpu_ms
        ));
        Ok(step)
    }
}

/// One of two servers that take turns, with its requests.
struct Side<'a, R> {
    contender: Contender,
    server: &'a Server,
    requests: R,
    /// The calls of Slack's Web API in all turns, by method.
    calls: BTreeMap<String, usize>,
}

impl<'a, R: FnMut(usize) -> Outcome<Vec<SignedRequest>>> Side<'a, R> {
    fn new(contender: Contender, server: &'a Server, requests: R) -> Self {
        Self { contender, server, requests, calls: BTreeMap::new() }
    }

    /// Sends this many requests and returns the CPU time that each took, in milliseconds, until the server was idle again.
    async fn turn(&mut self, scenario: &str, count: usize, slack: &FakeSlack) -> Outcome<f64> {
        let requests = (self.requests)(count)?;
        let before = self.server.cpu_time()?;
        let result = send_unpaced(self.server.address, requests, WARM_UP_TIMEOUT).await?;
        if let Some(error) = result.first_error {
            return Err(format!("{}, {scenario}: {error}", self.contender.name).into());
        }
        if result.latencies.len() != count {
            let (name, answered) = (self.contender.name, result.latencies.len());
            return Err(format!("{name}, {scenario}: {answered} of {count} requests were answered in time").into());
        }
        self.server.wait_until_idle().await?;
        for (method, sent) in slack.take_calls() {
            *self.calls.entry(method).or_default() += sent;
        }
        Ok(self.server.cpu_time()?.saturating_sub(before).as_secs_f64() * 1e3 / f64_of(count))
    }
}

/// Lets two servers take turns after a warm-up. Which of the two begins changes from pair to pair.
async fn take_turns(
    scenario: &str,
    (ours, theirs): &mut (
        Side<'_, impl FnMut(usize) -> Outcome<Vec<SignedRequest>>>,
        Side<'_, impl FnMut(usize) -> Outcome<Vec<SignedRequest>>>,
    ),
    pairs: usize,
    turn: usize,
    slack: &FakeSlack,
) -> Outcome<Vec<Pair>> {
    ours.turn(scenario, WARM_UP_REQUESTS, slack).await?;
    theirs.turn(scenario, WARM_UP_REQUESTS, slack).await?;
    let mut measured = Vec::new();
    for number in 0..pairs {
        let pair = if number % 2 == 0 {
            let ours_ms = ours.turn(scenario, turn, slack).await?;
            Pair { ours_ms, theirs_ms: theirs.turn(scenario, turn, slack).await? }
        } else {
            let theirs_ms = theirs.turn(scenario, turn, slack).await?;
            Pair { ours_ms: ours.turn(scenario, turn, slack).await?, theirs_ms }
        };
        let (Pair { ours_ms, theirs_ms }, name) = (pair, theirs.contender.name);
        progress(&format!("{scenario}, pair {number}: ours {ours_ms:.3} ms of CPU each, {name} {theirs_ms:.3} ms"));
        measured.push(pair);
    }
    Ok(measured)
}

/// A source of clicks on Approve, each for another request.
struct Clicks<'a> {
    pending: std::vec::IntoIter<Pending>,
    message: Value,
    api: &'a str,
    number: usize,
}

impl Clicks<'_> {
    fn requests(&mut self, path: &'static str, count: usize) -> Outcome<Vec<SignedRequest>> {
        let (approvers, response_url) = (approvers(), format!("{}response", self.api));
        let mut signed = Vec::new();
        for request in self.pending.by_ref().take(count) {
            self.number += 1;
            let by = approvers.get(self.number % approvers.len()).ok_or("there are no approvers")?;
            let body = approval(by, &self.message, &request, self.number, &response_url);
            signed.push(SignedRequest::new(path, body.into(), now())?.expecting(bytes::Bytes::new()));
        }
        Ok(signed)
    }
}

/// Generates pending requests for servers that do not create their own.
fn generated_requests(count: usize) -> Vec<Pending> {
    let pending = |(number, requester): (usize, crate::fixture::Person)| Pending {
        run: format!("00000000-0000-4000-8000-{number:012}"),
        requester: requester.account,
        channel: CHANNEL.to_owned(),
        ts: format!("1709208000.{number:06}"),
    };
    (0..count).zip(requesters().into_iter().cycle()).map(pending).collect()
}

/// Returns the one-minute load average of the machine.
fn load_average() -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().ok_or("/proc/loadavg is empty")?.parse()?)
}

fn f64_of(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
