// SPDX-License-Identifier: GPL-2.0-only
//! Whatever bytes a file holds: no panic, and time that never runs back.

use super::round_trip::any_events;
use super::*;
use proptest::prelude::*;
use std::io::Cursor;

/// How files begin, so that each reader gets its share.
const BEGINNINGS: &[&[u8]] = &[
    b"",
    b"# tracer: nop\n",
    b"cpus=4\n",
    b" sh 1 [000] 1.000001: sched:sched_wakeup: sh:1 [120] CPU:001\n",
    b"\x8baugur\r\n\x1a\n",
    b"\x0a",
    b"\x0a\x02\x50\x01\x0a",
];

/// Words that lead a reader deep into its grammar.
const WORDS: &[&str] = &[
    " sh-1 [000] d..2. 1.000001: ",
    " sh 1 [000] 1.000001: sched:",
    "sched_switch: ",
    "sched_wakeup: ",
    "sched_process_exec: filename=",
    "prev_comm=",
    " prev_pid=1 prev_prio=",
    " prev_state=",
    " ==> next_comm=",
    ":1 [120] ",
    "S ==> ",
    "CPU:",
    " pid=99999999999 old_pid=",
    "[LOST 3 EVENTS]",
    "\n",
    "18446744073709551616",
];

/// Every line of the texts that are kept as tests.
fn shapes() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let folders = [root.clone(), root.join("cases")];
    let files = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut paths: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|ending| ending == "txt" || ending == "json")
    });
    paths.sort();
    let lines = |path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    paths.iter().flat_map(lines).collect()
}

/// Reads all there is.
fn survive(bytes: Vec<u8>) {
    let Ok(mut reader) = Reader::new(Cursor::new(bytes)) else {
        return;
    };
    let mut last_ns = 0;
    for event in reader.by_ref().map_while(Result::ok) {
        assert!(event.time_ns >= last_ns);
        last_ns = event.time_ns;
    }
    assert!(reader.notes().skipped().len() <= 1002);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn arbitrary_bytes(
        begin in prop::sample::select(BEGINNINGS),
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        survive([begin, &bytes].concat());
    }

    #[test]
    fn arbitrary_words(
        begin in prop::sample::select(BEGINNINGS),
        words in prop::collection::vec(
            prop_oneof![prop::sample::select(WORDS).prop_map(String::from), "[ -~]{0,9}"],
            0..60,
        ),
    ) {
        survive([begin, words.concat().as_bytes()].concat());
    }

    /// Lines of every tool, with signs and pieces in the wrong place.
    #[test]
    fn mutated_lines(
        lines in prop::collection::vec(prop::sample::select(shapes()), 1..30),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4, "[ -~]{1,6}|0x[0-9a-f]{1,18}|[0-9]{1,20}"), 0..12),
    ) {
        let mut text = lines.join("\n").into_bytes();
        for (at, how, piece) in damage {
            text.push(b'\n');
            let at = at.index(text.len());
            match how {
                0 => text[at] = piece.as_bytes()[0],
                1 => drop(text.splice(at..at, piece.bytes())),
                2 => drop(text.drain(at..(at + piece.len()).min(text.len() - 1).max(at))),
                _ => drop(text.splice(at..at, *b"\n")),
            }
        }
        survive(text);
    }

    #[test]
    fn damaged_files(
        events in any_events(),
        format in prop::sample::select(vec![Format::Native, Format::Ftrace, Format::Perfetto]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        torn in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        write(&path, format, &Header::default(), &events);
        let mut bytes = std::fs::read(&path).unwrap();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if torn {
            bytes.truncate(cut.index(bytes.len()));
        }
        survive(bytes);
    }
}
