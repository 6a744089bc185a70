// SPDX-License-Identifier: GPL-2.0-only
//! Every check of the kernel, the privileges and the machine: pure functions of [`Facts`].

use super::facts::version;
use super::{Check, Facts, STATS_SOCKET, SchedExt, Size, Socket};

/// The first kernel with sched_ext.
const SCHED_EXT_SINCE: (u32, u32) = (6, 12);
/// The oldest kernel that scx_augur is tested on.
const TESTED_SINCE: (u32, u32) = (6, 16);
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// Every check of the kernel, the privileges and the machine; what others follow from comes first.
pub fn judge(facts: &Facts) -> Vec<Check> {
    vec![
        kernel(facts),
        kconfig(facts),
        btf(facts),
        kfuncs(facts),
        function_tracer(facts),
        lockdown(facts),
        capabilities(facts),
        scheduler(facts),
        socket(facts),
        machine(facts),
        cgroup(facts),
        tracefs(facts),
    ]
}

/// The checks of what a BPF program needs that only looks on: no sched_ext, and nothing of the machine's size.
pub fn judge_recording(facts: &Facts) -> Vec<Check> {
    vec![capabilities(facts), btf(facts), lockdown(facts)]
}

fn kernel(facts: &Facts) -> Check {
    const NAME: &str = "kernel";
    let release = &facts.release;
    let boot = "boot a kernel with CONFIG_SCHED_CLASS_EXT=y, 6.16 or later, or use a virtual machine (scripts/vm/README.md)";
    let version = version(release);
    if facts.sched_ext.is_some() {
        return match version {
            Some(version) if version < TESTED_SINCE => Check::warn(
                NAME,
                format!("Linux {release} has sched_ext, but scx_augur is tested on 6.16 and later only"),
                "prefer a newer kernel",
            ),
            _ => Check::ok(NAME, format!("Linux {release} has sched_ext")),
        };
    }
    let cause = match &facts.kconfig {
        Some(kconfig) if kconfig.sched_class_ext => {
            let found =
                format!("Linux {release} is built with sched_ext, but /sys/kernel/sched_ext is not there");
            return Check::fail(NAME, found, "mount sysfs at /sys");
        }
        Some(kconfig) => format!("CONFIG_SCHED_CLASS_EXT is off in {}", kconfig.path.display()),
        None if version.is_some_and(|version| version < SCHED_EXT_SINCE) => "it came with 6.12".into(),
        None => "/sys/kernel/sched_ext is not there".into(),
    };
    Check::fail(NAME, format!("Linux {release} has no sched_ext ({cause})"), boot)
}

/// The BPF program asks for one option; where libbpf cannot answer, it gives up with a bare EINVAL.
fn kconfig(facts: &Facts) -> Check {
    const NAME: &str = "kernel config";
    match &facts.kconfig {
        Some(kconfig) => Check::ok(NAME, format!("{} can be read", kconfig.path.display())),
        None => {
            let places: Vec<_> = facts
                .kconfig_places
                .iter()
                .map(|place| place.display().to_string())
                .collect();
            Check::fail(
                NAME,
                format!(
                    "the kernel's configuration cannot be read ({})",
                    places.join(", ")
                ),
                format!(
                    "put it at {}, BPF programs cannot be loaded without",
                    places.first().map_or("/boot", |place| place)
                ),
            )
        }
    }
}

fn btf(facts: &Facts) -> Check {
    match &facts.btf {
        Ok(()) => Check::ok("BTF", "the kernel describes its types in /sys/kernel/btf/vmlinux"),
        Err(cause) => Check::fail("BTF", cause, "boot a kernel with CONFIG_DEBUG_INFO_BTF=y"),
    }
}

fn kfuncs(facts: &Facts) -> Check {
    const NAME: &str = "kfuncs";
    let bad = &facts.malformed_kfuncs;
    if facts.sched_ext.is_none() {
        return Check::ok(NAME, "not looked at, as there is no sched_ext");
    }
    match bad.first() {
        None => Check::ok(NAME, "the kernel describes the functions of sched_ext rightly"),
        Some(first) => Check::fail(
            NAME,
            format!(
                "Linux {} was built with a pahole before 1.26 and describes {} functions of sched_ext wrongly ({first} …), \
                 so that it refuses every scheduler",
                facts.release,
                bad.len()
            ),
            "boot another build of this kernel, older or newer",
        ),
    }
}

