// SPDX-License-Identifier: GPL-2.0-only

use super::*;
use std::io::BufRead;

fn run(scheduler: &str, migrations: f64, bpf_ms: Option<f64>) -> Run {
    let figures = [("migrations", Some(migrations)), ("bpf_ms", bpf_ms)];
    Run {
        scheduler: scheduler.to_owned(),
        figures: figures
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
        ..Run::default()
    }
}

fn report() -> Report {
    let mut runs = vec![
        run("EEVDF", 800.0, None),
        run("augur", 309.0, Some(5.0)),
        run("EEVDF", 1000.0, None),
        run("augur", 345.0, Some(7.0)),
        run("augur", 338.0, Some(6.0)),
        run("scx_rusty", 4000.0, None),
    ];
    for (index, mean_ns) in [(1, 300.0), (5, 200.0)] {
        let callback = Callback { calls: 1234, mean_ns };
        runs[index].callbacks.insert("enqueue".to_owned(), callback);
    }
    runs.push(Run {
        scheduler: "scx_rusty".to_owned(),
        died: Some("a|b".to_owned()),
        ..Run::default()
    });
    Report {
        about: About {
            baseline: "EEVDF".to_owned(),
            ..About::default()
        },
        runs,
        ..Report::default()
    }
}

#[test]
fn medians_spreads_and_ratios() {
    let all = report().summaries();
    let names: Vec<&str> = all.iter().map(|one| one.scheduler.as_str()).collect();
    assert_eq!(names, ["EEVDF", "augur", "scx_rusty"]);
    let augur = all[1].figures["migrations"];
    assert_eq!((augur.median, augur.min, augur.max), (338.0, 309.0, 345.0));
    assert!((augur.ratio.unwrap() - 338.0 / 900.0).abs() < 1e-12);
    // EEVDF runs no BPF, so that there is nothing to compare with.
    assert_eq!(all[1].figures["bpf_ms"].ratio, None);
    assert_eq!(all[1].callbacks["enqueue"].mean_ns.ratio, Some(1.5));
    assert_eq!((all[2].runs, all[2].died.len()), (1, 1));
}

#[test]
fn the_tables() {
    let text = report().markdown();
    assert!(text.contains("| augur | 338 (309 … 345) ×0.38 |"), "{text}");
    assert!(text.contains("| EEVDF | 900 (800 … 1,000) ×1.00 |"), "{text}");
    assert!(
        text.contains("| scx_rusty (died once: a\\|b) | 4,000 ×4.44 |"),
        "{text}"
    );
    assert!(text.contains("| EEVDF | - |"), "{text}");
    assert!(
        text.contains("| augur | enqueue | 1,234 | 300 | 1.50 |"),
        "{text}"
    );
    // Every line of a table has as many cells as its heading.
    let mut cells = 0;
    for line in text.lines() {
        let bars = line.replace("\\|", "").matches('|').count();
        assert!(cells == 0 || bars == 0 || bars == cells, "{line}");
        cells = bars;
    }
}

#[test]
fn a_report_survives_its_lines_of_json() {
    let mut again = Report::default();
    for line in report().json_lines().unwrap().lines() {
        again.push(serde_json::from_str(&line.unwrap()).unwrap());
    }
    assert_eq!(again, report());
}

#[test]
fn csv_has_a_row_for_each_run_and_a_cell_for_each_figure() {
    let bytes = report().csv().unwrap();
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    assert_eq!(reader.headers().unwrap().len(), 3 + FIGURES.len());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 7);
    assert_eq!((&rows[1][0], &rows[1][4], &rows[6][2]), ("augur", "309", "a|b"));
}

#[test]
fn the_middle_of_an_even_number_is_the_mean_of_two() {
    assert_eq!(Spread::of(&[]), None);
    assert_eq!(Spread::of(&[4.0, 2.0]).unwrap().median, 3.0);
}
