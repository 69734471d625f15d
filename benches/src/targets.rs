//! What micro is meant to reach, as ratios: absolute figures move with the machine.

use crate::report::{Report, short};

#[derive(serde::Serialize)]
pub struct Verdict {
    what: String,
    measured: f64,
    wanted: f64,
    at_least: bool,
    reached: bool,
}

impl Verdict {
    pub fn row(&self) -> String {
        format!(
            "| {} | {} | {} {} | {} |",
            self.what,
            short(self.measured),
            if self.at_least { "≥" } else { "≤" },
            self.wanted,
            if self.reached {
                "reached"
            } else {
                "**missed**"
            }
        )
    }
}

/// Scenario, figure, what micro is divided by, what is wanted, whether at least.
const RATIOS: &[(&str, &str, &str, f64, bool)] = &[
    ("echo-64B-64", "rate", "tonic", 10.0, true),
    ("echo-64B-64", "rate", "tarpc", 3.5, true),
    ("echo-64B-512", "rate", "tonic", 25.0, true),
    ("echo-64B-512", "rate", "tarpc", 8.0, true),
    // The same in processor time, which other work on the machine does not change.
    ("echo-64B-64", "cpu", "tonic", 0.1, false),
    ("echo-64B-64", "cpu", "tarpc", 0.286, false),
    ("echo-64B-512", "cpu", "tonic", 0.04, false),
    ("echo-64B-512", "cpu", "tarpc", 0.125, false),
    ("open-20k", "cpu", "tonic", 0.6, false),
    ("open-20k", "cpu", "tarpc", 0.85, false),
    ("echo-64B-1", "p50", "raw-pingpong", 1.1, false),
    ("down-1", "rate", "tonic", 1.0, true),
    ("down-8", "rate", "tonic", 1.2, true),
    ("up-1", "rate", "tonic", 1.0, true),
    ("rally-64", "rate", "tonic", 3.5, true),
];

fn verdict(what: String, measured: f64, wanted: f64, at_least: bool) -> Verdict {
    Verdict {
        what,
        measured,
        wanted,
        at_least,
        reached: if at_least {
            measured >= wanted
        } else {
            measured <= wanted
        },
    }
}

pub fn verdicts(report: &Report) -> Vec<Verdict> {
    let mut all = Vec::new();
    for &(scenario, name, peer, wanted, at_least) in RATIOS {
        let own = report.get(scenario, "micro", name);
        if let (Some(own), Some(peer_has)) = (own, report.get(scenario, peer, name)) {
            let what = format!("{scenario} {name}, micro / {peer}");
            all.push(verdict(what, own / peer_has, wanted, at_least));
        }
    }
    // The rate of handlers that wait against that of handlers that don't: half of it is kept in
    // spite of a timer for each call.
    let waits = report.get("wait-10k", "micro", "rate");
    if let (Some(waits), Some(echo)) = (waits, report.get("echo-64B-512", "micro", "rate")) {
        let what = "wait-10k rate / echo-64B-512 rate, micro".to_owned();
        all.push(verdict(what, waits / echo, 0.5, true));
    }
    if let Some(times) = report.get("fair", "micro", "times") {
        let what = "fair p99 beside / alone, micro".to_owned();
        all.push(verdict(what, times, 5.0, false));
    }
    if let Some(each) = report.get("idle-1000", "micro", "rss_connection") {
        let what = "KiB of an idle connection, micro".to_owned();
        all.push(verdict(what, each, 8.0, false));
    }
    let serving = |name| report.get("dispatch", name, "cpu_server");
    if let (Some(one), Some(many)) = (serving("micro-1-method"), serving("micro-200-methods")) {
        let what = "ns of server CPU more with 200 methods than with 1".to_owned();
        // A million calls in seconds are as many µs for each.
        all.push(verdict(what, (many - one) * 1e3, 50.0, false));
    }
    for in_flight in [1, 64, 512] {
        for (side, wanted) in [("client", 3.0), ("server", 2.0)] {
            let name = format!("allocations_{side}");
            if let Some(seen) = report.get(&format!("count-{in_flight}"), "micro", &name) {
                let what = format!("allocations of a call, {side}, {in_flight} in flight, micro");
                // The odd one of the runtime does not matter.
                all.push(verdict(what, (seen * 20.0).round() / 20.0, wanted, false));
            }
        }
    }
    all
}
