// SPDX-License-Identifier: GPL-2.0-only
//! What this machine is like, as plain data: everything that can be in the way of the scheduler.
//!
//! Probing changes nothing, needs no privilege, and never fails: what cannot be found out is itself a fact.

use super::super::{bpf::intf, machine};
use flate2::read::GzDecoder;
use nix::unistd::{AccessFlags, access};
use scx_utils::compat;
use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Where the statistics of the one attached scheduler are served.
pub const STATS_SOCKET: &str = "/var/run/scx/root/stats";
/// The kernel's door to sched_ext.
const SCHED_EXT: &str = "/sys/kernel/sched_ext";
/// The first kernel whose own scheduler is EEVDF.
const EEVDF_SINCE: (u32, u32) = (6, 6);
const BTF: &str = "/sys/kernel/btf/vmlinux";

/// What was found out about the kernel, the privileges and the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// `uname -r`.
    pub release: String,
    /// The kernel's configuration, where it can be read.
    pub kconfig: Option<Kconfig>,
    /// Where the configuration was looked for.
    pub kconfig_places: Vec<PathBuf>,
    /// Absent: this kernel has no sched_ext.
    pub sched_ext: Option<SchedExt>,
    /// Why the kernel's types cannot be read, where they cannot.
    pub btf: Result<(), String>,
    /// Functions of sched_ext that the kernel describes wrongly, so that no scheduler can be loaded.
    pub malformed_kfuncs: Vec<String>,
    /// The kernel lets tasks of sched_ext run for some time beside real-time ones that never sleep.
    pub ext_server: bool,
    /// The kernel can trace functions, which the loader of sched_ext schedulers insists on.
    pub function_tracer: bool,
    /// CapEff of this process.
    pub capabilities: u64,
    /// This process is in the first user namespace: elsewhere capabilities do not reach the kernel.
    pub first_user_namespace: bool,
    /// `none`, `integrity` or `confidentiality`; absent where the kernel has no lockdown.
    pub lockdown: Option<String>,
    /// The place of the statistics socket.
    pub socket: Socket,
    /// cgroup v2 is mounted at /sys/fs/cgroup.
    pub cgroup_v2: bool,
    /// tracefs is mounted.
    pub tracefs: bool,
    /// The machine's size, or why it cannot be read.
    pub size: Result<Size, String>,
}

/// The options of the kernel's configuration that matter here.
#[derive(Clone, Debug, PartialEq)]
pub struct Kconfig {
    /// The file.
    pub path: PathBuf,
    /// CONFIG_SCHED_CLASS_EXT=y.
    pub sched_class_ext: bool,
}

/// The state of sched_ext.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchedExt {
    /// `disabled`, `enabling`, `enabled` or `disabling`.
    pub state: String,
    /// The scheduler that is attached.
    pub ops: Option<String>,
}

/// Whether the statistics socket can be opened.
#[derive(Clone, Debug, PartialEq)]
pub enum Socket {
    /// Nobody listens, and it can be made.
    Free,
    /// Another program answers.
    Served,
    /// It cannot be made here, because of this.
    Unwritable(String),
}

/// How large the machine is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Online CPUs.
    pub cpus: usize,
    /// The highest number of a CPU.
    pub highest_cpu: usize,
    /// Domains.
    pub domains: usize,
}

impl Size {
    /// The highest CPU number that the BPF program has room for.
    pub const MAX_CPU: usize = intf::augur_limits_AUGUR_MAX_CPUS as usize - 1;
    /// The most domains that the BPF program has room for.
    pub const MAX_DOMAINS: usize = intf::augur_limits_AUGUR_MAX_DOMS as usize;
}

