// SPDX-License-Identifier: GPL-2.0-only
//! The run itself: arrivals, parts that end, and decisions in between.

use super::flight::InFlight;
use super::lane::Lane;
use super::ledger::Ledger;
use super::{Done, Fault, Options, Outcome};
use crate::policy::{DevicePolicy, Fleet, Placement, clairvoyant};
use crate::workload::listed::Batches;
use crate::workload::{Batch, Drift, Generator, Work};
use augur_base::engine::Engine;
use augur_base::topology::device::Devices;
use std::ops::ControlFlow;

/// What happens: a batch arrives, or the first part of a device's queue is done.
const ARRIVAL: u64 = u64::MAX;

/// Is told each task that is done; breaks to stop the run.
pub type OnDone<'a> = dyn FnMut(&Done) -> ControlFlow<()> + 'a;

/// Runs all tasks under a policy, and calls `on_done` for each that is done.
///
/// # Errors
/// What the policy must not do.
pub fn run<'a>(
    options: &Options,
    policy: &'a mut dyn DevicePolicy,
    on_done: &'a mut OnDone<'a>,
) -> Result<Outcome, Fault> {
    let fleet = Fleet::new(options.devices.clone(), options.physics.clone());
    let mut run = Run {
        engine: Engine::new(),
        lanes: vec![Lane::default(); fleet.len()],
        ledger: Ledger::new(fleet.len())?,
        flights: InFlight::default(),
        source: Source::of(options),
        taken: Vec::new(),
        batch: Batch::default(),
        places: Vec::new(),
        drift: options.workload.drift.clone(),
        other: options.workload.drift.devices(&options.devices),
        is_drifted: false,
        truth: fleet.clone(),
        seen: fleet,
        policy,
        on_done,
    };
    run.draw();
    while let Some(event) = run.engine.take() {
        run.engine.apply(event);
        match event {
            ARRIVAL => run.arrive()?,
            device => run.part_done(device as usize)?,
        }
    }
    let stranded = run.flights.len();
    if stranded > 0 {
        return Err(Fault::Stranded {
            policy: run.policy.name(),
            tasks: stranded,
        });
    }
    Ok(run.ledger.finish(run.engine.applied(), run.engine.state_hash()))
}

/// A task that is done.
const GONE: u32 = u32::MAX;

/// Where tasks come from.
pub(super) enum Source {
    Drawn(Box<Generator>),
    Listed(Batches),
}

impl Source {
    /// What is listed, or else drawn.
    pub(super) fn of(options: &Options) -> Source {
        match &options.listed {
            Some(listed) => Source::Listed(Batches::of(listed.clone())),
            None => {
                let drawn = Generator::new(&options.workload, &options.physics, options.seed);
                Source::Drawn(Box::new(drawn))
            }
        }
    }

    /// The next batch; false: there are no more.
    pub(super) fn next(&mut self, batch: &mut Batch) -> bool {
        match self {
            Source::Drawn(generator) => generator.next(batch),
            Source::Listed(batches) => batches.next(batch),
        }
    }
}

struct Run<'a> {
    engine: Engine<u64>,
    lanes: Vec<Lane>,
    ledger: Ledger,
    flights: InFlight,
    source: Source,
    /// Where listed tasks are kept, by number; [`GONE`] when they are done.
    taken: Vec<u32>,
    /// The batch that arrives next.
    batch: Batch,
    /// Where the tasks of the batch that arrives are kept.
    places: Vec<u32>,
    /// Devices as a policy sees them: what they still have to do, and what they could do at the beginning.
    seen: Fleet,
    /// Devices as they are.
    truth: Fleet,
    drift: Drift,
    /// Devices as they are where they are not as in `truth`: as drift makes them, or as they were.
    other: Devices,
    is_drifted: bool,
    policy: &'a mut dyn DevicePolicy,
    on_done: &'a mut OnDone<'a>,
}

/// Seconds as a whole number of ns; nothing takes no time at all.
fn ns(seconds: f64) -> u64 {
    ((seconds * 1e9).round() as u64).clamp(1, u64::MAX / 4)
}

