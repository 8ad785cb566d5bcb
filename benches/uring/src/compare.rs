//! All servers at once, each with clients of its own; the load goes from one to the next every few
//! milliseconds, so that what disturbs the machine disturbs all alike. The others sleep meanwhile.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::cost::Cost;
use crate::form::{FORMS, Form, LOADS, Load, find};
use crate::load::Clients;
use crate::server::{cores, pin};
use crate::{Options, Outcome};

/// From the last connection to the first message.
const SETTLE: Duration = Duration::from_millis(200);

/// A server, its clients, and what was measured.
struct Peer {
    form: Form,
    process: Child,
    cost: Cost,
    clients: Clients,
    /// Of each round: processor microseconds per message, and messages per second.
    cpu: Vec<f64>,
    rate: Vec<f64>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It has no other end; one that is gone already is no failure.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs what was asked for and prints a table for each load.
pub fn run(options: &Options) -> Outcome<()> {
    let (forms, loads) = choose(options)?;
    let cores = cores()?;
    let &[server, client, ..] = cores.as_slice() else {
        return Err("needs two cores: one for the server, one for the clients".into());
    };
    let poller = cores.get(2).copied().unwrap_or(server);
    pin(client)?;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    for load in loads {
        let mut peers = Vec::new();
        for form in &forms {
            peers.push(start(*form, load, server, poller)?);
        }
        // The last servers take their last connections.
        thread::sleep(SETTLE);
        measure(&mut peers, load, options)?;
        print(&peers, load, options);
    }
    Ok(())
}

/// What was asked for; the first form is always there, for the others are compared with it.
fn choose(options: &Options) -> Outcome<(Vec<Form>, Vec<Load>)> {
    let (mut forms, mut loads) = (Vec::new(), Vec::new());
    for name in &options.forms {
        forms.push(find(FORMS, |form| form.name, name)?);
    }
    for name in &options.loads {
        loads.push(find(LOADS, |load| load.name, name)?);
    }
    if forms.is_empty() {
        forms = FORMS.to_vec();
    } else if forms[0].name != FORMS[0].name {
        forms.insert(0, FORMS[0]);
    }
    if loads.is_empty() {
        loads = LOADS.to_vec();
    }
    Ok((forms, loads))
}

fn start(form: Form, load: Load, core: usize, poll_core: usize) -> Outcome<Peer> {
    let mut process = Command::new(std::env::current_exe()?)
        .args(["server", form.name, load.name, &core.to_string(), &poll_core.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    if let Some(output) = process.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    let cost = Cost::of(process.id(), core)?;
    // For those who look at a server with a profiler.
    eprintln!("{} {}: process {}", load.name, form.name, process.id());
    let clients = Clients::connect(line.trim().parse()?, load)?;
    Ok(Peer { form, process, cost, clients, cpu: Vec::new(), rate: Vec::new() })
}

fn measure(peers: &mut [Peer], load: Load, options: &Options) -> Outcome<()> {
    let slice = Duration::from_millis(options.slice_ms);
    for round in 0..options.rounds {
        for step in 0..peers.len() {
            let place = (step + round) % peers.len();
            let peer = &mut peers[place];
            let name = peer.form.name;
            peer.turn(load, slice).map_err(|error| format!("{} {name}: {error}", load.name))?;
        }
    }
    Ok(())
}

impl Peer {
    /// Some milliseconds of load. The first quarter warms the caches and does not count.
    fn turn(&mut self, load: Load, slice: Duration) -> Outcome<()> {
        let frame = Duration::from_millis(load.frame_ms);
        if frame.is_zero() {
            self.clients.burst()?;
            self.clients.serve(Instant::now() + slice / 4)?;
        }
        let (begin, cpu) = (Instant::now(), self.cost.used()?);
        let mut count = 0;
        if frame.is_zero() {
            count = self.clients.serve(begin + slice)?;
        }
        while !frame.is_zero() && begin.elapsed() < slice {
            self.clients.burst()?;
            thread::sleep(frame);
            count += self.clients.drain()?;
        }
        let used = self.cost.used()? - cpu;
        self.cpu.push(used.as_secs_f64() * 1e6 / count as f64);
        self.rate.push(count as f64 / begin.elapsed().as_secs_f64());
        self.clients.drain()?;
        Ok(())
    }
}

/// A table in Markdown.
fn print(peers: &[Peer], load: Load, options: &Options) {
    let Load { name, connections, size, window, frame_ms } = load;
    print!("\n**{name}**: {connections} × {size} B, {window} in flight");
    if frame_ms > 0 {
        print!(", the server looks every {frame_ms} ms");
    }
    println!("; {} rounds of {} ms\n", options.rounds, options.slice_ms);
    println!("| form | | CPU µs per message | of epoll (95 %) | k messages/s | of epoll |");
    println!("|---|---|--:|--:|--:|--:|");
    let first = &peers[0];
    for peer in peers {
        let cpu = ratios(&peer.cpu, &first.cpu);
        let (low, high) = interval(&cpu);
        println!(
            "| {} | {} | {:.3} | {:.3} ({low:.3}–{high:.3}) | {:.1} | {:.2} |",
            peer.form.name,
            peer.form.what,
            at(&peer.cpu, 0.5),
            at(&cpu, 0.5),
            at(&peer.rate, 0.5) / 1e3,
            at(&ratios(&peer.rate, &first.rate), 0.5),
        );
    }
}

/// Round by round.
fn ratios(values: &[f64], others: &[f64]) -> Vec<f64> {
    values.iter().zip(others).map(|(value, other)| value / other).collect()
}

/// The value below which that share of all lies.
fn at(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share.clamp(0.0, 1.0)).round() as usize]
}

/// Where the median of all rounds that there could be lies, with 95 % (order statistics).
fn interval(values: &[f64]) -> (f64, f64) {
    let reach = 0.98 / (values.len() as f64).sqrt();
    (at(values, 0.5 - reach), at(values, 0.5 + reach))
}
