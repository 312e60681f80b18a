//! What a unit of fuel takes: every operator and every host function in its dearest forms, against additions that depend on
//! each other, in the same run. Prints the table of `BENCHMARKS.md`, the dearest first, and fails when anything costs more
//! than it may: then a guest could turn fuel into more time than fuel is meant to be.

mod case;
mod host;
mod operators;
mod outside;
mod plugin;
mod uncharged;

use std::time::Duration;

use case::{Bound, Case, Rounds};
use conductor::internals::sandbox::{cost_table, on_guest_stack};
use plugin::{Loaded, Taken};

/// Most that a unit of fuel may take, in those of an addition.
const MAX_RATIO: f64 = 20.0;

/// Most that a unit of fuel may take, in nanoseconds.
const MAX_NANOSECONDS: f64 = 20.0;

/// How long a call is made to last. Shorter than a time slice of a busy machine's scheduler, so that some of them are not disturbed.
const CALL: Duration = Duration::from_micros(400);

/// Calls of each case, each beside one of the additions; the shortest counts.
const REPEATS: usize = 9;

/// Calls of cases that stay above the bound: on a busy machine another program may have been in the way.
const PATIENCE: usize = 60;

/// A case and what came of it.
struct Line<'a> {
    case: &'a Case,
    /// Nanoseconds for a unit of fuel.
    price: f64,
    /// The same in those of an addition.
    ratio: f64,
    fuel: u64,
    rounds: u32,
}

impl Line<'_> {
    fn too_dear(&self) -> bool {
        self.ratio > MAX_RATIO || self.price > MAX_NANOSECONDS
    }
}

/// How often the body of `loaded` fills a call.
fn rounds(case: &Case, loaded: &mut Loaded<'_>) -> Result<u32, String> {
    match case.rounds {
        Rounds::Times(rounds) | Rounds::Fresh(rounds) => Ok(rounds),
        Rounds::Filled => {
            loaded.call(1)?; // translates
            let mut rounds = 1_u32;
            loop {
                // The shorter of two: one may have been interrupted.
                let taken = loaded.call(rounds)?.time.min(loaded.call(rounds)?.time);
                if taken >= CALL / 2 || rounds > 1 << 24 {
                    return Ok(rounds);
                }
                rounds *= 2;
            }
        }
    }
}

fn cheapest(one: Taken, other: Taken) -> Taken {
    if other.price() < one.price() { other } else { one }
}

fn measure<'a>(case: &'a Case, addition: &mut Loaded<'_>, additions: u32) -> Result<Line<'a>, String> {
    let mut loaded = Loaded::load(case).map_err(|error| error.to_string())?;
    let rounds = rounds(case, &mut loaded)?;
    let (mut best, mut unit) = (loaded.call(rounds)?, addition.call(additions)?);
    let mut repeat = 1;
    loop {
        let line = Line { case, price: best.price(), ratio: best.price() / unit.price(), fuel: best.fuel, rounds };
        let enough = if line.too_dear() && case.bound == Bound::Price { PATIENCE } else { REPEATS };
        if repeat >= enough {
            return Ok(line);
        }
        best = cheapest(best, loaded.call(rounds)?);
        unit = cheapest(unit, addition.call(additions)?);
        repeat += 1;
    }
}

fn table(title: &str, lines: &[&Line<'_>]) {
    println!("| {title} | ns a unit of fuel | against i32.add | fuel each |\n|---|---|---|---|");
    for line in lines {
        let why = match line.case.bound {
            Bound::Price => String::new(),
            Bound::Elsewhere(why) => format!(" ({why})"),
        };
        let each = line.fuel / u64::from(line.rounds);
        println!("| {}{why} | {:.2} | {:.1} | {each} |", line.case.name, line.price, line.ratio);
    }
    println!();
}

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return; // `cargo test --benches` only wants to know that it builds
    }
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let failed = on_guest_stack(|| {
        let reference = operators::addition();
        let mut addition = Loaded::load(&reference).expect("a module that adds");
        let additions = rounds(&reference, &mut addition).expect("it adds");
        let cases: Vec<Case> = operators::cases(&cost_table())
            .into_iter()
            .chain(host::cases())
            .filter(|case| wanted.as_ref().is_none_or(|wanted| case.name.contains(wanted.as_str())))
            .collect();
        let mut wrong = Vec::new();
        let mut lines: Vec<Line<'_>> = Vec::new();
        for case in &cases {
            match measure(case, &mut addition, additions) {
                Ok(line) => lines.push(line),
                Err(error) => wrong.push(format!("{}: {error}", case.name)),
            }
        }
        lines.sort_by(|one, other| other.ratio.total_cmp(&one.ratio));
        let (priced, elsewhere): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.case.bound == Bound::Price);
        table("what a guest does", &priced);
        table("what no price can say", &elsewhere);
        uncharged::table();
        let unit = addition.call(additions).expect("it adds").price();
        println!("{} cases; an addition takes {unit:.2} ns a unit of fuel.", lines.len());
        for error in &wrong {
            println!("WRONG: {error}");
        }
        let dear: Vec<_> = priced.iter().filter(|line| line.too_dear()).collect();
        for line in &dear {
            println!(
                "TOO DEAR: {} takes {:.2} ns a unit of fuel, {:.1} times an addition",
                line.case.name, line.price, line.ratio
            );
        }
        !dear.is_empty() || !wrong.is_empty()
    })
    .expect("a thread");
    if failed {
        std::process::exit(1);
    }
}
