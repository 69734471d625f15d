//! Side-by-side measurements of micro and its peers. See README.md.

mod allocations;
mod contestants;
mod gate;
mod latency;
mod load;
mod message;
mod options;
mod plot;
mod process;
mod report;
mod run;
mod scenarios;
mod targets;

use contestants::Outcome;
use load::load;
use options::Options;
use process::serve;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

fn main() -> Outcome<()> {
    process::raise_descriptor_limit();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", name] => {
            allocations::init();
            with_contestant!(name, serve())
        }
        ["load", name, scenario] => {
            allocations::init();
            let scenario = scenarios::find(scenario)?;
            let sample = with_contestant!(name, load(&scenario))?;
            println!("{}", serde_json::to_string(&sample)?);
            Ok(())
        }
        ["flood", name, address, in_flight] => {
            with_contestant!(name, flood(address, in_flight.parse()?))
        }
        _ => {
            let options = Options::parse(&args)?;
            options.tell();
            if options.list {
                run::list();
                return Ok(());
            }
            if options.show {
                return run::show();
            }
            if options.gate {
                return gate::gate();
            }
            run::all(&options)
        }
    }
}

/// A neighbour on a connection of its own, which keeps the server busy until it is killed.
fn flood<C: contestants::Contestant>(address: &str, in_flight: usize) -> Outcome<()> {
    options::runtime()?.block_on(async {
        let client = C::connect(address.to_owned()).await?;
        client.flood(in_flight, vec![b'x'; 64].into()).await
    })
}
