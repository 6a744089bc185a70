// SPDX-License-Identifier: GPL-2.0-only
//! What the scheduler shows: one structure ([`Metrics`]) for the terminal, the socket and the tests.

use super::decisions::Ledger;
use crate::policy::Snapshot;
use crate::policy::decision::Outcome;
use crate::policy::metrics::{Course, Figure, Kind};
use anyhow::Result;
use scx_stats::prelude::*;
use std::collections::BTreeMap;
use std::io::Write;

pub use crate::policy::metrics::{DomainStats, Metrics};

impl Metrics {
    /// Puts the books of decisions into their places.
    pub fn set_ledger(&mut self, ledger: &Ledger) {
        self.accepted = ledger.accepted();
        self.applied = ledger.count(Outcome::Applied);
        self.refused_gone = ledger.count(Outcome::Gone);
        self.refused_moved = ledger.count(Outcome::Moved);
        self.refused_affinity = ledger.count(Outcome::Affinity);
        self.refused_pinned = ledger.count(Outcome::Pinned);
        self.refused = self.refused_gone + self.refused_moved + self.refused_affinity + self.refused_pinned;
        self.expired = ledger.count(Outcome::Expired);
        self.pending = ledger.pending();
    }

    /// Puts the domains into their place.
    pub fn set_snapshot(&mut self, snapshot: &Snapshot) {
        self.domains = snapshot
            .domains
            .iter()
            .map(DomainStats::from)
            .enumerate()
            .collect();
    }

    /// One block for the terminal.
    ///
    /// # Errors
    /// Where `to` cannot be written.
    pub fn format(&self, to: &mut dyn Write) -> Result<()> {
        let loads: Vec<String> = self
            .domains
            .values()
            .map(|domain| format!("{:.2}", domain.load))
            .collect();
        let queues: Vec<String> = self
            .domains
            .values()
            .map(|domain| domain.queue.to_string())
            .collect();
        let engine = match self.engine.as_str() {
            "" => String::new(),
            engine => format!(", run by {engine}"),
        };
        writeln!(
            to,
            "[augur] {:>7.1}s  {}  model {}{engine}",
            self.uptime_s, self.policy, self.model
        )?;
        writeln!(
            to,
            "  domains     load {}   waiting {}",
            loads.join(" | "),
            queues.join(" | ")
        )?;
        writeln!(
            to,
            "  decisions   proposed {}  accepted {}  applied {}  refused {}  expired {}  pending {}   rounds {} ({} by the heuristic alone)",
            self.proposed,
            self.accepted,
            self.applied,
            self.refused,
            self.expired,
            self.pending,
            self.rounds,
            self.fallback_rounds
        )?;
        writeln!(
            to,
            "  migrations  {} = wakeup {} + steal {} + balance {} + affinity {} + other {}   (core {}, LLC {}, cross LLC {}, cross node {})",
            self.migrations,
            self.mig_wakeup,
            self.mig_steal,
            self.mig_balance,
            self.mig_affinity,
            self.mig_other,
            self.mig_core,
            self.mig_llc,
            self.mig_cross_llc,
            self.mig_cross_node
        )?;
        writeln!(
            to,
            "  latency us  p50 {:.0}  p90 {:.0}  p99 {:.0}  p99.9 {:.0}  max {:.0}   wakeups {}  forks {}  waited {} ms  ran {} ms",
            self.latency_p50_us,
            self.latency_p90_us,
            self.latency_p99_us,
            self.latency_p999_us,
            self.latency_max_us,
            self.wakeups,
            self.forks,
            self.wait_ms,
            self.run_ms
        )?;
        writeln!(
            to,
            "  woken       to their idle CPU {}  to another idle one {}  staying on their busy one {}  interrupting {}",
            self.wake_prev_idle, self.wake_idle_elsewhere, self.wake_wait, self.wake_preempt
        )?;
        writeln!(
            to,
            "  queues      entered {}  kept the CPU {}  interrupted at a tick {}  rescued {}  idle CPUs called {}  steals too soon {} denied {}",
            self.queued,
            self.kept,
            self.tick_preempt,
            self.rescued,
            self.kicks,
            self.steal_too_soon,
            self.steal_denied
        )?;
        // Where nothing was lost, there is nothing to say.
        if self.lost_outcomes + self.dropped_tasks > 0 {
            writeln!(
                to,
                "  lost        outcomes {}  tasks of snapshots {}",
                self.lost_outcomes, self.dropped_tasks
            )?;
        }
        for (cause, count) in &self.model_events {
            writeln!(to, "  model       {cause}: {count}")?;
        }
        Ok(())
    }
}

/// `now` with every counter less what it was `before`.
///
/// # Errors
/// Where the metrics cannot be turned into JSON and back.
pub fn since(now: &Metrics, before: &Metrics) -> Result<Metrics> {
    let mut value = serde_json::to_value(now)?;
    let old = serde_json::to_value(before)?;
    let counters = Metrics::FIGURES
        .iter()
        .filter(|figure| figure.course == Course::Counter);
    for name in counters.map(|figure| figure.name) {
        if let (Some(new), Some(old)) = (value[name].as_u64(), old[name].as_u64()) {
            value[name] = new.saturating_sub(old).into();
        }
    }
    Ok(serde_json::from_value(value)?)
}

