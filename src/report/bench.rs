// SPDX-License-Identifier: GPL-2.0-only
//! What a benchmark measured: every run, their spread, and how it compares with the kernel's own scheduler.
//!
//! Migrations never stand without the build time and the waits beside them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Migrations by how far they went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// Between siblings of a core.
    pub same_core: u64,
    /// Within a last-level cache.
    pub same_llc: u64,
    /// To another last-level cache of the node.
    pub cross_llc: u64,
    /// To another node.
    pub cross_node: u64,
}

/// What is known about the benchmark as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Which work.
    pub workload: String,
    /// `uname -r` of the kernel that ran it.
    pub kernel: String,
    /// Its CPUs and caches.
    pub machine: String,
    /// So much of the work at a time.
    pub jobs: usize,
    /// Runs of each scheduler.
    pub repeats: u32,
    /// The scheduler that ratios are of.
    pub baseline: String,
}

/// One run of the workload under one scheduler.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its name in tables.
    pub scheduler: String,
    /// Which round, from 0.
    pub repeat: u32,
    /// Why there are no figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died: Option<String>,
    /// By the names in [`FIGURES`]; what could not be measured is absent.
    pub figures: BTreeMap<String, f64>,
    /// Each BPF callback of the scheduler.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub callbacks: BTreeMap<String, Callback>,
    /// What the scheduler said about itself at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<serde_json::Value>,
}

/// One BPF callback in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Callback {
    /// How often it ran.
    pub calls: u64,
    /// Its mean run time.
    pub mean_ns: f64,
}

/// What a benchmark says while it runs, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// At the beginning.
    About(About),
    /// A run that ended.
    Run(Run),
    /// Something that was not measured.
    Note(String),
}

/// A figure that runs have.
pub struct Figure {
    /// Its name in files; the last word is the unit where it has one.
    pub name: &'static str,
    /// Its heading in tables.
    pub title: &'static str,
    /// Digits behind the point.
    pub digits: usize,
    /// Which of the tables it stands in.
    table: usize,
}

const fn figure(name: &'static str, title: &'static str, digits: usize, table: usize) -> Figure {
    Figure {
        name,
        title,
        digits,
        table,
    }
}

/// Every figure, in the order of the tables and of the files.
pub const FIGURES: [Figure; 15] = [
    figure("time_s", "time, s", 1, 0),
    figure("migrations", "migrations", 0, 0),
    figure("wait_s", "run-queue wait, s", 1, 0),
    figure("latency_p50_us", "wakeup p50, µs", 0, 0),
    figure("latency_p99_us", "wakeup p99, µs", 0, 0),
    figure("same_core", "same core", 0, 1),
    figure("same_llc", "same LLC", 0, 1),
    figure("cross_llc", "cross LLC", 0, 1),
    figure("cross_node", "cross node", 0, 1),
    figure("wakeups", "wakeups", 0, 1),
    figure("bpf_ms", "BPF, ms", 0, 2),
    figure("bpf_calls", "BPF calls", 0, 2),
    figure("daemon_percent", "daemon, % of a CPU", 1, 2),
    figure("daemon_cpu_s", "daemon, CPU s", 2, 2),
    figure("daemon_mb", "daemon, MB", 0, 2),
];
const TABLES: [&str; 3] = ["What it gains", "Migrations by kind", "What it costs"];
/// Callbacks are compared with this scheduler's: EEVDF has none.
const CALLBACK_BASELINE: &str = "scx_rusty";

/// Several runs' values of one figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The one in the middle; of an even number the mean of the two.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Median by the baseline's median; absent where that is 0 or was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
}

impl Spread {
    /// The spread of some values; `None` for none.
    pub fn of(values: &[f64]) -> Option<Spread> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        let median = match sorted.len() % 2 {
            0 => (sorted.get(middle.checked_sub(1)?)? + upper) / 2.0,
            _ => upper,
        };
        Some(Spread {
            median,
            min: *sorted.first()?,
            max: *sorted.last()?,
            ratio: None,
        })
    }
}

/// One scheduler's runs together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Its name in tables.
    pub scheduler: String,
    /// Runs with figures.
    pub runs: usize,
    /// Why the others have none.
    pub died: Vec<String>,
    /// By the names in [`FIGURES`].
    pub figures: BTreeMap<&'static str, Spread>,
    /// Each BPF callback, over the runs; the ratio is that to scx_rusty's of the same name.
    pub callbacks: BTreeMap<String, CallbackSpread>,
}

