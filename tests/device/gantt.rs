// SPDX-License-Identifier: GPL-2.0-only
//! Schedules of graphs as pictures: a bar for each task where the schedule has it.

use super::workflow::path;
use crate::common::{json, scx_augur, succeeds};
use serde_json::Value;
use std::path::Path;

/// A bar: what it says of itself, and where it is.
struct Bar {
    title: String,
    place: [i32; 4],
}

/// x, y, width and height of rectangles.
fn place(node: roxmltree::Node) -> [i32; 4] {
    ["x", "y", "width", "height"].map(|name| node.attribute(name).unwrap().parse().unwrap())
}

fn bars(svg: &str) -> Vec<Bar> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let bars = document
        .descendants()
        .filter(|node| node.tag_name().name() == "rect" && node.attribute("class") == Some("task"));
    bars.map(|bar| Bar {
        title: bar.first_element_child().unwrap().text().unwrap().to_owned(),
        place: place(bar),
    })
    .collect()
}

/// Left edges of all rectangles of a colour.
fn seen(svg: &str, hue: &str) -> Vec<i32> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let seen = document
        .descendants()
        .filter(|node| node.tag_name().name() == "rect" && node.attribute("fill") == Some(hue));
    seen.map(|node| place(node)[0]).collect()
}

/// Pixels are a line of the times: the first and the last begin say which.
fn check(placed: &[Value], bars: &[Bar]) {
    let number = |at: usize, key: &str| placed[at][key].as_f64().unwrap();
    let last = (0..placed.len())
        .max_by(|&a, &b| number(a, "start").total_cmp(&number(b, "start")))
        .unwrap();
    let (x0, t0) = (f64::from(bars[0].place[0]), number(0, "start"));
    let scale = (f64::from(bars[last].place[0]) - x0) / (number(last, "start") - t0);
    assert!(scale > 0.0);
    for (at, Bar { title, place }) in bars.iter().enumerate() {
        let [x, y, width, height] = *place;
        let words = ["task", "device"].map(|key| placed[at][key].as_str().unwrap());
        assert!(
            title.starts_with(&format!("{} on {}:", words[0], words[1])),
            "{title}"
        );
        let wanted = x0 + (number(at, "start") - t0) * scale;
        assert!(
            (f64::from(x) - wanted).abs() <= 1.5,
            "{title}: {x} and not {wanted}"
        );
        let wide = (number(at, "finish") - number(at, "start")) * scale;
        assert!(
            (f64::from(width) - wide).abs() <= 3.0,
            "{title}: {width} and not {wide}"
        );
        assert!(height > 10);
        // A device has a row of its own.
        for (other, bar) in placed.iter().zip(bars) {
            assert_eq!(
                other["device"] == placed[at]["device"],
                bar.place[1] == y,
                "{title}"
            );
        }
    }
}

#[test]
fn a_picture_has_a_bar_for_each_task_where_the_schedule_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("schedule.svg");
    let own = ("tests/graphs/topcuoglu-2002.json".to_owned(), 10);
    for (name, tasks) in [own, (path("blast-small.wfcommons-1.4.json.gz"), 43)] {
        let gantt = file.to_str().unwrap();
        let options = ["--policies", "heft,cpop", "--gantt", gantt, "--json"];
        let report = json(&[&["simulate", "graph", &name], &options[..]].concat());
        let svg = std::fs::read_to_string(&file).unwrap();
        let bars = bars(&svg);
        assert_eq!(bars.len(), 2 * tasks);
        // Most bars are so wide that their names, or their ends, are read.
        let words = svg.matches("</text>").count();
        assert!(words * 10 >= 2 * tasks * 9, "{words}");
        let results = report["results"].as_array().unwrap();
        // What is seen is what is told: as many coloured rectangles at these places.
        for ((run, bars), hue) in results.iter().zip(bars.chunks(tasks)).zip(["#0072B2", "#D55E00"]) {
            check(run["schedule"].as_array().unwrap(), bars);
            assert_eq!(
                seen(&svg, hue),
                bars.iter().map(|bar| bar.place[0]).collect::<Vec<i32>>()
            );
        }
    }
}

#[test]
fn a_picture_may_be_a_bitmap_and_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let montage = path("montage-25.dax");
    let draw =
        |file: &Path| ["simulate", "graph", &montage, "--gantt", file.to_str().unwrap()].map(str::to_owned);
    let png = folder.path().join("schedule.PNG");
    succeeds(&draw(&png).each_ref().map(String::as_str));
    let bytes = std::fs::read(&png).unwrap();
    let wide = u32::from_be_bytes(bytes[16..20].try_into().unwrap());
    assert!(
        bytes.starts_with(b"\x89PNG\r\n\x1a\n") && (2400..=6400).contains(&wide),
        "{wide}"
    );
    let nowhere = draw(&folder.path().join("not-there/a.svg"));
    let output = scx_augur(&nowhere.each_ref().map(String::as_str));
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(1), true));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
