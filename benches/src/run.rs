//! Runs all: round after round, and in each round one contestant after the other, so that what
//! else the machine does meets all of them.

use std::{
    collections::BTreeMap,
    process::Stdio,
    time::{Duration, Instant},
};

use crate::{
    allocations,
    contestants::{self, Entry, Outcome},
    load::Sample,
    options::Options,
    plot, process,
    report::Report,
    scenarios::{self, Kind, Scenario},
};

const LATEST: &str = "results/latest.json";
const PLOT: &str = "results/latest.svg";

/// The samples of all rounds, by scenario and contestant.
pub type Samples = BTreeMap<(String, String), Vec<Sample>>;

pub fn list() {
    for entry in contestants::ALL {
        println!("contestant {}", entry.name);
    }
    for scenario in scenarios::all() {
        println!("scenario {}", scenario.name);
    }
}

/// `--only` may name contestants, scenarios or both.
fn chosen(options: &Options) -> Outcome<Vec<(Scenario, Vec<Entry>)>> {
    let (mut names, mut kinds) = (Vec::new(), Vec::new());
    for only in &options.only {
        let is_contestant = contestants::ALL.iter().any(|entry| entry.name == only);
        let is_scenario = scenarios::all()
            .iter()
            .any(|s| s.name.contains(only.as_str()));
        match (is_contestant, is_scenario) {
            (true, _) => names.push(only.as_str()),
            (_, true) => kinds.push(only.as_str()),
            _ => return Err(format!("nothing is called {only}; see --list").into()),
        }
    }
    let mut chosen = Vec::new();
    for scenario in scenarios::all() {
        let named = kinds.iter().any(|kind| scenario.name.contains(kind));
        if !(named || kinds.is_empty() && (scenario.quick || !options.quick)) {
            continue;
        }
        let entries = contestants::ALL.iter().copied().filter(|entry| {
            let wanted = names.is_empty() || names.contains(&entry.name);
            wanted && scenario.kind.open_to(entry)
        });
        chosen.push((scenario.clone(), entries.collect()));
    }
    Ok(chosen)
}

pub fn all(options: &Options) -> Outcome<()> {
    let chosen = chosen(options)?;
    let mut samples = Samples::new();
    let started = Instant::now();
    for round in 1..=options.rounds {
        for (scenario, entries) in &chosen {
            // Counts don't vary with the neighbours: once is enough, as it is for memory.
            let steady = matches!(scenario.kind, Kind::Count { .. } | Kind::Idle { .. });
            if steady && round > 1 {
                continue;
            }
            eprintln!(
                "{:>4.0} s: round {round} of {}, {}",
                started.elapsed().as_secs_f64(),
                options.rounds,
                scenario.name
            );
            // Whoever comes first in one round comes last in the next.
            let mut order = entries.clone();
            if round % 2 == 0 {
                order.reverse();
            }
            for entry in order {
                match once(scenario, &entry) {
                    Ok(sample) => samples
                        .entry((scenario.name.clone(), entry.name.to_owned()))
                        .or_default()
                        .push(sample),
                    Err(error) => eprintln!("{} {}: {error}", entry.name, scenario.name),
                }
            }
        }
    }
    let report = Report::new(options, &samples);
    print!("{}", report.markdown());
    // What was measured in part is no result to keep.
    if options.only.is_empty() {
        std::fs::create_dir_all("results")?;
        std::fs::write(LATEST, report.json()?)?;
        std::fs::write(PLOT, plot::svg(&report))?;
    }
    Ok(())
}

pub fn show() -> Outcome<()> {
    let report = Report::read(&std::fs::read_to_string(LATEST)?)?;
    print!("{}", report.markdown());
    Ok(std::fs::write(PLOT, plot::svg(&report))?)
}

/// One client and one server, started for it and gone afterwards.
pub fn once(scenario: &Scenario, entry: &Entry) -> Outcome<Sample> {
    let mut command = process::again(&["load", entry.name, &scenario.name])?;
    if matches!(scenario.kind, Kind::Count { .. }) {
        command.env(allocations::VARIABLE, "1");
    }
    let (busy, all) = process::machine_busy();
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let started = Instant::now();
    let limit = Duration::from_secs(30) + 3 * crate::options::window();
    while child.try_wait()?.is_none() {
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Err("it hangs".into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let out = child.wait_with_output()?;
    if !out.status.success() {
        return Err(format!("{}", out.status).into());
    }
    // No call at all makes no figures, which JSON writes as null and this refuses.
    let mut sample: Sample = serde_json::from_slice(&out.stdout)?;
    let (busy_now, all_now) = process::machine_busy();
    sample.insert(
        "machine_busy".to_owned(),
        (busy_now - busy) / (all_now - all).max(1.0),
    );
    Ok(sample)
}