fn function_tracer(facts: &Facts) -> Check {
    const NAME: &str = "function tracer";
    match facts.function_tracer {
        true => Check::ok(NAME, "/proc/sys/kernel/ftrace_enabled is there"),
        false => Check::fail(
            NAME,
            "the kernel cannot trace functions (/proc/sys/kernel/ftrace_enabled is not there)",
            "boot a kernel with CONFIG_FUNCTION_TRACER=y, and mount /proc",
        ),
    }
}

fn lockdown(facts: &Facts) -> Check {
    const NAME: &str = "lockdown";
    match facts.lockdown.as_deref() {
        Some("confidentiality") => Check::fail(
            NAME,
            "the kernel is locked down (/sys/kernel/security/lockdown says confidentiality) and lets no BPF program read its memory",
            "boot with lockdown=integrity, or without secure boot",
        ),
        Some(level) => Check::ok(NAME, format!("{level}, which allows BPF")),
        None => Check::ok(NAME, "none"),
    }
}

fn capabilities(facts: &Facts) -> Check {
    const NAME: &str = "privileges";
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
        return Check::fail(NAME, found, "run it as root, with sudo or by its systemd unit");
    }
    if !facts.first_user_namespace {
        return Check::fail(
            NAME,
            "this process is root in a user namespace only (/proc/self/uid_map), so it may not load BPF programs",
            "run it outside the container",
        );
    }
    Check::ok(
        NAME,
        if has(CAP_BPF) {
            "CAP_BPF and CAP_PERFMON"
        } else {
            "CAP_SYS_ADMIN"
        },
    )
}

fn scheduler(facts: &Facts) -> Check {
    const NAME: &str = "other scheduler";
    let Some(SchedExt { state, ops }) = &facts.sched_ext else {
        return Check::ok(NAME, "none, as there is no sched_ext");
    };
    let who = ops.as_deref().unwrap_or("without a name");
    match state.as_str() {
        "disabled" => Check::ok(NAME, "none is attached"),
        "disabling" => Check::fail(
            NAME,
            format!("the sched_ext scheduler {who} is just being detached"),
            "try again in a moment",
        ),
        _ if who == "augur" || who.starts_with("augur_") => Check::fail(
            NAME,
            "the sched_ext scheduler scx_augur is attached already",
            "look at it with `scx_augur run --monitor 1`, or end it first",
        ),
        _ => Check::fail(
            NAME,
            format!(
                "the sched_ext scheduler {who} is attached (/sys/kernel/sched_ext/root/ops), and there can be only one"
            ),
            "end it first, for example with `systemctl stop scx`",
        ),
    }
}

fn socket(facts: &Facts) -> Check {
    const NAME: &str = "stats socket";
    match &facts.socket {
        Socket::Free => Check::ok(NAME, format!("{STATS_SOCKET} can be made")),
        Socket::Served => Check::fail(
            NAME,
            format!("another program answers at {STATS_SOCKET}, where the statistics are served"),
            "end that scheduler first",
        ),
        Socket::Unwritable(cause) => Check::fail(
            NAME,
            format!("{STATS_SOCKET}, where the statistics are served, cannot be made ({cause})"),
            "run it as root, or make that folder writable",
        ),
    }
}