impl Meta for DomainStats {
    fn meta() -> StatsMeta {
        let attributes = StatsStructAttrs {
            user: user(&[("_om_prefix", "d_"), ("_om_label", "domain")]),
            ..StatsStructAttrs::default()
        };
        described("DomainStats", attributes, DomainStats::FIGURES)
    }
}

impl Meta for Metrics {
    fn meta() -> StatsMeta {
        let attributes = StatsStructAttrs {
            top: Some("true".to_owned()),
            ..StatsStructAttrs::default()
        };
        described("Metrics", attributes, Metrics::FIGURES)
    }
}

/// What scx_stats tells its clients of a structure.
fn described(name: &str, attrs: StatsStructAttrs, figures: &[Figure]) -> StatsMeta {
    let field = |figure: &Figure| {
        let attrs = StatsFieldAttrs {
            desc: Some(figure.description.to_owned()),
            // OpenMetrics has no place for what is keyed by words.
            user: match figure.kind {
                Kind::Counts => user(&[("_om_skip", "true")]),
                _ => BTreeMap::new(),
            },
        };
        let data = data(figure.kind);
        (figure.name.to_owned(), StatsField { data, attrs })
    };
    StatsMeta {
        name: name.to_owned(),
        attrs,
        fields: figures.iter().map(field).collect(),
    }
}

fn user(attributes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    attributes.iter().map(owned).collect()
}

fn data(kind: Kind) -> StatsData {
    match kind {
        Kind::Whole => StatsData::Datum(StatsKind::U64),
        Kind::Real => StatsData::Datum(StatsKind::Float),
        Kind::Text => StatsData::Datum(StatsKind::String),
        Kind::Counts => StatsData::Dict {
            key: StatsKind::String,
            datum: StatsKind::U64,
        },
        Kind::Domains => StatsData::Dict {
            key: StatsKind::U64,
            datum: StatsKind::Struct("DomainStats".to_owned()),
        },
    }
}

/// The stats server: each connection gets what came since its last request, the first everything.
pub fn server_data() -> StatsServerData<(), Metrics> {
    let open: Box<dyn StatsOpener<(), Metrics>> = Box::new(move |_channels| {
        let mut before = Metrics::default();
        let read: Box<dyn StatsReader<(), Metrics>> = Box::new(move |args, (ask, answer)| {
            ask.send(())?;
            let now = answer.recv()?;
            let total = args.get("total").is_some_and(|value| value == "true");
            let shown = if total { now.clone() } else { since(&now, &before)? };
            before = now;
            shown.to_json()
        });
        Ok(read)
    });
    StatsServerData::new()
        .add_meta(Metrics::meta())
        .add_meta(DomainStats::meta())
        .add_ops("top", StatsOps { open, close: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn clients_are_told_of_every_figure_and_of_what_kind_it_is() {
        let meta = serde_json::to_value(Metrics::meta()).unwrap();
        assert_eq!((&meta["name"], &meta["top"]), (&json!("Metrics"), &json!("true")));
        let shown = serde_json::to_value(Metrics::default()).unwrap();
        let fields = meta["fields"].as_object().unwrap();
        assert!(fields.keys().eq(shown.as_object().unwrap().keys()), "{fields:?}");
        assert_eq!(
            fields["rounds"],
            json!({"datum": "u64", "desc": "balance rounds"})
        );
        assert_eq!(fields["round_us"]["datum"], "float");
        assert_eq!(fields["model"]["datum"], "string");
        let by_name = json!({"key": "string", "datum": "u64"});
        assert_eq!(
            (
                &fields["model_events"]["dict"],
                &fields["model_events"]["user"]["_om_skip"]
            ),
            (&by_name, &json!("true"))
        );
        let by_number = json!({"key": "u64", "datum": {"struct": "DomainStats"}});
        assert_eq!(fields["domains"]["dict"], by_number);
        let domain = serde_json::to_value(DomainStats::meta()).unwrap();
        assert_eq!(
            (&domain["user"]["_om_prefix"], &domain["user"]["_om_label"]),
            (&json!("d_"), &json!("domain"))
        );
    }

    #[test]
    fn a_difference_keeps_states_and_subtracts_counters() {
        let before = Metrics {
            proposed: 3,
            uptime_s: 1.0,
            pending: 4,
            ..Metrics::default()
        };
        let now = Metrics {
            proposed: 10,
            uptime_s: 2.0,
            pending: 1,
            lost_outcomes: 2,
            ..Metrics::default()
        };
        let shown = since(&now, &before).expect("plain numbers");
        assert_eq!((shown.proposed, shown.uptime_s, shown.pending), (7, 2.0, 1));
    }
}
