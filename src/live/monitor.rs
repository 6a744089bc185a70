// SPDX-License-Identifier: GPL-2.0-only
//! Statistics of the scheduler that runs, asked for over its socket, until told to stop.

use super::stats::Metrics;
use anyhow::Result;
use scx_stats::prelude::*;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tracing::info;

/// How soon a request to stop is noticed.
const NAP: Duration = Duration::from_millis(50);
/// How often a socket that nobody serves is tried.
const RETRY: Duration = Duration::from_millis(500);

/// Gives `show` what came since the last time, every so often. Where no scheduler runs, says so once and waits for one.
///
/// # Errors
/// Where the socket can never be opened, or `show` fails.
pub fn monitor(
    every: Duration,
    stop: &AtomicBool,
    mut show: impl FnMut(Metrics) -> Result<()>,
) -> Result<()> {
    let mut told = false;
    while !stop.load(Ordering::Relaxed) {
        match StatsClient::new().connect(None) {
            Ok(client) => {
                told = false;
                follow(client, every, stop, &mut show)?;
            }
            Err(err) if !is_absent(&err) => return Err(err.context("cannot open the statistics socket")),
            Err(_) if !told => {
                info!("no scheduler serves statistics yet; waiting for one");
                told = true;
            }
            Err(_) => {}
        }
        sleep(RETRY, stop);
    }
    Ok(())
}

/// One connection, until it ends.
fn follow(
    mut client: StatsClient,
    every: Duration,
    stop: &AtomicBool,
    show: &mut impl FnMut(Metrics) -> Result<()>,
) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        match client.request("stats", Vec::new()) {
            Ok(metrics) => show(metrics)?,
            Err(err) => {
                info!("the scheduler answers no more ({err})");
                return Ok(());
            }
        }
        sleep(every, stop);
    }
    Ok(())
}

fn is_absent(err: &anyhow::Error) -> bool {
    let kind = err.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    matches!(kind, Some(ErrorKind::NotFound | ErrorKind::ConnectionRefused))
}

/// Sleeps, but not past a request to stop.
pub fn sleep(time: Duration, stop: &AtomicBool) {
    let end = Instant::now() + time;
    while !stop.load(Ordering::Relaxed) {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(NAP));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sleep_ends_when_told() {
        let stop = AtomicBool::new(true);
        let started = Instant::now();
        sleep(Duration::from_secs(60), &stop);
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
