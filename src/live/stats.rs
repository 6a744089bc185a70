// SPDX-License-Identifier: GPL-2.0-only
//! What the scheduler shows: one structure ([`Metrics`]) for the terminal, the socket and the tests.

use anyhow::Result;
use augur_sched::policy::metrics::{Course, Figure, Kind};
use scx_stats::prelude::*;
use std::collections::BTreeMap;

pub use augur_sched::policy::metrics::{DomainStats, Metrics};

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

fn of_domains() -> StatsMeta {
    let attributes = StatsStructAttrs {
        user: user(&[("_om_prefix", "d_"), ("_om_label", "domain")]),
        ..StatsStructAttrs::default()
    };
    described("DomainStats", attributes, DomainStats::FIGURES)
}

fn of_all() -> StatsMeta {
    let attributes = StatsStructAttrs {
        top: Some("true".to_owned()),
        ..StatsStructAttrs::default()
    };
    described("Metrics", attributes, Metrics::FIGURES)
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
            Ok(serde_json::to_value(shown)?)
        });
        Ok(read)
    });
    StatsServerData::new()
        .add_meta(of_all())
        .add_meta(of_domains())
        .add_ops("top", StatsOps { open, close: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn clients_are_told_of_every_figure_and_of_what_kind_it_is() {
        let meta = serde_json::to_value(of_all()).unwrap();
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
        let domain = serde_json::to_value(of_domains()).unwrap();
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