/// One BPF callback over several runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct CallbackSpread {
    /// Calls in a run.
    pub calls: Spread,
    /// Mean run time.
    pub mean_ns: Spread,
}

/// A benchmark: what was to be measured, and what was.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// As a whole.
    pub about: About,
    /// What was not as it should be: a figure that this machine cannot give, a scheduler left out.
    pub notes: Vec<String>,
    /// Every run, in the order in which they were made.
    pub runs: Vec<Run>,
}

impl Report {
    /// Takes in a line.
    pub fn push(&mut self, line: Line) {
        match line {
            Line::About(about) => self.about = about,
            Line::Run(run) => self.runs.push(run),
            Line::Note(note) => self.notes.push(note),
        }
    }

    /// All of it as lines of JSON again.
    ///
    /// # Errors
    /// None that is known: it is written to memory.
    pub fn json_lines(&self) -> anyhow::Result<Vec<u8>> {
        let mut text = Vec::new();
        let runs = self.runs.iter().cloned().map(Line::Run);
        let notes = self.notes.iter().cloned().map(Line::Note);
        for line in [Line::About(self.about.clone())]
            .into_iter()
            .chain(runs)
            .chain(notes)
        {
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
        Ok(text)
    }

    /// Each scheduler's runs together, in the order of their first runs.
    pub fn summaries(&self) -> Vec<Summary> {
        let mut names: Vec<&str> = Vec::new();
        for run in &self.runs {
            if !names.contains(&run.scheduler.as_str()) {
                names.push(&run.scheduler);
            }
        }
        let mut all: Vec<Summary> = names.iter().map(|name| self.summary(name)).collect();
        let find = |name: &str| all.iter().find(|summary| summary.scheduler == name).cloned();
        let (baseline, peer) = (find(&self.about.baseline), find(CALLBACK_BASELINE));
        for summary in &mut all {
            for (name, spread) in &mut summary.figures {
                let base = baseline.as_ref().and_then(|base| base.figures.get(name));
                spread.ratio = base.and_then(|base| ratio(spread.median, base.median));
            }
            for (name, spread) in &mut summary.callbacks {
                let base = peer.as_ref().and_then(|peer| peer.callbacks.get(name));
                spread.mean_ns.ratio =
                    base.and_then(|base| ratio(spread.mean_ns.median, base.mean_ns.median));
            }
        }
        all
    }

    fn summary(&self, name: &str) -> Summary {
        let mine = || self.runs.iter().filter(|run| run.scheduler == name);
        let good: Vec<&Run> = mine().filter(|run| run.died.is_none()).collect();
        let values = |figure: &Figure| -> Vec<f64> {
            good.iter()
                .filter_map(|run| run.figures.get(figure.name).copied())
                .collect()
        };
        let figures = FIGURES
            .iter()
            .filter_map(|figure| Some((figure.name, Spread::of(&values(figure))?)));
        let mut callbacks: BTreeMap<String, Vec<Callback>> = BTreeMap::new();
        for run in &good {
            for (name, callback) in &run.callbacks {
                callbacks.entry(name.clone()).or_default().push(*callback);
            }
        }
        let over = |all: &[Callback], of: fn(&Callback) -> f64| {
            Spread::of(&all.iter().map(of).collect::<Vec<f64>>()).unwrap_or_default()
        };
        Summary {
            scheduler: name.to_owned(),
            runs: good.len(),
            died: mine().filter_map(|run| run.died.clone()).collect(),
            figures: figures.collect(),
            callbacks: callbacks
                .into_iter()
                .map(|(name, all)| {
                    let spread = CallbackSpread {
                        calls: over(&all, |one| one.calls as f64),
                        mean_ns: over(&all, |one| one.mean_ns),
                    };
                    (name, spread)
                })
                .collect(),
        }
    }

    /// The tables, as Markdown.
    pub fn markdown(&self) -> String {
        let (about, summaries) = (&self.about, self.summaries());
        let mut text = format!(
            "{}, {} at a time, Linux {}, {}; medians of {}, in brackets the least and the most, × that of {}\n",
            about.workload,
            about.jobs,
            about.kernel,
            about.machine,
            match about.repeats {
                1 => "one run".to_owned(),
                runs => format!("{runs} runs"),
            },
            about.baseline
        );
        for note in &self.notes {
            let _ = writeln!(text, "\nNot measured: {note}.");
        }
        for (index, title) in TABLES.iter().enumerate() {
            text += &figures_table(index, title, &summaries);
        }
        text + &callbacks_table(&summaries)
    }

    /// Every run, a line of CSV each, with a heading. Callbacks and the schedulers' own metrics are in the JSON lines
    /// only.
    ///
    /// # Errors
    /// None that is known: it is written to memory.
    pub fn csv(&self) -> anyhow::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let names = FIGURES.iter().map(|figure| figure.name);
        writer.write_record(["scheduler", "repeat", "died"].into_iter().chain(names))?;
        for run in &self.runs {
            let figures = FIGURES.iter().map(|figure| {
                let value = run.figures.get(figure.name);
                value.map(f64::to_string).unwrap_or_default()
            });
            let first = [
                run.scheduler.clone(),
                run.repeat.to_string(),
                run.died.clone().unwrap_or_default(),
            ];
            writer.write_record(first.into_iter().chain(figures))?;
        }
        Ok(writer.into_inner()?)
    }
}

