// SPDX-License-Identifier: GPL-2.0-only
//! An experiment's page and pictures, as a reader gets them: nothing cut, everything told apart and named, colours that are
//! seen on white and on dark paper, ways that lead somewhere. Widths and contrasts are computed here, from the font and by
//! the definitions of WCAG 2.2.

use super::experiment::files;
use ab_glyph::{Font, FontRef};
use augur_devices::experiment::study::{self, Plan};
use augur_devices::report::study::{Made, Study};
use roxmltree::{Document, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// As many policies as there are, some of long names, one of them with a label.
const THIRTEEN: &str = "\
[experiment]
measure = false
title = \"Thirteen <policies> & more\"
seeds = 2
policies = [\"round_robin\", \"random\", \"greedy\", \"least_work\", \"eft\", \"heft\", \"cpop\", \"peft\", \"lookahead\", \"portfolio\",
  \"hybrid_ml[trees=2,depth=3,pretrain_tasks=40,window=50]\", \"hybrid_ml[alone=1,trees=2,depth=4,drift=adwin,fallback=eft]\", \"clairvoyant\"]
labels = { \"portfolio\" = \"several at once\" }
heatmap = [2, 2]
windows = 4
learning_tasks = [20]
learning_trees = [1, 2]
held_out_tasks = 20
[workload]
tasks = 60
[hybrid_ml]
pretrain_tasks = 40
[hybrid_ml.forest]
trees = 2
depth = 3
";
const PICTURES: [&str; 14] = [
    "gpu_fraction",
    "race",
    "tail",
    "completion",
    "win_loss",
    "heatmap",
    "frontier",
    "cost",
    "regret",
    "devices",
    "schedule",
    "learning_tasks",
    "learning_trees",
    "importance",
];

fn experiment(settings: &str, out: &Path) -> (Study, String) {
    let config = study::defaults().with_toml(settings).unwrap();
    let stop = AtomicBool::new(false);
    let plan = Plan {
        config: &config,
        out,
        threads: 2,
        networks: Path::new(""),
        stop: &stop,
        made: Made {
            command: Some("scx_augur experiment --out 'a <b>'".to_owned()),
            at: Some("2026-01-02 03:04 UTC".to_owned()),
            commit: Some("0123456789ab".to_owned()),
        },
    };
    let study = study::run(&plan, &|_| ()).unwrap();
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    (study, page)
}

/// The pieces of a page from each start to the next end.
fn pieces<'a>(page: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let starts = page.match_indices(start).map(|(at, _)| &page[at..]);
    starts
        .map(|rest| &rest[..rest.find(end).unwrap() + end.len()])
        .collect()
}

fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    let starts = page.split(start.as_str()).skip(1);
    starts.map(|rest| rest.split('"').next().unwrap()).collect()
}

type Rgb = [f64; 3];

fn rgb(text: &str) -> Rgb {
    let digits = text.trim_start_matches('#');
    let wide: String = match digits.len() {
        3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
        _ => digits.to_owned(),
    };
    [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&wide[at..at + 2], 16).unwrap()))
}

