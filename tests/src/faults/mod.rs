//! Scenarios with real processes: nodes are killed, stopped and restarted under load, and calls are
//! counted. The program starts itself again for its nodes and clients.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the report of a program"
)]

use std::{io::Write, process::ExitCode, time::Instant};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

mod bytes;
mod chain;
mod kill;
mod load;
mod node;
mod process;
mod slow;
mod soak;
mod stop;

/// How a scenario is run.
#[derive(Clone, Copy)]
struct Run {
    /// The short form, for each change.
    short: bool,
}

impl Run {
    /// One number for the full form, one for the short.
    fn pick<T>(self, full: T, short: T) -> T {
        if self.short { short } else { full }
    }
}

/// What a scenario found.
#[derive(Default)]
struct Report {
    values: serde_json::Map<String, Value>,
    /// Where it falls short.
    short_of: Vec<String>,
}

impl Report {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// Notes that something does not hold.
    fn check(&mut self, holds: bool, what: impl Into<String>) {
        if !holds {
            self.short_of.push(what.into());
        }
    }

    /// Sets a number, and notes where it is over what it may be.
    fn at_most(&mut self, name: &str, value: f64, most: f64) {
        self.set(name, (value * 1000.0).round() / 1000.0);
        self.check(value <= most, format!("{name} is {value:.3}, over {most}"));
    }
}

struct Scenario {
    id: &'static str,
    what: &'static str,
    run: fn(Run) -> BoxFuture<'static, std::io::Result<Report>>,
}

macro_rules! scenarios {
    ($($id:literal, $what:literal, $run:path;)*) => {
        const SCENARIOS: &[Scenario] = &[$(Scenario {
            id: $id,
            what: $what,
            run: |run| Box::pin($run(run)),
        }),*];
    };
}

scenarios! {
    "R1", "kill -9 of one of three nodes under idempotent calls: none fails", kill::r1;
    "R2", "the same without retries: only calls in flight on the dead node fail", kill::r2;
    "R3", "kill -9 of each node in turn: no call that is not idempotent runs twice", kill::r3;
    "R4", "rolling restart by SIGTERM under calls and streams: none fails", stop::r4;
    "R5", "SIGTERM with calls, streams, idle connections and a stuck handler: a clean end in time", stop::r5;
    "R8", "a node that died without deregistering gets no traffic after a second", kill::r8;
    "R15", "a deadline through three processes ends all three handlers", chain::r15;
    "R16", "a client that is killed stops its handlers in three processes; 10,000 cancels", chain::r16;
    "R17", "slow readers of fast streams: memory is bounded, other calls are well", slow::r17;
    "A13", "a conversation cut off at each byte, then closed, reset or stalled", bytes::a13;
    "A14", "random bytes into the listener: the process lives, nothing is left", bytes::a14;
    "CANCEL10K", "10,000 cancelled calls leave no task and no memory behind", chain::cancel;
    "SOAK", "calls and streams while nodes are killed, stopped, frozen and restarted", soak::soak;
}

/// The program.
#[must_use]
pub fn main() -> ExitCode {
    let level = std::env::var("MICRO_LOG").unwrap_or_else(|_| "error".to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Ok(role) = std::env::var(process::ROLE) {
        return runtime.block_on(node::play(&role));
    }
    if has("--list") {
        for scenario in SCENARIOS {
            println!("{:10} {}", scenario.id, scenario.what);
        }
        return ExitCode::SUCCESS;
    }
    let run = Run {
        short: has("--short"),
    };
    let chosen: Vec<_> = SCENARIOS
        .iter()
        .filter(|scenario| has("--all") || has(scenario.id))
        .collect();
    if chosen.is_empty() {
        eprintln!("usage: faults --list | [--short] --all | [--short] ID…");
        return ExitCode::FAILURE;
    }
    let mut good = true;
    for scenario in chosen {
        let begun = Instant::now();
        let report = runtime
            .block_on((scenario.run)(run))
            .unwrap_or_else(|error| Report {
                short_of: vec![format!("it could not be run: {error}")],
                ..Report::default()
            });
        good &= report.short_of.is_empty();
        print_line(scenario, run, report, begun);
    }
    ExitCode::from(u8::from(!good))
}

/// One line of JSON, the same first names in each.
fn print_line(scenario: &Scenario, run: Run, report: Report, begun: Instant) {
    let mut line = serde_json::Map::new();
    line.insert("id".into(), json!(scenario.id));
    line.insert("ok".into(), json!(report.short_of.is_empty()));
    line.insert("short".into(), json!(run.short));
    let own = process::rss_mib(std::process::id());
    for name in ["total", "failed", "duplicated", "lost"] {
        line.insert(
            name.into(),
            report.values.get(name).cloned().unwrap_or(json!(0)),
        );
    }
    for name in ["p50_ms", "p99_ms"] {
        line.insert(
            name.into(),
            report.values.get(name).cloned().unwrap_or(Value::Null),
        );
    }
    let rss = report.values.get("rss_max_mib").cloned();
    line.insert("rss_max_mib".into(), rss.unwrap_or(json!(own)));
    for (name, value) in report.values {
        line.entry(name).or_insert(value);
    }
    let seconds = (begun.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    line.insert("seconds".into(), json!(seconds));
    if !report.short_of.is_empty() {
        line.insert("short_of".into(), json!(report.short_of));
    }
    println!("{}", Value::Object(line));
    let _ = std::io::stdout().flush();
}