fn ratio(value: f64, base: f64) -> Option<f64> {
    (base > 0.0).then(|| value / base)
}

fn figures_table(index: usize, title: &str, summaries: &[Summary]) -> String {
    let measured = |figure: &&Figure| {
        figure.table == index
            && summaries
                .iter()
                .any(|summary| summary.figures.contains_key(figure.name))
    };
    let columns: Vec<&Figure> = FIGURES.iter().filter(measured).collect();
    if columns.is_empty() {
        return String::new();
    }
    let titles: Vec<&str> = columns.iter().map(|figure| figure.title).collect();
    let mut rows = Vec::new();
    for summary in summaries {
        // The kernel's own scheduler has neither daemon nor BPF programs.
        let cells: Vec<String> = columns
            .iter()
            .map(|figure| match summary.figures.get(figure.name) {
                Some(spread) => cell(spread, figure.digits, summary.runs > 1),
                None => "-".to_owned(),
            })
            .collect();
        let died = summary.died.first().filter(|_| index == 0);
        rows.push((summary, cells, died));
    }
    let mut text = format!(
        "\n{title}:\n\n| scheduler | {} |\n|{}\n",
        titles.join(" | "),
        " --- |".repeat(columns.len() + 1)
    );
    for (summary, cells, died) in rows {
        let died = died.map(|why| format!(" (died {}: {why})", times(summary.died.len())));
        let name = plain(&format!("{}{}", summary.scheduler, died.unwrap_or_default()));
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
    text
}

fn callbacks_table(summaries: &[Summary]) -> String {
    if summaries.iter().all(|summary| summary.callbacks.is_empty()) {
        return String::new();
    }
    let mut text = format!(
        "\nBPF callbacks:\n\n| scheduler | callback | calls a run | mean, ns | / {CALLBACK_BASELINE} |\n|{}\n",
        " --- |".repeat(5)
    );
    for summary in summaries {
        for (name, spread) in &summary.callbacks {
            let ratio = spread.mean_ns.ratio.map(|ratio| format!("{ratio:.2}"));
            let _ = writeln!(
                text,
                "| {} | {name} | {} | {} | {} |",
                plain(&summary.scheduler),
                number(spread.calls.median, 0),
                number(spread.mean_ns.median, 0),
                ratio.unwrap_or_else(|| "-".to_owned()),
            );
        }
    }
    text
}

/// `338 (309 … 345) ×0.40`
fn cell(spread: &Spread, digits: usize, several: bool) -> String {
    let mut text = number(spread.median, digits);
    if several {
        let (min, max) = (number(spread.min, digits), number(spread.max, digits));
        let _ = write!(text, " ({min} … {max})");
    }
    if let Some(ratio) = spread.ratio {
        let _ = write!(text, " ×{ratio:.2}");
    }
    text
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// What would end a cell of a Markdown table early.
fn plain(text: &str) -> String {
    text.replace('|', "\\|")
}

/// With commas between thousands.
pub fn number(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{grouped}{rest}")
}

#[cfg(test)]
mod tests {
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
    fn numbers() {
        let found = [(1234567.0, 0), (999.96, 1), (0.0, 0), (-1234.5, 2)]
            .map(|(value, digits)| number(value, digits));
        assert_eq!(found, ["1,234,567", "1,000.0", "0", "-1,234.50"]);
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[4.0, 2.0]).unwrap().median, 3.0);
    }
}
