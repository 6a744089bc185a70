// SPDX-License-Identifier: GPL-2.0-only
//! Decisions on their way to the kernel, and what became of them.
//!
//! Sending is not doing: a decision stands as pending until the kernel's half saw the task run where the decision said,
//! said why not, or its time was over. `applied + refused + expired + pending = accepted`, always.

use super::bpf::intf;
use super::collect::run;
use super::{Scheduler, pod};
use anyhow::{Context, Result};
use augur_sched::policy::decision::Outcome;
use augur_sched::policy::metrics::Metrics;
use augur_sched::policy::{Candidate, Judged};
use libbpf_rs::{RingBuffer, RingBufferBuilder};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// What the kernel's half says of a decision.
fn outcome_of(status: u32) -> Option<Outcome> {
    Some(match status {
        intf::augur_status_AUGUR_APPLIED => Outcome::Applied,
        intf::augur_status_AUGUR_REFUSED_GONE => Outcome::Gone,
        intf::augur_status_AUGUR_REFUSED_MOVED => Outcome::Moved,
        intf::augur_status_AUGUR_REFUSED_AFFINITY => Outcome::Affinity,
        intf::augur_status_AUGUR_REFUSED_PINNED => Outcome::Pinned,
        intf::augur_status_AUGUR_EXPIRED => Outcome::Expired,
        _ => return None,
    })
}

/// Which decisions are under way, and how many ended how. Pure: it is told the time.
#[derive(Debug, Default)]
pub struct Ledger {
    next_seq: u64,
    /// Sequence number to the moment after which nothing more will be heard.
    pending: HashMap<u64, u64>,
    counts: [u64; Outcome::ALL.len()],
    accepted: u64,
}

impl Ledger {
    /// Notes a decision that is sent; the number is never reused.
    pub fn open(&mut self, give_up_at_ns: u64) -> u64 {
        self.next_seq += 1;
        self.accepted += 1;
        self.pending.insert(self.next_seq, give_up_at_ns);
        self.next_seq
    }

    /// Notes an outcome. False: the decision had ended before, and counts once.
    pub fn close(&mut self, seq: u64, outcome: Outcome) -> bool {
        if self.pending.remove(&seq).is_none() {
            return false;
        }
        self.counts[outcome as usize] += 1;
        true
    }

    /// Ends what nothing was heard of: the task slept through the time of its decision.
    pub fn give_up(&mut self, now_ns: u64) -> Vec<u64> {
        let late: Vec<u64> = self
            .pending
            .iter()
            .filter(|(_, at)| **at < now_ns)
            .map(|(&seq, _)| seq)
            .collect();
        for &seq in &late {
            self.close(seq, Outcome::Expired);
        }
        late
    }

    /// Ends everything: the kernel's half is gone, and with it whatever was under way, which counts as expired.
    pub fn abandon(&mut self) -> Vec<u64> {
        self.give_up(u64::MAX)
    }

    /// Puts the books into their places.
    pub fn fill(&self, to: &mut Metrics) {
        to.accepted = self.accepted();
        to.applied = self.count(Outcome::Applied);
        to.refused_gone = self.count(Outcome::Gone);
        to.refused_moved = self.count(Outcome::Moved);
        to.refused_affinity = self.count(Outcome::Affinity);
        to.refused_pinned = self.count(Outcome::Pinned);
        to.refused = to.refused_gone + to.refused_moved + to.refused_affinity + to.refused_pinned;
        to.expired = self.count(Outcome::Expired);
        to.pending = self.pending();
    }

    /// How many were accepted, ever.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How many are under way.
    pub fn pending(&self) -> u64 {
        self.pending.len() as u64
    }

    /// How many ended so.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.counts[outcome as usize]
    }
}

/// A move that was judged, and its decision's number, where one was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The move and the answer.
    pub judged: Judged<Candidate>,
    /// The number.
    pub seq: Option<u64>,
}

fn decision(seq: u64, to_move: &Candidate) -> intf::augur_decision {
    intf::augur_decision {
        seq,
        start_ns: to_move.task.start_ns,
        pid: to_move.task.pid,
        from: to_move.from as u32,
        to: to_move.to as u32,
        pad: 0,
    }
}

/// The daemon's channel: sends decisions, hears outcomes.
pub struct DecisionChannel<'a> {
    /// The books.
    pub ledger: Ledger,
    heard: Rc<RefCell<Vec<(u64, Outcome)>>>,
    ring: RingBuffer<'a>,
    ttl: Duration,
}