impl Facts {
    /// Looks at this machine; a last-level cache with more than `max_domain_cpus` CPUs counts as several domains.
    pub fn probe(max_domain_cpus: Option<usize>) -> Facts {
        let release = nix::sys::utsname::uname()
            .map(|name| name.release().to_string_lossy().into_owned())
            .unwrap_or_default();
        let kconfig_places = vec![
            PathBuf::from(format!("/boot/config-{release}")),
            PathBuf::from("/proc/config.gz"),
        ];
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let namespace = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        let sched_ext = sched_ext(Path::new(SCHED_EXT));
        let btf = btf();
        Facts {
            // Walking the types of a kernel that cannot be read would end this program.
            malformed_kfuncs: match (&sched_ext, &btf) {
                (Some(_), Ok(())) => compat::malformed_scx_kfuncs(),
                _ => Vec::new(),
            },
            ext_server: btf.is_ok() && compat::struct_has_field("rq", "ext_server").unwrap_or(false),
            kconfig: kconfig_places.iter().find_map(|place| kconfig(place)),
            function_tracer: compat::function_tracer_available(),
            capabilities: capabilities(&status),
            first_user_namespace: is_first_user_namespace(&namespace),
            lockdown: fs::read_to_string("/sys/kernel/security/lockdown")
                .ok()
                .map(|text| bracketed(&text)),
            socket: socket(Path::new(STATS_SOCKET)),
            cgroup_v2: Path::new("/sys/fs/cgroup/cgroup.controllers").exists(),
            tracefs: Path::new("/sys/kernel/tracing/events").exists(),
            size: size(max_domain_cpus),
            release,
            kconfig_places,
            sched_ext,
            btf,
        }
    }
}

impl Facts {
    /// The scheduler that runs: that of sched_ext by its name, else the kernel's own.
    pub fn scheduler(&self) -> String {
        let attached = self
            .sched_ext
            .as_ref()
            .filter(|sched_ext| sched_ext.state == "enabled");
        match attached.and_then(|sched_ext| sched_ext.ops.clone()) {
            Some(ops) => ops,
            None if version(&self.release).is_some_and(|version| version < EEVDF_SINCE) => "CFS".into(),
            None => "EEVDF".into(),
        }
    }
}

/// `6.18.44-cloud` is (6, 18).
pub(super) fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|sign: char| !sign.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
        _ => None,
    }
}

fn sched_ext(folder: &Path) -> Option<SchedExt> {
    let read = |name| {
        fs::read_to_string(folder.join(name))
            .ok()
            .map(|text: String| text.trim().to_owned())
    };
    Some(SchedExt {
        state: read("state")?,
        ops: read("root/ops").filter(|name| !name.is_empty()),
    })
}

fn btf() -> Result<(), String> {
    fs::File::open(BTF).map_err(|err| format!("{BTF} cannot be read ({err})"))?;
    libbpf_rs::btf::Btf::from_vmlinux()
        .map(drop)
        .map_err(|err| format!("{BTF} is malformed ({err})"))
}

fn kconfig(path: &Path) -> Option<Kconfig> {
    let file = fs::File::open(path).ok()?;
    let mut text = String::new();
    match path.extension() {
        Some(end) if end == "gz" => GzDecoder::new(file).read_to_string(&mut text),
        _ => std::io::BufReader::new(file).read_to_string(&mut text),
    }
    .ok()?;
    let sched_class_ext = text.lines().any(|line| line == "CONFIG_SCHED_CLASS_EXT=y");
    Some(Kconfig {
        path: path.to_owned(),
        sched_class_ext,
    })
}

/// CapEff in the text of /proc/self/status.
fn capabilities(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0)
}

