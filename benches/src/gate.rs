//! The gate: allocations of a call against limits in a file. Counts are the same on a busy machine,
//! which seconds are not.

use std::collections::BTreeMap;

use crate::{
    contestants::{ALL, Outcome},
    run,
    scenarios::{self, Kind},
};

const LIMITS: &str = "gate.json";

/// By scenario, then by figure.
type Limits = BTreeMap<String, BTreeMap<String, f64>>;

pub fn gate() -> Outcome<()> {
    let limits: Limits = serde_json::from_str(&std::fs::read_to_string(LIMITS)?)?;
    let own = &ALL[0];
    let mut exceeded = false;
    println!("| {} | measured | limit | |\n|---|--:|--:|---|", own.name);
    for (name, limits) in &limits {
        let scenario = scenarios::find(name)?;
        if !matches!(scenario.kind, Kind::Count { .. }) {
            return Err(format!("{LIMITS}: {name} counts nothing").into());
        }
        let sample = run::once(&scenario, own)?;
        for (figure, limit) in limits {
            let Some(seen) = sample.get(figure) else {
                return Err(format!("{LIMITS}: {name} has no {figure} here").into());
            };
            let over = seen > limit;
            exceeded |= over;
            let verdict = if over { "**exceeded**" } else { "kept" };
            println!("| {name} {figure} | {seen:.3} | {limit} | {verdict} |");
        }
    }
    if exceeded {
        std::process::exit(1);
    }
    Ok(())
}