impl<'a> DecisionChannel<'a> {
    /// Opens the channel on a scheduler, with the books so far; a decision is good for `ttl`.
    ///
    /// # Errors
    /// Where the ring buffer cannot be mapped.
    pub fn open(scheduler: &Scheduler, ledger: Ledger, ttl: Duration) -> Result<DecisionChannel<'a>> {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let sink = heard.clone();
        let mut builder = RingBufferBuilder::new();
        builder
            .add(&scheduler.skel.maps.outcomes, move |bytes| {
                if let Ok(event) = pod::read::<intf::augur_outcome>(bytes)
                    && let Some(outcome) = outcome_of(event.status)
                {
                    sink.borrow_mut().push((event.seq, outcome));
                }
                0
            })
            .context("cannot open the outcome ring buffer")?;
        let ring = builder.build().context("cannot map the outcome ring buffer")?;
        Ok(DecisionChannel {
            ledger,
            heard,
            ring,
            ttl,
        })
    }

    /// Sends the accepted moves of those that were judged on a snapshot of `now_ns`; all of them, with the numbers of those
    /// that were sent. Moves that the table has no room for are neither sent nor counted.
    ///
    /// # Errors
    /// Where a BPF map or program cannot be used.
    pub fn send(
        &mut self,
        scheduler: &Scheduler,
        moves: Vec<Judged<Candidate>>,
        now_ns: u64,
    ) -> Result<Vec<Sent>> {
        // The kernel's half takes its own time at arrival, so leave room for the way there and for the answer.
        let ttl_ns = self.ttl.as_nanos() as u64;
        let give_up_at_ns = now_ns + 2 * ttl_ns + 1_000_000_000;
        let mut nr_decisions = 0;
        let mut sent = Vec::with_capacity(moves.len());
        for judged in moves {
            let mut seq = None;
            if judged.accepted && nr_decisions < intf::augur_limits_AUGUR_MAX_DECISIONS {
                let number = self.ledger.open(give_up_at_ns);
                let decision = decision(number, &judged.about);
                scheduler.windows.decisions.set(nr_decisions, decision)?;
                nr_decisions += 1;
                seq = Some(number);
            }
            sent.push(Sent { judged, seq });
        }
        if nr_decisions > 0 {
            let mut args = intf::augur_apply_args {
                ttl_ns,
                nr_decisions,
                pad: 0,
            };
            run(&scheduler.skel.progs.apply, &mut args).context("cannot send decisions")?;
        }
        Ok(sent)
    }

    /// What ended since the last call.
    ///
    /// # Errors
    /// Where the ring buffer cannot be read.
    pub fn hear(&mut self, now_ns: u64) -> Result<Vec<(u64, Outcome)>> {
        self.ring
            .consume()
            .context("cannot read the outcome ring buffer")?;
        let heard = std::mem::take(&mut *self.heard.borrow_mut());
        let mut ended: Vec<_> = heard
            .into_iter()
            .filter(|&(seq, outcome)| self.ledger.close(seq, outcome))
            .collect();
        ended.extend(
            self.ledger
                .give_up(now_ns)
                .into_iter()
                .map(|seq| (seq, Outcome::Expired)),
        );
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decision_ends_exactly_once() {
        let mut ledger = Ledger::default();
        let (first, second, third) = (ledger.open(10), ledger.open(10), ledger.open(30));
        assert!(ledger.close(first, Outcome::Applied));
        assert!(
            !ledger.close(first, Outcome::Expired),
            "an answer that comes twice counts once"
        );
        assert_eq!(ledger.give_up(20), [second]);
        assert!(!ledger.close(second, Outcome::Applied), "too late is too late");
        assert_eq!((ledger.accepted(), ledger.pending()), (3, 1));
        ledger.open(90);
        ledger.abandon();
        assert_eq!(
            (
                ledger.accepted(),
                ledger.pending(),
                ledger.count(Outcome::Expired)
            ),
            (4, 0, 3)
        );
        assert!(!ledger.close(third, Outcome::Moved), "abandoned is over");
        let ended: u64 = Outcome::ALL.iter().map(|&outcome| ledger.count(outcome)).sum();
        assert_eq!(ended, ledger.accepted());
    }
}
