// SPDX-License-Identifier: GPL-2.0-only
//! The `scx_augur` command.

use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn main() -> anyhow::Result<()> {
    libbpf_rs::set_print(Some((libbpf_rs::PrintLevel::Warn, |_, m| eprint!("{m}"))));
    let machine = scx_augur::live::machine::read(None)?;
    let stop = Arc::new(AtomicBool::new(false));
    let seen = stop.clone();
    ctrlc::set_handler(move || seen.store(true, Ordering::Relaxed))?;
    let mut tuning = scx_augur::live::Tuning::default();
    for arg in std::env::args().skip(1) {
        let Some((key, value)) = arg.split_once('=') else { continue };
        let value: u64 = value.parse()?;
        match key {
            "slice" => tuning.slice_us = value,
            "short_run" => tuning.short_run_us = value,
            "short_wait" => tuning.short_wait_us = value,
            "steal_llc" => tuning.steal_llc_us = value,
            "steal_far" => tuning.steal_far_us = value,
            "preempt" => tuning.wake_preempt = value != 0,
            _ => anyhow::bail!("{key}?"),
        }
    }
    let options = scx_augur::live::LoadOptions { tuning, verbose: std::env::var_os("V").is_some(), ..Default::default() };
    let mut object = MaybeUninit::uninit();
    let scheduler = scx_augur::live::Scheduler::attach(&mut object, &machine, &options)?;
    println!("attached");
    while !stop.load(Ordering::Relaxed) && !scheduler.exited() {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    println!("{:?}", scheduler.detach()?);
    Ok(())
}
