// SPDX-License-Identifier: GPL-2.0-only
//! A task of a simulated machine: what may be known of it, and what is true of it.

/// The most parents of a task.
pub const MOST_PARENTS: usize = 4;

/// The deadline of a task that has none.
pub const NEVER_NS: u64 = i64::MAX as u64;

/// What may be known of a task before it ran.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Task {
    /// From 0 on, in order of arrival.
    pub number: u64,
    /// How large it is, N.
    pub size: f64,
    /// How much it computes, I: 0 to 1.
    pub intensity: f64,
    /// What its data takes, M.
    pub memory_mb: f64,
    /// When it came.
    pub arrival_ns: u64,
    /// When it should be done; [`NEVER_NS`]: no matter when.
    pub deadline_ns: u64,
    /// The higher, the more important.
    pub priority: u8,
}

/// What is true of a task: on one device after the other, and in time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// What it takes on a CPU of speed 1.
    pub cpu_s: f64,
    /// How much faster a GPU of speed 1 is.
    pub speedup: f64,
    /// What is to be brought to a GPU.
    pub memory_mb: f64,
}

/// The tasks that a task waits for, by their places in its batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parents {
    places: [u16; MOST_PARENTS],
    count: u8,
    /// All of them, where there are more than have room above.
    many: Vec<u16>,
}

impl Parents {
    /// These, however many.
    pub fn of(places: Vec<u16>) -> Parents {
        match places.len() {
            0..=MOST_PARENTS => {
                let mut parents = Parents::default();
                places.into_iter().for_each(|place| parents.add(place));
                parents
            }
            _ => Parents {
                many: places,
                ..Parents::default()
            },
        }
    }

    /// Adds one, unless it is there or there is no room.
    pub fn add(&mut self, place: u16) {
        if usize::from(self.count) < MOST_PARENTS && !self.as_slice().contains(&place) {
            self.places[usize::from(self.count)] = place;
            self.count += 1;
        }
    }

    /// All of them.
    pub fn as_slice(&self) -> &[u16] {
        if self.many.is_empty() {
            &self.places[..usize::from(self.count)]
        } else {
            &self.many
        }
    }
}

/// Tasks that come at one moment: a graph of tasks, or one.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// When they come.
    pub arrival_ns: u64,
    /// What may be known.
    pub tasks: Vec<Task>,
    /// Who waits for whom; places are lower than the task's own.
    pub parents: Vec<Parents>,
    /// What is true.
    pub works: Vec<Work>,
    /// Who waits for a task of an earlier batch: its place, and that task's number.
    pub earlier: Vec<(u16, u64)>,
}

impl Batch {
    /// Leaves nothing.
    pub fn clear(&mut self) {
        self.tasks.clear();
        self.parents.clear();
        self.works.clear();
        self.earlier.clear();
    }
}
