// SPDX-License-Identifier: GPL-2.0-only
//! What no schedule that begins like a node is shorter than.
//!
//! Two relaxations. *Chains*: every task that is left has its best device for itself. *Prices*: each device's time has a
//! price, all together 1, and a task costs what it costs where it is cheapest; time on all devices together is then one
//! machine, on which tasks of a head (they begin no earlier) and a tail (so much follows) need the sum of their costs between
//! the earliest head and the shortest tail. That holds for any prices; those are taken which make the sum of all costs the
//! largest, beside equal ones.

use super::node::Node;
use crate::policy::list::bound;
use crate::workload::Graph;

/// Steps by which prices are found.
const STEPS: usize = 400;

/// What is known of a graph beforehand.
pub(super) struct Bounds {
    devices: usize,
    /// Task by task, the least time from its end on each device to the end of the graph.
    rest: Vec<f64>,
    /// The least of these.
    tail: Vec<f64>,
    /// Tasks with the longest tail first.
    by_tail: Vec<usize>,
    /// Its longest transfer to a child.
    farthest: Vec<f64>,
    /// Prices of devices, and what each task costs by them.
    prices: Vec<(Vec<f64>, Vec<f64>)>,
    /// For each device those before it on which all takes the same.
    equals: Vec<Vec<usize>>,
}

impl Bounds {
    /// Looks at a graph.
    pub(super) fn of(graph: &Graph) -> Bounds {
        let devices = graph.devices().len();
        let rest = bound::rest(graph);
        let least = |row: &[f64]| row.iter().copied().fold(f64::INFINITY, f64::min);
        let tail: Vec<f64> = rest.chunks_exact(devices).map(least).collect();
        let mut by_tail: Vec<usize> = (0..graph.len()).collect();
        by_tail.sort_by(|&a, &b| tail[b].total_cmp(&tail[a]));
        let transfers = |task: usize| graph.children(task).iter().map(|edge| edge.transfer);
        let same =
            |a: usize, b: usize| (0..graph.len()).all(|task| graph.time(task, a) == graph.time(task, b));
        let equal = vec![1.0 / devices as f64; devices];
        let prices = [equal, best_prices(graph)].map(|prices| {
            let costs = (0..graph.len()).map(|task| cheapest(graph, task, &prices).1);
            let costs = costs.collect();
            (prices, costs)
        });
        Bounds {
            devices,
            rest,
            tail,
            by_tail,
            farthest: (0..graph.len())
                .map(|task| transfers(task).fold(0.0, f64::max))
                .collect(),
            prices: prices.to_vec(),
            equals: (0..devices)
                .map(|device| (0..device).filter(|&other| same(device, other)).collect())
                .collect(),
        }
    }

    /// The least time from a task's end on a device to the end of the graph.
    pub(super) fn rest(&self, task: usize, device: usize) -> f64 {
        self.rest[task * self.devices + device]
    }

    /// A task's longest transfer.
    pub(super) fn farthest(&self, task: usize) -> f64 {
        self.farthest[task]
    }

    /// Devices before this one on which all takes the same.
    pub(super) fn equals(&self, device: usize) -> &[usize] {
        &self.equals[device]
    }

    /// No schedule that begins like this is shorter.
    pub(super) fn of_node(&self, graph: &Graph, node: &Node) -> f64 {
        let (chains, heads) = self.chains(graph, node);
        self.prices
            .iter()
            .map(|prices| self.priced(node, &heads, prices))
            .fold(chains.max(node.makespan), f64::max)
    }

    /// The longest chain, and the earliest beginning of each task that is left.
    fn chains(&self, graph: &Graph, node: &Node) -> (f64, Vec<f64>) {
        let devices = self.devices;
        let mut ready = node.ready.clone();
        let mut heads = vec![0.0; graph.len()];
        let mut longest = 0.0f64;
        for &task in graph.order().iter().filter(|&&task| !node.has(task)) {
            let row = task * devices;
            let (mut head, mut end, mut through) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
            for device in 0..devices {
                let start = ready[row + device].max(node.free[device]);
                let time = graph.time(task, device);
                // Where it cannot run it ends never.
                let finish = start + time;
                if time.is_finite() {
                    head = head.min(start);
                }
                ready[row + device] = finish;
                end = end.min(finish);
                through = through.min(finish + self.rest[row + device]);
            }
            heads[task] = head;
            longest = longest.max(through);
            for edge in graph.children(task) {
                for device in 0..devices {
                    let arrival = ready[row + device].min(end + edge.transfer);
                    let there = &mut ready[edge.task * devices + device];
                    *there = there.max(arrival);
                }
            }
        }
        (longest, heads)
    }

    /// The largest sum of costs between a head and a tail.
    fn priced(&self, node: &Node, heads: &[f64], (prices, costs): &(Vec<f64>, Vec<f64>)) -> f64 {
        let first = node.free.iter().copied().fold(f64::INFINITY, f64::min);
        let mut most = 0.0f64;
        let left = |&task: &usize| !node.has(task);
        let mut tried = f64::NEG_INFINITY;
        for task in self.by_tail.iter().copied().filter(left) {
            let from = heads[task].max(first);
            if from == tried {
                continue;
            }
            tried = from;
            let taken = node
                .free
                .iter()
                .zip(prices)
                .map(|(free, price)| price * (free - from).max(0.0));
            let mut sum = from + taken.sum::<f64>();
            for &other in &self.by_tail {
                if !node.has(other) && heads[other] >= from {
                    sum += costs[other];
                    most = most.max(sum + self.tail[other]);
                }
            }
        }
        most
    }
}

/// Where a task costs least by these prices, and what.
fn cheapest(graph: &Graph, task: usize, prices: &[f64]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (device, &price) in prices.iter().enumerate() {
        let time = graph.time(task, device);
        if time.is_finite() && price * time < best.1 {
            best = (device, price * time);
        }
    }
    best
}

/// Prices that make the sum of all costs large: those of devices that tasks crowd on are raised, step by step.
fn best_prices(graph: &Graph) -> Vec<f64> {
    let devices = graph.devices().len();
    let mut prices = vec![1.0 / devices as f64; devices];
    let mut best = (0.0, prices.clone());
    for step in 1..=STEPS {
        let mut loads = vec![0.0; devices];
        let mut sum = 0.0;
        for task in 0..graph.len() {
            let (device, cost) = cheapest(graph, task, &prices);
            loads[device] += graph.time(task, device);
            sum += cost;
        }
        if sum > best.0 {
            best = (sum, prices.clone());
        }
        let all: f64 = loads.iter().sum();
        let rate = 1.0 / (1.0 + step as f64 / 8.0);
        for (price, load) in prices.iter_mut().zip(&loads) {
            *price *= (rate * (load / all.max(f64::MIN_POSITIVE) - 1.0 / devices as f64)).exp();
        }
        let all: f64 = prices.iter().sum();
        prices.iter_mut().for_each(|price| *price /= all);
    }
    best.1
}
