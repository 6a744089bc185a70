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
#[derive(Default)]
struct Section {
    id: &'static str,
    title: &'static str,
    /// What is seen.
    words: Markup,
    pictures: &'static [&'static str],
    /// Below the pictures.
    more: Markup,
}

impl Section {
    fn new(id: &'static str, title: &'static str, words: Markup) -> Section {
        Section {
            id,
            title,
            words,
            ..Section::default()
        }
    }

    fn pictures(self, pictures: &'static [&'static str]) -> Section {
        Section { pictures, ..self }
    }

    fn more(self, more: Markup) -> Section {
        Section { more, ..self }
    }
}

fn sections(study: &Study) -> Vec<Section> {
    let mut all = Vec::from(compared(study));
    all.extend(explained(study));
    all
}

/// Who is better, and where.
fn compared(study: &Study) -> [Section; 7] {
    let frontier = html! {
        "Each policy by two figures at a time. The dotted line joins those that no other policy beats in both; whiskers are 95 % \
         confidence. Marks beside each other, with one label, are in one place."
    };
    [
        Section::new("results", "Results", words::results(study)).more(results(study)),
        Section::new("race", "Performance race", words::race(study)).pictures(&["race"]),
        Section::new("tail", "Slow tasks", words::tail(study)).pictures(&["tail", "completion"]),
        Section::new("win-loss", "Wins and losses", words::duels(study))
            .pictures(&["win_loss"])
            .more(duels(study)),
        Section::new("heatmap", "Size × intensity", words::heatmap(study)).pictures(&["heatmap"]),
        Section::new("frontier", "Energy, time, cost", frontier).pictures(&["frontier", "cost"]),
        Section::new("regret", "Regret", words::regret(study)).pictures(&["regret"]),
    ]
}

/// Why, and how that is known.
fn explained(study: &Study) -> [Section; 6] {
    let devices = html! {
        "How much of the makespan each device worked. Balance is Jain's index: 1 where all worked equally long, which is not an aim \
         by itself where devices differ."
    };
    let decisions = html! {
        "What a decision took on the machine that ran the experiment: the one figure here that is not the same each time."
    };
    let timeline = Section::new("timeline", timeline_title(study), words::timeline(study));
    [
        Section::new("devices", "Use and balance of devices", devices).pictures(&[
            "devices",
            "gpu_fraction",
            "schedule",
        ]),
        Section::new("learning", "Learning curves", words::learning(study)).pictures(&[
            "learning_tasks",
            "learning_trees",
            "training",
        ]),
        Section::new("importance", "Feature importance", words::importance(study)).pictures(&["importance"]),
        timeline.pictures(&["timeline"]).more(drift(study)),
        Section::new("decision-time", "Decision time", decisions).more(tables::decisions(study).html()),
        Section::new("machine", "Machine and settings", words::machine(study)).more(settings(study)),
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