/// /proc/self/uid_map of the first user namespace maps every id to itself.
fn is_first_user_namespace(uid_map: &str) -> bool {
    uid_map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// The word in brackets: `none [integrity] confidentiality` is `integrity`.
fn bracketed(text: &str) -> String {
    let inner = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    inner.map_or(text.trim(), |(word, _)| word).to_owned()
}

fn socket(path: &Path) -> Socket {
    match UnixStream::connect(path) {
        Ok(_) => Socket::Served,
        // The server replaces a socket that nobody listens to any more.
        Err(err) if matches!(err.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            let there = path
                .ancestors()
                .skip(1)
                .find(|folder| folder.exists())
                .unwrap_or(Path::new("/"));
            match access(there, AccessFlags::W_OK | AccessFlags::X_OK) {
                Ok(()) => Socket::Free,
                Err(err) => Socket::Unwritable(format!("{}: {}", there.display(), err.desc())),
            }
        }
        Err(err) => Socket::Unwritable(format!("{}: {err}", path.display())),
    }
}

fn size(max_domain_cpus: Option<usize>) -> Result<Size, String> {
    let machine = machine::read(max_domain_cpus).map_err(|err| format!("{err:#}"))?;
    Ok(Size {
        cpus: machine.cpus.len(),
        highest_cpu: machine.cpus.last().map_or(0, |cpu| cpu.id),
        domains: machine.domains.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn the_kernels_files_are_understood() {
        assert_eq!(
            capabilities("Name:\tx\nCapPrm:\t00000001\nCapEff:\t000001fffeffffff\n"),
            0x1ff_feff_ffff
        );
        assert_eq!(capabilities(""), 0);
        assert!(is_first_user_namespace("         0          0 4294967295\n"));
        assert!(!is_first_user_namespace("         0       1000          1\n"));
        assert_eq!(bracketed("none [integrity] confidentiality\n"), "integrity");
        assert_eq!(bracketed("odd\n"), "odd");
    }

    #[test]
    fn a_configuration_is_read_packed_and_plain() {
        let folder = tempfile::tempdir().unwrap();
        let text = "# CONFIG_BPF is not set\nCONFIG_SCHED_CLASS_EXT=y\n";
        let (plain, packed) = (folder.path().join("config"), folder.path().join("config.gz"));
        fs::write(&plain, text).unwrap();
        let mut gz =
            flate2::write::GzEncoder::new(fs::File::create(&packed).unwrap(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gz, text.as_bytes()).unwrap();
        gz.finish().unwrap();
        for path in [&plain, &packed] {
            assert!(kconfig(path).unwrap().sched_class_ext, "{}", path.display());
        }
        fs::write(&plain, "# CONFIG_SCHED_CLASS_EXT is not set\n").unwrap();
        assert!(!kconfig(&plain).unwrap().sched_class_ext);
        assert_eq!(kconfig(&folder.path().join("none")), None);
    }

    #[test]
    fn a_socket_is_free_served_or_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root/stats");
        assert_eq!(socket(&path), Socket::Free);
        fs::create_dir(folder.path().join("root")).unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(socket(&path), Socket::Served);
        drop(listener);
        assert_eq!(socket(&path), Socket::Free);
    }

    #[test]
    fn sched_ext_names_its_scheduler() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(sched_ext(folder.path()), None);
        fs::write(folder.path().join("state"), "enabled\n").unwrap();
        assert_eq!(
            sched_ext(folder.path()),
            Some(SchedExt {
                state: "enabled".into(),
                ops: None
            })
        );
        fs::create_dir(folder.path().join("root")).unwrap();
        fs::write(folder.path().join("root/ops"), "rusty_1.1.4\n").unwrap();
        assert_eq!(
            sched_ext(folder.path()).unwrap().ops.as_deref(),
            Some("rusty_1.1.4")
        );
    }

    #[test]
    fn the_scheduler_that_runs_has_a_name() {
        let name = |release: &str, sched_ext: Option<(&str, &str)>| {
            let sched_ext = sched_ext.map(|(state, ops)| SchedExt {
                state: state.into(),
                ops: Some(ops.into()),
            });
            let mut facts = Facts::probe(None);
            (facts.release, facts.sched_ext) = (release.into(), sched_ext);
            facts.scheduler()
        };
        assert_eq!(name("6.1.0-13-amd64", None), "CFS");
        assert_eq!(name("6.18.4", Some(("disabled", "rusty"))), "EEVDF");
        assert_eq!(name("6.18.4", Some(("enabled", "rusty_1.1.4"))), "rusty_1.1.4");
    }

    #[test]
    fn any_machine_can_be_probed() {
        let facts = Facts::probe(None);
        assert!(!facts.release.is_empty());
        assert!(facts.size.is_ok_and(|size| size.cpus > 0 && size.domains > 0));
    }
}
