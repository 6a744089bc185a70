// SPDX-License-Identifier: GPL-2.0-only
//! An experiment as one page: pictures, tables and settings in one file that needs no network and no script, on white and
//! on dark paper, on a screen and on a phone. Ways lead to the files beside it.
//!
//! ```text
//! words  what it says     tables  its tables     html  what both are made of
//! ```

mod html;
mod tables;
mod words;

use super::pictures::Drawing;
use super::summary::Study;
use augur_base::picture::palette;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

/// The page.
pub fn page(study: &Study, drawings: &[Drawing]) -> String {
    let drawn = |name: &str| drawings.iter().find(|drawing| drawing.name == name);
    let sections = sections(study);
    let dark = format!("@media (prefers-color-scheme:dark){{\n{}}}", palette::css());
    html! {
        (DOCTYPE) "\n"
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (study.title) }
                style { (PreEscaped(STYLE)) (PreEscaped(dark)) }
            }
            body {
                header {
                    h1 { (study.title) }
                    p { (words::about(study)) }
                    p class="lead" { (words::headline(study)) }
                }
                nav aria-label="parts of this page" {
                    @for section in &sections { a href={ "#" (section.id) } { (section.title) } " " }
                }
                main {
                    @for section in &sections {
                        "\n" section id=(section.id) {
                            h2 { (section.title) }
                            p { (section.words) }
                            @for drawing in section.pictures.iter().filter_map(|name| drawn(name)) { (html::figure(drawing)) }
                            (section.more)
                        }
                    }
                }
            }
        }
    }
    .into_string()
}

/// A part of the page.
struct Section {
    id: &'static str,
    title: &'static str,
    /// What is seen.
    words: Markup,
    pictures: &'static [&'static str],
    /// Below the pictures.
    more: Markup,
}

fn sections(study: &Study) -> Vec<Section> {
    let mut all = Vec::from(compared(study));
    all.extend(explained(study));
    all
}

/// A part.
fn section(
    id: &'static str,
    title: &'static str,
    words: Markup,
    pictures: &'static [&'static str],
    more: Markup,
) -> Section {
    Section {
        id,
        title,
        words,
        pictures,
        more,
    }
}

fn none() -> Markup {
    html! {}
}

/// Who is better, and where.
fn compared(study: &Study) -> [Section; 7] {
    [
        section("results", "Results", words::results(study), &[], results(study)),
        section("race", "Performance race", words::race(study), &["race"], none()),
        section(
            "tail",
            "Slow tasks",
            words::tail(study),
            &["tail", "completion"],
            none(),
        ),
        section(
            "win-loss",
            "Wins and losses",
            words::duels(study),
            &["win_loss"],
            duels(study),
        ),
        section(
            "heatmap",
            "Size × intensity",
            words::heatmap(study),
            &["heatmap"],
            none(),
        ),
        section(
            "frontier",
            "Energy, time, cost",
            html! {
                "Each policy by two figures at a time. The dotted line joins those that no other policy beats in both; whiskers are 95 % \
                 confidence. Marks beside each other, with one label, are in one place."
            },
            &["frontier", "cost"],
            none(),
        ),
        section("regret", "Regret", words::regret(study), &["regret"], none()),
    ]
}

/// Why, and how that is known.
fn explained(study: &Study) -> [Section; 6] {
    [
        section(
            "devices",
            "Use and balance of devices",
            html! {
                "How much of the makespan each device worked. Balance is Jain's index: 1 where all worked equally long, which is not an aim \
                 by itself where devices differ."
            },
            &["devices", "gpu_fraction", "schedule"],
            none(),
        ),
        section(
            "learning",
            "Learning curves",
            words::learning(study),
            &["learning_tasks", "learning_trees", "training"],
            none(),
        ),
        section(
            "importance",
            "Feature importance",
            words::importance(study),
            &["importance"],
            none(),
        ),
        section(
            "timeline",
            timeline_title(study),
            words::timeline(study),
            &["timeline"],
            drift(study),
        ),
        section(
            "decision-time",
            "Decision time",
            html! {
                "What a decision took on the machine that ran the experiment: the one figure here that is not the same each time."
            },
            &[],
            tables::decisions(study).html(),
        ),
        section(
            "machine",
            "Machine and settings",
            words::machine(study),
            &[],
            settings(study),
        ),
    ]
}

fn timeline_title(study: &Study) -> &'static str {
    match study.timeline.marks.is_empty() {
        true => "Timeline",
        false => "Drift timeline",
    }
}

fn results(study: &Study) -> Markup {
    html! {
        (tables::times(study).html())
        (tables::costs(study).html())
        @if let Some(labels) = tables::labels(study) { (labels.html()) }
    }
}

fn duels(study: &Study) -> Markup {
    tables::duels(study).map_or_else(|| html! {}, |table| table.html())
}

fn drift(study: &Study) -> Markup {
    html! { @if let Some(found) = &study.drift { (tables::drift(found).html()) } }
}

fn settings(study: &Study) -> Markup {
    html! {
        @if let Some(command) = &study.made.command { p class="note" { "The command line" } pre { (command) } }
        details { summary { "settings" } pre { (study.settings) } }
        @if let Some(profile) = &study.machine.hardware {
            p class="note" { "hardware_profile.json" }
            pre { (serde_json::to_string_pretty(profile).unwrap_or_default()) }
        }
    }
}
