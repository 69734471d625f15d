//! Medians of the rounds, and what is written of them.

use std::{collections::BTreeMap, fmt::Write};

use crate::{
    contestants::{self, Outcome},
    options::Options,
    run::Samples,
    scenarios, targets,
};

/// Where and how it was measured.
#[derive(serde::Serialize, serde::Deserialize)]
struct Setting {
    machine: String,
    versions: String,
    rustc: String,
    workers: usize,
    pinned: bool,
    rounds: usize,
    seconds: f64,
}

#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct Figure {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

/// Scenario, contestant, figure.
type Figures = BTreeMap<String, BTreeMap<String, BTreeMap<String, Figure>>>;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Report {
    setting: Setting,
    figures: Figures,
    #[serde(skip_deserializing)]
    targets: Vec<targets::Verdict>,
}

fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key));
        let value = line.and_then(|line| line.split(':').nth(1));
        value.unwrap_or("unknown").trim().to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = value(&read("/proc/meminfo"), "MemTotal");
    let memory = memory.trim_end_matches(" kB").parse().unwrap_or(0.0) / f64::from(1 << 20);
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = kernel.split(['-', '+']).next().unwrap_or_default().trim();
    format!(
        "{cores} cores ({}), {memory:.0} GiB, Linux {kernel}",
        value(&read("/proc/cpuinfo"), "model name")
    )
}

fn figure(mut all: Vec<f64>) -> Figure {
    all.sort_by(f64::total_cmp);
    let middle = all.len() / 2;
    let median = if all.len() % 2 == 1 {
        all[middle]
    } else {
        (all[middle - 1] + all[middle]) / 2.0
    };
    Figure {
        median,
        low: all[0],
        high: all[all.len() - 1],
    }
}

impl Report {
    pub fn new(options: &Options, samples: &Samples) -> Self {
        let mut figures = Figures::new();
        for ((scenario, contestant), samples) in samples {
            let mut names: Vec<&String> = samples.iter().flat_map(|sample| sample.keys()).collect();
            names.sort();
            names.dedup();
            let of = figures.entry(scenario.clone()).or_default();
            let of = of.entry(contestant.clone()).or_default();
            for name in names {
                let all = samples
                    .iter()
                    .filter_map(|sample| sample.get(name).copied());
                of.insert(name.clone(), figure(all.collect()));
            }
        }
        let mut report = Self {
            setting: Setting {
                machine: machine(),
                versions: env!("BENCH_VERSIONS").to_owned(),
                rustc: env!("BENCH_RUSTC").to_owned(),
                workers: options.workers,
                pinned: options.pinned,
                rounds: options.rounds,
                seconds: options.seconds,
            },
            figures,
            targets: Vec::new(),
        };
        report.targets = targets::verdicts(&report);
        report
    }

    /// One that was written before, held against the targets of today.
    pub fn read(json: &str) -> Outcome<Self> {
        let mut report: Self = serde_json::from_str(json)?;
        report.targets = targets::verdicts(&report);
        Ok(report)
    }

    /// The median, where it was measured.
    pub fn get(&self, scenario: &str, contestant: &str, name: &str) -> Option<f64> {
        Some(
            self.figures
                .get(scenario)?
                .get(contestant)?
                .get(name)?
                .median,
        )
    }

    pub fn json(&self) -> Outcome<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    pub fn markdown(&self) -> String {
        let mut out = String::new();
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let setting = &self.setting;
        writeln!(
            out,
            "{}; {}; {}.",
            setting.machine, setting.rustc, setting.versions
        )?;
        writeln!(
            out,
            "Medians of {} interleaved rounds of {} s, {} worker(s) for each process{}. In brackets: \
             lowest and highest round.\n",
            setting.rounds,
            setting.seconds,
            setting.workers,
            if setting.pinned {
                ", all on one core"
            } else {
                ""
            }
        )?;
        for group in GROUPS {
            self.group(out, group)?;
        }
        if !self.targets.is_empty() {
            writeln!(out, "### Targets\n")?;
            writeln!(out, "| target | measured | wanted | |\n|---|--:|--:|---|")?;
            for verdict in &self.targets {
                writeln!(out, "{}", verdict.row())?;
            }
        }
        Ok(())
    }

