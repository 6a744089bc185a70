// SPDX-License-Identifier: GPL-2.0-only
//! The scheduler's rules as they stand in `bpf/`, compiled for the host: each function of `shim/calls.h` as a method, and
//! the rows that these exchange.

use libloading::Library;
use std::cell::Cell;
use std::marker::PhantomData;
use std::path::Path;
use std::process::Command;

/// Limits of `shim/kernel.c`.
pub const TASKS_MAX: usize = 64;
pub const CPUS_MAX: usize = 16;
pub const DOMAINS_MAX: usize = 4;
const KICKS_MAX: usize = 64;

/// Flags of the kernel, as in `shim/scx/common.bpf.h`.
pub const ENQ_WAKEUP: u64 = 1;
pub const ENQ_PREEMPT: u64 = 1 << 32;
pub const ENQ_LAST: u64 = 1 << 41;
pub const KICK_IDLE: u64 = 1;
pub const KICK_PREEMPT: u64 = 2;

/// What can be compared field by field.
pub trait Row {
    /// The fields in which another row differs: name, value here, value there.
    fn differences(&self, other: &Self) -> Vec<(&'static str, i128, i128)>;
}

/// A struct of `shim/calls.h`: 64-bit fields alone, unsigned unless the second list says otherwise.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident: $($field:ident)*; $($signed:ident)*) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct $name {
            $(pub $field: u64,)*
            $(pub $signed: i64,)*
        }

        impl Row for $name {
            fn differences(&self, other: &$name) -> Vec<(&'static str, i128, i128)> {
                let all = [
                    $((stringify!($field), i128::from(self.$field), i128::from(other.$field)),)*
                    $((stringify!($signed), i128::from(self.$signed), i128::from(other.$signed)),)*
                ];
                all.into_iter().filter(|(_, here, there)| here != there).collect()
            }
        }
    };
}

row!(
    /// The settings, by the names of `bpf/state.bpf.h`.
    Settings: slice_ns round_slices slice_min_ns short_run_ns short_wait_ns steal_llc_ns steal_far_ns lag_ns permission_ttl_ns
        starving_ns rescue_interval_ns rescue_again_ns help_ns yield_ns trial_ns lead_ns new_run_ns rest_ns spare_ns preempt_ratio
        vfork_stays wake_preempt sync_waits deadline_order tick_preempt;
);
row!(
    /// Where a CPU sits; `siblings` is a mask.
    CpuPlace: dom core llc node siblings;
);
row!(
    /// What the kernel knows of a task.
    TaskSpec: static_prio sched_idle kthread cpus allowed cpu;
);
row!(
    /// `struct task_ctx`, and the slice and the key of `p->scx`.
    TaskState: vtime slice_granted_ns slice_left_ns slice_vtime charged_at_ns burst_ns avg_run_ns bursts resumes woken_sync woken_here yielded rescued
        queued_at_ns run_at_ns weight cause move_to moving phase slice_ns key;
        vtime_cpu queue_cpu load_cpu waiting_dom last_cpu
);
row!(
    /// `struct augur_cpu`; `rescued` and `denied` are counters.
    CpuState: vtime_now curr_since_ns curr_run_ns curr_vtime curr_weight curr_yields evicts rescue_at_ns help_at_ns stopped_at_ns turn_ns rescued denied;
        weight_runnable
);
row!(
    /// A CPU that was called.
    Kick: cpu flags;
);

/// `struct augur_outcome`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    pub seq: u64,
    pub at_ns: u64,
    pub pid: i32,
    pub status: u32,
    pub cpu: i32,
    pub pad: u32,
}

macro_rules! kernel {
    ($($name:ident($($argument:ident: $type:ty),*) $(-> $answer:ty)?;)*) => {
        /// One machine. What it keeps lies in the library's own memory, so each has to be loaded from its own file.
        pub struct Kernel {
            $($name: unsafe extern "C" fn($($type),*) $(-> $answer)?,)*
            _library: Library,
            /// The library's memory has no locks: one thread at a time.
            _alone: PhantomData<Cell<()>>,
        }

        impl Kernel {
            /// Loads what [`compile`] made.
            pub fn load(path: &Path) -> Kernel {
                // SAFETY: the library was compiled from shim/kernel.c, which has nothing that runs when it is loaded.
                let library = unsafe { Library::new(path) }.unwrap();
                Kernel {
                    // SAFETY: the signatures below are those of shim/calls.h; the library stays loaded beside them.
                    $($name: unsafe { *library.get(concat!("twin_", stringify!($name), "\0").as_bytes()).unwrap() },)*
                    _library: library,
                    _alone: PhantomData,
                }
            }

            $(pub fn $name(&self, $($argument: $type),*) $(-> $answer)? {
                // SAFETY: references are valid for the call, and shim/kernel.c keeps none; arrays are as long as its
                // limits, and numbers are those of CPUs and tasks that it has.
                unsafe { (self.$name)($($argument),*) }
            })*
        }
    };
}

