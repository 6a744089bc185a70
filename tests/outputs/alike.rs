// SPDX-License-Identifier: GPL-2.0-only
//! Ways to say or give the same thing: packed inputs, pipes, old names of options.

use super::*;

#[test]
fn what_is_packed_or_comes_through_a_pipe_is_read_alike() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let text = fs::read(TRACE).unwrap();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&text).unwrap();
    fs::write(path("trace.gz"), packer.finish().unwrap()).unwrap();
    // One block as it is: a frame's magic, its header (a window of 1 MB), the block's length and `last`.
    let block = [(text.len() as u32) << 3 | 1].map(u32::to_le_bytes)[0];
    let frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50][..], &block[..3], &text].concat();
    fs::write(path("trace.zst"), frame).unwrap();
    let export = |name: &str, to: &str| {
        command(&["export", name, "--format", "ftrace", "-o", &path(to)])
            .stdin(File::open(TRACE).unwrap())
            .output()
            .unwrap()
    };
    assert!(export(TRACE, "plain").status.success());
    for name in [&path("trace.gz"), &path("trace.zst"), "-", "/dev/stdin"] {
        let output = export(name, "other");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {said}");
        assert!(
            fs::read(path("other")).unwrap() == fs::read(path("plain")).unwrap(),
            "{name}"
        );
    }
    // A decision log, packed, for a model that needs no library.
    let log = path("log.csv");
    succeeds(&[
        "replay",
        "tests/traces/recorded/stress-cpu-2x2-eevdf.augur",
        "--policies",
        "augur",
        "--log-decisions",
        &log,
    ]);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&fs::read(&log).unwrap()).unwrap();
    fs::write(path("log.csv.gz"), packer.finish().unwrap()).unwrap();
    let explain = |log: &str| {
        succeeds(&[
            "model",
            "explain",
            "model_dir/augur",
            "--engine",
            "twin",
            "--log",
            log,
        ])
        .stdout
    };
    assert_eq!(explain(&log), explain(&path("log.csv.gz")));
}

#[test]
fn old_names_of_options_still_work() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("profile.json");
    let profile = profile.to_str().unwrap();
    let commands: [&[&str]; 6] = [
        &["replay", TRACE, "--policy", "augur"],
        &["simulate", "queue", "--jobs", "9", "--policy", "random"],
        &[
            "simulate",
            "graph",
            "tests/graphs/topcuoglu-2002.json",
            "--policy",
            "heft",
        ],
        &["simulate", "--tasks", "9", "--policy", "eft"],
        &[
            "run",
            "--simulate",
            "--topology",
            "2x2",
            "--duration",
            "0.1",
            "--model",
            "off",
            "--policies",
            "augur",
        ],
        &["profile", "--sizes", "2", "--repeats", "1", "--out", profile],
    ];
    let there = |arguments: &&&[&str]| arguments[0] != "run" || cfg!(feature = "live");
    for arguments in commands.iter().filter(there) {
        succeeds(arguments);
        let help = succeeds(&[arguments[0], "--help"]).stdout;
        let help = String::from_utf8(help).unwrap();
        assert!(
            !help.contains("--topology") && !help.contains("--out <FILE>"),
            "{help}"
        );
    }
    let listed = String::from_utf8(succeeds(&["replay", "--list-policies"]).stdout).unwrap();
    assert!(
        listed.contains("\neevdf-like ") && listed.contains("  cooldown_us=200000 "),
        "{listed}"
    );
}
