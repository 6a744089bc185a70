// SPDX-License-Identifier: GPL-2.0-only
//! What stands below the list of commands.

use super::absent::is_absent;

const EXAMPLES: &str = "\
Examples:
  scx_augur doctor                             is anything in the way?
  sudo scx_augur run                           attach, until Ctrl-C
  sudo scx_augur run --stats 2                 and show what happens, every two seconds
  sudo scx_augur run --shadow --stats 2        ask the model, but let the heuristic decide
  sudo scx_augur run --monitor 2               look at the one that is attached
  sudo scx_augur run --model off --duration 60 --json > totals.json
  sudo scx_augur run --explore 1 --log-decisions decisions.csv    record a training set
  scx_augur model check model_dir/augur        would this model be used?
  sudo scx_augur record -o build.augur -- make -j8       what the scheduler does with a build, event by event
  sudo scx_augur record --count --duration 10            migrations and wakeup latencies, counted in the kernel
  scx_augur trace info trace.txt               what is in a trace of ftrace, trace-cmd, perf or Perfetto?
  scx_augur import trace.txt -o trace.augur    make it a native one
  scx_augur export trace.augur -o trace.perfetto-trace            for ui.perfetto.dev
  scx_augur replay trace.augur --policies recorded,eevdf-like,augur,clairvoyant   what would others have done?
  scx_augur bench compile --vm --schedulers eevdf,augur     build time, migrations and waits, measured
  scx_augur replay taskset.json --policies eevdf-like,augur     a workload of rt-app
  scx_augur calibrate -o costs.toml            what does a migration cost on this machine?
  scx_augur replay trace.augur --costs costs.toml        replay with those costs
  scx_augur run --simulate --machine 2x4       the same, on a simulated machine
  scx_augur profile                            what can this machine's CPU and GPU do?
  scx_augur simulate --profile hardware_profile.json --drift-at 5000      simulate with that, and a drift
  scx_augur simulate graph graph.json --policies heft,peft --optimal       list schedulers, beside the best possible
  scx_augur simulate graph montage.dax --gantt schedule.svg                a workflow of Pegasus, WfCommons or Graphviz, as a picture
  scx_augur simulate --workload jobs.swf                                   tasks of one's own: SWF, CSV or Parquet
  scx_augur simulate train --policy graph --vary --load 0.3,0.95 --out mine     train a policy for simulated machines
  scx_augur simulate queue --servers 4 --load 0.8                          queues, beside their closed forms
  scx_augur experiment --out results           policies, forests and devices, measured and drawn in one report";

const FILES: &str = "\
Files:
  model_dir/augur          the model, in the working directory, PREFIX/share/scx_augur or /usr/share/scx_augur;
                           else the one that is built in
  /var/run/scx/root/stats  the statistics of the scheduler that is attached (a socket, scx_stats JSON)";

const REST: &str = "\
`-` is standard input or output where a command reads or writes one file. What gzip or zstd packed is unpacked.

Environment:
  SCX_AUGUR_TENSORFLOW   TensorFlow's library: the file, its directory, or a virtual environment
  TENSORFLOW_DIR         the same, for all programs
  RUST_LOG               what is logged to standard error, `info` by default

Exit codes:
  0  done; what was asked for is true
  1  failed, with one sentence that says what, where and what to do
  2  wrong use
  130  interrupted; what is there is whole";

/// The manual of what this build has.
pub fn text() -> String {
    let there = |line: &&str| !command(line).is_some_and(is_absent);
    let examples: Vec<&str> = EXAMPLES.lines().filter(there).collect();
    [&examples.join("\n"), FILES, REST].join("\n\n")
}

/// The command of an example.
fn command(line: &str) -> Option<&str> {
    line.split_whitespace()
        .skip_while(|word| *word != "scx_augur")
        .nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_names_a_command_that_some_build_has() {
        let all = crate::cli::command();
        for line in EXAMPLES.lines().skip(1) {
            let name = command(line).unwrap();
            assert!(all.find_subcommand(name).is_some() || is_absent(name), "{line}");
        }
        let shown = text();
        assert_eq!(shown.contains("sudo scx_augur run "), !is_absent("run"));
        assert!(shown.contains("scx_augur replay "));
    }
}
