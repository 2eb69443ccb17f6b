//! The pages, and the times until their responses begin.

use std::fmt;
use std::time::Duration;

use load_support::Outcome;
use load_support::fill::Sample;
use load_support::fixture::FLOW;
use load_support::latencies::Latencies;

use crate::browser::Browser;

/// The goal for the 99th percentile of a page.
const GOAL: Duration = Duration::from_millis(50);

/// The pages that everybody has.
pub(crate) fn pages(sample: &Sample) -> Vec<String> {
    vec![
        "/console".to_owned(),
        "/console/inbox".to_owned(),
        format!("/console/inbox?flow={FLOW}&who=ana0007"),
        format!("/console/new/{FLOW}"),
        "/console/requests".to_owned(),
        "/console/requests?of=all".to_owned(),
        "/console/requests?of=all&target=prod-db".to_owned(),
        "/console/access".to_owned(),
        "/console/access?who=ana0007".to_owned(),
        format!("/r/{}", sample.ended),
        format!("/r/{}", sample.open),
    ]
}

/// The pages of administrators, and those that everybody has.
pub(crate) fn pages_of_admins(sample: &Sample) -> Vec<String> {
    let mut all = pages(sample);
    all.extend([
        "/console/operations".to_owned(),
        "/console/flows".to_owned(),
        "/console/audit".to_owned(),
        "/console/audit?after=500000".to_owned(),
        format!("/console/audit?who={}&flow={FLOW}", sample.requester.username()),
        "/console/audit?kind=granted&from=2020-01-01".to_owned(),
        format!("/console/audit?run={}", sample.ended),
        "/console/audit?text=stuck+orders".to_owned(),
        "/console/audit?text=nowhere".to_owned(),
        "/console/people".to_owned(),
        format!("/console/people/{}", sample.requester.id()),
    ]);
    all
}

/// The times of a page.
pub(crate) struct Measured {
    times: Latencies,
    bytes: usize,
}

impl Measured {
    pub(crate) fn is_fast(&self) -> bool {
        self.times.percentile(99) < GOAL
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for percent in [50, 99, 100] {
            write!(f, "{:>8.1} ", self.times.millis(percent))?;
        }
        write!(f, "{:>8}", self.bytes)?;
        if self.is_fast() { Ok(()) } else { write!(f, "  slow") }
    }
}

/// Opens a page many times, in one browser after the other: each has a rate that it may not exceed.
pub(crate) async fn measure(browsers: &mut [Browser], page: &str, requests: u32) -> Outcome<Measured> {
    let (mut times, mut bytes) = (Vec::new(), 0);
    let count = browsers.len();
    for number in (0..count).cycle().take(usize::try_from(requests)?) {
        let Some(browser) = browsers.get_mut(number) else { break };
        let (time, size) = browser.open(page).await?;
        times.push(time);
        bytes = size;
    }
    Ok(Measured { times: times.into_iter().collect(), bytes })
}
