// SPDX-License-Identifier: GPL-2.0-only
//! What the page says in sentences.

use super::html::{code, codes};
use crate::report::drift::Drift;
use crate::report::learning;
use crate::report::study::column::{Column, Kind};
use crate::report::study::summary::{Curve, Study};
use augur_base::statistics::Interval;
use augur_base::table;
use maud::{Markup, html};

fn percent(interval: &Interval, several: bool) -> String {
    format!(
        "{} %",
        Column::new(Kind::Share, &[interval.mean], several).cell(interval)
    )
}

fn time(study: &Study, interval: &Interval) -> String {
    let column = Column::new(Kind::Time, &[interval.mean], study.seeds.len() > 1);
    format!("{} {}", column.cell(interval), column.unit)
}

fn plural(count: usize, one: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {one}{ending}", table::grouped(count as f64, 0))
}

pub(super) fn about(study: &Study) -> Markup {
    let sure = match study.seeds.len() {
        1 => "with one seed, so that nothing tells how sure the figures are",
        _ => "",
    };
    html! {
        @if study.policies.len() == 1 { "1 policy" } @else { (study.policies.len()) " policies" }
        " scheduled the same " (table::grouped(study.tasks as f64, 0)) " tasks on a simulated machine of "
        (plural(study.devices.len(), "device")) ", "
        @if sure.is_empty() {
            "with " (plural(study.seeds.len(), "seed")) " each. Times are from a task's arrival until it is done; ± is a 95 % \
             confidence interval over the seeds."
        } @else { (sure) ". Times are from a task's arrival until it is done." }
    }
}

pub(super) fn headline(study: &Study) -> Markup {
    let Some(best) = study.best() else {
        return html! { "Only a policy that is told the future was run: there is nothing to compare." };
    };
    let told = study.oracle.as_ref();
    let bound = told.and_then(|oracle| study.policies.iter().find(|line| line.policy == *oracle));
    let tied = study.tied_with(&best.policy);
    html! {
        (code(&best.policy)) " has the lowest mean completion of the policies that are told nothing of the future, "
        (time(study, &best.completion_mean_ns))
        @if let Some(bound) = bound {
            @let more = best.completion_mean_ns.mean / bound.completion_mean_ns.mean - 1.0;
            ", " (format!("{:.1}", more.abs() * 100.0)) " % " @if more < 0.0 { "below " } @else { "above " } (code(&bound.policy))
        }
        "."
        @if !tied.is_empty() { " Not told apart from it by these seeds: " (codes(tied)) "." }
        @else if !study.win_loss.is_empty() { " Its lead over every other one of them is outside the noise." }
    }
}

pub(super) fn results(study: &Study) -> Markup {
    html! {
        "All figures, the lowest mean completion first."
        @if let Some(oracle) = &study.oracle {
            " " (code(oracle)) " is told what each task will take and places it as well as can be at that moment: it is no competitor."
        }
    }
}

pub(super) fn race(study: &Study) -> Markup {
    let ranked = study.ranked();
    let (Some(first), Some(last)) = (ranked.first(), ranked.last()) else {
        return html! {};
    };
    html! {
        "Mean completion of a task under each policy: from " (table::time(first.completion_mean_ns.mean)) " under "
        (code(&first.policy)) " to " (table::time(last.completion_mean_ns.mean)) " under " (code(&last.policy))
        ". A colour and a mark are a policy's own in all pictures."
    }
}

pub(super) fn tail(study: &Study) -> Markup {
    let ratio =
        |line: &&crate::report::study::Line| line.completion_p99_ns.mean / line.completion_mean_ns.mean;
    let ranked = study.ranked();
    let worst = ranked.iter().copied().filter(|line| ratio(line).is_finite());
    let worst = worst.max_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    html! {
        "A mean hides who waits long. "
        @if let Some(line) = worst {
            "Farthest apart are they under " (code(&line.policy)) ": p99 is " (format!("{:.1}", ratio(&line))) " times the mean. "
        }
        "Below, how many tasks are done within each time."
    }
}

pub(super) fn heatmap(study: &Study) -> Markup {
    html! {
        "Where each policy loses time: mean completion of the tasks of a size and an intensity, divided by that of the same tasks under "
        (code(&study.heatmap.reference))
        ". 1.00 is as good; 2.00 takes twice as long, and the darker, the slower; orange is below 1.00, faster. A dash: no task was such."
    }
}

pub(super) fn duels(study: &Study) -> Markup {
    if study.policies.len() < 2 {
        return html! { "There is one policy, and nobody to compare it with." };
    }
    if study.win_loss.is_empty() {
        return html! {
            "With one seed there is no telling a lead from noise: run the experiment with " (code("--seeds")) " of 2 or more."
        };
    }
    let ties = study.win_loss.iter().filter(|duel| duel.verdict == "tie").count() / 2;
    html! {
        "The same tasks, seed by seed. Where an interval reaches over 0 two policies are not told apart: " (ties) " of "
        (study.win_loss.len() / 2) " pairs here."
    }
}