fn machine(facts: &Facts) -> Check {
    const NAME: &str = "machine";
    let size = match &facts.size {
        Ok(size) => size,
        Err(cause) => return Check::fail(NAME, cause, "mount sysfs at /sys"),
    };
    let (cpus, domains) = (count(size.cpus, "CPU"), count(size.domains, "domain"));
    if size.highest_cpu > Size::MAX_CPU {
        let found = format!(
            "CPU {} is beyond {}, the last that scx_augur has room for",
            size.highest_cpu,
            Size::MAX_CPU
        );
        return Check::fail(NAME, found, "raise AUGUR_MAX_CPUS in bpf/intf.h and build again");
    }
    if size.domains > Size::MAX_DOMAINS {
        let found = format!(
            "{domains} are more than the {} that scx_augur has room for",
            Size::MAX_DOMAINS
        );
        return Check::fail(NAME, found, "raise --max-domain-cpus");
    }
    match size.domains {
        1 => Check::ok(
            NAME,
            format!("{cpus} in 1 domain: tasks move within it, and nothing is balanced"),
        ),
        _ => Check::ok(NAME, format!("{cpus} in {domains}")),
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn cgroup(facts: &Facts) -> Check {
    const NAME: &str = "cgroups";
    match facts.cgroup_v2 {
        true => Check::ok(
            NAME,
            "v2; their CPU weights and limits do not count while scx_augur is attached",
        ),
        false => Check::ok(NAME, "no v2 at /sys/fs/cgroup, and none is needed"),
    }
}

fn tracefs(facts: &Facts) -> Check {
    const NAME: &str = "tracefs";
    match facts.tracefs {
        true => Check::ok(NAME, "/sys/kernel/tracing"),
        false => Check::warn(
            NAME,
            "tracefs is not mounted at /sys/kernel/tracing, so the kernel's own events cannot be watched",
            "run `mount -t tracefs tracefs /sys/kernel/tracing`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Kconfig, Verdict};
    use super::*;

    /// A machine on which all is well.
    fn good() -> Facts {
        Facts {
            release: "6.18.15+deb13-cloud-amd64".into(),
            kconfig: Some(Kconfig {
                path: "/boot/config-6.18.15".into(),
                sched_class_ext: true,
            }),
            kconfig_places: vec!["/boot/config-6.18.15".into(), "/proc/config.gz".into()],
            sched_ext: Some(SchedExt {
                state: "disabled".into(),
                ops: None,
            }),
            btf: Ok(()),
            malformed_kfuncs: Vec::new(),
            function_tracer: true,
            capabilities: u64::MAX,
            first_user_namespace: true,
            lockdown: Some("none".into()),
            socket: Socket::Free,
            cgroup_v2: true,
            tracefs: true,
            size: Ok(Size {
                cpus: 4,
                highest_cpu: 3,
                domains: 2,
            }),
        }
    }

    /// Exactly the check `name` ends with `verdict` after `change`, in a sentence with `words`.
    fn check(change: impl FnOnce(&mut Facts), name: &str, verdict: Verdict, words: &str) {
        let mut facts = good();
        change(&mut facts);
        let checks = judge(&facts);
        let bad: Vec<_> = checks
            .iter()
            .filter(|check| check.verdict != Verdict::Ok)
            .collect();
        assert_eq!(bad.iter().map(|check| check.name).collect::<Vec<_>>(), [name]);
        assert_eq!(bad[0].verdict, verdict);
        let sentence = bad[0].to_string();
        assert!(sentence.contains(words), "`{words}` is not in: {sentence}");
        assert!(
            bad[0].remedy.is_some() && !sentence.contains('\n') && !sentence.ends_with('.'),
            "{sentence}"
        );
    }

    fn fails(change: impl FnOnce(&mut Facts), name: &str, words: &str) {
        check(change, name, Verdict::Fail, words);
    }

    #[test]
    fn nothing_is_wrong_with_a_good_machine() {
        let checks = judge(&good());
        assert!(
            checks
                .iter()
                .all(|check| check.verdict == Verdict::Ok && check.remedy.is_none()),
            "{checks:?}"
        );
    }

    #[test]
    fn a_kernel_without_sched_ext_is_told_apart() {
        let off = |facts: &mut Facts| {
            facts.sched_ext = None;
            facts.kconfig = Some(Kconfig {
                path: "/proc/config.gz".into(),
                sched_class_ext: false,
            });
        };
        fails(off, "kernel", "CONFIG_SCHED_CLASS_EXT is off in /proc/config.gz");
        fails(|facts| facts.sched_ext = None, "kernel", "mount sysfs");
        check(
            |facts| facts.release = "6.12.9".into(),
            "kernel",
            Verdict::Warn,
            "6.16 and later",
        );
    }

    #[test]
    fn an_old_kernel_without_configuration_is_known_by_its_version() {
        let facts = Facts {
            sched_ext: None,
            kconfig: None,
            release: "6.1.0".into(),
            ..good()
        };
        assert!(kernel(&facts).found.contains("it came with 6.12"));
        let facts = Facts {
            release: "odd".into(),
            ..facts
        };
        assert!(
            kernel(&facts)
                .found
                .contains("/sys/kernel/sched_ext is not there")
        );
    }

    #[test]
    fn a_kernel_that_loads_no_program_is_explained() {
        fails(
            |facts| facts.kconfig = None,
            "kernel config",
            "put it at /boot/config-6.18.15",
        );
        fails(
            |facts| facts.btf = Err("/sys/kernel/btf/vmlinux cannot be read".into()),
            "BTF",
            "CONFIG_DEBUG_INFO_BTF",
        );
        fails(
            |facts| facts.malformed_kfuncs = vec!["scx_bpf_dsq_insert".into(), "scx_bpf_kick_cpu".into()],
            "kfuncs",
            "pahole before 1.26 and describes 2 functions of sched_ext wrongly (scx_bpf_dsq_insert …)",
        );
        fails(
            |facts| facts.function_tracer = false,
            "function tracer",
            "CONFIG_FUNCTION_TRACER",
        );
        fails(
            |facts| facts.lockdown = Some("confidentiality".into()),
            "lockdown",
            "lockdown=integrity",
        );
    }

    #[test]
    fn privileges_are_those_that_the_kernel_asks_for() {
        fails(
            |facts| facts.capabilities = 0,
            "privileges",
            "CAP_BPF and CAP_PERFMON",
        );
        fails(
            |facts| facts.capabilities = 1 << CAP_BPF,
            "privileges",
            "lacks CAP_PERFMON",
        );
        fails(
            |facts| facts.first_user_namespace = false,
            "privileges",
            "user namespace",
        );
        for enough in [1 << CAP_SYS_ADMIN, 1 << CAP_BPF | 1 << CAP_PERFMON] {
            assert_eq!(
                capabilities(&Facts {
                    capabilities: enough,
                    ..good()
                })
                .verdict,
                Verdict::Ok
            );
        }
    }

    #[test]
    fn recording_needs_no_sched_ext_but_types_and_privileges() {
        let facts = Facts {
            sched_ext: None,
            kconfig: None,
            ..good()
        };
        let bad = |facts: &Facts| {
            let checks = judge_recording(facts);
            let bad = checks.into_iter().find(|check| check.verdict == Verdict::Fail);
            bad.map(|check| check.name)
        };
        assert_eq!(bad(&facts), None);
        let btf = Err("/sys/kernel/btf/vmlinux cannot be read".into());
        assert_eq!(bad(&Facts { btf, ..facts.clone() }), Some("BTF"));
        let capabilities = 0;
        assert_eq!(
            bad(&Facts {
                capabilities,
                ..facts
            }),
            Some("privileges")
        );
    }

    #[test]
    fn there_is_one_scheduler_at_a_time() {
        let attached = |state: &str, ops: &str| {
            let sched_ext = Some(SchedExt {
                state: state.into(),
                ops: Some(ops.into()),
            });
            move |facts: &mut Facts| facts.sched_ext = sched_ext
        };
        fails(
            attached("enabled", "rusty_1.1.4"),
            "other scheduler",
            "rusty_1.1.4",
        );
        fails(
            attached("enabling", "rusty_1.1.4"),
            "other scheduler",
            "rusty_1.1.4",
        );
        fails(attached("enabled", "augur"), "other scheduler", "--monitor");
        fails(attached("disabling", "x"), "other scheduler", "in a moment");
        fails(
            |facts| facts.socket = Socket::Served,
            "stats socket",
            STATS_SOCKET,
        );
        fails(
            |facts| facts.socket = Socket::Unwritable("/run: denied".into()),
            "stats socket",
            "/run: denied",
        );
    }

    #[test]
    fn a_machine_has_to_fit() {
        let size = |cpus, domains| {
            move |facts: &mut Facts| {
                facts.size = Ok(Size {
                    cpus,
                    highest_cpu: cpus - 1,
                    domains,
                })
            }
        };
        fails(size(513, 2), "machine", "CPU 512");
        fails(size(512, 65), "machine", "--max-domain-cpus");
        fails(
            |facts| facts.size = Err("cannot read the topology".into()),
            "machine",
            "topology",
        );
        assert_eq!(
            machine(&Facts {
                size: Ok(Size {
                    cpus: 512,
                    highest_cpu: 511,
                    domains: 64
                }),
                ..good()
            })
            .verdict,
            Verdict::Ok
        );
    }
}
