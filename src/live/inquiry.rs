// SPDX-License-Identifier: GPL-2.0-only
//! Who asks for statistics, and the daemon's sleep between rounds, which an inquiry ends.

use super::stats::{Metrics, server_data};
use anyhow::{Context, Result};
use augur_sched::model::relay::{Receiver, relay};
use scx_stats::prelude::StatsServer;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Instant;

/// The statistics socket.
pub struct StatsRequests {
    _server: StatsServer<(), Metrics>,
    answer: Box<dyn Fn(Metrics) -> Result<()>>,
    asked: Receiver<()>,
}

impl StatsRequests {
    /// Opens the socket. Only once attached: this removes the socket of a scheduler that is already there.
    ///
    /// # Errors
    /// Where the socket cannot be opened.
    pub fn open() -> Result<StatsRequests> {
        let failed = "cannot open the statistics socket below /var/run/scx";
        let server = StatsServer::new(server_data()).launch().context(failed)?;
        let (answer, ask) = server.channels();
        let (wake, asked) = relay();
        // On a thread of its own: a receiver yields some ten times before it sleeps, which between rounds, with others waiting for
        // the CPU, cost ten times as much as the rounds.
        std::thread::Builder::new()
            .name("augur-requests".into())
            .spawn(move || while ask.recv().is_ok_and(|()| wake.give(())) {})
            .context(failed)?;
        Ok(StatsRequests {
            _server: server,
            answer: Box::new(move |metrics| answer.send(metrics).context("the statistics socket closed")),
            asked,
        })
    }

    /// Sleeps until `due`; at most once for each inquiry, sooner. True: somebody asked, and waits for an answer.
    pub fn sleep(&self, due: Instant) -> bool {
        let asked = self.asked.take_before(due);
        if asked == Err(RecvTimeoutError::Disconnected) {
            // Nobody will ask any more.
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        asked.is_ok()
    }

    /// Answers who asked.
    ///
    /// # Errors
    /// Where the socket's end has gone.
    pub fn answer(&self, metrics: Metrics) -> Result<()> {
        (self.answer)(metrics)
    }
}