/// WCAG 2.2, relative luminance and contrast ratio.
fn contrast(one: Rgb, other: Rgb) -> f64 {
    let luminance = |colour: Rgb| {
        let [r, g, b] = colour.map(|part| match part / 255.0 {
            part if part <= 0.04045 => part / 12.92,
            part => ((part + 0.055) / 1.055).powf(2.4),
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn number(node: Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap_or("0").parse().unwrap()
}

/// Where a text is: left, right, middle in height.
fn extent(node: Node<'_, '_>) -> (f64, f64, f64) {
    let bytes = match node.attribute("font-weight") {
        Some("bold") => dejavu::sans::bold(),
        _ => dejavu::sans::regular(),
    };
    let font = FontRef::try_from_slice(bytes).unwrap();
    let letters = node.text().unwrap_or("").chars();
    let units: f32 = letters
        .map(|letter| font.h_advance_unscaled(font.glyph_id(letter)))
        .sum();
    let size = number(node, "font-size");
    let width = f64::from(units / font.units_per_em().unwrap()) * size;
    let x = number(node, "x");
    let left = match node.attribute("text-anchor") {
        Some("middle") => x - width / 2.0,
        Some("end") => x - width,
        _ => x,
    };
    (left, left + width, number(node, "y") - size / 3.0)
}

/// What is below a point of a picture: the colour of the last box that holds it, of those before a node.
fn below(node: Node<'_, '_>, (x, y): (f64, f64)) -> String {
    let boxes = node.prev_siblings().filter(|other| other.has_tag_name("rect"));
    let holds = |one: &Node<'_, '_>| {
        let (left, top) = (number(*one, "x"), number(*one, "y"));
        (left..left + number(*one, "width")).contains(&x) && (top..top + number(*one, "height")).contains(&y)
    };
    boxes
        .filter(holds)
        .map(|one| one.attribute("fill").unwrap().to_owned())
        .next()
        .unwrap_or("#FFFFFF".to_owned())
}

/// Of a colour on white paper that on dark paper, by the page's own rules.
fn dark(page: &str) -> BTreeMap<String, String> {
    let rules = pieces(page, "svg [fill=\"", "}");
    let rules = rules.into_iter().map(|rule| {
        let (light, dark) = rule["svg [fill=\"".len()..].split_once("\"]{fill:").unwrap();
        (light.to_owned(), dark.trim_end_matches('}').to_owned())
    });
    rules.collect()
}

/// Pictures have names and words, all text is inside of them, and what is drawn is seen on both papers.
fn pictures(page: &str) {
    let dark = dark(page);
    assert!(dark.len() > 10, "{dark:?}");
    let on = |colour: &str| rgb(dark.get(colour).map_or(colour, String::as_str));
    let drawn = pieces(page, "<svg ", "</svg>");
    assert_eq!(drawn.len(), 2 * (PICTURES.len() + 1));
    for text in drawn {
        let picture = Document::parse(text).unwrap();
        let root = picture.root_element();
        let id = root.attribute("id").unwrap();
        let words = |tag: &str, by: &str| {
            let found = root.children().find(|node| node.has_tag_name(tag)).unwrap();
            assert_eq!(found.attribute("id"), root.attribute(by), "{id}");
            assert!(found.text().unwrap().len() > 15, "{id}: {:?}", found.text());
        };
        words("title", "aria-labelledby");
        words("desc", "aria-describedby");
        assert_eq!(root.attribute("role"), Some("img"));
        let view: Vec<f64> = root
            .attribute("viewBox")
            .unwrap()
            .split(' ')
            .map(|part| part.parse().unwrap())
            .collect();
        for node in root
            .children()
            .filter(|node| node.has_tag_name("text") && !node.has_attribute("aria-hidden"))
        {
            let (left, right, middle) = extent(node);
            let cut = left < 0.0 || right > view[2] || middle < 0.0 || middle > view[3];
            assert!(
                !cut,
                "{id}: '{}' from {left} to {right} of {}",
                node.text().unwrap(),
                view[2]
            );
            let (ink, paper) = (
                node.attribute("fill").unwrap(),
                below(node, (f64::midpoint(left, right), middle)),
            );
            for seen in [contrast(rgb(ink), rgb(&paper)), contrast(on(ink), on(&paper))] {
                assert!(
                    seen >= 4.5,
                    "{id}: '{}' {ink} on {paper}: {seen}",
                    node.text().unwrap()
                );
            }
        }
        for line in root.children().filter_map(|node| node.attribute("stroke")) {
            // The grid only helps the eye, and an edge of paper is none.
            if !["#DEDEDE", "#FFFFFF", "none"].contains(&line) {
                let seen = [
                    contrast(rgb(line), rgb("#FFFFFF")),
                    contrast(on(line), on("#FFFFFF")),
                ];
                assert!(seen.iter().all(|seen| *seen >= 3.0), "{id}: {line} {seen:?}");
            }
        }
    }
}

/// Tables have captions and heads; one unit is in a column; no interval reaches below nothing.
fn tables(page: &str) {
    let found = pieces(page, "<table", "</table>");
    assert!(found.len() >= 5, "{}", found.len());
    for table in &found {
        assert!(table.contains("<caption") && table.contains("<thead>"), "{table}");
        let heads = pieces(table, "<th", ">");
        let heads = heads.iter().filter(|head| !head.starts_with("<thead"));
        assert!(heads.into_iter().all(|head| head.contains("scope=\"")), "{table}");
    }
    assert_eq!(pieces(page, "<div class=\"scroll\"", ">").len(), found.len());
    for scroll in pieces(page, "<div class=\"scroll\"", ">") {
        assert!(
            scroll.contains("tabindex=\"0\"") && scroll.contains("role=\"region\""),
            "{scroll}"
        );
    }
    for id in ["times", "costs", "decisions"] {
        let table = found
            .iter()
            .find(|table| table.contains(&format!("id=\"{id}\"")))
            .unwrap();
        for cell in pieces(table, "<td", "</td>") {
            let text = cell
                .split_once('>')
                .unwrap()
                .1
                .trim_end_matches("</td>")
                .replace(" to ", " ");
            assert!(
                text.chars()
                    .all(|letter| letter.is_ascii_digit() || " ±.,()–".contains(letter)),
                "a unit beside {text}"
            );
            let parts: Vec<f64> = text
                .split(" ± ")
                .filter_map(|part| part.replace(',', "").parse().ok())
                .collect();
            assert!(parts.len() < 2 || parts[1] <= parts[0], "{text} reaches below 0");
        }
    }
    assert!(page.contains(">p95, ") && page.contains(">p99, ") && page.contains("class=\"best\""));
}

/// Ways lead to parts of the page or to files beside it, and names on it are there once.
fn ways(page: &str, out: &Path) {
    let ids = attributes(page, "id");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    let ways = attributes(page, "href");
    for way in &ways {
        match way.strip_prefix('#') {
            Some(id) => assert!(ids.contains(&id), "{way}"),
            None => assert!(out.join(way).is_file(), "{way}"),
        }
    }
    for name in PICTURES {
        for kind in ["png", "svg", "pdf"] {
            assert!(ways.contains(&format!("{name}.{kind}").as_str()), "{name}.{kind}");
        }
    }
    for outside in ["http:", "https:", "src=", "url(", "<link", "<script", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for wrong in ["NaN", ">inf", " inf ", ">-0 %", "−0 %", "+0 %", "-0.0 "] {
        assert!(!page.contains(wrong), "{wrong}");
    }
}

/// The page's own colours, in both modes.
fn colours(page: &str) {
    let modes = pieces(page, ":root{", "}");
    assert_eq!(modes.len(), 2, "{modes:?}");
    for mode in modes {
        let of = |name: &str| {
            rgb(mode
                .split(&format!("--{name}:"))
                .nth(1)
                .unwrap()
                .split([';', '}'])
                .next()
                .unwrap())
        };
        for (ink, paper) in [
            ("ink", "paper"),
            ("muted", "paper"),
            ("link", "paper"),
            ("ink", "soft"),
            ("ink", "best"),
        ] {
            assert!(contrast(of(ink), of(paper)) >= 4.5, "{ink} on {paper} in {mode}");
        }
    }
    assert!(page.contains("prefers-color-scheme:dark"));
}

/// Every policy is on the page with its whole name, in the pictures with its label, and with a mark of its own.
fn policies(study: &Study, page: &str) {
    let race = pieces(page, "<svg id=\"race-wide\"", "</svg>")[0];
    let picture = Document::parse(race).unwrap();
    let text: String = picture
        .descendants()
        .filter(|node| node.has_tag_name("text"))
        .filter_map(|node| node.text())
        .collect();
    let mut labels = BTreeSet::new();
    for line in &study.policies {
        assert!(
            page.contains(&format!("<code>{}</code>", line.policy)),
            "{}",
            line.policy
        );
        let label = study.label(&line.policy);
        assert!(labels.insert(label), "{label} is there twice");
        assert!(
            text.replace(' ', "").contains(&label.replace(' ', "")),
            "{label}: {text}"
        );
    }
    assert!(
        labels.contains("several at once") && labels.contains("hybrid_ml[alone=1,…]"),
        "{labels:?}"
    );
    // Marks by colour and form, wherever they are.
    let marks = picture.descendants().filter_map(|node| {
        let form = match node.tag_name().name() {
            "circle" => "circle".to_owned(),
            "polygon" => {
                let points = node.attribute("points")?.split(' ').map(|point| {
                    let (x, y) = point.split_once(',').unwrap();
                    (x.parse::<i32>().unwrap(), y.parse::<i32>().unwrap())
                });
                let points: Vec<(i32, i32)> = points.collect();
                let first = points[0];
                format!(
                    "{:?}",
                    points
                        .iter()
                        .map(|(x, y)| (x - first.0, y - first.1))
                        .collect::<Vec<_>>()
                )
            }
            _ => return None,
        };
        Some((node.attribute("stroke")?.to_owned(), form))
    });
    let marks: Vec<(String, String)> = marks.collect();
    assert_eq!(
        (marks.len(), marks.iter().collect::<BTreeSet<_>>().len()),
        (13, 13),
        "{marks:?}"
    );
}

#[test]
fn thirteen_policies_are_read_by_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let (study, page) = experiment(THIRTEEN, folder.path());
    pictures(&page);
    tables(&page);
    ways(&page, folder.path());
    colours(&page);
    policies(&study, &page);
    for words in [
        "<title>Thirteen &lt;policies&gt; &amp; more</title>",
        "scx_augur experiment --out 'a &lt;b&gt;'",
        "at 2026-01-02 03:04 UTC",
        "0123456789ab",
        ">Timeline</h2>",
    ] {
        assert!(page.contains(words), "{words}");
    }
    // Nothing drifts and nobody is asked about it, but for one who looks for it.
    assert!(!page.contains("Drift timeline"));
    for path in files(folder.path()) {
        let bytes = std::fs::read(&path).unwrap();
        match path.extension().and_then(|kind| kind.to_str()) {
            Some("pdf") => assert!(bytes.starts_with(b"%PDF-"), "{path:?}"),
            Some("svg") => {
                let text = String::from_utf8(bytes).unwrap();
                assert_eq!(
                    Document::parse(&text).unwrap().root_element().attribute("width"),
                    Some("960")
                );
            }
            _ => (),
        }
    }
}

/// The distribution is that of the percentiles in the results, and the schedule is of whole tasks, one at a time on a device.
#[test]
fn distributions_and_schedules_are_those_of_the_runs() {
    let folder = tempfile::tempdir().unwrap();
    experiment(
        "[experiment]\nmeasure = false\nseeds = 2\npolicies = [\"round_robin\", \"hybrid_ml[trees=2,pretrain_tasks=40]\"]\nlearning_tasks = [20]\n\
         learning_trees = [1]\nheld_out_tasks = 20\n[workload]\ntasks = 200\n",
        folder.path(),
    );
    let rows = |name: &str| -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(folder.path().join(name)).unwrap();
        reader.deserialize().map(Result::unwrap).collect()
    };
    let of = |row: &BTreeMap<String, String>, column: &str| row[column].parse::<f64>().unwrap();
    let (results, completion) = (rows("results.csv"), rows("completion.csv"));
    for (share, column) in [
        ("0.5", "completion_p50_ns"),
        ("0.95", "completion_p95_ns"),
        ("0.99", "completion_p99_ns"),
        ("1", "completion_max_ns"),
    ] {
        let runs = results.iter().filter(|row| row["policy"] == "round_robin");
        let mean = runs.map(|row| of(row, column)).sum::<f64>() / 2.0;
        let found = completion
            .iter()
            .find(|row| row["policy"] == "round_robin" && row["share"] == share)
            .unwrap();
        assert!(
            (of(found, "completion_ns") / mean - 1.0).abs() < 2e-3,
            "{share}: {found:?}, {mean}"
        );
    }
    let (mut shares, mut ends) = (BTreeMap::<_, f64>::new(), BTreeMap::<_, f64>::new());
    let mut pieces = rows("schedule.csv");
    pieces.sort_by(|a, b| of(a, "start_ns").total_cmp(&of(b, "start_ns")));
    assert!(pieces.iter().any(|piece| piece["share"] != "1"));
    for piece in &pieces {
        *shares
            .entry((piece["policy"].clone(), piece["task"].clone()))
            .or_default() += of(piece, "share");
        assert!(
            of(piece, "placed_ns") <= of(piece, "start_ns") && of(piece, "start_ns") < of(piece, "finish_ns")
        );
        if piece["policy"] == "round_robin" {
            let end = ends.entry(piece["device"].clone()).or_default();
            assert!(*end <= of(piece, "start_ns"), "{piece:?}");
            *end = of(piece, "finish_ns");
        }
    }
    assert_eq!(shares.len(), 2 * 60);
    assert!(
        shares.values().all(|share| (share - 1.0).abs() < 1e-12),
        "{shares:?}"
    );
}
