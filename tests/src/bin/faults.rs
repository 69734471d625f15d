//! Faults in real processes: `faults --list` names the scenarios, `faults R1` runs one, `faults --all
//! --short` runs the short form of each. One line of JSON for each, and exit code 1 where one falls
//! short.

fn main() -> std::process::ExitCode {
    micro_tests::faults::main()
}