    fn group(&self, out: &mut String, group: &Group) -> std::fmt::Result {
        let all = scenarios::all();
        let of_group = all
            .iter()
            .filter(|scenario| scenario.name.starts_with(group.prefix));
        let measured: Vec<_> = of_group
            .filter_map(|scenario| Some((scenario, self.figures.get(&scenario.name)?)))
            .collect();
        if measured.is_empty() {
            return Ok(());
        }
        writeln!(out, "### {}\n", group.title)?;
        write!(out, "| | contestant |")?;
        for (_, head, _) in group.columns {
            write!(out, " {head} |")?;
        }
        writeln!(out, "\n|---|---|{}", "--:|".repeat(group.columns.len()))?;
        for (scenario, by_contestant) in measured {
            for entry in contestants::ALL {
                let Some(figures) = by_contestant.get(entry.name) else {
                    continue;
                };
                write!(out, "| {} | {} |", scenario.name, entry.name)?;
                for (name, _, spread) in group.columns {
                    match figures.get(*name) {
                        Some(f) if *spread => write!(
                            out,
                            " {} ({}–{}) |",
                            short(f.median),
                            short(f.low),
                            short(f.high)
                        )?,
                        Some(f) => write!(out, " {} |", short(f.median))?,
                        None => write!(out, " – |")?,
                    }
                }
                writeln!(out)?;
            }
        }
        writeln!(out)
    }
}

/// A table: the scenarios that begin so, and which figures are shown, with the spread or without.
struct Group {
    prefix: &'static str,
    title: &'static str,
    columns: &'static [(&'static str, &'static str, bool)],
}

const CALLS: &[(&str, &str, bool)] = &[
    ("rate", "calls/s", true),
    ("p50", "p50 µs", false),
    ("p99", "p99 µs", false),
    ("p999", "p99.9 µs", false),
    ("cpu_client", "client CPU s/1M", false),
    ("cpu_server", "server CPU s/1M", false),
    ("cpu", "both", true),
    ("switches_client", "client switches/call", false),
    ("switches_server", "server switches/call", false),
    ("rss_server", "server RSS KiB", false),
];

const ITEMS: &[(&str, &str, bool)] = &[
    ("rate", "items/s", true),
    ("cpu_client", "client CPU s/1M", false),
    ("cpu_server", "server CPU s/1M", false),
    ("cpu", "both", true),
];

const GROUPS: &[Group] = &[
    Group {
        prefix: "echo",
        title: "Echo, closed loop: size, calls in flight",
        columns: CALLS,
    },
    Group {
        prefix: "open",
        title: "Echo of 64 B at 20,000 calls/s",
        columns: CALLS,
    },
    Group {
        prefix: "wait",
        title: "Handlers that wait 1 ms, 10,000 in flight",
        columns: CALLS,
    },
    Group {
        prefix: "down",
        title: "Streams from the server, items of 64 B",
        columns: ITEMS,
    },
    Group {
        prefix: "up",
        title: "Stream to the server, items of 64 B",
        columns: ITEMS,
    },
    Group {
        prefix: "rally",
        title: "Streams both ways, one item to and fro",
        columns: CALLS,
    },
    Group {
        prefix: "fair",
        title: "One in flight beside a connection with 512",
        columns: &[
            ("p50_alone", "p50 alone µs", false),
            ("p50_beside", "p50 beside µs", false),
            ("p99_alone", "p99 alone µs", false),
            ("p99_beside", "p99 beside µs", false),
            ("times", "p99 beside / alone", true),
        ],
    },
    Group {
        prefix: "idle",
        title: "1,000 idle connections",
        columns: &[("rss_connection", "server KiB for each", false)],
    },
    Group {
        prefix: "dispatch",
        title: "Services of 1 and of 200 methods, 512 in flight",
        columns: CALLS,
    },
    Group {
        prefix: "count",
        title: "Counts of one call, 64 B: calls in flight",
        columns: &[
            ("allocations_client", "client allocations", false),
            ("allocations_server", "server allocations", false),
            ("syscalls_client", "client system calls", false),
            ("syscalls_server", "server system calls", false),
        ],
    },
];

/// Three digits that count, thousands apart.
pub fn short(value: f64) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
