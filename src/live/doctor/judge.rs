// SPDX-License-Identifier: GPL-2.0-only
//! Every check of the kernel, the privileges and the machine: pure functions of [`Facts`].

use super::check::Finding;
use super::kernel::{btf, function_tracer, kconfig, kernel, kfuncs, lockdown};
use super::system::{capabilities, cgroup, machine, scheduler, socket, tracefs};
use super::{Check, Facts};

/// A check's name, one word or two, and what it looks at.
type Named = (&'static str, fn(&Facts) -> Finding);

/// What others follow from comes first.
const CHECKS: [Named; 12] = [
    ("kernel", kernel),
    ("kernel config", kconfig),
    ("BTF", btf),
    ("kfuncs", kfuncs),
    ("function tracer", function_tracer),
    ("lockdown", lockdown),
    ("privileges", capabilities),
    ("other scheduler", scheduler),
    ("stats socket", socket),
    ("machine", machine),
    ("cgroups", cgroup),
    ("tracefs", tracefs),
];

/// What a BPF program needs that only looks on: no sched_ext, and nothing of the machine's size.
const RECORDING: [&str; 3] = ["privileges", "BTF", "lockdown"];

/// Every check of the kernel, the privileges and the machine.
pub fn judge(facts: &Facts) -> Vec<Check> {
    let checked = CHECKS.iter().map(|(name, check)| check(facts).named(name));
    checked.collect()
}

/// Those of what recording needs.
pub fn judge_recording(facts: &Facts) -> Vec<Check> {
    let mut checks = judge(facts);
    checks.retain(|check| RECORDING.contains(&check.name));
    checks.sort_by_key(|check| RECORDING.iter().position(|name| *name == check.name));
    checks
}

#[cfg(test)]
mod tests {
    use super::super::system::{CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN};
    use super::super::{Kconfig, STATS_SOCKET, SchedExt, Size, Socket, Verdict, nothing_fails};
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
        let kernel = |facts: &Facts| judge(facts)[0].found.clone();
        assert!(kernel(&facts).contains("it came with 6.12"));
        let facts = Facts {
            release: "odd".into(),
            ..facts
        };
        assert!(kernel(&facts).contains("/sys/kernel/sched_ext is not there"));
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
            let facts = Facts {
                capabilities: enough,
                ..good()
            };
            assert!(nothing_fails(&judge(&facts)).is_ok());
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
        let mut facts = good();
        size(512, 64)(&mut facts);
        assert!(nothing_fails(&judge(&facts)).is_ok());
    }
}
