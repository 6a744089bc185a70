// SPDX-License-Identifier: GPL-2.0-only
//! Checks of what the kernel runs on, and of what runs on it: this process, others, the machine.

use super::check::{Finding, fail, ok, warn};
use super::{Facts, STATS_SOCKET, SchedExt, Size, Socket};

pub(super) const CAP_SYS_ADMIN: u32 = 21;
pub(super) const CAP_PERFMON: u32 = 38;
pub(super) const CAP_BPF: u32 = 39;

pub fn capabilities(facts: &Facts) -> Finding {
    let has = |bit: u32| facts.capabilities >> bit & 1 == 1;
    let missing: Vec<_> = [(CAP_BPF, "CAP_BPF"), (CAP_PERFMON, "CAP_PERFMON")]
        .into_iter()
        .filter(|(bit, _)| !has(*bit) && !has(CAP_SYS_ADMIN))
        .map(|(_, name)| name)
        .collect();
    if !missing.is_empty() {
        let found = format!(
            "this process lacks {}, so it may not load BPF programs",
            missing.join(" and ")
        );
        return fail(found, "run it as root, with sudo or by its systemd unit");
    }
    if !facts.first_user_namespace {
        return fail(
            "this process is root in a user namespace only (/proc/self/uid_map), so it may not load BPF programs",
            "run it outside the container",
        );
    }
    ok(if has(CAP_BPF) {
        "CAP_BPF and CAP_PERFMON"
    } else {
        "CAP_SYS_ADMIN"
    })
}

pub fn scheduler(facts: &Facts) -> Finding {
    let Some(SchedExt { state, ops }) = &facts.sched_ext else {
        return ok("none, as there is no sched_ext");
    };
    let who = ops.as_deref().unwrap_or("without a name");
    match state.as_str() {
        "disabled" => ok("none is attached"),
        "disabling" => fail(
            format!("the sched_ext scheduler {who} is just being detached"),
            "try again in a moment",
        ),
        _ if who == "augur" || who.starts_with("augur_") => fail(
            "the sched_ext scheduler scx_augur is attached already",
            "look at it with `scx_augur run --monitor 1`, or end it first",
        ),
        _ => fail(
            format!(
                "the sched_ext scheduler {who} is attached (/sys/kernel/sched_ext/root/ops), and there can be only one"
            ),
            "end it first, for example with `systemctl stop scx`",
        ),
    }
}

pub fn socket(facts: &Facts) -> Finding {
    match &facts.socket {
        Socket::Free => ok(format!("{STATS_SOCKET} can be made")),
        Socket::Served => fail(
            format!("another program answers at {STATS_SOCKET}, where the statistics are served"),
            "end that scheduler first",
        ),
        Socket::Unwritable(cause) => fail(
            format!("{STATS_SOCKET}, where the statistics are served, cannot be made ({cause})"),
            "run it as root, or make that folder writable",
        ),
    }
}

pub fn machine(facts: &Facts) -> Finding {
    let size = match &facts.size {
        Ok(size) => size,
        Err(cause) => return fail(cause, "mount sysfs at /sys"),
    };
    let (cpus, domains) = (count(size.cpus, "CPU"), count(size.domains, "domain"));
    if size.highest_cpu > Size::MAX_CPU {
        let found = format!(
            "CPU {} is beyond {}, the last that scx_augur has room for",
            size.highest_cpu,
            Size::MAX_CPU
        );
        return fail(found, "raise AUGUR_MAX_CPUS in bpf/intf.h and build again");
    }
    if size.domains > Size::MAX_DOMAINS {
        let found = format!(
            "{domains} are more than the {} that scx_augur has room for",
            Size::MAX_DOMAINS
        );
        return fail(found, "raise --max-domain-cpus");
    }
    match size.domains {
        1 => ok(format!(
            "{cpus} in 1 domain: tasks move within it, and nothing is balanced"
        )),
        _ => ok(format!("{cpus} in {domains}")),
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

pub fn cgroup(facts: &Facts) -> Finding {
    match facts.cgroup_v2 {
        true => ok("v2; their CPU weights and limits do not count while scx_augur is attached"),
        false => ok("no v2 at /sys/fs/cgroup, and none is needed"),
    }
}

pub fn tracefs(facts: &Facts) -> Finding {
    match facts.tracefs {
        true => ok("/sys/kernel/tracing"),
        false => warn(
            "tracefs is not mounted at /sys/kernel/tracing, so the kernel's own events cannot be watched",
            "run `mount -t tracefs tracefs /sys/kernel/tracing`",
        ),
    }
}