impl Run<'_> {
    /// Draws the batch that arrives next.
    fn draw(&mut self) {
        if self.source.next(&mut self.batch) {
            self.engine.schedule(self.batch.arrival_ns, ARRIVAL);
        }
    }

    /// What is in queues by now ends as it would have; what is placed from now on takes what devices take.
    fn drift(&mut self) {
        let first = self.batch.tasks.first();
        if first.is_some_and(|task| self.drift.is_on(task.number) != self.is_drifted) {
            self.is_drifted = !self.is_drifted;
            std::mem::swap(&mut self.truth.devices, &mut self.other);
        }
    }

    fn arrive(&mut self) -> Result<(), Fault> {
        self.drift();
        self.places.clear();
        let rows = self
            .batch
            .tasks
            .iter()
            .zip(&self.batch.works)
            .zip(&self.batch.parents);
        for ((task, work), parents) in rows {
            let place = self.flights.add(*task, *work, parents.as_slice().len());
            for &parent in parents.as_slice() {
                let parent = self.places[usize::from(parent)];
                self.flights.get_mut(parent).children.push(place);
            }
            self.places.push(place);
        }
        self.follow();
        self.ledger.in_flight(self.flights.len());
        if self.places.len() > 1 {
            self.look();
            self.policy
                .prepare(&self.seen, &self.batch.tasks, &self.batch.parents);
        }
        for at in 0..self.places.len() {
            if self.flights.get(self.places[at]).missing == 0 {
                self.place(self.places[at])?;
            }
        }
        self.draw();
        Ok(())
    }

    /// Has tasks of the batch wait for tasks of earlier ones that are not done.
    fn follow(&mut self) {
        if matches!(self.source, Source::Listed(_)) {
            self.taken.extend(&self.places);
        }
        for &(place, number) in &self.batch.earlier {
            let parent = self.taken[number as usize];
            if parent != GONE {
                let child = self.places[usize::from(place)];
                self.flights.get_mut(parent).children.push(child);
                self.flights.get_mut(child).missing += 1;
            }
        }
    }

    /// Brings what is known of the devices up to now.
    fn look(&mut self) {
        let now_ns = self.engine.now_ns();
        for ((lane, seen), truth) in self
            .lanes
            .iter()
            .zip(&mut self.seen.states)
            .zip(&mut self.truth.states)
        {
            truth.backlog_s = (lane.free_ns(now_ns) - now_ns) as f64 / 1e9;
            truth.queue = lane.len();
            seen.backlog_s = (lane.seen_free_ns(now_ns) - now_ns) as f64 / 1e9;
            seen.queue = lane.len();
        }
    }

    /// Has the policy place a task that is ready, and puts it there.
    fn place(&mut self, place: u32) -> Result<(), Fault> {
        self.look();
        let (task, work) = {
            let flight = self.flights.get(place);
            (flight.done.task, flight.work)
        };
        let placement = if self.policy.is_clairvoyant() {
            self.policy.foresee(&work);
            self.policy.place(&self.truth, &task)
        } else {
            self.policy.place(&self.seen, &task)
        };
        self.check(task.number, &work, placement)?;
        let seen = self.seen.estimate(&task);
        let (start_ns, finish_ns) = match placement {
            Placement::One(device) => {
                let alone = |fleet: &Fleet, work: &Work| [ns(work.alone_s(fleet.device(device)))];
                let parts = [alone(&self.truth, &work), alone(&self.seen, &seen)];
                self.put(place, [device], parts)
            }
            Placement::Split { cpu, gpu, share } => {
                self.engine.note(share.to_bits());
                let parts = |fleet: &Fleet, work: &Work| {
                    let (on_cpu, on_gpu) = work.parts_s(fleet.device(cpu), fleet.device(gpu), share);
                    [ns(on_cpu), ns(on_gpu)]
                };
                let parts = [parts(&self.truth, &work), parts(&self.seen, &seen)];
                self.put(place, [cpu, gpu], parts)
            }
        };
        let (_, best_s) = clairvoyant::best(&self.truth, &work, None);
        let now_ns = self.engine.now_ns();
        let done = &mut self.flights.get_mut(place).done;
        done.placement = placement;
        done.placed_ns = now_ns;
        done.start_ns = start_ns;
        done.regret_ns = (finish_ns - now_ns).saturating_sub(ns(best_s));
        Ok(())
    }

    /// Puts parts (what they take, and what they seem to) behind what devices have, all to begin together; returns when they do and when the last is done.
    fn put<const N: usize>(
        &mut self,
        place: u32,
        devices: [usize; N],
        [parts, seen]: [[u64; N]; 2],
    ) -> (u64, u64) {
        let now_ns = self.engine.now_ns();
        let latest = |of: &dyn Fn(&Lane) -> u64| devices.iter().map(|&device| of(&self.lanes[device])).max();
        let start_ns = latest(&|lane| lane.free_ns(now_ns)).unwrap_or(now_ns);
        let seen_ns = latest(&|lane| lane.seen_free_ns(now_ns)).unwrap_or(now_ns);
        let (mut finish_ns, mut energy_j, mut cost_usd) = (start_ns, 0.0, 0.0);
        for at in 0..N {
            let (device, end_ns) = (devices[at], start_ns.saturating_add(parts[at]));
            self.engine.note(device as u64);
            if self.lanes[device].push(place, [start_ns, end_ns], seen_ns.saturating_add(seen[at])) {
                self.engine.schedule(end_ns, device as u64);
            }
            finish_ns = finish_ns.max(end_ns);
            let seconds = parts[at] as f64 / 1e9;
            energy_j += seconds * self.seen.device(device).power_w;
            cost_usd += seconds / 3600.0 * self.seen.device(device).price_usd_per_hour;
        }
        let flight = self.flights.get_mut(place);
        flight.parts = N as u8;
        flight.done.energy_j = energy_j;
        flight.done.cost_usd = cost_usd;
        (start_ns, finish_ns)
    }

    fn check(&self, task: u64, work: &Work, placement: Placement) -> Result<(), Fault> {
        let (devices, there) = match placement {
            Placement::One(device) => ([device, device], device < self.seen.len()),
            Placement::Split { cpu, gpu, share } => {
                let kinds = self.seen.cpus().contains(&cpu) && self.seen.gpus().contains(&gpu);
                ([cpu, gpu], kinds && share > 0.0 && share < 1.0)
            }
        };
        if !there {
            return Err(Fault::Placement {
                policy: self.policy.name(),
                task,
                placement,
            });
        }
        match devices
            .into_iter()
            .find(|&device| !work.fits(self.seen.device(device)))
        {
            None => Ok(()),
            Some(device) => Err(Fault::Memory {
                policy: self.policy.name(),
                task,
                memory_mb: work.memory_mb,
                device: self.seen.device(device).name.clone(),
            }),
        }
    }

    fn part_done(&mut self, device: usize) -> Result<(), Fault> {
        let Some((part, next)) = self.lanes[device].pop() else {
            return Ok(());
        };
        if let Some(end_ns) = next {
            self.engine.schedule(end_ns, device as u64);
        }
        self.ledger.part(device, part.end_ns - part.start_ns);
        let flight = self.flights.get_mut(part.flight);
        flight.parts -= 1;
        if flight.parts > 0 {
            return Ok(());
        }
        flight.done.finish_ns = part.end_ns;
        let (done, work) = (flight.done, flight.work);
        if let Some(taken) = self.taken.get_mut(done.task.number as usize) {
            *taken = GONE;
        }
        let children = self.flights.remove(part.flight);
        self.ledger.done(&done);
        if (self.on_done)(&done).is_break() {
            return Err(Fault::Stopped);
        }
        // What is learned is what devices did, not what they could have done at the beginning.
        std::mem::swap(&mut self.seen.devices, &mut self.truth.devices);
        self.policy.learn(&self.seen, &done.task, &work);
        std::mem::swap(&mut self.seen.devices, &mut self.truth.devices);
        for child in children {
            let flight = self.flights.get_mut(child);
            flight.missing -= 1;
            if flight.missing == 0 {
                self.place(child)?;
            }
        }
        Ok(())
    }
}
