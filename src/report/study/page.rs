// SPDX-License-Identifier: GPL-2.0-only
//! An experiment as one page: pictures, tables and settings in one file that needs no network and no script.

use super::pictures::Drawing;
use super::summary::{Line, Study};
use super::text::{time, with};
use crate::report::drift::{self, Drift, Summary};
use crate::report::{Interval, table};
use std::fmt::Write;

const STYLE: &str = "\
:root{color-scheme:light}
body{font:17px/1.5 system-ui,-apple-system,'Segoe UI','DejaVu Sans',Verdana,sans-serif;color:#1d1d1f;background:#fff;margin:0 auto;
max-width:980px;padding:0 16px 64px}
h1{font-size:1.7em;line-height:1.2;margin:1.2em 0 .3em}h2{font-size:1.25em;margin:2.2em 0 .3em}
nav{font-size:.9em}nav a{margin-right:.9em;white-space:nowrap}a{color:#0072b2}
.lead{background:#f2f7fb;border-left:5px solid #0072b2;padding:.7em 1em}
.wide{overflow-x:auto}.wide svg{display:block;width:100%;min-width:620px;height:auto}
svg text{font-family:'DejaVu Sans',Verdana,sans-serif}
table{border-collapse:collapse;font-size:.85em;margin:.6em 0}th,td{padding:.35em .7em;text-align:right;white-space:nowrap}
th{border-bottom:2px solid #888;vertical-align:bottom}td{border-bottom:1px solid #ddd}th:first-child,td:first-child{text-align:left}
code,pre{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:.92em}
pre{background:#f6f6f6;padding:1em;overflow-x:auto}.note{color:#555;font-size:.9em}";

/// The page.
pub fn page(study: &Study, drawings: &[Drawing]) -> String {
    let mut page = String::new();
    let sections = sections(study);
    let drawn = |name: &str| drawings.iter().find(|drawing| drawing.name == name);
    let title = escape(&study.title);
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <p>{}</p>\n<p class=\"lead\">{}</p>\n<nav>",
        about(study),
        headline(study)
    );
    for section in &sections {
        let _ = write!(page, "<a href=\"#{}\">{}</a> ", section.id, section.title);
    }
    page.push_str("</nav>\n");
    for section in &sections {
        let _ = write!(
            page,
            "<section id=\"{}\">\n<h2>{}</h2>\n<p>{}</p>\n",
            section.id, section.title, section.words
        );
        for drawing in section.pictures.iter().filter_map(|name| drawn(name)) {
            let _ = writeln!(page, "<div class=\"wide\">{}</div>", drawing.svg.trim());
        }
        page.push_str(&section.more);
        page.push_str("</section>\n");
    }
    page.push_str("</body>\n</html>\n");
    page
}

/// A part of the page.
struct Section {
    id: &'static str,
    title: &'static str,
    /// What is seen.
    words: String,
    pictures: &'static [&'static str],
    /// Below the pictures.
    more: String,
}

fn sections(study: &Study) -> Vec<Section> {
    let section = |id, title, words: String, pictures, more| Section {
        id,
        title,
        words,
        pictures,
        more,
    };
    vec![
        section("results", "Results", results_words(study), &[], results(study)),
        section("race", "Performance race", race_words(study), &["race"], String::new()),
        section(
            "heatmap",
            "Size × intensity",
            heatmap_words(study),
            &["heatmap"],
            String::new(),
        ),
        section("win-loss", "Wins and losses", duel_words(study), &["win_loss"], String::new()),
        section(
            "frontier",
            "Energy and time",
            "Each policy by the energy that a task draws and the time until it is done. The grey line joins those that no \
             other policy beats in both; whiskers are 95 % confidence."
                .to_owned(),
            &["frontier"],
            String::new(),
        ),
        section("regret", "Regret", regret_words(study), &["regret"], String::new()),
        section(
            "devices",
            "Use and balance of devices",
            "How much of the makespan each device worked. Balance is Jain's index: 1 where all worked equally long, which \
             is no aim by itself where devices differ."
                .to_owned(),
            &["devices"],
            String::new(),
        ),
        section(
            "learning",
            "Learning curves",
            learning_words(study),
            &["learning_tasks", "learning_trees", "training"],
            String::new(),
        ),
        section(
            "importance",
            "Feature importance",
            importance_words(study),
            &["importance"],
            String::new(),
        ),
        section("timeline", "Drift timeline", timeline_words(study), &["timeline"], marks(study)),
        section(
            "decision-time",
            "Decision time",
            "What a decision took on the machine that ran the experiment: the one figure here that is not the same each \
             time."
                .to_owned(),
            &[],
            decisions(study),
        ),
        section("machine", "Machine and settings", machine_words(study), &[], settings(study)),
    ]
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

fn about(study: &Study) -> String {
    format!(
        "{} policies scheduled the same {} tasks on a simulated machine of {} devices, with {} seeds each. Times are from a task's \
         arrival until it is done; ± is a 95 % confidence interval over the seeds.",
        study.policies.len(),
        study.tasks,
        study.devices.len(),
        study.seeds.len()
    )
}

fn headline(study: &Study) -> String {
    let Some(best) = study.best() else {
        return "Only a bound was run: there is nothing to compare.".to_owned();
    };
    let mut words = format!(
        "{} has the lowest mean completion of the policies that are told nothing of the future, {}",
        code(&best.policy),
        time(&best.completion_mean_ns)
    );
    let bound = study
        .oracle
        .as_ref()
        .and_then(|oracle| study.policies.iter().find(|line| line.policy == *oracle));
    if let Some(bound) = bound {
        let more = best.completion_mean_ns.mean / bound.completion_mean_ns.mean - 1.0;
        let side = if more < 0.0 { "below" } else { "above" };
        let _ = write!(
            words,
            ", {:.1} % {side} {}",
            more.abs() * 100.0,
            code(&bound.policy)
        );
    }
    words.push('.');
    let tied: Vec<String> = study.tied_with(&best.policy).into_iter().map(code).collect();
    if !tied.is_empty() {
        let _ = write!(
            words,
            " Not told apart from it by these seeds: {}.",
            tied.join(", ")
        );
    } else if !study.win_loss.is_empty() {
        words.push_str(" Its lead over every other one of them is outside the noise.");
    }
    words
}

fn results_words(study: &Study) -> String {
    let oracle = study.oracle.as_ref().map_or_else(String::new, |oracle| {
        format!(
            " {} is told what each task will take and places it as well as can be at that moment: a bound of single decisions, no \
             competitor.",
            code(oracle)
        )
    });
    format!("All figures, the lowest mean completion first.{oracle}")
}

fn results(study: &Study) -> String {
    let times = |line: &&Line| {
        vec![
            code(&line.policy),
            time(&line.completion_mean_ns),
            table::time(line.completion_p50_ns.mean),
            table::time(line.completion_p95_ns.mean),
            time(&line.completion_p99_ns),
            time(&line.wait_mean_ns),
            time(&line.makespan_ns),
        ]
    };
    let costs = |line: &&Line| {
        vec![
            code(&line.policy),
            with(&line.sla_miss_share, 100.0, "%"),
            with(&line.energy_j_per_task, 1.0, "J"),
            with(&line.cost_usd_per_million, 1.0, "$"),
            with(&line.balance, 1.0, ""),
        ]
    };
    let ranked = study.ranked();
    let rows = |row: &dyn Fn(&&Line) -> Vec<String>| ranked.iter().map(row).collect::<Vec<_>>();
    let head = [
        "policy",
        "mean completion",
        "median",
        "95 %",
        "99 %",
        "mean wait",
        "makespan",
    ];
    let more = [
        "policy",
        "deadlines missed",
        "energy of a task",
        "cost of a million tasks",
        "balance",
    ];
    html_table(&head, &rows(&times)) + &html_table(&more, &rows(&costs))
}

fn html_table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>, tag: &str| {
        let cells: String = cells.map(|cell| format!("<{tag}>{cell}</{tag}>")).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let head = line(&mut head.iter().map(|&cell| cell.to_owned()), "th");
    let body: String = rows
        .iter()
        .map(|row| line(&mut row.iter().cloned(), "td"))
        .collect();
    format!("<div class=\"wide\"><table>\n<thead>{head}</thead>\n<tbody>{body}</tbody>\n</table></div>\n")
}

fn race_words(study: &Study) -> String {
    let ranked = study.ranked();
    let (Some(first), Some(last)) = (ranked.first(), ranked.last()) else {
        return String::new();
    };
    format!(
        "Mean completion of a task under each policy: from {} under {} to {} under {}.",
        table::time(first.completion_mean_ns.mean),
        code(&first.policy),
        table::time(last.completion_mean_ns.mean),
        code(&last.policy)
    )
}

fn heatmap_words(study: &Study) -> String {
    format!(
        "Where each policy loses time: mean completion of the tasks of a size and an intensity, divided by that of the same tasks under \
         {}. 1.00 is as good; 2.00 takes twice as long, and the darker, the slower; orange is below 1.00, faster.",
        code(&study.heatmap.reference)
    )
}

fn duel_words(study: &Study) -> String {
    if study.policies.len() < 2 {
        return "There is one policy, and nobody to compare it with.".to_owned();
    }
    if study.win_loss.is_empty() {
        return "With one seed there is no telling a lead from noise: run the experiment with <code>--seeds</code> of 2 or more."
            .to_owned();
    }
    let ties = study.win_loss.iter().filter(|duel| duel.verdict == "tie").count() / 2;
    format!(
        "Seeds won and lost on mean completion, and how much longer (+) or shorter (−) the row's tasks take than the column's. Columns carry the numbers of the rows. Blue and \
         orange only where the 95 % interval of the paired difference leaves out 0; grey is a tie, {ties} of {} pairs here.",
        study.win_loss.len() / 2
    )
}

fn regret_words(study: &Study) -> String {
    let mut words = "What a task loses on average. By each decision: how much later it is done than under the best placement at \
                     that moment, with the queues that the policy itself made."
        .to_owned();
    if let Some(oracle) = &study.oracle {
        let _ = write!(
            words,
            " Behind the run of {}: how much later it is done than there, with the same tasks. A policy can make good decisions on bad \
             queues, and the other way round.",
            code(oracle)
        );
    }
    words
}

fn learning_words(study: &Study) -> String {
    forest_words(study) + &network_words(study)
}

fn network_words(study: &Study) -> String {
    let end = |curve: &crate::report::learning::Curve| {
        let gain = curve.gain_percent()?;
        let (nearer, last) = (
            if gain < 0.0 { "farther from" } else { "nearer to" },
            curve.episodes.last()?,
        );
        Some(format!(
            "{} came {:.0} % {nearer} 0 in {} decisions",
            code(&curve.policy),
            gain.abs(),
            last.decisions
        ))
    };
    let ends: Vec<String> = study.training.iter().filter_map(end).collect();
    if ends.is_empty() {
        return String::new();
    }
    format!(
        " Networks learn by doing, on tasks that are drawn anew in each episode, and then schedule the same tasks as the others. From \
         the first to the last tenth of its episodes the mean reward of {}; each reward counts something of its own.",
        ends.join(", that of ")
    )
}

fn forest_words(study: &Study) -> String {
    let last = |curve: &&super::Curve| {
        let point = curve.points.last()?;
        let lost = percent(&point.time_lost);
        Some(format!(
            "{} {lost} after {} tasks",
            code(&curve.learner),
            point.count
        ))
    };
    let ends: Vec<String> = study
        .learning
        .iter()
        .filter(|curve| curve.by == "tasks")
        .collect::<Vec<_>>()
        .iter()
        .filter_map(last)
        .collect();
    if ends.is_empty() {
        return "Nothing was learned: this machine has no CPU and GPU to split a task between.".to_owned();
    }
    format!(
        "How much longer tasks of seeds that were never learned from take with the predicted share than with the best one, where nothing \
         waits: {}. Bands are 95 % confidence over the seeds.",
        ends.join(", ")
    )
}

fn percent(interval: &Interval) -> String {
    with(interval, 100.0, "%")
}

fn importance_words(study: &Study) -> String {
    let first = study
        .importance
        .iter()
        .max_by(|a, b| a.error_added.mean.total_cmp(&b.error_added.mean));
    let Some(first) = first else {
        return "There is no learner to ask.".to_owned();
    };
    format!(
        "How much more the predicted share is wrong by, on tasks that were never learned from, when one feature's values are shuffled among \
         them. {} counts most. Features that say the same share their importance.",
        code(&first.feature)
    )
}

fn timeline_words(study: &Study) -> String {
    let marks = match study.timeline.marks.len() {
        0 => "The workload is the same from the first task to the last, so what goes up and down is waiting."
            .to_owned(),
        1 => "The workload shifts at the grey line.".to_owned(),
        count => format!("The workload shifts at each of the {count} grey lines."),
    };
    let drift = study
        .drift
        .as_ref()
        .map_or_else(String::new, |drift| drift_words(study, drift));
    format!(
        "Mean completion of the tasks that arrived in each window, over the run; means of all seeds. {marks}{drift}"
    )
}

fn drift_words(study: &Study, drift: &Drift) -> String {
    let recovery = match (&study.oracle, drift.at.is_empty()) {
        (_, true) => {
            return " Some policies look for drift all the same; the table has their false alarms."
                .to_owned();
        }
        (None, _) => "When a policy recovered is not known: there is no oracle to measure it by.".to_owned(),
        (Some(oracle), _) => format!(
            "A ring is where a policy had recovered with every seed: where it was as little behind {} again as before the shift, \
             up to 5 %.",
            code(oracle)
        ),
    };
    format!(
        " {recovery} The table has mean completion, and how much that is above the oracle's, settled before, in the first {} \
         tasks, and settled after; and tasks until a policy noticed, until its model decided again, and until it had recovered, \
         means over seeds and shifts.",
        drift.window_tasks
    )
}

fn marks(study: &Study) -> String {
    let rows: Vec<Vec<String>> = study
        .timeline
        .marks
        .iter()
        .map(|mark| vec![mark.task.to_string(), escape(&mark.what)])
        .collect();
    let marks = match rows.is_empty() {
        true => String::new(),
        false => html_table(&["task", "what"], &rows),
    };
    let drift = study.drift.as_ref().map_or_else(String::new, |found| {
        let row = |policy: &Summary| {
            let cells = policy.row().into_iter().enumerate();
            cells
                .map(|(at, cell)| if at == 0 { code(&cell) } else { cell })
                .collect()
        };
        html_table(
            &drift::COLUMNS,
            &found.policies.iter().map(row).collect::<Vec<_>>(),
        )
    });
    marks + &drift
}

fn decisions(study: &Study) -> String {
    let row = |line: &&Line| vec![code(&line.policy), time(&line.decision_ns)];
    html_table(
        &["policy", "mean of a decision"],
        &study.ranked().iter().map(row).collect::<Vec<_>>(),
    )
}

fn machine_words(study: &Study) -> String {
    let machine = &study.machine;
    let hardware = match &machine.hardware {
        Some(_) => "The hardware profile is the one below.",
        None => "No hardware profile was given: tasks take what the settings say.",
    };
    format!(
        "Run by scx_augur {} on {} CPUs ({}), {} MB of memory, Linux {}. {hardware} All settings, for <code>scx_augur experiment \
         --config</code>:",
        env!("CARGO_PKG_VERSION"),
        machine.cpus,
        escape(&machine.cpu),
        machine.memory_mb,
        escape(&machine.kernel)
    )
}

fn settings(study: &Study) -> String {
    let hardware = study
        .machine
        .hardware
        .as_ref()
        .map_or_else(String::new, |profile| {
            let text = serde_json::to_string_pretty(profile).unwrap_or_default();
            format!(
                "<p class=\"note\">hardware_profile.json</p>\n<pre>{}</pre>\n",
                escape(&text)
            )
        });
    format!(
        "<details><summary>settings</summary><pre>{}</pre></details>\n{hardware}",
        escape(&study.settings)
    )
}
