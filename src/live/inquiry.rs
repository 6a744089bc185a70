// SPDX-License-Identifier: GPL-2.0-only
//! Who asks for statistics, and the daemon's sleep between rounds, which an inquiry ends.

use super::stats::{Metrics, server_data};
use anyhow::{Context, Result};
use crossbeam_channel::Sender;
use crossbeam_utils::sync::Parker;
use scx_stats::prelude::StatsServer;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// The statistics socket.
pub struct StatsRequests {
    _server: StatsServer<(), Metrics>,
    answer: Sender<Metrics>,
    open: Arc<AtomicUsize>,
    sleep: Parker,
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
        let (open, sleep) = (Arc::new(AtomicUsize::new(0)), Parker::new());
        let (asked, wake) = (open.clone(), sleep.unparker().clone());
        // On a thread of its own: a receiver yields some ten times before it sleeps, which between rounds, with others waiting for
        // the CPU, cost ten times as much as the rounds.
        let listen = move || {
            while ask.recv().is_ok() {
                asked.fetch_add(1, Ordering::AcqRel);
                wake.unpark();
            }
        };
        std::thread::Builder::new()
            .name("augur-requests".into())
            .spawn(listen)
            .context(failed)?;
        Ok(StatsRequests {
            _server: server,
            answer,
            open,
            sleep,
        })
    }

    /// Sleeps until `due`; at most once for each inquiry, sooner. True: somebody asked, and waits for an answer.
    pub fn sleep(&self, due: Instant) -> bool {
        loop {
            let one_less = |open: usize| open.checked_sub(1);
            if self
                .open
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less)
                .is_ok()
            {
                return true;
            }
            if Instant::now() >= due {
                return false;
            }
            self.sleep.park_deadline(due);
        }
    }

    /// Answers who asked.
    ///
    /// # Errors
    /// Where the socket's end has gone.
    pub fn answer(&self, metrics: Metrics) -> Result<()> {
        self.answer.send(metrics).context("the statistics socket closed")
    }
}
