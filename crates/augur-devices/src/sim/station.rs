// SPDX-License-Identifier: GPL-2.0-only
//! Identical servers and jobs that come to them, first come first served: the plainest thing that the engine can run,
//! and the one of which theory knows everything.
//!
//! Jobs are drawn one after the other and told as they leave, so a run needs memory for the jobs that are there, not
//! for all.

use augur_base::engine::Engine;
use augur_base::random::Generator;
use rand::RngExt;
use std::collections::VecDeque;

/// Where an arriving job goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// Into one queue for all servers.
    Shared,
    /// To a server drawn at random.
    Random,
    /// To the server with the fewest jobs of so many drawn ones.
    PowerOfD(usize),
    /// To the servers in turn.
    RoundRobin,
    /// To the server with the least work left.
    LeastWork,
}

/// A job that left. Times in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// When it came.
    pub arrival_ns: u64,
    /// How long it waited.
    pub wait_ns: u64,
    /// How long it was served.
    pub service_ns: u64,
}

impl Job {
    /// How long it was there.
    pub fn sojourn_ns(&self) -> u64 {
        self.wait_ns + self.service_ns
    }
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    arrival_ns: u64,
    service_ns: u64,
}

#[derive(Clone, Debug, Default)]
struct Server {
    serves: Option<Waiting>,
    queue: VecDeque<Waiting>,
    /// When it will have done all that it has.
    free_ns: u64,
}

/// What happens: a number, [`ARRIVAL`] or the server that is done.
const ARRIVAL: u64 = u64::MAX;

/// Servers, their queues, and what is to come.
#[derive(Clone, Debug)]
pub struct Station {
    engine: Engine<u64>,
    servers: Vec<Server>,
    shared: VecDeque<Waiting>,
    routing: Routing,
    turn: usize,
    generator: Generator,
}

impl Station {
    /// `servers` that idle; [`Routing::Random`] and [`Routing::PowerOfD`] draw from `generator`.
    pub fn new(servers: usize, routing: Routing, generator: Generator) -> Station {
        Station {
            engine: Engine::new(),
            servers: vec![Server::default(); servers.max(1)],
            shared: VecDeque::new(),
            routing,
            turn: 0,
            generator,
        }
    }

    /// Serves the jobs (time since the one before, service; both in ns) and tells each to `left` when it leaves.
    pub fn run(&mut self, jobs: impl IntoIterator<Item = (u64, u64)>, mut left: impl FnMut(Job)) {
        let mut jobs = jobs.into_iter();
        let mut next = jobs.next();
        if let Some((after_ns, _)) = next {
            self.engine.schedule(after_ns, ARRIVAL);
        }
        while let Some(event) = self.engine.take() {
            self.engine.apply(event);
            if event != ARRIVAL {
                left(self.leave(event as usize));
                continue;
            }
            let Some((_, service_ns)) = next else { continue };
            self.arrive(service_ns);
            next = jobs.next();
            if let Some((after_ns, _)) = next {
                self.engine.schedule(self.engine.now_ns() + after_ns, ARRIVAL);
            }
        }
    }

    /// Events applied so far.
    pub fn events(&self) -> u64 {
        self.engine.applied()
    }

    /// The hash of all that happened.
    pub fn state_hash(&self) -> u64 {
        self.engine.state_hash()
    }

    fn arrive(&mut self, service_ns: u64) {
        let job = Waiting {
            arrival_ns: self.engine.now_ns(),
            service_ns,
        };
        let Some(server) = self.route() else {
            self.shared.push_back(job);
            return;
        };
        let busy = &mut self.servers[server];
        busy.free_ns = busy.free_ns.max(job.arrival_ns) + service_ns;
        if busy.serves.is_some() {
            busy.queue.push_back(job);
        } else {
            self.serve(server, job);
        }
    }

    /// The server for a job that arrives; `None`: it waits for any.
    fn route(&mut self) -> Option<usize> {
        let servers = self.servers.len();
        match self.routing {
            Routing::Shared => self.servers.iter().position(|server| server.serves.is_none()),
            Routing::Random => Some(self.generator.random_range(0..servers)),
            Routing::PowerOfD(d) => {
                let drawn = (0..d).map(|_| self.generator.random_range(0..servers));
                let servers = &self.servers;
                // Of equals the first that was drawn.
                drawn.min_by_key(|&server| {
                    servers[server].queue.len() + usize::from(servers[server].serves.is_some())
                })
            }
            Routing::RoundRobin => {
                self.turn = (self.turn + 1) % servers;
                Some(self.turn)
            }
            Routing::LeastWork => {
                let now = self.engine.now_ns();
                (0..servers).min_by_key(|&server| self.servers[server].free_ns.saturating_sub(now))
            }
        }
    }

    fn serve(&mut self, server: usize, job: Waiting) {
        self.servers[server].serves = Some(job);
        self.engine
            .schedule(self.engine.now_ns() + job.service_ns, server as u64);
    }

    fn leave(&mut self, server: usize) -> Job {
        let now = self.engine.now_ns();
        let busy = &mut self.servers[server];
        let done = busy.serves.take();
        if let Some(next) = busy.queue.pop_front().or_else(|| self.shared.pop_front()) {
            self.serve(server, next);
        }
        let (arrival_ns, service_ns) = done.map_or((now, 0), |job| (job.arrival_ns, job.service_ns));
        Job {
            arrival_ns,
            wait_ns: now - service_ns - arrival_ns,
            service_ns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn waits(routing: Routing, servers: usize, jobs: &[(u64, u64)]) -> Vec<u64> {
        let mut left = Vec::new();
        let mut station = Station::new(servers, routing, Generator::seed_from_u64(1));
        station.run(jobs.iter().copied(), |job| left.push(job));
        left.sort_by_key(|job| job.arrival_ns);
        left.iter().map(|job| job.wait_ns).collect()
    }

    #[test]
    fn jobs_wait_for_who_came_before() {
        let jobs = [(1, 10), (1, 4), (1, 2), (1, 1)];
        assert_eq!(waits(Routing::Shared, 1, &jobs), [0, 9, 12, 13]);
        assert_eq!(waits(Routing::Shared, 2, &jobs), [0, 0, 3, 4]);
        assert_eq!(waits(Routing::LeastWork, 2, &jobs), [0, 0, 3, 4]);
        assert_eq!(waits(Routing::RoundRobin, 2, &jobs), [0, 0, 8, 2]);
    }
}
