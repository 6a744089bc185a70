// SPDX-License-Identifier: GPL-2.0-only
//! The replay buffer: the transitions that happened last, drawn from at random.

use augur_tensorflow::array::Input;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Transitions, the oldest of which makes room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Replay {
    inputs: usize,
    actions: usize,
    capacity: usize,
    /// Where the next one goes.
    next: usize,
    states: Vec<f32>,
    taken: Vec<u32>,
    rewards: Vec<f32>,
    discounts: Vec<f32>,
    next_states: Vec<f32>,
    next_allowed: Vec<f32>,
}

/// One transition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transition<'a> {
    /// What was seen.
    pub state: &'a [f32],
    /// What was done.
    pub action: usize,
    /// What that brought.
    pub reward: f64,
    /// What the value of the next state counts.
    pub discount: f64,
    /// What was seen then.
    pub next_state: &'a [f32],
    /// 1 for each action that could be taken then.
    pub next_allowed: &'a [f32],
}

/// Transitions for a step of training, as the network takes them.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    states: Vec<f32>,
    taken: Vec<f32>,
    rewards: Vec<f32>,
    discounts: Vec<f32>,
    next_states: Vec<f32>,
    next_allowed: Vec<f32>,
}

impl Replay {
    /// Nothing has happened.
    pub(super) fn new(inputs: usize, actions: usize, capacity: usize) -> Replay {
        Replay {
            inputs,
            actions,
            capacity,
            next: 0,
            states: Vec::new(),
            taken: Vec::new(),
            rewards: Vec::new(),
            discounts: Vec::new(),
            next_states: Vec::new(),
            next_allowed: Vec::new(),
        }
    }

    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    /// Whether every array has the length that it must have.
    pub(super) fn is_whole(&self) -> bool {
        let (rows, inputs, actions) = (self.len(), self.inputs, self.actions);
        let lengths = [
            (&self.states, inputs),
            (&self.rewards, 1),
            (&self.discounts, 1),
            (&self.next_states, inputs),
            (&self.next_allowed, actions),
        ];
        rows <= self.capacity
            && self.next <= rows
            && self.taken.iter().all(|&action| (action as usize) < actions)
            && lengths.iter().all(|(values, width)| values.len() == rows * width)
    }

    /// Remembers one.
    pub(super) fn push(&mut self, transition: &Transition<'_>) {
        let at = self.next;
        put(&mut self.states, at, transition.state);
        put(&mut self.taken, at, &[transition.action as u32]);
        put(&mut self.rewards, at, &[transition.reward as f32]);
        put(&mut self.discounts, at, &[transition.discount as f32]);
        put(&mut self.next_states, at, transition.next_state);
        put(&mut self.next_allowed, at, transition.next_allowed);
        self.next = (at + 1) % self.capacity;
    }

    /// Draws `count` of them, evenly and with repetition.
    pub(super) fn draw(&self, count: usize, generator: &mut impl RngExt, batch: &mut Batch) {
        batch.clear();
        batch.taken.resize(count * self.actions, 0.0);
        for row in 0..count {
            let at = generator.random_range(0..self.len());
            let wide = |values: &[f32], width: usize, to: &mut Vec<f32>| {
                to.extend_from_slice(&values[at * width..(at + 1) * width]);
            };
            wide(&self.states, self.inputs, &mut batch.states);
            wide(&self.rewards, 1, &mut batch.rewards);
            wide(&self.discounts, 1, &mut batch.discounts);
            wide(&self.next_states, self.inputs, &mut batch.next_states);
            wide(&self.next_allowed, self.actions, &mut batch.next_allowed);
            batch.taken[row * self.actions + self.taken[at] as usize] = 1.0;
        }
    }
}

/// Writes a row over what is there, or behind the last one.
fn put<T: Copy>(values: &mut Vec<T>, at: usize, row: &[T]) {
    let from = at * row.len();
    if from == values.len() {
        values.extend_from_slice(row);
    } else {
        values[from..from + row.len()].copy_from_slice(row);
    }
}

impl Batch {
    fn clear(&mut self) {
        for values in [
            &mut self.states,
            &mut self.taken,
            &mut self.rewards,
            &mut self.discounts,
            &mut self.next_states,
            &mut self.next_allowed,
        ] {
            values.clear();
        }
    }

    /// Calls `with` with the arguments of `train_step`.
    pub(super) fn with<T>(&self, learning_rate: f32, with: impl FnOnce(&[Input<'_>]) -> T) -> T {
        let rows = self.rewards.len() as u64;
        let wide = |values: &[f32]| [rows, values.len() as u64 / rows.max(1)];
        let (states, taken) = (wide(&self.states), wide(&self.taken));
        let input = |name, shape, values| Input { name, shape, values };
        with(&[
            input("states", &states, &self.states),
            input("taken", &taken, &self.taken),
            input("rewards", &[rows], &self.rewards),
            input("discounts", &[rows], &self.discounts),
            input("next_states", &states, &self.next_states),
            input("next_allowed", &taken, &self.next_allowed),
            input("learning_rate", &[], &[learning_rate]),
        ])
    }
}
