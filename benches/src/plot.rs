//! The rates as bars on a logarithmic scale, written by hand: no library for so little.

use std::fmt::Write;

use crate::{
    contestants::ALL,
    report::{Report, short},
};

const SHOWN: &[(&str, &str)] = &[
    ("echo-64B-1", "Echo of 64 B, 1 in flight: calls/s"),
    ("echo-64B-64", "Echo of 64 B, 64 in flight: calls/s"),
    ("echo-64B-512", "Echo of 64 B, 512 in flight: calls/s"),
    ("down-8", "8 streams from the server: items/s"),
    ("rally-64", "64 streams both ways: rounds/s"),
    (
        "wait-10k",
        "Handlers that wait 1 ms, 10,000 in flight: calls/s",
    ),
];

const WIDTH: f64 = 760.0;
const LEFT: f64 = 120.0;
const BAR: f64 = 16.0;
/// The scale: from a thousand to ten million.
const POWERS: (f64, f64) = (3.0, 7.3);

fn colour(name: &str) -> &'static str {
    match name {
        "micro" => "#c2410c",
        name if name.starts_with("raw") => "#a8a29e",
        _ => "#475569",
    }
}

pub fn svg(report: &Report) -> String {
    let (mut body, mut y) = (String::new(), 10.0);
    for (scenario, title) in SHOWN {
        let rates: Vec<(&str, f64)> = ALL
            .iter()
            .filter_map(|entry| Some((entry.name, report.get(scenario, entry.name, "rate")?)))
            .collect();
        if rates.is_empty() {
            continue;
        }
        y += 22.0;
        let _ = writeln!(
            body,
            r#"<text x="8" y="{y}" font-weight="bold">{title}</text>"#
        );
        y += 8.0;
        for (name, rate) in rates {
            let share = (rate.max(1.0).log10() - POWERS.0) / (POWERS.1 - POWERS.0);
            let width = share.clamp(0.0, 1.0) * (WIDTH - LEFT - 100.0);
            let (middle, end) = (y + BAR - 4.0, LEFT + width + 6.0);
            let _ = writeln!(
                body,
                r#"<text x="{x}" y="{middle}" text-anchor="end">{name}</text><rect x="{LEFT}" y="{y}" width="{width:.1}" height="{height}" fill="{fill}"/><text x="{end:.1}" y="{middle}">{rate}</text>"#,
                x = LEFT - 6.0,
                height = BAR - 3.0,
                fill = colour(name),
                rate = short(rate),
            );
            y += BAR;
        }
    }
    let height = y + 30.0;
    let note = y + 18.0;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
{body}<text x="8" y="{note}" fill="#57534e">Logarithmic scale; medians.</text>
</svg>
"##
    )
}
