// SPDX-License-Identifier: GPL-2.0-only
//! What recording costs: the recorder's own CPU time, and that of its BPF programs where the kernel measures it.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::Serialize;

/// What recording cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// CPU time of this process, from the attach to the end of the recording.
    pub recorder_cpu_ns: u64,
    /// Time in the BPF programs; absent where the kernel does not measure it (`sysctl kernel.bpf_stats_enabled=1`).
    pub bpf_ns: Option<u64>,
    /// How often they ran, where that is measured.
    pub bpf_runs: Option<u64>,
}

impl Cost {
    /// What it cost since `begin_ns` of [`cpu_ns`]; before the BPF programs are unloaded.
    pub(super) fn since(begin_ns: u64) -> Cost {
        let (bpf_ns, bpf_runs) = bpf();
        let measured = |value| (bpf_runs > 0).then_some(value);
        Cost {
            recorder_cpu_ns: cpu_ns().saturating_sub(begin_ns),
            bpf_ns: measured(bpf_ns),
            bpf_runs: measured(bpf_runs),
        }
    }
}

/// CPU time of this process so far.
pub(super) fn cpu_ns() -> u64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else {
        return 0;
    };
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    u64::try_from(micros).unwrap_or(0) * 1000
}

/// Run time and runs of all BPF programs that this process holds, as /proc has them.
fn bpf() -> (u64, u64) {
    let Ok(files) = std::fs::read_dir("/proc/self/fdinfo") else {
        return (0, 0);
    };
    let texts = files
        .flatten()
        .filter_map(|file| std::fs::read_to_string(file.path()).ok());
    texts.fold((0, 0), |(ns, runs), text| {
        let number = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name));
            value
                .and_then(|value| value.trim().parse::<u64>().ok())
                .unwrap_or(0)
        };
        (ns + number("run_time_ns:"), runs + number("run_cnt:"))
    })
}