pub(super) fn regret(study: &Study) -> Markup {
    html! {
        "What a task loses on average. By each decision: how much later it is done than under the best placement at that moment, with the \
         queues that the policy itself made."
        @if let Some(oracle) = &study.oracle {
            " Behind the run of " (code(oracle)) ": how much later it is done than there, with the same tasks. A policy can make good \
             decisions on bad queues, and the other way round."
        }
    }
}

pub(super) fn learning(study: &Study) -> Markup {
    html! { (forests(study)) (networks(study)) }
}

fn forests(study: &Study) -> Markup {
    let curves = study.learning.iter().filter(|curve| curve.by == "tasks");
    let ends: Vec<_> = curves
        .filter_map(|curve: &Curve| Some((&curve.learner, curve.points.last()?)))
        .collect();
    if ends.is_empty() {
        return html! { "Nothing was learned: this machine has no CPU and GPU to split a task between." };
    }
    let several = study.seeds.len() > 1;
    html! {
        "How much longer tasks of seeds that were never learned from take with the predicted share than with the best one, where nothing \
         waits: "
        @for (at, (learner, point)) in ends.iter().enumerate() {
            @if at > 0 { ", " }
            (code(learner)) " " (percent(&point.time_lost, several)) " after " (table::grouped(point.count as f64, 0)) " tasks"
        }
        "."
        @if several { " Bands are 95 % confidence over the seeds." }
    }
}

fn networks(study: &Study) -> Markup {
    let end = |curve: &learning::Curve| {
        let (gain, last) = (curve.gain_percent()?, curve.episodes.last()?.decisions);
        Some((curve.policy.clone(), gain, last))
    };
    let ends: Vec<_> = study.training.iter().filter_map(end).collect();
    if ends.is_empty() {
        return html! {};
    }
    html! {
        " Networks learn by doing, on tasks that are drawn anew in each episode, and then schedule the same tasks as the others. From the \
         first to the last tenth of its episodes the mean reward of "
        @for (at, (policy, gain, decisions)) in ends.iter().enumerate() {
            @if at > 0 { ", that of " }
            (code(policy)) " came " (format!("{:.0}", gain.abs())) " % "
            @if *gain < 0.0 { "farther from" } @else { "nearer to" } " 0 in " (table::grouped(*decisions as f64, 0)) " decisions"
        }
        "; each reward counts something of its own."
    }
}

pub(super) fn importance(study: &Study) -> Markup {
    let first = study
        .importance
        .iter()
        .max_by(|a, b| a.error_added.mean.total_cmp(&b.error_added.mean));
    let Some(first) = first else {
        return html! { "There is no learner to ask." };
    };
    html! {
        "How much more the predicted share is wrong by, on tasks that were never learned from, when one feature's values are shuffled among \
         them. " (code(&first.feature)) " counts most. Features that say the same share their importance."
    }
}

pub(super) fn timeline(study: &Study) -> Markup {
    let marks = &study.timeline.marks;
    html! {
        "Mean completion of the tasks that arrived in each window, over the run; means of all seeds"
        @if study.seeds.len() > 1 { ", with 95 % confidence as bands" } ". "
        @if marks.is_empty() {
            "The workload is the same from the first task to the last, so what goes up and down is waiting."
        } @else {
            "The workload shifts at the grey lines: "
            @for (at, mark) in marks.iter().enumerate() {
                @if at > 0 { ", " }
                "from task " (table::grouped(mark.task as f64, 0)) " on “" (mark.what) "”"
            }
            "."
        }
        @if let Some(drift) = &study.drift { (drift_words(study, drift)) }
    }
}

fn drift_words(study: &Study, drift: &Drift) -> Markup {
    if drift.at.is_empty() {
        return html! { " Some policies look for drift all the same; the table has their false alarms." };
    }
    html! {
        @if let Some(oracle) = &study.oracle {
            " A ring is where a policy had recovered with every seed: where it was as little behind " (code(oracle))
            " again as before the shift, up to 5 %."
        } @else { " When a policy recovered is not known: no clairvoyant policy was run to measure it by." }
        " The table has mean completion, and how much that is above the clairvoyant policy's, settled before, in the first "
        (table::grouped(drift.window_tasks as f64, 0))
        " tasks, and settled after; and tasks until a policy noticed, until its model decided again, and until it had recovered, means over \
         seeds and shifts."
    }
}

pub(super) fn machine(study: &Study) -> Markup {
    let (machine, made) = (&study.machine, &study.made);
    html! {
        "Run by scx_augur " (env!("CARGO_PKG_VERSION"))
        @if let Some(commit) = &made.commit { ", commit " (code(commit)) "," }
        @if let Some(at) = &made.at { " at " (at) }
        " on " (plural(machine.cpus, "CPU")) " (" (machine.cpu) "), " (table::grouped(machine.memory_mb as f64, 0))
        " MB of memory, Linux " (machine.kernel) ". "
        @match machine.hardware {
            Some(_) => "The hardware profile is the one below.",
            None => "No hardware profile was given: tasks take what the settings say.",
        }
        " All settings are in " a href="experiment.toml" { "experiment.toml" } ", for "
        (code("scx_augur experiment --config")) "; all figures in " a href="summary.json" { "summary.json" } " and "
        a href="results.csv" { "results.csv" } "."
    }
}
