// SPDX-License-Identifier: GPL-2.0-only
//! Checks of the kernel: how it was built and booted.

use super::Facts;
use super::check::{Finding, fail, ok, warn};
use super::facts::version;

/// The first kernel with sched_ext.
const SCHED_EXT_SINCE: (u32, u32) = (6, 12);
/// The oldest kernel that scx_augur is tested on.
const TESTED_SINCE: (u32, u32) = (6, 16);

pub fn kernel(facts: &Facts) -> Finding {
    let release = &facts.release;
    let boot = "boot a kernel with CONFIG_SCHED_CLASS_EXT=y, 6.16 or later, or use a virtual machine (vm/README.md of the source tree)";
    let version = version(release);
    if facts.sched_ext.is_some() {
        return match version {
            Some(version) if version < TESTED_SINCE => warn(
                format!("Linux {release} has sched_ext, but scx_augur is tested on 6.16 and later only"),
                "prefer a newer kernel",
            ),
            _ => ok(format!("Linux {release} has sched_ext")),
        };
    }
    let cause = match &facts.kconfig {
        Some(kconfig) if kconfig.sched_class_ext => {
            let found =
                format!("Linux {release} is built with sched_ext, but /sys/kernel/sched_ext is not there");
            return fail(found, "mount sysfs at /sys");
        }
        Some(kconfig) => format!("CONFIG_SCHED_CLASS_EXT is off in {}", kconfig.path.display()),
        None if version.is_some_and(|version| version < SCHED_EXT_SINCE) => "it came with 6.12".into(),
        None => "/sys/kernel/sched_ext is not there".into(),
    };
    fail(format!("Linux {release} has no sched_ext ({cause})"), boot)
}

/// The BPF program asks for one option; where libbpf cannot answer, it gives up with a bare EINVAL.
pub fn kconfig(facts: &Facts) -> Finding {
    match &facts.kconfig {
        Some(kconfig) => ok(format!("{} can be read", kconfig.path.display())),
        None => {
            let places: Vec<_> = facts
                .kconfig_places
                .iter()
                .map(|place| place.display().to_string())
                .collect();
            fail(
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

pub fn btf(facts: &Facts) -> Finding {
    match &facts.btf {
        Ok(()) => ok("the kernel describes its types in /sys/kernel/btf/vmlinux"),
        Err(cause) => fail(cause, "boot a kernel with CONFIG_DEBUG_INFO_BTF=y"),
    }
}

pub fn kfuncs(facts: &Facts) -> Finding {
    let bad = &facts.malformed_kfuncs;
    if facts.sched_ext.is_none() {
        return ok("not looked at, as there is no sched_ext");
    }
    match bad.first() {
        None => ok("the kernel describes the functions of sched_ext rightly"),
        Some(first) => fail(
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

pub fn function_tracer(facts: &Facts) -> Finding {
    match facts.function_tracer {
        true => ok("/proc/sys/kernel/ftrace_enabled is there"),
        false => fail(
            "the kernel cannot trace functions (/proc/sys/kernel/ftrace_enabled is not there)",
            "boot a kernel with CONFIG_FUNCTION_TRACER=y, and mount /proc",
        ),
    }
}

pub fn lockdown(facts: &Facts) -> Finding {
    match facts.lockdown.as_deref() {
        Some("confidentiality") => fail(
            "the kernel is locked down (/sys/kernel/security/lockdown says confidentiality) and lets no BPF program read its memory",
            "boot with lockdown=integrity, or without secure boot",
        ),
        Some(level) => ok(format!("{level}, which allows BPF")),
        None => ok("none"),
    }
}