kernel! {
    reset(
        settings: &Settings, cpus: &[CpuPlace; CPUS_MAX], count: u32, order: &[u8; DOMAINS_MAX * DOMAINS_MAX], domains: u32, smt: bool
    ) -> i32;
    add_task(task: &TaskSpec) -> i32;
    begin(now_ns: u64);
    on(processor: u32, current: i32);
    set_exiting(task: u32, exiting: bool);
    set_interrupt(interrupt: bool);
    set_idle(cpu: u32, idle: bool);
    select_cpu(task: u32, previous: i32, fork: bool, vfork: bool, sync: bool) -> i32;
    is_direct(task: u32) -> bool;
    runnable(task: u32, flags: u64);
    enqueue(task: u32, flags: u64);
    dequeue(task: u32);
    set_cpu(task: u32, cpu: i32);
    dispatch(cpu: i32, previous: i32);
    pick(cpu: u32) -> i32;
    running(task: u32);
    stopping(task: u32, runnable: bool);
    quiescent(task: u32);
    tick(task: u32);
    yields(task: u32) -> bool;
    cpu_release(cpu: u32, interrupted: i32);
    set_cpumask(task: u32, changed: &TaskSpec);
    set_weight(task: u32, changed: &TaskSpec);
    decide(task: u32, from: u32, to: u32, seq: u64, ttl_ns: u64);
    permit(denied: &[u8; DOMAINS_MAX * DOMAINS_MAX]);
    task_state(task: u32, state: &mut TaskState);
    cpu_state(cpu: u32, state: &mut CpuState);
    dom_waiting(domain: u32) -> u64;
    idle() -> u64;
    queue(cpu: u32, local: bool, tasks: &mut [u32; TASKS_MAX]) -> u32;
    kicks(kicks: &mut [Kick; KICKS_MAX]) -> u32;
    outcomes(outcomes: &mut [Outcome; KICKS_MAX]) -> u32;
    insert_flags() -> u64;
    faults() -> u32;
}

impl Kernel {
    /// A task's state.
    pub fn task(&self, task: u32) -> TaskState {
        let mut state = TaskState::default();
        self.task_state(task, &mut state);
        state
    }

    /// A CPU's state.
    pub fn cpu(&self, cpu: u32) -> CpuState {
        let mut state = CpuState::default();
        self.cpu_state(cpu, &mut state);
        state
    }

    /// Who waits on a CPU: in its queue, or sent to it directly.
    pub fn waiting(&self, cpu: u32, local: bool) -> Vec<u32> {
        let mut tasks = [0; TASKS_MAX];
        let count = self.queue(cpu, local, &mut tasks);
        tasks[..count as usize].to_vec()
    }

    /// Which CPUs were called since the event began.
    pub fn kicked(&self) -> Vec<Kick> {
        let mut kicks = [Kick::default(); KICKS_MAX];
        let count = self.kicks(&mut kicks);
        kicks[..count as usize].to_vec()
    }

    /// What was told of decisions since the event began.
    pub fn told(&self) -> Vec<Outcome> {
        let mut outcomes = [Outcome::default(); KICKS_MAX];
        let count = self.outcomes(&mut outcomes);
        outcomes[..count as usize].to_vec()
    }
}

/// Compiles the rules in `bpf` with the C compiler that Rust links with, into the library `to`.
pub fn compile(bpf: &Path, to: &Path) {
    let shim = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bpf_twin/shim");
    let output = Command::new("cc")
        .args(["-O0", "-g", "-fPIC", "-shared", "-w"])
        .arg("-I")
        .arg(&shim)
        .arg("-I")
        .arg(bpf)
        .arg("-o")
        .arg(to)
        .arg(shim.join("kernel.c"))
        .output()
        .unwrap_or_else(|err| panic!("cannot run the C compiler, cc: {err}"));
    assert!(
        output.status.success(),
        "cannot compile {} for the host:\n{}",
        bpf.display(),
        String::from_utf8_lossy(&output.stderr)
    );
}
